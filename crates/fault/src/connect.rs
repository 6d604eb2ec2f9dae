//! Faults as the Connect protocol tells them.

use crate::Fault;
use crate::json::foreign_detail;
use crate::status::foreign_details;
use bytes::Bytes;
use data_encoding::BASE64_NOPAD;
use http::Response;
use serde_json::{Value, json};
use tonic::Code;

impl Fault {
    /// Renders `{"code", "message", "details"}`. Each detail comes as its bytes and, for people, as JSON (`debug`).
    pub fn to_connect(&self) -> Value {
        let status = self.to_status();
        let details: Vec<Value> = foreign_details(status.details())
            .iter()
            .map(|(url, value)| {
                let mut shown = foreign_detail(url, value);
                if let Some(fields) = shown.as_object_mut() {
                    fields.remove("@type");
                }
                let name = url.rsplit('/').next().unwrap_or_default();
                json!({ "type": name, "value": BASE64_NOPAD.encode(value), "debug": shown })
            })
            .collect();
        json!({ "code": connect_code(status.code()), "message": status.message(), "details": details })
    }

    /// Ends a unary exchange of Connect with this fault, writing its source to the log. The head is that of any HTTP answer.
    pub fn into_connect(mut self) -> Response<Bytes> {
        self.log();
        let body = Bytes::from(self.to_connect().to_string());
        self.answered(body)
    }
}

/// The name of a code in Connect.
fn connect_code(code: Code) -> &'static str {
    match code {
        Code::Cancelled => "canceled",
        // No fault is OK; a status that says so anyway is none that anybody knows.
        Code::Unknown | Code::Ok => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
