//! What a server writes into its log.

use mainstay_testkit::Engine;
use mainstay_testkit::server::free_port;
use serde_json::Value as Json;

use crate::support::{System, notes};

/// Parts of paths that only the machine that built a binary has.
const BUILD_PATHS: [&str; 4] = ["/.cargo/", "/registry/src/", "/rustc/", env!("CARGO_MANIFEST_DIR")];

/// Starts a server with this filter, changes its contract so that its file watcher has something to say, and stops it.
/// Returns the lines of its log.
async fn log_of(filter: &str) -> Vec<Json> {
    let with_json = |launch: mainstay_testkit::server::Launch| {
        launch.environment("MAINSTAY__TELEMETRY__LOG_FORMAT", "json").environment("MAINSTAY__TELEMETRY__LOG", filter)
    };
    let mut system = System::one_with(Engine::Sqlite, notes::folder(), with_json).await;
    system.folder.write(notes::FILE, &notes::contract(1));
    system.gateway.logged("extra_1").await;
    system.gateway.stop().await;
    let printed = system.gateway.log();
    for path in BUILD_PATHS {
        assert!(!printed.contains(path), "{path} is in the log:\n{printed}");
    }
    printed
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn text<'j>(line: &'j Json, field: &str) -> &'j str {
    line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}"))
}

#[tokio::test]
async fn at_the_usual_level_libraries_say_nothing_but_warnings() {
    let lines = log_of("info").await;
    assert!(lines.iter().any(|line| text(line, "target").starts_with("mainstay")), "{lines:?}");
    for line in &lines {
        let ours = text(line, "target").starts_with("mainstay");
        assert!(ours || ["WARN", "ERROR"].contains(&text(line, "level")), "{line}");
        assert!(!text(line, "timestamp").is_empty() && line["message"].is_string(), "{line}");
    }
}

/// The file watcher writes through another facade, which knows paths of source files.
#[tokio::test]
async fn a_library_that_is_named_speaks_under_its_own_name() {
    let lines = log_of("info,notify=trace").await;
    assert!(lines.iter().any(|line| text(line, "target").starts_with("notify")), "{lines:?}");
    assert!(!lines.iter().any(|line| text(line, "target") == "log"), "{lines:?}");
}

#[tokio::test]
async fn a_gateway_with_another_data_directory_says_which_key_it_lacks() {
    let mut system = System::three(Engine::Sqlite, notes::folder()).await;
    let elsewhere = tempfile::tempdir().expect("a folder can be made");
    let directory = elsewhere.path().to_string_lossy().into_owned();
    let launch = system.gateway.launch().clone().port(free_port()).environment("MAINSTAY__DATA_DIR", directory);
    let mut stranger = launch.spawn();
    stranger.logged("services.keys.gateway").await;
    stranger.logged("keys/service-gateway").await;
    stranger.stop().await;
    system.gateway.stop().await;
}

/// A line for each request, where it is asked for, and for none where it is not.
#[tokio::test]
async fn the_access_log_is_written_at_its_level() {
    for (filter, written) in
        [("info,mainstay::access=debug", true), ("info", false), ("debug,mainstay::access=info", false)]
    {
        let settings = |launch: mainstay_testkit::server::Launch| {
            launch
                .environment("MAINSTAY__TELEMETRY__LOG_FORMAT", "json")
                .environment("MAINSTAY__TELEMETRY__LOG", filter)
        };
        let mut system = System::one_with(Engine::Sqlite, notes::folder(), settings).await;
        system
            .http()
            .with_header("x-request-id", "the-one")
            .get("/notes/v1/notes/none")
            .await
            .refusal(404, "NOT_FOUND");
        system.gateway.stop().await;
        let log = system.gateway.log();
        let lines = log.lines().filter(|line| line.contains("\"target\":\"mainstay::access\""));
        let ours: Vec<Json> = lines
            .filter(|line| line.contains("the-one"))
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(ours.len(), usize::from(written), "{filter}: {log}");
        for line in ours {
            assert_eq!((&line["method"], &line["status"]), (&"GET".into(), &404.into()), "{line}");
            assert_eq!(line["route"], "/notes.v1.NoteService/GetNote", "{line}");
        }
    }
}

#[tokio::test]
async fn a_level_that_there_is_not_is_refused_with_those_that_there_are() {
    for filter in ["loud", "info,mainstay=loud", "warning"] {
        let folder = notes::folder();
        let launch = mainstay_testkit::server::Launch::new(folder.path()).contracts(&folder.contracts());
        let (printed, code) = launch.environment("MAINSTAY__TELEMETRY__LOG", filter).refused().await;
        assert_eq!(code, Some(1), "{printed}");
        for said in ["telemetry.log", "MAINSTAY__TELEMETRY__LOG", "off, error, warn, info, debug or trace"] {
            assert!(printed.contains(said), "{said:?} is not said:\n{printed}");
        }
    }
}
