use mainstay_runtime::ServerConfig;
use mainstay_runtime::config::{Loader, Problem};
use mainstay_runtime::server::ListenAddress;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    data_dir: PathBuf,
    gateway: Gateway,
    telemetry: mainstay_telemetry::Config,
    accounts: BTreeMap<String, String>,
    internal: Option<ServerConfig>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Gateway {
    listen: ListenAddress,
    max_body_bytes: u64,
    reflection: bool,
    service_secret: u16,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: "var".into(),
            gateway: Gateway::default(),
            telemetry: mainstay_telemetry::Config::default(),
            accounts: BTreeMap::new(),
            internal: None,
        }
    }
}

impl Default for Gateway {
    fn default() -> Gateway {
        Gateway {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)).into(),
            max_body_bytes: 1024,
            reflection: true,
            service_secret: 0,
        }
    }
}

/// Writes the file into a folder and loads it; its path is the same in every run.
fn with_file(text: &str, more: impl FnOnce(Loader) -> Loader) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mainstay.toml");
    std::fs::write(&path, text).unwrap();
    let shown = path.display().to_string();
    more(Loader::new().file(&path)).load().map_err(|problems| problems.to_string().replace(&shown, "mainstay.toml"))
}

#[test]
fn nothing_at_all_is_the_defaults() {
    assert_eq!(Loader::new().load::<Settings>().unwrap(), Settings::default());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "data_dir = 'file'\n[gateway]\nmax_body_bytes = 1\nreflection = false\nlisten = '127.0.0.1:1'\n";
    let settings = with_file(file, |loader| {
        loader
            .variable("MAINSTAY__GATEWAY__MAX_BODY_BYTES", "2")
            .variable("MAINSTAY__GATEWAY__LISTEN", "127.0.0.1:2")
            .flag("--listen", "gateway.listen", "127.0.0.1:3")
    });
    let settings = settings.unwrap();
    assert_eq!((settings.data_dir, settings.gateway.reflection), ("file".into(), false));
    assert_eq!((settings.gateway.max_body_bytes, settings.gateway.listen.port()), (2, 3));
}

#[test]
fn text_becomes_what_the_setting_wants() {
    let settings: Settings = Loader::new()
        .variable("MAINSTAY__GATEWAY__REFLECTION", "false")
        .variable("MAINSTAY__TELEMETRY__TRACE_RATIO", "0.25")
        .variable("MAINSTAY__TELEMETRY__LOG_FORMAT", "json")
        .variable("MAINSTAY__DATA_DIR", "12345")
        .variable("MAINSTAY__ACCOUNTS__GATEWAY", "007")
        .load()
        .unwrap();
    assert!(!settings.gateway.reflection);
    assert_eq!(settings.telemetry.trace_ratio, 0.25);
    assert_eq!(settings.telemetry.log_format, mainstay_telemetry::LogFormat::Json);
    assert_eq!((settings.data_dir, settings.accounts["gateway"].as_str()), ("12345".into(), "007"));
}

#[test]
fn every_problem_is_reported_at_once_with_its_place_and_remedy() {
    let file = r#"
        colour = "blue"
        data_dir = "x"
        [gateway]
        listen = "everywhere"
        max_body_byte = 5
        reflection = "perhaps"
        service_secret = "hunter2"
        [gatewy]
        listen = "127.0.0.1:1"
        reflection = true
        [internal]
        max_connections = 5
    "#;
    let problems = with_file(file, |loader| {
        loader
            .variable("MAINSTAY__TELEMETRY__TRACE_RATIO", "often")
            .variable("MAINSTAY__TELEMETRY__LOG_FORMAT", "xml")
            .flag("--body", "gateway.max_body_bytes", "-5")
    });
    insta::assert_snapshot!(problems.unwrap_err());
}

#[test]
fn a_secret_is_never_repeated() {
    let problems = with_file("[gateway]\nservice_secret = 'hunter2'\n", |loader| loader).unwrap_err();
    assert!(problems.contains("gateway.service_secret") && !problems.contains("hunter2"), "{problems}");
}

#[test]
fn a_section_that_must_be_whole_is_named() {
    let problems = with_file("[internal]\ndrain_seconds = 5\n", |loader| loader).unwrap_err();
    assert!(problems.contains("internal.listen: must be set"), "{problems}");
    let settings = with_file("[internal]\nlisten = '127.0.0.1:5'\n", |loader| loader).unwrap();
    assert_eq!(settings.internal, Some(ServerConfig::at(([127, 0, 0, 1], 5).into())));
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    let problems = with_file("data_dir = 'x'\n[gateway\n", |loader| loader).unwrap_err();
    assert!(problems.contains("in mainstay.toml:2"), "{problems}");
}

#[test]
fn a_file_that_was_named_and_is_missing_is_a_problem() {
    let problems = Loader::new().file("/no/such/file.toml").load::<Settings>().unwrap_err().to_string();
    assert!(problems.contains("/no/such/file.toml") && problems.contains("--config"), "{problems}");
}

#[test]
fn a_section_that_is_no_section_is_a_problem_of_its_own() {
    let problems = with_file("gateway = 5\ntelemetry = 'x'\n", |loader| loader).unwrap_err();
    assert!(problems.contains("gateway: ") && problems.contains("telemetry: "), "{problems}");
}

/// Whatever makes a file unreadable, the variables and flags are looked at all the same.
#[test]
fn a_file_that_cannot_be_read_does_not_hide_what_is_wrong_elsewhere() {
    let file = "[gateway\ndata_dir = 'x'\n[telemetry]\nlog = 'hunter2\n";
    let problems = with_file(file, |loader| loader.variable("MAINSTAY__GATEWAY__COLOUR", "red")).unwrap_err();
    for said in ["in mainstay.toml:1", "in mainstay.toml:4", "gateway.colour"] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    assert!(!problems.contains("hunter2"), "a line may hold a secret: {problems}");
}

/// A check of values that finds fault with all of them.
fn all_values(settings: &Settings) -> Vec<Problem> {
    vec![
        Problem::new("gateway.max_body_bytes", format!("is {} and too large", settings.gateway.max_body_bytes)),
        Problem::new("gateway.reflection", "must not be longer than max_body_bytes"),
        Problem::new("gateway.listen", "is not to our liking"),
        Problem::new("data_dir", "must be set").help("make one"),
    ]
}

fn checked(text: &str, more: impl FnOnce(Loader) -> Loader) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mainstay.toml");
    std::fs::write(&path, text).unwrap();
    let shown = path.display().to_string();
    let loaded = more(Loader::new().file(&path)).load_checked(all_values);
    loaded.unwrap_err().to_string().replace(&shown, "mainstay.toml")
}

#[test]
fn values_are_judged_beside_what_has_no_form_and_say_where_they_were_set() {
    let file = "colour = 'blue'\n[gateway]\nmax_body_bytes = 7\nservice_secret = 'x'\n";
    let problems = checked(file, |loader| loader.variable("MAINSTAY__GATEWAY__REFLECTION", "false"));
    insta::assert_snapshot!(problems);
}

#[test]
fn a_value_is_not_judged_by_one_that_has_no_form() {
    let problems = checked("[gateway]\nmax_body_bytes = 'many'\n", |loader| loader);
    assert!(problems.contains("gateway.max_body_bytes: invalid type"), "{problems}");
    assert!(!problems.contains("too large") && !problems.contains("gateway.reflection"), "{problems}");
    assert!(problems.contains("gateway.listen") && problems.contains("data_dir"), "{problems}");
}
