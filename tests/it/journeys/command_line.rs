//! Commands that talk to a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::server::binary;
use mainstay_testkit::tools::curl;
use mainstay_testkit::wait::until;
use serde_json::json;

use crate::support::{Folder, PASSWORD, System, notes};

/// What a command prints, without any setting but the data directory. Says whether it succeeded.
fn mainstay(data: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.env_clear().args(arguments).arg("--data-dir").arg(data);
    let output = command.output().expect("the command runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn refused(data: &Path, arguments: &[&str], parts: &[&str]) {
    let (succeeded, text) = mainstay(data, arguments);
    assert!(!succeeded && parts.iter().all(|part| text.contains(part)), "{arguments:?}: {text}");
}

#[tokio::test]
async fn a_grant_that_cannot_be_says_what_was_wrong_with_it() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    system.sign_up("doc@example.org").await;
    let data = system.folder.path().join("data");
    refused(&data, &["admin", "grant", "nobody@example.org", "doctor"], &["no account", "nobody@example.org"]);
    refused(&data, &["admin", "grant", "doc@example.org", "bad role!"], &["`bad role!` is not a role"]);
    refused(&data, &["admin", "grant", "doc@example.org", "mainstay.root"], &["`mainstay.root` is reserved"]);
    assert!(mainstay(&data, &["admin", "grant", "doc@example.org", "doctor"]).0);
}

#[tokio::test]
async fn accounts_are_listed_and_roles_revoked_while_a_server_runs_and_when_it_does_not() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    system.sign_up("doc@example.org").await;
    system.sign_up("ada@example.org").await;
    system.sign_in("ada@example.org").await;
    let data = system.folder.path().join("data");
    for runs in [true, false] {
        assert!(mainstay(&data, &["admin", "grant", "doc@example.org", "doctor"]).0);
        let (succeeded, text) = mainstay(&data, &["admin", "list"]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(succeeded && lines.len() == 2, "{text}");
        assert!(lines[0].starts_with("accounts/") && lines[0].ends_with("  doc@example.org  doctor"), "{text}");
        assert!(lines[1].ends_with("  ada@example.org  no roles"), "{text}");

        let (_, first) = mainstay(&data, &["admin", "list", "--page-size", "1", "--json"]);
        let page: serde_json::Value = serde_json::from_str(&first).expect("it is JSON");
        assert_eq!(page["accounts"][0]["roles"], json!(["doctor"]), "{first}");
        let token = page["nextPageToken"].as_str().expect("there is another page");
        let (_, second) = mainstay(&data, &["admin", "list", "--page-size", "1", "--page-token", token]);
        assert!(second.contains("ada@example.org") && !second.contains("doc@example.org"), "{second}");
        refused(&data, &["admin", "list", "--page-token", "x"], &["page token"]);

        let (succeeded, text) = mainstay(&data, &["admin", "revoke", "doc@example.org", "doctor"]);
        assert!(succeeded && text.contains("no more"), "{text}");
        let (succeeded, text) = mainstay(&data, &["admin", "revoke", "doc@example.org", "doctor"]);
        assert!(succeeded && text.contains("nothing was changed"), "{text}");
        refused(&data, &["admin", "revoke", "nobody@example.org", "doctor"], &["no account", "nobody@example.org"]);
        let (succeeded, text) = mainstay(&data, &["admin", "sign-out", "ada@example.org"]);
        assert!(succeeded && text.contains(if runs { "had one session" } else { "has no session" }), "{text}");
        let (succeeded, text) = mainstay(&data, &["admin", "reset-factors", "ada@example.org"]);
        assert!(succeeded && text.contains("no second factor"), "{text}");
        refused(&data, &["admin", "reset-factors", "nobody@example.org"], &["no account", "nobody@example.org"]);
        let (succeeded, text) = mainstay(&data, &["admin", "disable", "ada@example.org"]);
        assert!(succeeded && text.contains("nobody signs in to ada@example.org"), "{text}");
        assert!(mainstay(&data, &["admin", "list"]).1.contains("ada@example.org  no roles  disabled"));
        if runs {
            let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
            system.http().post("/auth/v1/sessions:signIn", credentials).await.refusal(403, "PERMISSION_DENIED");
        }
        let (succeeded, text) = mainstay(&data, &["admin", "enable", "ada@example.org"]);
        assert!(succeeded && text.contains("can sign in"), "{text}");
        refused(&data, &["admin", "disable", "nobody@example.org"], &["no account", "nobody@example.org"]);
        if runs {
            system.gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn organisations_are_shown_and_disabled_while_a_server_runs_and_when_it_does_not() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    let ada = system.user("ada@example.org").await;
    system.sign_up("bob@example.org").await;
    let made = ada.post("/auth/v1/organisations", json!({"displayName": "Acme"})).await.ok();
    let name = made["name"].as_str().expect("a name").to_owned();
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    let bob = system.sign_in("bob@example.org").await.get("/auth/v1/accounts/me").await.ok()["name"].clone();
    let member = json!({"account": bob, "roles": ["editor"]});
    admin.post(&format!("/auth/v1/{name}/members"), member.clone()).await.ok();
    let data = system.folder.path().join("data");
    let organisation = |arguments: &[&str]| mainstay(&data, &[&["admin", "organisation"], arguments].concat());
    let none = "organisations/00000000-0000-7000-8000-00000000000f";
    for runs in [true, false] {
        let (succeeded, text) = organisation(&["list"]);
        assert!(succeeded && text.trim() == format!("{name}  Acme"), "{text}");
        let (_, text) = organisation(&["list", "--json"]);
        let page: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(page["organisations"][0]["displayName"], "Acme", "{text}");
        let (succeeded, text) = organisation(&["show", &name]);
        assert!(succeeded && text.contains("bob@example.org  editor") && text.contains("mainstay.owner"), "{text}");
        let (succeeded, text) = organisation(&["show", none]);
        assert!(!succeeded && text.contains("there is no organisations/0"), "{text}");
        let (succeeded, text) = organisation(&["show", "acme"]);
        assert!(!succeeded && text.contains("organisations/"), "{text}");

        let (succeeded, text) = organisation(&["disable", &name]);
        assert!(succeeded && text.contains("nobody acts in Acme"), "{text}");
        assert!(organisation(&["list"]).1.contains("Acme  disabled"));
        if runs {
            let switch = json!({"organisation": name});
            ada.post("/auth/v1/sessions:switchOrganisation", switch).await.refusal(400, "FAILED_PRECONDITION");
        }
        let (succeeded, text) = organisation(&["enable", &name]);
        assert!(succeeded && text.contains("members can act in Acme"), "{text}");
        let (succeeded, text) = organisation(&["disable", none]);
        assert!(!succeeded && text.contains("there is no organisations/0"), "{text}");

        let (succeeded, text) = organisation(&["remove-member", &name, "bob@example.org"]);
        assert!(succeeded && text.contains("no member any more"), "{text}");
        let (succeeded, text) = organisation(&["remove-member", &name, "bob@example.org"]);
        assert!(!succeeded && text.contains("is no member of"), "{text}");
        let (succeeded, text) = organisation(&["remove-member", &name, "nobody@example.org"]);
        assert!(!succeeded && text.contains("no account"), "{text}");
        let (succeeded, text) = organisation(&["remove-member", &name, "ada@example.org"]);
        assert!(!succeeded && text.contains("nobody would own"), "{text}");
        let (succeeded, text) = mainstay(&data, &["audit", "list", "--organisation", &name]);
        assert!(succeeded && text.contains("organisations.disable") && text.contains("members.delete"), "{text}");
        assert!(!text.contains("sessions.signIn"), "{text}");
        if runs {
            admin.post(&format!("/auth/v1/{name}/members"), member.clone()).await.ok();
            system.gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn the_audit_log_is_listed_and_verified_while_a_server_runs_and_when_it_does_not() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    system.sign_up("doc@example.org").await;
    system.sign_up("ada@example.org").await;
    let data = system.folder.path().join("data");
    assert!(mainstay(&data, &["admin", "grant", "doc@example.org", "doctor"]).0);
    let whole = || async {
        let (succeeded, text) = mainstay(&data, &["audit", "verify", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(succeeded && found["whole"] == true, "{text}");
        (found["waiting"] == 0).then_some(found)
    };
    let found = until("every event has its place", whole).await;
    let place = format!("{}:{}", found["lastSequence"], found["lastHash"].as_str().expect("a hash"));
    for runs in [true, false] {
        let (succeeded, text) = mainstay(&data, &["audit", "list", "--account", "doc@example.org"]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(succeeded && lines.len() >= 2, "{text}");
        assert!(lines[0].contains("accounts.setRoles") && lines[0].contains("(roles: doctor)"), "{text}");
        assert!(lines.last().is_some_and(|line| line.contains("accounts.signUp")), "{text}");
        let (_, text) = mainstay(&data, &["audit", "list", "--action", "accounts.signUp", "--limit", "1", "--json"]);
        let event: serde_json::Value = serde_json::from_str(&text).expect("one line of JSON");
        assert_eq!(event["action"], "accounts.signUp");
        let (succeeded, text) = mainstay(&data, &["audit", "verify"]);
        assert!(succeeded && text.contains("is whole") && text.contains(&place), "{text}");
        assert!(mainstay(&data, &["audit", "verify", "--known", &place]).0);
        let other = format!("1:{}", "0".repeat(64));
        refused(&data, &["audit", "verify", "--known", &other], &["not whole", "another hash"]);
        refused(&data, &["audit", "verify", "--known", "x"], &["SEQUENCE:HASH"]);
        refused(&data, &["audit", "verify", "--known", "1:x"], &["known_hash"]);
        refused(&data, &["audit", "list", "--account", "nobody@example.org"], &["nobody@example.org"]);
        if runs {
            system.gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_and_its_name() {
    let folder = notes::folder();
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate can be made");
    fs::write(&certificate, made.cert.pem()).expect("a file can be written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file can be written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file has a mode");
    let system = System::one_with(Engine::Sqlite, folder, |launch| launch.tls(&certificate, &key)).await;

    let port = system.gateway.address().rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
    let named = format!("https://localhost:{port}");
    let authority = certificate.to_string_lossy().into_owned();
    assert_eq!(curl(&["--cacert", &authority, &format!("{named}/readyz")]).0, 200);

    let data = system.folder.path().join("data");
    let contracts = system.folder.contracts().to_string_lossy().into_owned();
    let plan = ["contract", "plan", contracts.as_str()];
    let told = ["certificate", "127.0.0.1", "not trusted", "--ca-file", "tls.cert_file"];
    refused(&data, &plan, &told);
    let trusting = [&plan[..], &["--ca-file", &authority]].concat();
    refused(&data, &trusting, &["not valid for name", "localhost", "--server"]);
    let (succeeded, text) = mainstay(&data, &[&trusting[..], &["--server", &named]].concat());
    assert!(succeeded && text.contains("up to date"), "{text}");
    let nobody = [&trusting[..], &["--server", "https://localhost:1"]].concat();
    refused(&data, &nobody, &["https://localhost:1 cannot be reached", "refused"]);
}

#[tokio::test]
async fn what_is_accepted_must_be_a_step_of_the_plan() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    let contracts = system.folder.contracts().to_string_lossy().into_owned();
    for runs in [true, false] {
        let apply = ["contract", "apply", &contracts, "--accept", "nonsense"];
        refused(&data, &apply, &["no step nonsense", "it has none"]);
        let stale = ["contract", "apply", &contracts, "--accept", "rename:field:notes.example.org/Note#title_0"];
        let (succeeded, text) = mainstay(&data, &stale);
        assert!(succeeded, "who says yes to what is done is not refused: {text}");
        if runs {
            system.gateway.stop().await;
        }
    }
    let other = notes::contract(0).replace("int32 weight = 4;", "reserved 4; reserved \"weight\";");
    system.folder.write(notes::FILE, &other);
    let id = "hide:field:notes.example.org/Note#weight";
    refused(&data, &["contract", "apply", &contracts, "--accept", "nonsense"], &["no step nonsense", "it has", id]);
    assert!(mainstay(&data, &["contract", "apply", &contracts, "--accept", id]).0);
}

/// Runs git in a folder, as nobody in particular.
fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "-C"]);
    let done = command.arg(folder).args(arguments).output().expect("git runs");
    assert!(done.status.success(), "{done:?}");
}

/// A diff's exit code, and what it prints.
fn diff(data: &Path, folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(["contract", "diff"]).args(arguments).arg("--data-dir").arg(data);
    let output = command.output().expect("the command runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().expect("it ended by itself"), text)
}

#[tokio::test]
async fn a_contract_is_compared_with_a_folder_a_revision_and_what_is_served() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    let (root, data) = (system.folder.path().to_owned(), system.folder.path().join("data"));
    let contracts = system.folder.contracts().to_string_lossy().into_owned();
    git(&root, &["init", "--quiet", "--initial-branch", "main"]);
    git(&root, &["add", &contracts]);
    git(&root, &["commit", "--quiet", "-m", "first"]);
    assert_eq!(diff(&data, &root, &["served", &contracts]), (0, "no difference\n".to_owned()));

    let narrower = notes::contract(0).replace("read: \"true\"", "read: \"resource.weight > 0\"");
    let other = Folder::with(notes::FILE, &narrower);
    let other_contracts = other.contracts().to_string_lossy().into_owned();
    let path =
        system.folder.contracts().strip_prefix(&root).map(|path| format!("main:{}", path.display())).expect("below");
    for before in ["served", &contracts, &path] {
        let (code, text) = diff(&data, &root, &[before, &other_contracts]);
        assert!(
            code == 2 && text.contains("narrow rule    notes.example.org/Note  read  [narrowed: access]"),
            "{before}: {text}"
        );
        let (code, text) = diff(&data, &root, &[&other_contracts, before]);
        assert!(
            code == 2 && text.contains("widen rule     notes.example.org/Note  read  [widened: access]"),
            "{before}: {text}"
        );
    }

    // The folder as it was, beside what it is now; and as the server that goes on has it, or the store that nobody serves.
    system.gateway.stop().await;
    system.folder.write(notes::FILE, &notes::contract(1));
    let (code, text) = diff(&data, &root, &["HEAD", &contracts]);
    assert!(code == 0 && text.starts_with("3 differences, which break nobody"), "{text}");
    assert_eq!(diff(&data, &root, &["served", &contracts]), (code, text));
    let (code, json) = diff(&data, &root, &[&contracts, "HEAD", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((code, &json["breaking"]), (2, &json!(2)), "{json}");
    let first = &json["differences"][0];
    assert!(first["id"].is_string() && first["breaking"].is_boolean() && first["areas"].is_array(), "{json}");

    for (arguments, parts) in [
        (&["nonsense", &*contracts][..], &["nonsense"][..]),
        (&["main:no/such", &contracts], &["no/such"]),
        (&["http://127.0.0.1:1", &contracts], &["no server runs", "--data-dir"]),
        (&["HEAD", "HEAD"], &["is no folder", "HEAD:PATH"]),
    ] {
        let (code, text) = diff(&data, &root, arguments);
        assert!(code == 1 && parts.iter().all(|part| text.contains(part)), "{arguments:?}: {code} {text}");
    }
}
