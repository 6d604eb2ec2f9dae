//! Applications that sign people in by Mainstay: npm's `openid-client`, and PyPI's `authlib` with `joserfc`.

use std::process::{Command, Stdio};

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};
use mainstay_testkit::tools::{Node, python_from};
use serde_json::{Value, json};

use super::workshop::sources;
use crate::support::{PASSWORD, System, notes};

const EMAIL: &str = "ada@example.org";

/// A launch that knows where it is reached: other applications trust nothing else.
fn reached(launch: Launch) -> Launch {
    let port = free_port();
    launch.port(port).environment("MAINSTAY__PUBLIC_URL", format!("http://127.0.0.1:{port}"))
}

async fn told(system: &System, mut command: Command) -> Vec<Value> {
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    system.sign_up(EMAIL).await;
    let service = admin.post("/auth/v1/serviceAccounts", json!({"displayName": "Robot"})).await.ok();
    let name = service["name"].as_str().expect("a name").to_owned();
    let key = admin.post(&format!("/auth/v1/{name}/keys"), json!({})).await.ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    command
        .env("MAINSTAY_URL", system.gateway.url())
        .env("ADMIN_TOKEN", admin.token())
        .env("EMAIL", EMAIL)
        .env("PASSWORD", PASSWORD)
        .env("SERVICE", text(&service["uid"]))
        .env("SERVICE_KEY", text(&key["secret"]))
        .stdin(Stdio::null());
    let output = command.output().expect("the program runs");
    let (printed, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{error}");
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|problem| panic!("{problem}: {line}")))
        .collect()
}

async fn openid_client_signs_in(system: &System) {
    let folder = sources().join("oidc");
    let mut command = Node::with_packages_of(&folder).command();
    command.arg(folder.join("application.js"));
    let asked = json!({"asked": true, "framed": "DENY", "referrer": "same-origin"});
    let expected = json!([
        {"issuer": true, "pkce": true},
        {"signedIn": 200, "onward": true},
        asked,
        {"mixedUp": true},
        {"state": true},
        {"type": "bearer", "scope": "openid email offline_access", "nonce": true, "acr": "aal1"},
        {"email": EMAIL, "verified": false},
        {"again": "invalid_grant"},
        {"ended": true},
        {"renewed": true, "active": true},
        {"revoked": false},
        asked,
        {"signed": true},
        {"typed": 200, "filled": true},
        {"device": 200, "sub": true},
        {"listed": 200, "applications": 3},
        {"ask": 200, "bye": "https://shop.example.net/bye?state=s", "signedIn": false},
    ]);
    assert_eq!(json!(told(system, command).await), expected);
}

async fn authlib_signs_in(system: &System) {
    let folder = sources().join("oidc");
    let mut command = Command::new(python_from(&folder.join("requirements.txt")));
    command.arg(folder.join("application.py"));
    let expected = json!([
        {"iss": true, "state": true},
        {"type": "Bearer", "scope": "openid profile email offline_access"},
        {"id_token": "JWT", "access_token": "at+jwt", "client": true},
        {"same": true, "email": EMAIL},
        {"renewed": true},
        {"active": true, "after": {"active": false}},
        {"machine": "Bearer", "let_in": true},
    ]);
    assert_eq!(json!(told(system, command).await), expected);
}

#[tokio::test]
async fn openid_client_signs_in_with_one_process_on_sqlite() {
    openid_client_signs_in(&System::one_with(Engine::Sqlite, notes::folder(), reached).await).await;
}

#[tokio::test]
async fn openid_client_signs_in_with_one_process_on_postgres() {
    openid_client_signs_in(&System::one_with(Engine::Postgres, notes::folder(), reached).await).await;
}

#[tokio::test]
async fn authlib_signs_in_with_one_process_on_sqlite() {
    authlib_signs_in(&System::one_with(Engine::Sqlite, notes::folder(), reached).await).await;
}

#[tokio::test]
async fn authlib_signs_in_with_one_process_on_postgres() {
    authlib_signs_in(&System::one_with(Engine::Postgres, notes::folder(), reached).await).await;
}
