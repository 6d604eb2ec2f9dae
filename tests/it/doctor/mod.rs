//! `mainstay doctor` looks a system over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};
use serde_json::Value;

use crate::support::{System, notes};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// What the doctor says as JSON, and its exit code.
fn doctor(launch: &Launch, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = launch.command(&[&["doctor", "--json"], arguments].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    (said, output.status.code())
}

/// The findings of a level whose place says the word.
fn about(said: &Value, level: &str, word: &str) -> Vec<String> {
    let findings = said["findings"].as_array().expect("findings are a list").iter();
    let place =
        |finding: &&Value| finding["level"] == level && finding["place"].as_str().is_some_and(|p| p.contains(word));
    findings.filter(place).map(|finding| format!("{}\n{}", finding["what"], finding["remedy"])).collect()
}

#[track_caller]
fn assert_told(said: &Value, level: &str, place: &str, words: &[&str]) {
    let found = about(said, level, place);
    assert!(
        found.iter().any(|text| words.iter().all(|word| text.contains(word))),
        "{level} {place} {words:?}: {said:#}"
    );
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}

#[tokio::test]
async fn a_healthy_server_has_no_problem_while_it_runs_and_when_it_does_not() {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    notes::create(&system.http(), "one").await;
    for runs in [true, false] {
        let (said, code) = doctor(system.gateway.launch(), &["--pages"]);
        assert_eq!((said["ok"].as_bool(), said["warnings"].as_u64(), code), (Some(true), Some(0), Some(0)), "{said:#}");
        let output = system.command(&["doctor"]);
        let printed = text(&output);
        assert!(
            printed.contains("contract revision 1, 1 resources") && printed.contains("nothing is wrong"),
            "{printed}"
        );
        assert_eq!(printed.contains("serves"), runs, "{printed}");
        if runs {
            system.gateway.stop().await;
        }
    }
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_named() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut system = System::one(engine, notes::folder()).await;
        system.gateway.stop().await;
        system.run_sql("ALTER TABLE notes_v1_note RENAME COLUMN body TO text").await;
        let (said, code) = doctor(system.gateway.launch(), &[]);
        assert_eq!(code, Some(2), "{said:#}");
        assert_told(&said, "problem", "data: notes_v1_note.body", &["the column is missing", "ADD COLUMN"]);
        let printed = text(&system.command(&["doctor"]));
        assert!(printed.contains("  problem    data: notes_v1_note.body: the column is missing\n"), "{printed}");
    }
}

#[tokio::test]
async fn files_that_others_can_read_are_named_and_the_key_folder_is_made_for_its_owner_only() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    let mode = fs::metadata(data.join("keys")).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    set_mode(&data.join("keys"), 0o755);
    set_mode(&data.join("auth.key"), 0o640);
    set_mode(&data.join("data.sqlite"), 0o644);
    set_mode(&data, 0o777);
    let (said, code) = doctor(system.gateway.launch(), &[]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "warning", "data/keys", &["0755", "chmod 700"]);
    assert_told(&said, "problem", "auth.key", &["0640", "chmod 600"]);
    assert_told(&said, "problem", "data.sqlite", &["0644"]);
    assert_told(&said, "problem", "/data", &["no server starts in it", "chmod 700"]);
    let data = data.to_string_lossy().into_owned();
    let elsewhere = Launch::new(system.folder.path()).environment("MAINSTAY__DATA_DIR", data).port(free_port());
    let (printed, code) = elsewhere.refused().await;
    assert!(code == Some(1) && printed.contains("0777") && printed.contains("chmod 700"), "{printed}");
}

/// S31: each unsafe setting is told.
#[tokio::test]
async fn s31_what_production_must_not_have_fails_the_doctor() {
    let folder = notes::folder();
    let file = folder.path().join("mainstay.toml");
    fs::write(&file, "[auth]\nkey_encryption_key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n")
        .expect("it is written");
    set_mode(&file, 0o644);
    let launch = Launch::new(folder.path())
        .environment("MAINSTAY__LISTEN", "0.0.0.0:8080")
        .environment("MAINSTAY__OPERATIONS_LISTEN", "0.0.0.0:9464")
        .environment("MAINSTAY__GATEWAY__CORS__LOOPBACK", "true")
        .environment("MAINSTAY__AUTH__PASSWORD_HASHING__MEMORY_KIB", "1024")
        .environment("MAINSTAY__AUTH__DATABASE_URL", "postgres://mainstay:mainstay@db.invalid/auth");
    let config = file.to_string_lossy().into_owned();
    let (said, code) = doctor(&launch, &["--production", "--config", &config]);
    assert_eq!(code, Some(2), "{said:#}");
    for (level, place, words) in [
        ("problem", "mode", &["development", "MAINSTAY__MODE=production"][..]),
        ("problem", "data.key_encryption_key", &["must be set in production", "openssl rand"]),
        ("problem", "gateway.cors.loopback", &["remove it"]),
        ("problem", "auth.password_hashing", &["1024 KiB"]),
        ("problem", "auth.database_url", &["a password that everybody knows"]),
        ("problem", "auth.database_url", &["db.invalid:5432", "sslmode=verify-full"]),
        ("problem", "tokens.issuer", &["public URL"]),
        ("problem", "mainstay.toml", &["0644", "chmod 600"]),
        ("warning", "listen", &["without TLS"]),
        ("warning", "operations_listen", &["127.0.0.1"]),
        ("problem", "auth (PostgreSQL)", &["db.invalid"]),
    ] {
        assert_told(&said, level, place, words);
    }
    assert!(
        !said.to_string().contains("mainstay:mainstay") && !said.to_string().contains("AAAAAAAA"),
        "no secret is told"
    );
}

#[tokio::test]
async fn services_that_are_not_reached_and_servers_that_lose_writes_are_named() {
    let system = System::three(Engine::Postgres, notes::folder()).await;
    let (said, _) = doctor(system.gateway.launch(), &[]);
    for service in ["services.auth.url", "services.data.url", "mainstay-gateway"] {
        assert!(said["fine"].to_string().contains(service), "{service}: {said:#}");
    }
    // The throw-away server of tests may lose everything.
    assert_told(&said, "problem", "data (PostgreSQL): fsync", &["is off", "ALTER SYSTEM SET fsync = on"]);
    assert_told(&said, "problem", "auth (PostgreSQL): synchronous_commit", &["is off"]);
    let launch = system.gateway.launch().clone();
    let closed = format!("http://127.0.0.1:{}", free_port());
    let launch = launch
        .environment("MAINSTAY__SERVICES__DATA__URL", closed.clone())
        .environment("MAINSTAY__TELEMETRY__OTLP_ENDPOINT", closed)
        .environment("MAINSTAY__DATA__STORE__POOL_SIZE", "1000");
    let (said, code) = doctor(&launch, &[]);
    assert_eq!(code, Some(2));
    assert_told(&said, "problem", "services.data.url", &["does not serve", "/readyz"]);
    assert_told(&said, "warning", "telemetry.otlp_endpoint", &["is not reached"]);
    assert_told(&said, "problem", "max_connections", &["data.store.pool_size"]);
}
