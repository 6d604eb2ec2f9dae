//! The error value.

use crate::Reason;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mainstay_record::Violation;
use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;
use tonic::Code;

/// An error on its way out of a service: a reason, what a client may know, and a source that it may not.
///
/// One pointer wide, so that `Result<T, Fault>` costs nothing on the good path.
pub struct Fault(pub(crate) Box<Inner>);

pub(crate) struct Inner {
    pub(crate) origin: Origin,
    pub(crate) message: Cow<'static, str>,
    pub(crate) metadata: Vec<(Cow<'static, str>, String)>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
    pub(crate) http: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

/// Who chose the reason.
#[derive(Clone)]
pub(crate) enum Origin {
    /// One of ours.
    Own(Reason),
    /// Another service's status, kept as it came: its code and its encoded `google.rpc.Status`.
    Foreign { code: Code, details: Bytes },
}

impl Fault {
    /// Makes a fault with the reason's usual message.
    pub fn new(reason: Reason) -> Fault {
        Fault::of(Origin::Own(reason), Cow::Borrowed(reason.usual_message()))
    }

    /// Makes an `INTERNAL` fault; the source goes to the log and nowhere else.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        Fault::new(Reason::Internal).with_source(source)
    }

    /// Makes an `UNAVAILABLE` fault; the source goes to the log and nowhere else.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        Fault::new(Reason::Unavailable).with_source(source)
    }

    pub(crate) fn of(origin: Origin, message: Cow<'static, str>) -> Fault {
        Fault(Box::new(Inner {
            origin,
            message,
            metadata: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
            request_id: None,
            http: None,
            headers: HeaderMap::new(),
            source: None,
        }))
    }

    /// Replaces the message. Clients see it: it names nothing that they may not know.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Fault {
        self.0.message = message.into();
        self
    }

    /// Adds an entry to `ErrorInfo.metadata`. Clients see it.
    #[must_use]
    pub fn meta(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Fault {
        self.0.metadata.push((key.into(), value.into()));
        self
    }

    /// Adds a field that breaks a rule. All of a request's violations belong into one fault (AIP-193).
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Fault {
        self.0.violations.push(Violation { field: field.into(), description: description.into() });
        self
    }

    /// Names the fields that break rules from further out: where what was refused is a part of a larger request.
    #[must_use]
    pub fn within(mut self, outer: impl Fn(&str) -> String) -> Fault {
        for violation in &mut self.0.violations {
            violation.field = outer(&violation.field);
        }
        self
    }

    /// Says when a retry makes sense (`RetryInfo`, and `Retry-After` over HTTP).
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Fault {
        self.0.retry_after = Some(delay);
        self
    }

    /// Adds the id under which the log knows this request (`RequestInfo`).
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Fault {
        self.0.request_id = Some(id.into());
        self
    }

    /// Says it in HTTP with a status of HTTP's own, where the caller asked in words of HTTP's own.
    #[must_use]
    pub fn http(mut self, status: StatusCode) -> Fault {
        self.0.http = Some(status);
        self
    }

    /// Has headers sent with the answer that tells the fault, in whatever protocol. They do not travel on to another service's callers.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Fault {
        self.0.headers.extend(headers);
        self
    }

    /// Takes out the headers that are to be sent with it.
    pub fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(&mut self.0.headers)
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the gRPC code.
    pub fn code(&self) -> Code {
        match &self.0.origin {
            Origin::Own(reason) => reason.code(),
            Origin::Foreign { code, .. } => *code,
        }
    }

    /// Returns the reason, or `None` for another service's status that has none of ours.
    pub fn reason(&self) -> Option<Reason> {
        match &self.0.origin {
            Origin::Own(reason) => Some(*reason),
            Origin::Foreign { .. } => None,
        }
    }

    /// Returns the message that clients see.
    pub fn text(&self) -> &str {
        &self.0.message
    }

    /// Returns the fields that break a rule.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// Finds an entry of `ErrorInfo.metadata`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.0.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Says the same once more, as clients are told it: the source and the headers stay with the first.
    #[must_use]
    pub fn again(&self) -> Fault {
        let Inner { origin, message, metadata, violations, retry_after, request_id, http, headers: _, source: _ } =
            &*self.0;
        Fault(Box::new(Inner {
            origin: origin.clone(),
            message: message.clone(),
            metadata: metadata.clone(),
            violations: violations.clone(),
            retry_after: *retry_after,
            request_id: request_id.clone(),
            http: *http,
            headers: HeaderMap::new(),
            source: None,
        }))
    }

    /// Tells whether the same call may succeed if it is made again, unchanged.
    pub fn is_transient(&self) -> bool {
        self.code() == Code::Unavailable && self.reason() != Some(Reason::CommitUnknown)
    }

    /// Writes the source to the log, once: a second call finds none.
    ///
    /// `INTERNAL` is an error that a human must look at; a dependency that is away is a warning; the rest is detail.
    pub fn log(&mut self) {
        let Some(source) = self.0.source.take() else { return };
        let reason = self.reason().map_or("FOREIGN", Reason::name);
        let cause = chain(source.as_ref());
        let request_id = self.0.request_id.as_deref();
        match self.code() {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(reason, cause, request_id, "{}", self.0.message);
            }
            Code::Unavailable => tracing::warn!(reason, cause, request_id, "{}", self.0.message),
            _ => tracing::debug!(reason, cause, request_id, "{}", self.0.message),
        }
    }
}

/// Joins an error and its sources into one line, leaving out what a level merely repeats.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = cause.source();
    }
    text
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.code())
            .field("reason", &self.reason())
            .field("message", &self.0.message)
            .field("metadata", &self.0.metadata)
            .field("violations", &self.0.violations)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
