//! The README's way to back up a running server, as it is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use mainstay_testkit::server::Launch;
use mainstay_testkit::tools::must_have;
use serde_json::json;

use crate::support::{Folder, PASSWORD, repository};

const BEGIN: &str = "<!-- backup";

/// What the README's commands need of `sqlite3`, for a machine that has only Python's.
const STAND_IN: &str = "#!/bin/sh\nexec python3 -c 'import sqlite3, sys; \
                        [print(*row) for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]' \"$@\"\n";

/// The README's commands for it.
fn commands() -> String {
    let readme = fs::read_to_string(repository().join("README.md")).expect("the README is there");
    let (_, rest) = readme.split_once(BEGIN).expect("the README backs up");
    let (_, block) = rest.split_once("```sh\n").expect("the backup is a block of shell");
    let (block, _) = block.split_once("```").expect("the block ends");
    block.to_owned()
}

/// Runs the commands where `make run` was started.
fn back_up(folder: &Path) {
    let stand_in = folder.join("bin");
    fs::create_dir_all(&stand_in).expect("a folder can be made");
    let program = stand_in.join("sqlite3");
    fs::write(&program, STAND_IN).expect("a file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file can be made a program");
    let path = format!("{}:{}", std::env::var("PATH").unwrap_or_default(), stand_in.display());
    let mut shell = Command::new(must_have("bash"));
    let output = shell.args(["-e", "-u", "-c", &commands()]).env("PATH", path).current_dir(folder).output();
    let output = output.expect("the shell runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_running_server_is_backed_up_whole_with_its_accounts_and_keys() {
    let folder = Folder::shop();
    let data_dir = folder.path().join("var/mainstay").to_string_lossy().into_owned();
    let launch = Launch::new(folder.path()).contracts(&folder.contracts());
    let server = launch.clone().environment("MAINSTAY__DATA_DIR", data_dir).start().await;
    let session = json!({"email": "ada@example.org", "password": PASSWORD});
    server.http().post("/auth/v1/accounts:signUp", session.clone()).await.ok();
    let signed_in = server.http().post("/auth/v1/sessions:signIn", session).await.ok();
    let token = signed_in["accessToken"].as_str().expect("a session has an access token").to_owned();
    let order = server.http().with_token(&token).post("/shop/v1/orders?orderId=first", json!({})).await.ok();

    back_up(folder.path());
    let late = server.http().with_token(&token).post("/shop/v1/orders?orderId=late", json!({})).await;
    late.ok();
    drop(server);

    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    let restored = launch.environment("MAINSTAY__DATA_DIR", backup).start().await;
    let http = restored.http().with_token(&token);
    assert_eq!(http.get("/shop/v1/orders/first").await.ok(), order, "the token's key was backed up with the order");
    http.get("/shop/v1/orders/late").await.refusal(404, "NOT_FOUND");
    let session = json!({"email": "ada@example.org", "password": PASSWORD});
    restored.http().post("/auth/v1/sessions:signIn", session).await.ok();
}
