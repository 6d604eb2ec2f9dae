use mainstay_fault::{Fault, Reason};
use serde_json::Value;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

fn json(fault: &Fault) -> Value {
    serde_json::from_slice(&fault.to_json()).unwrap()
}

#[test]
fn a_fault_is_googles_envelope() {
    let fault = Fault::new(Reason::FieldViolation)
        .meta("resource", "products/cup")
        .violation("product.title", "must not be empty")
        .retry_after(Duration::from_millis(1500))
        .request_id("r-1");
    insta::assert_json_snapshot!(json(&fault));
}

#[test]
fn the_status_of_another_service_is_rendered_with_what_is_known_of_it() {
    let mut details = ErrorDetails::with_error_info("STOCK_EMPTY", "shop.example", []);
    details.add_bad_request_violation("quantity", "more than there is").set_retry_info(Some(Duration::from_secs(2)));
    details.set_help(vec![]).set_localized_message("en", "hidden");
    let status = Status::with_error_details(Code::FailedPrecondition, "no cups left", details);
    insta::assert_json_snapshot!(json(&Fault::from_status(status)));
}

#[test]
fn http_has_words_of_its_own_for_some_reasons() {
    assert_eq!(Fault::new(Reason::PayloadTooLarge).http_status().as_u16(), 413);
    assert_eq!(Fault::new(Reason::RequestTimeout).http_status().as_u16(), 408);
    assert_eq!(Fault::new(Reason::UnsupportedMediaType).http_status().as_u16(), 415);
    assert_eq!(Fault::new(Reason::MethodNotAllowed).http_status().as_u16(), 405);
    assert_eq!(json(&Fault::new(Reason::PayloadTooLarge))["error"]["code"], 413);
}

#[test]
fn an_answer_says_how_to_sign_in_and_when_to_come_back() {
    let unauthenticated = Fault::new(Reason::TokenExpired).into_http();
    assert_eq!(unauthenticated.status(), 401);
    assert_eq!(unauthenticated.headers()["www-authenticate"], "Bearer");
    let wanted = Fault::new(Reason::InsufficientUserAuthentication).meta("acr_values", "aal2").meta("max_age", "300");
    assert_eq!(
        wanted.into_http().headers()["www-authenticate"],
        r#"Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300""#
    );
    let busy = Fault::new(Reason::RateLimited).retry_after(Duration::from_millis(1200)).into_http();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    assert_eq!(busy.headers()["content-type"], "application/json");
    assert_eq!(
        (&busy.headers()["cache-control"], &busy.headers()["x-content-type-options"]),
        (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
}
