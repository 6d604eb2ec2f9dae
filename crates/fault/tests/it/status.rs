use mainstay_fault::{DOMAIN, Fault, MAX_STATUS_BYTES, Reason, reply};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

fn rich() -> Fault {
    Fault::new(Reason::FieldViolation)
        .message("the product is not valid")
        .meta("resource", "products/cup")
        .violation("product.title", "must not be empty")
        .violation("product.price", "must be at least 0")
        .retry_after(Duration::from_millis(1500))
        .request_id("r-1")
}

#[test]
fn a_fault_becomes_a_status_with_all_its_details() {
    let status = Status::from(rich());
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "the product is not valid"));
    let details = status.check_error_details().unwrap();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("FIELD_VIOLATION", DOMAIN));
    assert_eq!(info.metadata["resource"], "products/cup");
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["product.title", "product.price"]);
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(1500)));
    assert_eq!(details.request_info().unwrap().request_id, "r-1");
}

#[test]
fn the_same_fault_is_the_same_bytes_each_time_with_its_metadata_in_order() {
    let names = ["zebra", "apple", "mango", "kiwi", "fig", "pear", "lime", "plum"];
    let fault = || names.iter().fold(rich(), |fault, name| fault.meta(*name, "x"));
    let status = Status::from(fault());
    for _ in 0..50 {
        assert_eq!(Status::from(fault()).details(), status.details());
        assert_eq!(fault().to_connect(), fault().to_connect());
        assert_eq!(fault().to_json(), fault().to_json());
    }
    let places = |text: &[u8]| -> Vec<usize> {
        let text = String::from_utf8_lossy(text).into_owned();
        let mut sorted = names;
        sorted.sort_unstable();
        sorted.iter().map(|name| text.find(name).unwrap()).collect()
    };
    assert!(places(status.details()).is_sorted() && places(&fault().to_json()).is_sorted());
    let mut details = status.details().to_vec();
    let domain = details.windows(DOMAIN.len()).position(|part| part == DOMAIN.as_bytes()).unwrap();
    details[domain] = b'y';
    let foreign = Fault::from_status(Status::with_details(Code::NotFound, "x", details.into()));
    assert!(foreign.reason().is_none() && places(&foreign.to_json()).is_sorted());
}

#[test]
fn every_reason_survives_the_wire() {
    for reason in Reason::ALL {
        let fault = Fault::from_status(Status::from(Fault::new(*reason)));
        assert_eq!(fault.reason(), Some(*reason));
        assert_eq!(fault.text(), reason.usual_message());
    }
}

#[test]
fn a_rich_fault_is_the_same_after_the_wire() {
    let (before, after) = (rich(), Fault::from_status(Status::from(rich())));
    assert_eq!(after.to_json(), before.to_json());
}

#[test]
fn another_services_status_passes_through_as_it_came() {
    let details = ErrorDetails::with_error_info("STOCK_EMPTY", "shop.example", []);
    let status = Status::with_error_details(Code::FailedPrecondition, "no cups left", details);
    let bytes = status.details().to_vec();
    let fault = Fault::from_status(status);
    assert_eq!((fault.reason(), fault.code()), (None, Code::FailedPrecondition));
    let again = Status::from(fault);
    assert_eq!(
        (again.code(), again.message(), again.details()),
        (Code::FailedPrecondition, "no cups left", &bytes[..])
    );
}

#[test]
fn a_bare_status_gets_the_reason_of_its_code() {
    let fault = Fault::from_status(Status::not_found("no such thing"));
    assert_eq!((fault.reason(), fault.text()), (Some(Reason::ResourceNotFound), "no such thing"));
    assert_eq!(Fault::from_status(Status::data_loss("x")).code(), Code::DataLoss);
}

#[test]
fn a_lost_connection_is_unavailable_and_names_no_address() {
    let mut status = Status::unavailable("tcp connect error: 10.0.0.7:9000 refused");
    status.set_source(Arc::new(std::io::Error::other("10.0.0.7:9000")));
    let fault = Fault::from_status(status);
    assert_eq!(fault.reason(), Some(Reason::Unavailable));
    assert!(!String::from_utf8(fault.to_json()).unwrap().contains("10.0.0.7"));
}

#[test]
fn a_reply_is_the_message_or_the_status() {
    assert_eq!(reply(Ok::<_, Fault>(7)).unwrap().into_inner(), 7);
    let status = reply(Err::<(), _>(Fault::new(Reason::EtagMismatch))).unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
}

/// What a status takes in the head of an answer.
fn travelling(status: &Status) -> usize {
    let mut headers = http::HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    ["grpc-message", "grpc-status-details-bin"]
        .iter()
        .filter_map(|name| headers.get(*name))
        .map(|value| value.len())
        .sum()
}

fn descriptions(status: &Status) -> Vec<String> {
    let details = status.check_error_details().unwrap();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.description).collect()
}

#[test]
fn a_long_message_is_cut_between_characters_and_shows_it() {
    for text in ["\u{e4}".repeat(10_000), "a ".repeat(10_000), "\u{1f980}%\n".repeat(5_000)] {
        let status = Status::from(Fault::new(Reason::InvalidFilter).message(text.clone()));
        assert!(travelling(&status) <= MAX_STATUS_BYTES, "{}", travelling(&status));
        let kept = status.message().strip_suffix('\u{2026}').unwrap();
        assert!(text.starts_with(kept) && kept.len() > 200, "{}", kept.len());
    }
    let short = "the filter is not valid: `\u{3b1}` is no field";
    assert_eq!(Status::from(Fault::new(Reason::InvalidFilter).message(short)).message(), short);
}

#[test]
fn many_violations_are_shown_as_far_as_there_is_room_and_the_rest_is_counted() {
    let fault = (0..500).fold(Fault::new(Reason::FieldViolation), |fault, number| {
        fault.violation(format!("order.lines[{number}].sku"), "mu\u{df} gesetzt sein")
    });
    let json: serde_json::Value = serde_json::from_slice(&fault.to_json()).unwrap();
    let status = Status::from(fault);
    assert!(travelling(&status) <= MAX_STATUS_BYTES, "{}", travelling(&status));
    let shown = descriptions(&status);
    assert!(shown.len() > 50, "{}", shown.len());
    let rest = 500 - (shown.len() - 1);
    assert_eq!(shown.last().unwrap(), &format!("and {rest} more violations, which do not fit into an answer"));
    assert_eq!(
        json["error"]["details"][1]["fieldViolations"].as_array().unwrap().len(),
        shown.len(),
        "REST says the same"
    );
}

#[test]
fn one_long_violation_leaves_room_for_others() {
    let fault = Fault::new(Reason::FieldViolation)
        .violation("\u{fc}".repeat(9_000), "\u{e9}".repeat(9_000))
        .violation("product.price", "must be at least 0");
    let status = Status::from(fault);
    assert!(travelling(&status) <= MAX_STATUS_BYTES);
    let shown = descriptions(&status);
    assert!(shown[0].ends_with('\u{2026}'), "{shown:?}");
    assert_eq!(shown[1], "must be at least 0");
    assert_eq!(shown.len(), 2);
}

#[test]
fn long_metadata_is_cut_and_what_is_left_out_is_counted() {
    let mut fault = Fault::new(Reason::UnknownField).meta("first", "here").meta("long", "\u{f6}".repeat(5_000));
    for number in 0..100 {
        fault = fault.meta(format!("key{number}"), "x".repeat(50));
    }
    let status = Status::from(fault.violation("name", "must not be empty"));
    assert!(travelling(&status) <= MAX_STATUS_BYTES);
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!(metadata["first"], "here");
    assert!(metadata["long"].ends_with('\u{2026}'));
    let left_out = metadata["omitted"].strip_suffix(" more").unwrap().parse::<usize>().unwrap();
    assert_eq!(left_out + metadata.len() - 1, 102);
    assert_eq!(descriptions(&status), ["must not be empty"], "the violations have room of their own");
}

#[test]
fn details_of_another_service_that_are_too_large_are_left_out() {
    let mut details = ErrorDetails::with_error_info("STOCK_EMPTY", "shop.example", []);
    details
        .set_bad_request((0..500).map(|n| tonic_types::FieldViolation::new(format!("f{n}"), "no")).collect::<Vec<_>>());
    let fault = Fault::from_status(Status::with_error_details(Code::FailedPrecondition, "no cups left", details));
    assert!(fault.to_json().len() < MAX_STATUS_BYTES);
    let status = Status::from(fault);
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "no cups left"));
    assert!(travelling(&status) <= MAX_STATUS_BYTES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_survives_the_wire(message in "\\PC{0,40}", field in "\\PC{0,20}", description in "\\PC{0,40}", key in "[a-z]{1,8}", value in "\\PC{0,20}") {
        let fault = Fault::new(Reason::FieldViolation).message(message).violation(field, description).meta(key, value);
        let json = fault.to_json();
        prop_assert_eq!(Fault::from_status(Status::from(fault)).to_json(), json);
    }

    #[test]
    fn no_fault_is_larger_than_its_budget_nor_says_less_after_the_wire(
        message in "(\\PC{0,40}|\\x00|%|\n| ){0,60}",
        violations in prop::collection::vec(("\\PC{0,400}", "\\PC{0,600}"), 0..60),
        metadata in prop::collection::vec(("[a-z]{1,40}", "\\PC{0,400}"), 0..20),
        id in prop::option::of("\\PC{0,300}"),
    ) {
        let mut fault = Fault::new(Reason::FieldViolation).message(message).retry_after(Duration::new(86_400, 1));
        for (field, description) in violations {
            fault = fault.violation(field, description);
        }
        let metadata: std::collections::BTreeMap<String, String> = metadata.into_iter().collect();
        for (key, value) in metadata {
            fault = fault.meta(key, value);
        }
        if let Some(id) = id {
            fault = fault.request_id(id);
        }
        let json = fault.to_json();
        let status = Status::from(fault);
        prop_assert!(travelling(&status) <= MAX_STATUS_BYTES, "{}", travelling(&status));
        let before: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let after: serde_json::Value = serde_json::from_slice(&Fault::from_status(status).to_json()).unwrap();
        prop_assert_eq!(after["error"]["message"].clone(), before["error"]["message"].clone());
        prop_assert_eq!(after["error"]["details"].clone(), before["error"]["details"].clone());
    }
}
