//! A25: whoever acts as somebody else reads their rows, and writes them only where that was asked for and allowed, however they call.

use http::Method;
use http::header::SET_COOKIE;
use mainstay_testkit::both_engines;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::Grpcurl;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, System};

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
  State state = 4 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Close" from: "OPEN" to: "CLOSED" access: "resource.owner == auth.uid"}
  }];

  // Whether there is more to it.
  enum State {
    // Not set.
    STATE_UNSPECIFIED = 0;
    // There is.
    OPEN = 1;
    // There is not.
    CLOSED = 2;
  }
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
        reading.post("/diary/v1/notes/one:close", json!({})).await,
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
    // What is written down of it names whoever did it.
    writing.post("/diary/v1/notes/one:close", json!({})).await.ok();
    let past = bob.get("/diary/v1/notes/one:listTransitions").await.ok();
    let helper = support.get("/auth/v1/accounts/me").await.ok();
    assert_eq!(past["transitions"][0]["actor"], helper["uid"], "{past}");

    // What ends the session of who acts ends it in every process.
    support.post("/auth/v1/sessions:signOut", json!({})).await.ok();
    let ended = until("nobody acts as Bob any more", || async {
        let answer = writing.get("/diary/v1/notes/one").await;
        (answer.status == 401).then_some(answer)
    });
    assert!(ended.await.refusal(401, "UNAUTHENTICATED").to_string().contains("SESSION_ENDED"));
    bob.get("/diary/v1/notes/one").await.ok();
}

/// The cookies that an answer sets, by their names, after those that the browser had.
fn kept(before: &[(String, String)], answer: &Answer) -> Vec<(String, String)> {
    let mut kept = before.to_vec();
    for line in answer.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("a cookie is a text")) {
        let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie is a pair");
        kept.retain(|(of, _)| of != name);
        kept.push((name.to_owned(), value.to_owned()));
    }
    kept
}

/// What a page of the server itself sends.
fn browser(system: &System, cookies: &[(String, String)]) -> Http {
    let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    system.http().with_header("sec-fetch-site", "same-origin").with_header("cookie", &cookies.join("; "))
}

async fn in_a_browser(system: &System) {
    let asked = system.http().with_header("sec-fetch-site", "same-origin").with_header("session-mode", "cookie");
    let credentials = json!({"email": "support@example.org", "password": PASSWORD});
    let own = kept(&[], &asked.post("/auth/v1/sessions:signIn", credentials).await);
    let bob = system.sign_in("bob@example.org").await;
    let uid = text(&bob.get("/auth/v1/accounts/me").await.ok()["uid"]).to_owned();
    let calm = browser(system, &own).get("/auth/account").await.text();
    assert!(!calm.contains("class=\"acting\""), "{calm}");

    let wanted = json!({"reason": "ticket 4711"});
    let begun = browser(system, &own).post(&format!("/auth/v1/accounts/{uid}:impersonate"), wanted).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    assert!(!begun.text().contains("accessToken") && !begun.text().contains("eyJ"), "{}", begun.text());
    let acting = kept(&own, &begun);
    assert_eq!(browser(system, &acting).get("/diary/v1/notes/one").await.status, 200);
    // Who looks at a page knows as whom, and the owner sees who is there.
    let page = browser(system, &acting).get("/auth/account").await.text();
    assert!(page.contains("class=\"acting\"") && page.contains("bob@example.org"), "{page}");
    let form = browser(system, &acting).with_header("content-type", "application/x-www-form-urlencoded");
    let renamed = form.send_bytes(Method::POST, "/auth/account/profile", Some("display_name=Eve".into())).await;
    assert_eq!(renamed.expect("it answers").status, 403);
    let sessions = bob.get("/auth/v1/accounts/me/sessions").await.ok();
    // Those of the journey are over, and are not shown any more.
    let actors = sessions["sessions"].as_array().expect("a list").iter().filter(|one| one.get("actor").is_some());
    assert_eq!(actors.count(), 1, "{sessions}");

    // Back to their own, and out of both.
    let back = browser(system, &acting).post("/auth/v1/sessions:refresh", json!({})).await;
    let own = kept(&acting, &back);
    assert_eq!(browser(system, &own).get("/auth/v1/accounts/me").await.ok()["email"], "support@example.org");
    let out = browser(system, &own).post("/auth/v1/sessions:signOut", json!({})).await;
    assert_eq!(out.status, 200);
    until("nobody acts as Bob any more", || async {
        (browser(system, &acting).get("/diary/v1/notes/one").await.status == 401).then_some(())
    })
    .await;
}

/// Who comes to the data service without the gateway is refused by itself.
async fn at_the_data_service_itself(system: &mut System) {
    let bob = system.sign_in("bob@example.org").await;
    let uid = text(&bob.get("/auth/v1/accounts/me").await.ok()["uid"]).to_owned();
    let support = system.sign_in("support@example.org").await;
    let reading = act_as(system, &support, &uid, false).await;
    let data = Grpcurl::new(&system.data().address());
    let by = |caller: &Http, method: &str, request: Value| {
        data.with_token(caller.token()).call(&format!("diary.v1.NoteService/{method}"), &request)
    };
    let note = json!({"name": "notes/one"});
    assert_eq!(by(&reading, "GetNote", note.clone()).expect("it is read")["text"], "the cart is full");
    for (method, request) in [
        ("DeleteNote", note.clone()),
        ("CreateNote", json!({"noteId": "two", "note": {"text": "x"}})),
        ("UpdateNote", json!({"note": {"name": "notes/one", "text": "x"}})),
        ("BatchDeleteNotes", json!({"names": ["notes/one"]})),
    ] {
        let refused = by(&reading, method, request).expect_err(method);
        assert_eq!(refused.code, "PermissionDenied", "{method}");
    }
    by(&bob, "DeleteNote", note).expect("the owner may");
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
        in_a_browser(&system).await;
    }

    async fn support_reads_and_writes_only_where_allowed_in_three_processes(engine: Engine) {
        let mut system = System::three_with(engine, folder(), allowing).await;
        the_journey(&system).await;
        in_a_browser(&system).await;
        at_the_data_service_itself(&mut system).await;
    }
}
