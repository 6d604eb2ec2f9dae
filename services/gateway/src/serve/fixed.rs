//! The addresses that the gateway answers itself.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method as HttpMethod, Response, StatusCode};
use http_body_util::Full;
use mainstay_layers::Body;

use super::endpoint::{Edge, Target};

/// An address of the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// `/healthz`: the process answers.
    Alive,
    /// `/readyz`: the contract is known and the services behind answer.
    Ready,
}

impl Fixed {
    /// Finds the address. GET and HEAD are taken, other methods are told so.
    pub fn of(path: &str, method: &HttpMethod) -> Option<Target> {
        let fixed = match path {
            "/healthz" => Fixed::Alive,
            "/readyz" => Fixed::Ready,
            _ => return None,
        };
        let reads = matches!(*method, HttpMethod::GET | HttpMethod::HEAD);
        Some(if reads { Target::Fixed(fixed) } else { Target::WrongMethod(vec![HttpMethod::GET, HttpMethod::HEAD]) })
    }
}

/// Answers with one line of text: `ok`, or what is missing.
pub fn serve(edge: &Edge, fixed: Fixed) -> Response<Body> {
    let missing = match fixed {
        Fixed::Alive => Vec::new(),
        Fixed::Ready => edge.readiness.missing(),
    };
    let text = if missing.is_empty() { "ok\n".to_owned() } else { format!("not ready: {}\n", missing.join(", ")) };
    let mut response = Response::new(Body::new(Full::from(text)));
    if !missing.is_empty() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
