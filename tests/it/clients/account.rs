//! Somebody in Chromium, on the gateway's pages: from sign-up to the end of the account.

use std::process::{Command, Stdio};

use mainstay_testkit::Engine;
use mainstay_testkit::tools::{Chromium, Node};
use serde_json::{Value, json};

use super::workshop::sources;
use crate::support::{PASSWORD, System, notes};

/// Runs a journey at an address, and tells it what else it has to know. `SCREENSHOTS` names a folder for pictures of every page.
pub fn seen(journey: &str, url: &str, knows: &[(&str, &str)]) -> Vec<Value> {
    let node = Node::with_packages_of(&sources());
    let mut command: Command = node.command();
    Chromium::of(&node).told(command.arg(sources().join(journey)));
    command.envs(knows.iter().copied());
    let output = command.env("MAINSTAY_URL", url).stdin(Stdio::null()).output().expect("Node runs");
    let (printed, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{error}");
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|problem| panic!("{problem}: {line}")))
        .collect()
}

async fn an_account_is_kept_on_pages(system: System) {
    let cookie = |name: &str| json!([name, true, true, "Lax"]);
    let expected = json!([
        "Sign in",
        "Make an account",
        "Your account",
        "Mailbox",
        "Confirm your e-mail address",
        "",
        "Your address is confirmed",
        "Your account",
        "Ada <b>Lovelace</b>",
        "Second factors",
        "Add an app that makes codes",
        "Add an app that makes codes",
        "Your recovery codes",
        0,
        "Sign in",
        "One more step",
        "Your account",
        [cookie("__Host-mainstay-access"), cookie("__Host-mainstay-refresh")],
        "",
        "Choose a new password",
        "Look into your mail",
        "Mailbox",
        "Choose a new password",
        "Your password is changed",
        "Sign in",
        "Your account",
        "Your account",
        "Delete the account",
        "Your account is deleted",
    ]);
    assert_eq!(json!(seen("account.js", &system.gateway.url(), &[])), expected);
}

#[tokio::test]
async fn an_account_is_kept_on_the_pages_of_one_process_on_sqlite() {
    an_account_is_kept_on_pages(System::one(Engine::Sqlite, notes::folder()).await).await;
}

#[tokio::test]
async fn an_account_is_kept_on_the_pages_of_three_processes_on_postgres() {
    an_account_is_kept_on_pages(System::three(Engine::Postgres, notes::folder()).await).await;
}

fn named(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

/// A system that is reached by a name.
async fn a_named_system() -> System {
    let launched = System::one_with(Engine::Sqlite, notes::folder(), |launch| {
        let url = named(&launch.url());
        launch.environment("MAINSTAY__PUBLIC_URL", url)
    });
    launched.await
}

/// The application is at 127.0.0.1, and Mainstay at a name: to the browser they are two sites.
#[tokio::test]
async fn another_application_signs_somebody_in_on_the_pages_of_one_process_on_sqlite() {
    let system = a_named_system().await;
    let email = "ada@example.org";
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    system.sign_up(email).await;
    let knows = [("ADMIN_TOKEN", admin.token()), ("EMAIL", email), ("PASSWORD", PASSWORD)];
    let expected = json!([
        email,
        "Sign in",
        "Shop <b> asks for access",
        "Hello ada@example.org",
        "Hello ada@example.org",
        "Is it you?",
        "Connect a device",
        "Shop <b> asks for access",
        true,
        "The device is connected",
        "Applications",
        "Applications",
        "access_denied",
        "Sign out",
        "Sign out",
        "Bye",
        "login_required",
        "That did not work",
    ]);
    assert_eq!(json!(seen("oauth.js", &named(&system.gateway.url()), &knows)), expected);
}

/// Passkeys are bound to a name, which 127.0.0.1 is none of.
#[tokio::test]
async fn a_passkey_signs_in_on_the_pages_of_one_process_on_sqlite() {
    let system = a_named_system().await;
    let expected = json!([
        "Mailbox",
        "Your recovery codes",
        "Second factors",
        "Laptop",
        [1, "localhost", true],
        "Sign in",
        "Your account",
        "One more step",
        "Your account",
        "Is it you?",
        "Second factors",
        "Sign in",
        true,
    ]);
    assert_eq!(json!(seen("passkeys.js", &named(&system.gateway.url()), &[])), expected);
}
