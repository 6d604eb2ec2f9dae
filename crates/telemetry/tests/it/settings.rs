use mainstay_telemetry::{Config, Identity, init};

const IDENTITY: Identity = Identity { service: "mainstay-test", version: "0" };

#[tokio::test]
async fn settings_that_cannot_work_are_named_with_the_remedy() {
    for (config, expected) in [
        (Config { log: "info,mainstay=loud".into(), ..Config::default() }, "telemetry.log"),
        (Config { trace_ratio: 1.5, ..Config::default() }, "telemetry.trace_ratio"),
        (Config { trace_ratio: f64::NAN, ..Config::default() }, "telemetry.trace_ratio"),
        (Config { otlp_endpoint: Some("not an address".into()), ..Config::default() }, "telemetry.otlp_endpoint"),
    ] {
        let error = init(&config, IDENTITY).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let problems = config.problems();
        assert!(matches!(problems[..], [(path, _)] if expected.ends_with(path)), "{problems:?}");
    }
    assert!(Config::default().problems().is_empty());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let config = Config {
        log: "a=b=c".into(),
        trace_ratio: -1.0,
        otlp_endpoint: Some("ftp://collector".into()),
        ..Config::default()
    };
    let paths: Vec<&str> = config.problems().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["log", "otlp_endpoint", "trace_ratio"]);
}
