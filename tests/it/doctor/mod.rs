//! `mainstay doctor` looks a system over. Each of its findings is brought about once, and has its level, its place and a remedy.

mod files;
mod machine;
mod postgres;
mod services;
mod settings;
mod stores;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use mainstay_testkit::Engine;
use mainstay_testkit::server::Launch;
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

/// What cannot be looked at is no finding: nothing is said of the system.
#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_no_finding() {
    let folder = notes::folder();
    let launch = Launch::new(folder.path()).environment("MAINSTAY__DATA__POOL", "many");
    let output = launch.command(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(output.stdout.is_empty() && text(&output).contains("data.pool"), "{}", text(&output));
}

/// A warning alone fails nobody's script.
#[tokio::test]
async fn a_warning_is_told_and_the_exit_status_is_that_of_success() {
    let folder = notes::folder();
    let launch = Launch::new(folder.path()).environment("MAINSTAY__OPERATIONS_LISTEN", "0.0.0.0:9464");
    let (said, code) = doctor(&launch, &[]);
    assert_eq!((code, said["ok"].as_bool(), said["problems"].as_u64()), (Some(0), Some(true), Some(0)), "{said:#}");
    assert!(said["warnings"].as_u64() >= Some(1), "{said:#}");
    let printed = launch.command(&["doctor"]);
    assert_eq!(printed.status.code(), Some(0));
    assert!(text(&printed).contains("  warning    operations_listen: "), "{}", text(&printed));
}
