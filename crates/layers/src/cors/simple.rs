//! What a browser sends for a page without asking first (the Fetch standard's "simple" requests), and whether a page of
//! another site had it sent.
//!
//! ```text
//! what the browser says                         what may change something is refused
//!   Sec-Fetch-Site: same-origin, none             never: the server's own page, or whoever sits before it
//!   Sec-Fetch-Site: cross-site, same-site         always
//!   only an Origin (plain HTTP, older browsers)   where that is another host's and no preflight was needed
//!   neither                                       never: it is no browser
//! ```

use crate::rarely;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method};

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a form can be sent as, and what a script may send without asking.
const FORM_TYPES: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Whether a browser sends, for a page of another site, what may change something and asked for no preflight: a form, or a
/// body that says nothing of what it is. What does need a preflight never comes from a page that was refused one.
pub(super) fn is_forged(parts: &Parts) -> bool {
    if parts.method.is_safe() {
        return false;
    }
    match rarely(&parts.headers, &SEC_FETCH_SITE).map_or(&b""[..], HeaderValue::as_bytes) {
        b"same-origin" | b"none" => false,
        b"cross-site" | b"same-site" => true,
        _ => rarely(&parts.headers, &ORIGIN).is_some() && !is_own(parts) && is_simple(parts),
    }
}

/// Whether the one origin of a request is of the host that it is sent to. What a page of that host's other port, or of no
/// origin at all, sends is not.
pub(crate) fn is_own(parts: &Parts) -> bool {
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let Some((_, of)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let to = parts.uri.authority().map(Authority::as_str).or(host);
    to.is_some_and(|to| to.eq_ignore_ascii_case(of))
}

/// Whether a browser sends this without asking. What cannot be read counts as that: browsers do not agree on it.
fn is_simple(parts: &Parts) -> bool {
    if parts.method != Method::POST {
        return false;
    }
    let mut types = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(of), None) = (types.next(), types.next()) else { return true };
    let Ok(of) = of.to_str() else { return true };
    let essence = of.split([';', ',']).next().unwrap_or_default().trim();
    let is_type = essence.split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of));
    !is_type || FORM_TYPES.iter().any(|form| form.eq_ignore_ascii_case(essence))
}

/// A `token` of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
