//! The application of `services/auth/HOOKS.md`, in Python: it decides who signs up, says what tokens say, and sends mails.

use std::process::Command;

use mainstay_proto::auth::hook::v1 as hook;
use mainstay_proto::auth::hook::v1::hook_service_client::HookServiceClient;
use mainstay_testkit::both_engines;
use mainstay_testkit::server::{Launch, free_port};
use mainstay_testkit::tools::python_from;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use super::workshop::{Follower, sources};
use crate::support::{System, notes, repository};

const HOOKS: [&str; 4] = ["BEFORE_SIGN_UP", "AFTER_SIGN_UP", "MINT_TOKEN", "SEND_MAIL"];

/// The program that the page shows.
fn program() -> String {
    let page = std::fs::read_to_string(repository().join("services/auth/HOOKS.md")).expect("the page is there");
    let (_, program) = page.split_once("```python\n").expect("the page shows a program");
    program.split_once("```").expect("the program ends").0.to_owned()
}

/// Makes the stubs as the page says, and starts the program. Gives it with the Python that runs it.
async fn start(system: &System, folder: &std::path::Path, url: &str) -> Follower {
    let protos = folder.join("protos");
    let contracts = system.folder.contracts();
    let exported =
        system.command(&["contract", "export", &contracts.to_string_lossy(), "--out", &protos.to_string_lossy()]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let python = python_from(&sources().join("hooks.txt"));
    let mut stubs = Command::new(&python);
    stubs.args(["-m", "grpc_tools.protoc", "-I", "protos", "--python_out", ".", "--grpc_python_out", "."]);
    let made = stubs.arg("protos/mainstay/auth/hook/v1/hook_service.proto").current_dir(folder).output();
    let made = made.expect("Python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(folder.join("hooks.py"), program()).expect("a file can be written");
    let mut run = Command::new(&python);
    run.arg("hooks.py").current_dir(folder).env("MAINSTAY_URL", system.gateway.url()).env("HOOK_URL", url);
    let started = Follower::start(&mut run);
    let address = url.trim_start_matches("http://").to_owned();
    let connect = || async { tokio::net::TcpStream::connect(&address).await.ok() };
    until("the application listens", connect).await;
    started
}

/// The claims of an access token that are the installation's own.
fn claims(token: &str) -> Value {
    let claims = data_encoding::BASE64URL_NOPAD.decode(token.split('.').nth(1).expect("it has claims").as_bytes());
    serde_json::from_slice::<Value>(&claims.expect("it is base64url")).expect("it is JSON")["claims"].clone()
}

both_engines! {
    async fn an_application_in_python_is_asked_and_told(engine: Engine) {
        let url = format!("http://127.0.0.1:{}", free_port());
        let change = |launch: Launch| {
            HOOKS.iter().fold(launch, |launch, hook| {
                launch
                    .environment(format!("MAINSTAY__AUTH__HOOKS__{hook}__URL"), url.clone())
                    .environment(format!("MAINSTAY__AUTH__HOOKS__{hook}__DEADLINE_MS"), "8000")
            })
        };
        let system = System::one_with(engine, notes::folder(), change).await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut application = start(&system, folder.path(), &url).await;
        let sign_up = |email: &str| json!({"email": email, "password": "correct horse battery"});
        let denied = system.http().post("/auth/v1/accounts:signUp", sign_up("eve@example.net")).await;
        let denied = denied.refusal(403, "PERMISSION_DENIED");
        assert_eq!(denied["message"], "Accounts are for people of example.org.", "{denied}");
        let made = system.http().post("/auth/v1/accounts:signUp", sign_up("ada@example.org")).await.ok();
        assert_eq!(made["displayName"], "ada");
        let mut reports = [application.report(), application.report()];
        reports.sort_by_key(|report| report["mail"].is_string());
        assert_eq!(reports[0], json!({"new": "ada@example.org", "by": "SIGN_UP_METHOD_PASSWORD"}));
        assert_eq!((&reports[1]["mail"], &reports[1]["to"]), (&json!("verify_email"), &json!("ada@example.org")));
        let session = system.sign_in("ada@example.org").await;
        assert_eq!(claims(session.token()), json!({"tier": "none"}));
        let link = reports[1]["link"].as_str().expect("the mail has a link");
        let token = link.split_once("#token=").expect("it has a secret").1;
        system.http().post("/auth/v1/accounts:verifyEmail", json!({"token": token})).await.ok();
        let session = system.sign_in("ada@example.org").await;
        assert_eq!(claims(session.token()), json!({"tier": "gold"}));
        // It answers to nobody else.
        let mut client = HookServiceClient::connect(url).await.expect("it listens");
        let mut request = tonic::Request::new(hook::MintTokenRequest::default());
        let refused = client.mint_token(tonic::Request::new(hook::MintTokenRequest::default())).await.expect_err("it is refused");
        assert_eq!(refused.code(), tonic::Code::Unauthenticated, "{refused:?}");
        let bearer = format!("Bearer {}", session.token()).parse().expect("a token is text");
        request.metadata_mut().insert("authorization", bearer);
        let refused = client.mint_token(request).await.expect_err("it is refused");
        assert_eq!(refused.code(), tonic::Code::Unauthenticated, "{refused:?}");
    }
}
