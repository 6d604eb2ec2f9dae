use http::HeaderMap;
use mainstay_telemetry::{MAX_TRACESTATE_BYTES, SpanPolicy, TraceContext, inject_current};
use proptest::prelude::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn headers(parent: &str, state: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", parent.parse().unwrap());
    if let Some(state) = state {
        headers.insert("tracestate", state.parse().unwrap());
    }
    headers
}

#[test]
fn a_trace_that_is_not_recorded_here_is_passed_on_unchanged() {
    let received = TraceContext::from_headers(&headers(PARENT, Some("vendor=1")));
    let mut sent = headers("00-11111111111111111111111111111111-1111111111111111-00", Some("stale=1"));
    inject_current(&received, &mut sent);
    assert_eq!(sent, headers(PARENT, Some("vendor=1")));
    let mut sent = HeaderMap::new();
    inject_current(&TraceContext::default(), &mut sent);
    assert!(sent.is_empty());
}

#[test]
fn what_is_no_trace_context_counts_as_absent() {
    for bad in [
        "",
        "00",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
    ] {
        assert!(TraceContext::from_headers(&headers(bad, Some("vendor=1"))).is_empty(), "{bad}");
    }
}

#[test]
fn the_sampled_flag_is_its_last_bit() {
    for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("ff", true), ("0e", false)] {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        assert_eq!(TraceContext::from_headers(&headers(&parent, None)).is_sampled(), sampled, "{flags}");
    }
}

#[test]
fn a_huge_tracestate_is_dropped_and_the_trace_is_kept() {
    let state = "x".repeat(MAX_TRACESTATE_BYTES + 1);
    let mut sent = HeaderMap::new();
    inject_current(&TraceContext::from_headers(&headers(PARENT, Some(&state))), &mut sent);
    assert_eq!(sent, headers(PARENT, None));
}

#[test]
fn the_callers_decision_to_record_is_followed() {
    let sampled = TraceContext::from_headers(&headers(PARENT, None));
    let unsampled = TraceContext::from_headers(&headers(&PARENT.replace("-01", "-00"), None));
    for ratio in [0.0, 1.0] {
        let policy = SpanPolicy::new(true, ratio);
        assert!(policy.records(&sampled));
        assert!(!policy.records(&unsampled));
        assert_eq!(policy.records(&TraceContext::default()), ratio > 0.5);
    }
    let policy = SpanPolicy::new(true, 0.5);
    let recorded = (0..10_000).filter(|_| policy.records(&TraceContext::default())).count();
    assert!((4_000..6_000).contains(&recorded), "{recorded} of 10000 at a ratio of a half");
}

proptest! {
    #[test]
    fn no_header_makes_the_reader_panic(bytes in proptest::collection::vec(32u8..=255, 0..60)) {
        if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", value);
            let received = TraceContext::from_headers(&headers);
            let _ = (received.is_sampled(), received.is_empty());
        }
    }
}
