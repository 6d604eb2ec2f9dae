//! How answers look.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use mainstay_fault::Fault;
use mainstay_layers::Body;
use mainstay_proto::auth::v1 as pb;
use serde_json::{Value, json};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"oauth2\", charset=\"UTF-8\"");
const PRAGMA_NO_CACHE: (HeaderName, HeaderValue) = (PRAGMA, HeaderValue::from_static("no-cache"));

/// Writes JSON that nobody keeps (RFC 6749, section 5.1).
pub fn json(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.extend([PRAGMA_NO_CACHE]);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

pub fn good(value: &Value) -> Response<Body> {
    json(StatusCode::OK, value.to_string())
}

/// Refuses in the words of the standards (RFC 6749, section 5.2). `by_header`: whether the client has shown itself in
/// `authorization`, and is told to do so again.
pub fn refused(error: &pb::OAuthError, by_header: bool) -> Response<Body> {
    let is_client = error.error == "invalid_client";
    let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let body = json!({"error": error.error, "error_description": error.error_description});
    let mut response = json(status, body.to_string());
    if is_client && by_header {
        response.headers_mut().insert(WWW_AUTHENTICATE, BASIC);
    }
    response
}

/// The same of a request that cannot be read.
pub fn unreadable(says: &str) -> Response<Body> {
    let error = pb::OAuthError { error: "invalid_request".to_owned(), error_description: says.to_owned() };
    refused(&error, false)
}

/// Refuses a token (RFC 6750, section 3). Who has shown none is told no error.
pub fn no_token(error: Option<&pb::OAuthError>) -> Result<Response<Body>, Fault> {
    let Some(pb::OAuthError { error, error_description }) = error else {
        let mut response = json(StatusCode::UNAUTHORIZED, json!({"error": "invalid_token"}).to_string());
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return Ok(response);
    };
    let status = if error == "insufficient_scope" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    let mut response = json(status, json!({"error": error, "error_description": error_description}).to_string());
    let says = format!("Bearer error=\"{error}\", error_description=\"{error_description}\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::try_from(says).map_err(Fault::internal)?);
    Ok(response)
}
