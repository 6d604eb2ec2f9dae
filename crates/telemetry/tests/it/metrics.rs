use http::{Method, StatusCode};
use mainstay_telemetry::{Outcome, Telemetry};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_request_is_counted_by_route_method_and_status() {
    let telemetry = Telemetry::quiet();
    let route = telemetry.metrics().route("/shop.v1.ProductService/GetProduct");
    for _ in 0..3 {
        route.record(&Outcome::new(&Method::GET, StatusCode::OK, None), Duration::from_micros(300));
    }
    route.record(&Outcome::new(&Method::POST, StatusCode::OK, Some(5)), Duration::from_secs(2));
    let text = telemetry.metrics().render();
    let line = |part: &str| {
        let wanted = |line: &&str| line.starts_with("http_server_request_duration_seconds") && line.contains(part);
        text.lines().filter(wanted).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let gets = line("http_request_method=\"GET\"");
    assert!(gets.contains("http_route=\"/shop.v1.ProductService/GetProduct\""), "{text}");
    assert!(gets.contains("le=\"0.00025\"} 0") && gets.contains("le=\"0.0005\"} 3"), "{gets}");
    assert!(line("rpc_grpc_status_code=\"5\"").contains("le=\"2.5\"} 1"), "{text}");
}

#[test]
fn a_route_is_one_however_often_it_is_asked_for() {
    let telemetry = Telemetry::quiet();
    let metrics = telemetry.metrics();
    assert!(Arc::ptr_eq(&metrics.route("/a.B/C"), &metrics.route("/a.B/C")));
    assert!(!Arc::ptr_eq(&metrics.route("/a.B/C"), &metrics.route("/a.B/D")));
}

#[test]
fn callers_cannot_make_labels() {
    let telemetry = Telemetry::quiet();
    let route = telemetry.metrics().unresolved().clone();
    for number in 0..50 {
        let method = Method::from_bytes(format!("X{number}").as_bytes()).unwrap();
        route.record(&Outcome::new(&method, StatusCode::NOT_FOUND, None), Duration::ZERO);
    }
    let text = telemetry.metrics().render();
    let counts: Vec<&str> =
        text.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count")).collect();
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert!(counts[0].contains("http_request_method=\"_OTHER\"") && counts[0].ends_with(" 50"), "{counts:?}");
}

#[test]
fn active_requests_are_those_whose_guard_lives() {
    let telemetry = Telemetry::quiet();
    let (first, second) = (telemetry.metrics().begin(), telemetry.metrics().begin());
    assert!(telemetry.metrics().render().contains("http_server_active_requests 2"));
    drop((first, second));
    assert!(telemetry.metrics().render().contains("http_server_active_requests 0"));
}

#[test]
fn counting_from_many_threads_loses_nothing() {
    let telemetry = Telemetry::quiet();
    let route = telemetry.metrics().route("/a.B/C");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    route.record(&Outcome::new(&Method::GET, StatusCode::OK, None), Duration::ZERO);
                }
            });
        }
    });
    assert!(telemetry.metrics().render().contains(" 4000"));
}
