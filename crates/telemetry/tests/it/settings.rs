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
    }
}
