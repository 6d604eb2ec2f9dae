//! A row is deleted and brought back over REST, and the contract begins to keep deleted rows while it is served.

use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{Folder, System};

const PATH: &str = "lib/v1/note.proto";

const CONTRACT: &str = r#"syntax = "proto3";

package lib.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";

message Note {
  option (google.api.resource) = {type: "lib.example.org/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"} index {fields: "text" unique: true}};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
}
"#;

/// The same with deleted rows kept.
fn kept() -> String {
    CONTRACT.replace("access {read", "soft_delete: true purge_after: \"720h\" access {read").replace(
        "string text = 2;",
        "string text = 2;\n  google.protobuf.Timestamp delete_time = 3;\n  google.protobuf.Timestamp expire_time = 4;",
    )
}

mainstay_testkit::both_engines! {
    async fn a_contract_begins_to_keep_what_is_deleted(engine: Engine) {
        let folder = Folder::with(PATH, CONTRACT);
        let system = System::one(engine, folder).await;
        let http = system.http();
        let notes = "/lib/v1/notes";
        let (first, second) = (format!("{notes}/first"), format!("{notes}/second"));
        for id in ["first", "second"] {
            let made = http.post(&format!("{notes}?noteId={id}"), json!({"text": id})).await;
            assert_eq!(made.status, 200, "{}", made.text());
        }
        assert_eq!(http.post(&format!("{first}:undelete"), json!({})).await.status, 405, "there is no such method yet");
        let gone = http.delete(&second).await;
        assert_eq!((gone.status, gone.json()), (200, json!({})));

        system.folder.write(PATH, &kept());
        let undelete = format!("{first}:undelete");
        let served = async || (http.post(&undelete, json!({})).await.status != 405).then_some(());
        until("the contract is served", served).await;
        http.post(&undelete, json!({})).await.refusal(409, "ALREADY_EXISTS");
        let deleted = http.delete(&first).await.json();
        assert!(deleted["deleteTime"].is_string() && deleted["expireTime"].is_string(), "{deleted}");
        assert_eq!(http.get(&first).await.json(), deleted);
        let listed = |answer: Value| answer["notes"].as_array().map_or(0, Vec::len);
        assert_eq!(listed(http.get(notes).await.json()), 0);
        assert_eq!(listed(http.get(&format!("{notes}?showDeleted=true")).await.json()), 1);
        let refused = http.patch(&first, json!({"text": "other"})).await.refusal(400, "FAILED_PRECONDITION");
        assert!(refused.to_string().contains("RESOURCE_DELETED"), "{refused}");
        let again = http.post(notes, json!({"text": "first"})).await;
        assert_eq!(again.status, 200, "the text is free: {}", again.text());
        http.post(&undelete, json!({})).await.refusal(409, "ALREADY_EXISTS");
        let other = again.json()["name"].as_str().map(|name| format!("/lib/v1/{name}")).unwrap_or_default();
        http.delete(&other).await;
        let back = http.post(&undelete, json!({})).await;
        assert_eq!((back.status, back.json()), (200, json!({"name": "notes/first", "text": "first"})), "{}", back.text());
        assert_eq!(http.post(&undelete, json!({"nothing": 1})).await.status, 400);
    }
}
