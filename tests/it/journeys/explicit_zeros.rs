//! A zero that a client sends is a value: no default takes its place, over REST and over gRPC.

use serde_json::{Value, json};

use crate::support::{Folder, System};

const FILE: &str = "post/v1/post.proto";

const CONTRACT: &str = r#"syntax = "proto3";
package post.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/wrappers.proto";
import "mainstay/v1/options.proto";

message Post {
  option (google.api.resource) = {type: "post.example.org/Post" pattern: "posts/{post}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional bool public = 2 [(mainstay.v1.field).default = "true"];
  optional int32 stars = 3 [(mainstay.v1.field).default = "3"];
  optional string title = 4 [(mainstay.v1.field).default = "'new'"];
  optional Tone tone = 5 [(mainstay.v1.field).default = "Tone.LOUD"];
  google.protobuf.BoolValue pinned = 6 [(mainstay.v1.field).default = "true"];
  enum Tone { QUIET = 0; LOUD = 1; }
}
"#;

fn zeros() -> Value {
    json!({"public": false, "stars": 0, "title": "", "tone": "QUIET", "pinned": false})
}

fn of(post: &Value) -> Value {
    let mut post = post.clone();
    post.as_object_mut().expect("a post is an object").remove("name");
    post
}

mainstay_testkit::both_engines! {
    async fn an_explicit_zero_is_stored_over_rest_and_grpc(engine: Engine) {
        let system = System::one(engine, Folder::with(FILE, CONTRACT)).await;
        let ada = system.user("ada@example.org").await;
        let grpc = system.grpc().with_token(ada.token());
        ada.post("/post/v1/posts?postId=rest", zeros()).await.ok();
        let create = json!({"post_id": "grpc", "post": zeros()});
        grpc.call("post.v1.PostService/CreatePost", &create).expect("it is created");
        ada.post("/post/v1/posts?postId=empty", json!({})).await.ok();
        let read = async |id: &str| of(&ada.get(&format!("/post/v1/posts/{id}")).await.ok());
        assert_eq!(read("rest").await, zeros());
        assert_eq!(read("grpc").await, zeros());
        let defaults = json!({"public": true, "stars": 3, "title": "new", "tone": "LOUD", "pinned": true});
        assert_eq!(read("empty").await, defaults);
        ada.patch("/post/v1/posts/empty", zeros()).await.ok();
        assert_eq!(read("empty").await, zeros());
    }
}

const PROTO2: &str = r#"syntax = "proto2";
package post.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Post {
  option (google.api.resource) = {type: "post.example.org/Post" pattern: "posts/{post}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  optional string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional bool public = 2 [(mainstay.v1.field).default = "true"];
  optional int32 stars = 3;
  optional string title = 4;
  optional Tone tone = 5;
  repeated Tone tones = 6;
  repeated int32 sizes = 7;
  optional Place place = 8;
  message Place { optional string city = 1; optional Tone tone = 2; }
  enum Tone { QUIET = 0; LOUD = 1; }
}
"#;

mainstay_testkit::both_engines! {
    async fn a_proto2_resource_tells_zero_from_nothing_over_rest_and_grpc(engine: Engine) {
        let system = System::one(engine, Folder::with(FILE, PROTO2)).await;
        let ada = system.user("ada@example.org").await;
        let full = json!({
            "public": false, "stars": 0, "title": "", "tone": "QUIET", "tones": ["LOUD", "QUIET"], "sizes": [0, 1],
            "place": {"city": "", "tone": "LOUD"},
        });
        ada.post("/post/v1/posts?postId=rest", full.clone()).await.ok();
        let grpc = system.grpc().with_token(ada.token());
        grpc.call("post.v1.PostService/CreatePost", &json!({"post_id": "grpc", "post": full})).expect("it is created");
        for id in ["rest", "grpc"] {
            assert_eq!(of(&ada.get(&format!("/post/v1/posts/{id}")).await.ok()), full, "{id}");
        }
        ada.post("/post/v1/posts?postId=empty", json!({})).await.ok();
        assert_eq!(of(&ada.get("/post/v1/posts/empty").await.ok()), json!({"public": true}));
        ada.patch("/post/v1/posts/rest", json!({"stars": null, "place": {"city": null}})).await.ok();
        let after = of(&ada.get("/post/v1/posts/rest").await.ok());
        assert!(after.get("stars").is_none() && after["place"].get("city").is_none(), "{after}");
        assert_eq!(after["place"]["tone"], "LOUD");
    }
}
