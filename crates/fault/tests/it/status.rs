use mainstay_fault::{DOMAIN, Fault, MAX_MESSAGE_BYTES, MAX_VIOLATION_BYTES, Reason, reply};
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

#[test]
fn a_status_always_fits_into_a_header() {
    let mut fault = Fault::new(Reason::InvalidContract).message("ä".repeat(MAX_MESSAGE_BYTES));
    for line in 0..1000 {
        fault = fault.violation(format!("shop.proto:{line}"), "ß".repeat(100));
    }
    let status = Status::from(fault);
    assert!(status.message().len() <= MAX_MESSAGE_BYTES);
    assert!(status.details().len() <= MAX_VIOLATION_BYTES + 2 * MAX_MESSAGE_BYTES + 512, "{}", status.details().len());
    let details = status.get_error_details();
    let last = &details.bad_request().unwrap().field_violations.last().unwrap().description;
    assert!(last.starts_with("and ") && last.contains("more violations"), "{last}");
}

proptest! {
    #[test]
    fn any_text_survives_the_wire(message in "\\PC{0,40}", field in "\\PC{0,20}", description in "\\PC{0,40}", key in "[a-z]{1,8}", value in "\\PC{0,20}") {
        let fault = Fault::new(Reason::FieldViolation).message(message).violation(field, description).meta(key, value);
        let json = fault.to_json();
        prop_assert_eq!(Fault::from_status(Status::from(fault)).to_json(), json);
    }
}
