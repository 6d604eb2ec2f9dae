//! PyPI's `fido2` makes passkeys and signs with them, over REST and gRPC; what `soft-webauthn` makes, which asks nobody for a PIN, is
//! refused.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mainstay_testkit::both_engines;
use mainstay_testkit::tools::python_from;
use serde_json::{Value, json};

use super::totp::verify;
use super::workshop::sources;
use crate::support::{PASSWORD, System, notes};

/// A page of the machine that everything runs on: in development every port is one of ours.
const PAGE: &str = "http://localhost:3000";

/// The caller's own factors.
const FACTORS: &str = "/auth/v1/accounts/me/factors";

/// The authenticators, as long as the test runs.
struct Devices {
    program: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Devices {
    fn plug_in() -> Devices {
        let mut program = Command::new(python_from(&sources().join("passkey.txt")))
            .arg(sources().join("passkey.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let (asked, answers) = (program.stdin.take().expect("piped"), program.stdout.take().expect("piped"));
        Devices { program, asked, answers: BufReader::new(answers) }
    }

    /// What a browser would send.
    fn ask(&mut self, device: &str, action: &str, origin: &str, options: &Value) -> Value {
        let line = json!({"do": action, "device": device, "origin": origin, "options": options});
        writeln!(self.asked, "{line}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

async fn a_passkey_is_enrolled_and_signs_in(system: &System, devices: &mut Devices) {
    let own = system.user("ada@example.org").await;
    verify(system).await;
    let (http, grpc) = (system.http(), system.grpc());
    let begun = own.post(&format!("{FACTORS}:beginPasskey"), json!({})).await.ok();
    assert_eq!(begun["options"]["rp"]["id"], json!("localhost"));
    let without_pin = devices.ask("soft", "create", PAGE, &begun["options"]);
    let finish = |credential| json!({"challenge": begun["challenge"], "credential": credential, "displayName": "Key"});
    let refused = own.post(&format!("{FACTORS}:finishPasskey"), finish(without_pin)).await;
    assert!(refused.refusal(401, "UNAUTHENTICATED").to_string().contains("PASSKEY_REFUSED"));
    let made = devices.ask("fido2", "create", PAGE, &begun["options"]);
    let finished = own.post(&format!("{FACTORS}:finishPasskey"), finish(made)).await.ok();
    assert_eq!(finished["recoveryCodes"].as_array().map(Vec::len), Some(10));
    assert_eq!((&finished["factor"]["kind"], &finished["factor"]["displayName"]), (&json!("PASSKEY"), &json!("Key")));

    // Without a name, over REST; what was signed on another site is not taken.
    let asked = http.post("/auth/v1/sessions:beginPasskeySignIn", json!({})).await.ok();
    let elsewhere = devices.ask("fido2", "get", "https://evil.example", &asked["options"]);
    let sign_in = |credential| json!({"challenge": asked["challenge"], "credential": credential});
    let refused = http.post("/auth/v1/sessions:signInWithPasskey", sign_in(elsewhere)).await;
    refused.refusal(401, "UNAUTHENTICATED");
    let signed = devices.ask("fido2", "get", PAGE, &asked["options"]);
    let signed_in = http.post("/auth/v1/sessions:signInWithPasskey", sign_in(signed)).await.ok();
    assert_eq!(signed_in["account"]["email"], json!("ada@example.org"));

    // After a password, over gRPC.
    let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
    let waiting = http.post("/auth/v1/sessions:signIn", credentials).await.ok();
    assert_eq!(waiting["challenge"]["factors"], json!(["PASSKEY"]));
    let waiting = json!({"challenge": waiting["challenge"]["token"]});
    let asked = grpc.call("mainstay.auth.v1.SessionService/BeginPasskeySignIn", &waiting).expect("it waits");
    assert_eq!(asked["options"]["allowCredentials"].as_array().map(Vec::len), Some(1));
    let signed = devices.ask("fido2", "get", PAGE, &asked["options"]);
    let shown = json!({"challenge": asked["challenge"], "credential": signed});
    let signed_in = grpc.call("mainstay.auth.v1.SessionService/SignInWithPasskey", &shown).expect("it is right");
    let own = http.with_token(text(&signed_in["accessToken"]));
    let listed = own.get(FACTORS).await.ok();
    let name = text(&listed["factors"][0]["name"]);
    let renamed = own.patch(&format!("/auth/v1/{name}"), json!({"displayName": "Ring"})).await.ok();
    assert_eq!(renamed["displayName"], json!("Ring"));
    // `mainstay admin reset-factors` helps who has lost it.
    let reset = system.command(&["admin", "reset-factors", "ada@example.org"]);
    assert!(reset.status.success(), "{}", String::from_utf8_lossy(&reset.stderr));
    let asked = http.post("/auth/v1/sessions:beginPasskeySignIn", json!({})).await.ok();
    let signed = devices.ask("fido2", "get", PAGE, &asked["options"]);
    let late = json!({"challenge": asked["challenge"], "credential": signed});
    http.post("/auth/v1/sessions:signInWithPasskey", late).await.refusal(401, "UNAUTHENTICATED");
}

both_engines! {
    async fn fido2_makes_a_passkey_and_signs_in_with_it(engine: Engine) {
        let system = System::one(engine, notes::folder()).await;
        a_passkey_is_enrolled_and_signs_in(&system, &mut Devices::plug_in()).await;
    }
}
