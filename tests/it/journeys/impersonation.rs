//! A25: whoever acts as somebody else reads their rows, and writes them only where that was asked for and allowed, however they call.

use mainstay_testkit::both_engines;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::Launch;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";

package diary.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

// What somebody wants to remember, and nobody else may see.
message Note {
  option (google.api.resource) = {type: "diary.example.org/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid"
      create: "resource.owner == auth.uid"
      update: "old.owner == auth.uid"
      delete: "resource.owner == auth.uid"
    }
  };

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(google.api.field_behavior) = IMMUTABLE, (mainstay.v1.field) = {default: "auth.uid"}];
  string text = 3;
}
"#;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// Acts as somebody.
async fn act_as(system: &System, support: &Http, uid: &str, write: bool) -> Http {
    let wanted = json!({"reason": "ticket 4711", "write": write});
    let begun = support.post(&format!("/auth/v1/accounts/{uid}:impersonate"), wanted).await.ok();
    system.http().with_token(text(&begun["accessToken"]))
}

async fn the_journey(system: &System) {
    let bob = system.user("bob@example.org").await;
    let own = bob.get("/auth/v1/accounts/me").await.ok();
    let uid = text(&own["uid"]).to_owned();
    bob.post("/diary/v1/notes?noteId=one", json!({"text": "the cart is empty"})).await.ok();
    let support = system.user_with_role("support@example.org", "mainstay.impersonator").await;
    support.get("/diary/v1/notes/one").await.refusal(404, "NOT_FOUND");

    let reading = act_as(system, &support, &uid, false).await;
    assert_eq!(reading.get("/diary/v1/notes/one").await.ok()["text"], json!("the cart is empty"));
    assert_eq!(reading.get("/diary/v1/notes").await.ok()["notes"].as_array().map(Vec::len), Some(1));
    for refused in [
        reading.post("/diary/v1/notes?noteId=two", json!({"text": "x"})).await,
        reading.patch("/diary/v1/notes/one", json!({"text": "x"})).await,
        reading.delete("/diary/v1/notes/one").await,
        reading.post("/diary/v1/notes:batchDelete", json!({"names": ["notes/one"]})).await,
        reading.patch("/auth/v1/accounts/me", json!({"displayName": "Eve"})).await,
        reading.post("/auth/v1/accounts/me:delete", json!({})).await,
    ] {
        let refusal = refused.refusal(403, "PERMISSION_DENIED");
        assert!(refusal.to_string().contains("acts as somebody else"), "{refusal}");
    }

    let writing = act_as(system, &support, &uid, true).await;
    writing.patch("/diary/v1/notes/one", json!({"text": "the cart is full"})).await.ok();
    assert_eq!(bob.get("/diary/v1/notes/one").await.ok()["text"], json!("the cart is full"));
    writing.patch("/auth/v1/accounts/me", json!({"displayName": "Eve"})).await.refusal(403, "PERMISSION_DENIED");

    // What ends the session of who acts ends it in every process.
    support.post("/auth/v1/sessions:signOut", json!({})).await.ok();
    let ended = until("nobody acts as Bob any more", || async {
        let answer = writing.get("/diary/v1/notes/one").await;
        (answer.status == 401).then_some(answer)
    });
    assert!(ended.await.refusal(401, "UNAUTHENTICATED").to_string().contains("SESSION_ENDED"));
    bob.get("/diary/v1/notes/one").await.ok();
}

/// Lets those who act as others write.
fn allowing(launch: Launch) -> Launch {
    launch.environment("MAINSTAY__AUTH__IMPERSONATION__ALLOW_WRITE", "true")
}

fn folder() -> Folder {
    Folder::with("diary/v1/note.proto", CONTRACT)
}

both_engines! {
    async fn support_reads_and_writes_only_where_allowed_in_one_process(engine: Engine) {
        let system = System::one_with(engine, folder(), allowing).await;
        the_journey(&system).await;
    }

    async fn support_reads_and_writes_only_where_allowed_in_three_processes(engine: Engine) {
        let system = System::three_with(engine, folder(), allowing).await;
        the_journey(&system).await;
    }
}
