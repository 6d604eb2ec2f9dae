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
