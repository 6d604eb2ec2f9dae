use mainstay_runtime::ServerConfig;
use mainstay_runtime::config::Loader;
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
    listen: SocketAddr,
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
        Gateway { listen: ([127, 0, 0, 1], 8080).into(), max_body_bytes: 1024, reflection: true, service_secret: 0 }
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
    assert!(problems.contains("mainstay.toml") && problems.contains("line 2"), "{problems}");
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
