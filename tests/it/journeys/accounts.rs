//! Who begins without an address and keeps what they made, and what rules read of claims and kinds of callers.

use mainstay_testkit::http::Http;
use mainstay_testkit::server::Launch;
use serde_json::{Value, json};

use crate::support::{Folder, PASSWORD, System};

const CONTRACT: &str = r#"syntax = "proto3";

package drafts.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Draft {
  option (google.api.resource) = {type: "drafts.example.com/Draft" pattern: "drafts/{draft}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid || auth.claims.tier == 'gold' || resource.tier == auth.claims.tier"
      create: "resource.owner == auth.uid && (auth.kind == 'user' || !resource.shared)"
      update: "old.owner == auth.uid"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}, (google.api.field_behavior) = IMMUTABLE];
  string title = 3;
  bool shared = 4;
  string tier = 5;
}
"#;

fn open(launch: Launch) -> Launch {
    launch.environment("MAINSTAY__AUTH__ANONYMOUS_SIGN_IN", "open")
}

fn folder() -> Folder {
    Folder::with("drafts/v1/draft.proto", CONTRACT)
}

/// A client with the access token of credentials.
fn client(system: &System, credentials: &Value) -> Http {
    system.http().with_token(credentials["accessToken"].as_str().expect("a token"))
}

async fn refreshed(system: &System, credentials: &Value) -> Value {
    let wanted = json!({"refreshToken": credentials["refreshToken"]});
    system.http().post("/auth/v1/sessions:refresh", wanted).await.ok()
}

async fn a_guest_keeps_what_was_made(system: &System) {
    let guest = system.http().post("/auth/v1/sessions:signInAnonymously", json!({})).await.ok();
    assert_eq!(guest["account"]["anonymous"], json!(true));
    let own = client(system, &guest);
    own.post("/drafts/v1/drafts?draftId=mine", json!({"title": "One"})).await.ok();
    own.post("/drafts/v1/drafts?draftId=other", json!({"shared": true})).await.refusal(403, "PERMISSION_DENIED");
    let stranger = system.http().post("/auth/v1/sessions:signInAnonymously", json!({})).await.ok();
    client(system, &stranger).get("/drafts/v1/drafts/mine").await.refusal(404, "NOT_FOUND");

    let wanted = json!({"email": "ada@example.org", "password": PASSWORD});
    let account = own.post("/auth/v1/accounts/me:upgrade", wanted).await.ok();
    assert_eq!(account["uid"], guest["account"]["uid"]);
    own.get("/drafts/v1/drafts/mine").await.refusal(401, "UNAUTHENTICATED");
    for own in [client(system, &refreshed(system, &guest).await), system.sign_in("ada@example.org").await] {
        assert_eq!(own.get("/drafts/v1/drafts/mine").await.ok()["title"], json!("One"));
    }
    let own = system.sign_in("ada@example.org").await;
    own.post("/drafts/v1/drafts?draftId=other", json!({"shared": true, "tier": "silver"})).await.ok();
}

async fn claims_decide(system: &System) {
    system.sign_up("bob@example.org").await;
    let signed_in = json!({"email": "bob@example.org", "password": PASSWORD});
    let bob = system.http().post("/auth/v1/sessions:signIn", signed_in).await.ok();
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    let name = bob["account"]["name"].as_str().expect("a name").to_owned();
    let path = format!("/auth/v1/{name}");
    let sees = async |bob: &Value| {
        let page = client(system, bob).get("/drafts/v1/drafts").await.ok();
        page["drafts"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(sees(&bob).await, 0);
    client(system, &bob).patch(&path, json!({"claims": {"tier": "gold"}})).await.refusal(403, "PERMISSION_DENIED");
    let mut bob = bob;
    for (claims, seen) in
        [(json!({"tier": "silver"}), 1), (json!({"tier": "gold"}), 2), (json!({"tier": 7}), 0), (json!({}), 0)]
    {
        let changed = admin.patch(&path, json!({"claims": claims})).await.ok();
        assert_eq!(changed.get("claims").cloned().unwrap_or_else(|| json!({})), claims);
        client(system, &bob).get("/drafts/v1/drafts").await.refusal(401, "UNAUTHENTICATED");
        bob = refreshed(system, &bob).await;
        assert_eq!(sees(&bob).await, seen, "{claims}");
    }
    // What a body names is changed, and nothing else.
    let own = client(system, &bob);
    let changed = own.patch("/auth/v1/accounts/me", json!({"displayName": "Bob", "userName": "Bobby"})).await.ok();
    assert_eq!((&changed["displayName"], &changed["userName"]), (&json!("Bob"), &json!("bobby")));
    let changed = own.patch("/auth/v1/accounts/me", json!({"displayName": ""})).await.ok();
    assert_eq!((changed.get("displayName"), &changed["userName"]), (None, &json!("bobby")));
    let by_name = json!({"email": "Bobby", "password": PASSWORD});
    system.http().post("/auth/v1/sessions:signIn", by_name).await.ok();

    // It is found, and goes for good.
    let found = admin.get("/auth/v1/accounts?filter=email%20%3D%20%22bob*%22").await.ok();
    assert_eq!(found["accounts"][0]["name"], json!(name));
    own.post("/auth/v1/accounts/me:delete", json!({"password": PASSWORD})).await.ok();
    own.get("/drafts/v1/drafts").await.refusal(401, "UNAUTHENTICATED");
    admin.get(&path).await.refusal(404, "NOT_FOUND");
}

mainstay_testkit::both_engines! {
    async fn a_guest_becomes_somebody_and_claims_decide_in_one_process(engine: Engine) {
        let system = System::one_with(engine, folder(), open).await;
        a_guest_keeps_what_was_made(&system).await;
        claims_decide(&system).await;
    }
}
