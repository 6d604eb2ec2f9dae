//! gRPC codes as HTTP statuses.

use crate::{Fault, Reason};
use http::StatusCode;
use tonic::Code;

/// "Client closed request": no registered status says that the caller gave up, and this one is what proxies write.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Maps a gRPC code to the HTTP status that `google/rpc/code.proto` gives for it.
pub fn http_status_of(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Fault {
    /// Returns the HTTP status of this fault.
    ///
    /// It follows from the code, except where HTTP has a word of its own for the reason (405, 408, 413, 415), or for what its
    /// caller asked ([`Fault::http`]: 412).
    pub fn http_status(&self) -> StatusCode {
        if let Some(own) = self.0.http {
            return own;
        }
        match self.reason() {
            Some(Reason::PayloadTooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Some(Reason::UnsupportedMediaType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Some(Reason::RequestTimeout) => StatusCode::REQUEST_TIMEOUT,
            Some(Reason::MethodNotAllowed) => StatusCode::METHOD_NOT_ALLOWED,
            _ => http_status_of(self.code()),
        }
    }
}
