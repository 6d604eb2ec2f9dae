//! Faults as HTTP answers: `google.rpc.Status` in JSON, in the envelope that Google's APIs use (AIP-193).

use crate::budget::Said;
use crate::fault::Origin;
use crate::status::{ErrorInfo, foreign_details, json_duration, type_url};
use crate::{DOMAIN, Fault, Reason};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use prost::Message as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tonic::Code;
use tonic_types::pb;

/// Metadata that says what is taken instead of what came, and the header that HTTP has for it (RFC 9110, sections 15.5.6 and
/// 15.5.16).
const REMEDIES: [(&str, HeaderName); 3] = [("allow", ALLOW), ("accept", ACCEPT), ("accept_encoding", ACCEPT_ENCODING)];

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: u16,
    status: &'static str,
    message: &'a str,
    details: Vec<Value>,
}

impl Fault {
    /// Renders `{"error": {"code", "status", "message", "details"}}`; `code` is the HTTP status.
    pub fn to_json(&self) -> Vec<u8> {
        let said = Said::of(&self.0);
        let body = Body {
            code: self.http_status().as_u16(),
            status: code_name(self.code()),
            message: &said.message,
            details: self.json_details(&said),
        };
        serde_json::to_vec(&Envelope { error: body }).expect("strings and numbers always serialise")
    }

    /// Ends an HTTP exchange with this fault, writing its source to the log.
    ///
    /// 401 names the scheme that would help (RFC 6750); a delay becomes `Retry-After` in whole seconds, rounded up; 405 and
    /// 415 say in a header what is taken instead, where the metadata does.
    pub fn into_http(mut self) -> Response<Bytes> {
        self.log();
        let body = Bytes::from(self.to_json());
        self.answered(body)
    }

    /// What the client is asked for (RFC 6750 section 3, RFC 9470 section 3).
    fn challenge(&self) -> HeaderValue {
        let usual = HeaderValue::from_static("Bearer");
        if self.reason() != Some(Reason::InsufficientUserAuthentication) {
            return usual;
        }
        let wanted = ["acr_values", "max_age"].map(|name| self.metadata(name).map(|value| (name, value)));
        let wanted: String = wanted.iter().flatten().map(|(name, value)| format!(", {name}=\"{value}\"")).collect();
        HeaderValue::try_from(format!("Bearer error=\"insufficient_user_authentication\"{wanted}")).unwrap_or(usual)
    }

    /// The fault as an HTTP answer with this JSON.
    pub(crate) fn answered(&self, json: Bytes) -> Response<Bytes> {
        let mut response = Response::new(json);
        *response.status_mut() = self.http_status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // A 404 may be cached unless it says otherwise (RFC 9110 section 15.1), and tomorrow the resource may exist.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.http_status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, self.challenge());
        }
        if let Some(delay) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(delay)));
        }
        if matches!(self.reason(), Some(Reason::MethodNotAllowed | Reason::UnsupportedMediaType)) {
            for (entry, header) in REMEDIES {
                if let Some(value) = self.metadata(entry).and_then(|value| HeaderValue::from_str(value).ok()) {
                    headers.insert(header, value);
                }
            }
        }
        response
    }

    fn json_details(&self, said: &Said<'_>) -> Vec<Value> {
        let Origin::Own(reason) = &self.0.origin else {
            return foreign_details(said.foreign).iter().map(|(url, value)| foreign_detail(url, value)).collect();
        };
        let metadata: Map<String, Value> =
            said.metadata.iter().map(|(key, value)| ((*key).to_owned(), Value::from(&**value))).collect();
        let mut details = vec![json!({
            "@type": type_url("ErrorInfo"), "reason": reason.name(), "domain": DOMAIN, "metadata": metadata,
        })];
        if !said.violations.is_empty() {
            details.push(bad_request(said.violations.iter().map(|(field, text)| (&**field, &**text))));
        }
        if let Some(delay) = self.0.retry_after {
            details.push(json!({ "@type": type_url("RetryInfo"), "retryDelay": json_duration(delay) }));
        }
        if let Some(id) = said.request_id {
            details.push(json!({ "@type": type_url("RequestInfo"), "requestId": id }));
        }
        details
    }
}

/// The whole seconds that are never less than a delay.
pub fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0))
}

fn bad_request<'a>(violations: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let list: Vec<Value> =
        violations.map(|(field, description)| json!({ "field": field, "description": description })).collect();
    json!({ "@type": type_url("BadRequest"), "fieldViolations": list })
}

/// Renders a detail of another service. The kinds that clients act on are decoded; of the rest only the type is named.
pub(crate) fn foreign_detail(url: &str, value: &[u8]) -> Value {
    let known = match url.rsplit('/').next().unwrap_or_default() {
        "google.rpc.ErrorInfo" => ErrorInfo::decode(value).ok().map(|info| {
            let metadata: Map<String, Value> = info.metadata.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
            json!({ "@type": url, "reason": info.reason, "domain": info.domain, "metadata": metadata })
        }),
        "google.rpc.BadRequest" => pb::BadRequest::decode(value)
            .ok()
            .map(|bad| bad_request(bad.field_violations.iter().map(|v| (v.field.as_str(), v.description.as_str())))),
        "google.rpc.RetryInfo" => pb::RetryInfo::decode(value).ok().and_then(|info| info.retry_delay).map(|delay| {
            let delay =
                Duration::new(delay.seconds.max(0).unsigned_abs(), delay.nanos.clamp(0, 999_999_999).unsigned_abs());
            json!({ "@type": url, "retryDelay": json_duration(delay) })
        }),
        _ => None,
    };
    known.unwrap_or_else(|| json!({ "@type": url }))
}

/// Returns the code's name in `google/rpc/code.proto`.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
