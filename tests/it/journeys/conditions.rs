//! A record is sent again only when it is another one, and changed only as it was read.

use mainstay_testkit::http::{Answer, Http};
use serde_json::json;

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";

package pads.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

// Something that everybody writes on.
message Pad {
  option (google.api.resource) = {type: "pads.example.org/Pad" pattern: "pads/{pad}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
  string etag = 3;
}
"#;

const PAD: &str = "/pads/v1/pads/a";

mainstay_testkit::both_engines! {
    async fn a_record_is_read_and_changed_on_conditions(engine: Engine) {
        let system = System::one(engine, Folder::with("pads/v1/pad.proto", CONTRACT)).await;
        keeps_conditions(&system.http()).await;
    }

    async fn a_record_is_read_and_changed_on_conditions_through_three_processes(engine: Engine) {
        let system = System::three(engine, Folder::with("pads/v1/pad.proto", CONTRACT)).await;
        keeps_conditions(&system.http()).await;
    }
}

fn etag(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["etag"].to_str().expect("an etag is text").to_owned()
}

async fn keeps_conditions(http: &Http) {
    let if_match = |etag: &str| http.with_header("if-match", etag);
    let if_none_match = |etag: &str| http.with_header("if-none-match", etag);
    let first = etag(&http.post("/pads/v1/pads?padId=a", json!({"text": "one"})).await);
    assert_eq!(etag(&http.get(PAD).await), first);
    let held = if_none_match(&first).get(PAD).await;
    assert_eq!((held.status, held.body.len(), &held.headers["etag"]), (304, 0, &first.parse().expect("a value")));
    let second = etag(&if_match(&first).patch(PAD, json!({"text": "word ".repeat(1_000)})).await);
    assert_ne!(first, second);
    for stale in [if_match(&first).patch(PAD, json!({"text": "three"})).await, if_match(&first).delete(PAD).await] {
        assert_eq!(stale.refusal(412, "ABORTED")["details"][0]["reason"], "ETAG_MISMATCH");
    }
    let changed = if_none_match(&first).get(PAD).await;
    assert_eq!(etag(&changed), second);
    assert!(changed.ok()["text"].as_str().is_some_and(|text| text.starts_with("word")));
    // The tag of an answer that was compressed is as good as the other.
    let packed = etag(&http.with_header("accept-encoding", "gzip").get(PAD).await);
    assert_eq!(packed, format!("W/{second}"));
    assert_eq!(if_none_match(&packed).get(PAD).await.status, 304);
    // What must have an etag is not made.
    let missing = if_match("*").patch("/pads/v1/pads/none?allowMissing=true", json!({"text": "new"})).await;
    missing.refusal(404, "NOT_FOUND");
    let other = if_match(&first).patch("/pads/v1/pads/none?allowMissing=true", json!({"text": "new"})).await;
    assert_eq!(other.refusal(412, "ABORTED")["details"][0]["reason"], "ETAG_MISMATCH");
    if_match(&first).patch("/pads/v1/pads/none", json!({"text": "new"})).await.refusal(404, "NOT_FOUND");
    let gone = if_match(&first).delete("/pads/v1/pads/none?allowMissing=true").await;
    assert_eq!(gone.refusal(412, "ABORTED")["details"][0]["reason"], "ETAG_MISMATCH");
    let made = http.patch("/pads/v1/pads/none?allowMissing=true", json!({"text": "new"})).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(if_match(&packed).delete(PAD).await.status, 200);
    assert_eq!(if_none_match(&second).get(PAD).await.status, 404, "what is gone is not unchanged");
}
