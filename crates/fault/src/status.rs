//! Faults as gRPC statuses, and back.

use crate::budget::Said;
use crate::fault::Origin;
use crate::{DOMAIN, Fault, Reason};
use bytes::Bytes;
use prost::Message as _;
use prost_types::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;
use tonic::{Code, Response, Status};
use tonic_types::{StatusExt as _, pb};

/// Ends a handler: the only place where a [`Status`] is made from a service's error.
///
/// The source of a failure is written to the log here, once, and does not travel on.
pub fn reply<T>(result: Result<T, impl Into<Fault>>) -> Result<Response<T>, Status> {
    match result {
        Ok(message) => Ok(Response::new(message)),
        Err(error) => Err(error.into().into()),
    }
}

impl From<Fault> for Status {
    fn from(mut fault: Fault) -> Status {
        fault.log();
        fault.to_status()
    }
}

impl Fault {
    /// What gRPC says of the fault.
    pub(crate) fn to_status(&self) -> Status {
        let said = Said::of(&self.0);
        let reason = match &self.0.origin {
            Origin::Own(reason) => reason,
            Origin::Foreign { code, .. } => {
                return Status::with_details(*code, said.message, Bytes::copy_from_slice(said.foreign));
            }
        };
        let message = said.message.to_string();
        let details = details(*reason, self.0.retry_after, said);
        let encoded = pb::Status { code: reason.code() as i32, message: message.clone(), details }.encode_to_vec();
        Status::with_details(reason.code(), message, encoded.into())
    }

    /// Reads a status that another service (or the way to it) answered with.
    ///
    /// A status with a source never came over the wire: the connection failed, and its text names addresses that no
    /// client may see. It becomes `UNAVAILABLE`, or `DEADLINE_EXCEEDED` where it was a timeout.
    pub fn from_status(status: Status) -> Fault {
        if status.source().is_some() {
            return connection_fault(status);
        }
        let details = status.get_error_details();
        let own =
            details.error_info().filter(|info| info.domain == DOMAIN).and_then(|info| Reason::from_name(&info.reason));
        let Some(reason) = own else { return foreign_fault(&status) };
        let mut fault = Fault::of(Origin::Own(reason), Cow::Owned(status.message().to_owned()));
        if let Some(info) = details.error_info() {
            fault.0.metadata = info.metadata.iter().map(|(k, v)| (Cow::Owned(k.clone()), v.clone())).collect();
            fault.0.metadata.sort();
        }
        for violation in details.bad_request().map_or(&[][..], |bad| &bad.field_violations) {
            fault = fault.violation(violation.field.clone(), violation.description.clone());
        }
        fault.0.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        fault.0.request_id = details.request_info().map(|info| info.request_id.clone());
        fault
    }
}

impl Fault {
    /// Reads an encoded `google.rpc.Status`; nothing where the bytes are none, or say that all is well.
    pub fn of_details(details: Bytes) -> Option<Fault> {
        let status = pb::Status::decode(details.clone()).ok()?;
        let code = Code::from_i32(status.code);
        (code != Code::Ok).then(|| Fault::from_status(Status::with_details(code, status.message, details)))
    }
}

/// `google.rpc.ErrorInfo` with its metadata in order: the same fault is the same bytes each time.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(string, tag = "2")]
    pub(crate) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What is said of a fault beside its code and message.
fn details(reason: Reason, retry_after: Option<Duration>, said: Said<'_>) -> Vec<Any> {
    let metadata = said.metadata.into_iter().map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
    let info = ErrorInfo { reason: reason.name().to_owned(), domain: DOMAIN.to_owned(), metadata };
    let retry = retry_after.map(|delay| {
        // A delay that no Duration can hold is none that anybody waits for.
        let retry_delay = prost_types::Duration::try_from(delay).ok();
        detail("RetryInfo", &pb::RetryInfo { retry_delay })
    });
    let violations = said.violations.into_iter().map(|(field, description)| pb::bad_request::FieldViolation {
        field: field.into_owned(),
        description: description.into_owned(),
        ..Default::default()
    });
    let field_violations: Vec<_> = violations.collect();
    let bad = (!field_violations.is_empty()).then(|| detail("BadRequest", &pb::BadRequest { field_violations }));
    let request = said.request_id.map(|id| {
        let serving_data = String::new();
        detail("RequestInfo", &pb::RequestInfo { request_id: id.to_owned(), serving_data })
    });
    retry.into_iter().chain([detail("ErrorInfo", &info)]).chain(bad).chain(request).collect()
}

fn detail(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: type_url(name), value: message.encode_to_vec() }
}

/// The URL of one of `google.rpc`'s details.
pub(crate) fn type_url(name: &str) -> String {
    format!("type.googleapis.com/google.rpc.{name}")
}

/// A status without a reason of ours: kept as it came where it carries details, else given our reason of its code.
fn foreign_fault(status: &Status) -> Fault {
    let message = Cow::Owned(status.message().to_owned());
    if status.details().is_empty() && Reason::of_code(status.code()).code() == status.code() {
        return Fault::of(Origin::Own(Reason::of_code(status.code())), message);
    }
    let details = Bytes::copy_from_slice(status.details());
    Fault::of(Origin::Foreign { code: status.code(), details }, message)
}

fn connection_fault(status: Status) -> Fault {
    match status.code() {
        Code::DeadlineExceeded => Fault::new(Reason::DeadlineExceeded).with_source(status),
        Code::Cancelled if status.message().contains("Timeout") => {
            Fault::new(Reason::DeadlineExceeded).with_source(status)
        }
        Code::ResourceExhausted | Code::OutOfRange => Fault::new(Reason::PayloadTooLarge).with_source(status),
        _ => Fault::unavailable(status),
    }
}

/// The details of a fault as `google.protobuf.Any`s, as they travel inside `google.rpc.Status`.
pub(crate) fn foreign_details(details: &[u8]) -> Vec<(String, Vec<u8>)> {
    let status = pb::Status::decode(details).unwrap_or_default();
    status.details.into_iter().map(|any| (any.type_url, any.value)).collect()
}

/// A `google.protobuf.Duration` in its JSON form: seconds with as many digits as are needed, and an `s`.
pub(crate) fn json_duration(delay: Duration) -> String {
    let nanos = delay.subsec_nanos();
    if nanos == 0 {
        return format!("{}s", delay.as_secs());
    }
    let fraction = format!("{nanos:09}");
    format!("{}.{}s", delay.as_secs(), fraction.trim_end_matches('0'))
}
