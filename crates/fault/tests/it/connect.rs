use data_encoding::BASE64_NOPAD;
use mainstay_fault::{Fault, Reason};
use prost::Message as _;
use serde_json::{Value, json};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::pb;

#[test]
fn a_fault_is_connects_error_with_details_as_bytes_and_for_people() {
    let fault = Fault::new(Reason::FieldViolation)
        .meta("resource", "products/cup")
        .violation("product.title", "must not be empty")
        .retry_after(Duration::from_millis(1500));
    let error = fault.to_connect();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("invalid_argument"), &json!("one or more fields are not valid"))
    );
    let details = error["details"].as_array().unwrap();
    let types: Vec<&str> = details.iter().map(|detail| detail["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["google.rpc.RetryInfo", "google.rpc.ErrorInfo", "google.rpc.BadRequest"]);
    let bytes = |detail: &Value| BASE64_NOPAD.decode(detail["value"].as_str().unwrap().as_bytes()).unwrap();
    let info = pb::ErrorInfo::decode(&*bytes(&details[1])).unwrap();
    assert_eq!((info.reason.as_str(), info.metadata["resource"].as_str()), ("FIELD_VIOLATION", "products/cup"));
    let bad = pb::BadRequest::decode(&*bytes(&details[2])).unwrap();
    assert_eq!(bad.field_violations[0].field, "product.title");
    assert_eq!(details[0]["debug"], json!({"retryDelay": "1.5s"}));
    assert_eq!(details[2]["debug"]["fieldViolations"][0]["description"], "must not be empty");
}

#[test]
fn every_code_has_connects_name_and_the_head_of_an_http_answer() {
    let names = [
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    for (code, name) in (1..).zip(names) {
        let fault = Fault::from_status(Status::new(Code::from(code), "said"));
        assert_eq!(fault.to_connect()["code"], name);
    }
    let response = Fault::new(Reason::TokenExpired).into_connect();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    let error: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&error["code"], error.get("error")), (&json!("unauthenticated"), None));
}

#[test]
fn a_source_is_never_told() {
    let error = Fault::internal("the disk at /var/secret is full").to_connect().to_string();
    assert!(!error.contains("secret"), "{error}");
}
