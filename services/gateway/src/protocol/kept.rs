//! What a client may keep of an answer, and the tag under which it does (RFC 9110, sections 8.8.3 and 15.4.5; RFC 9111).

use http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, VARY};
use http::{Response, StatusCode};
use mainstay_layers::Body;
use mainstay_wire::frame;

use super::NO_STORE;
use crate::snapshot::Method;

/// An answer belongs to its caller: no shared cache keeps it, and a private one asks again.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What an answer that belongs to its caller depends on.
const BY_CALLER: HeaderValue = HeaderValue::from_static("authorization, accept-encoding, x-goog-fieldmask");
pub const BY_CODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Who may keep an answer, and for what requests it is the answer. `asked` says that HTTP takes the request for a read.
pub fn keeping(method: &Method, asked: bool, headers: &mut HeaderMap) {
    if asked && method.ruled {
        headers.insert(CACHE_CONTROL, PRIVATE);
        headers.insert(VARY, BY_CALLER);
    } else {
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(VARY, BY_CODING);
    }
}

/// Answers 304, with the tag that the caller has its answer under.
pub fn unchanged(method: &Method, etag: Option<&str>, weak: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    keeping(method, true, response.headers_mut());
    response.headers_mut().extend(etag.and_then(|etag| tag(etag, weak)).map(|tag| (ETAG, tag)));
    response
}

/// The etag of the resource that an answer is (AIP-154); nothing where it is none, or has none.
pub fn etag<'m>(method: &Method, message: &'m [u8]) -> Option<&'m str> {
    method.etag.and_then(|number| frame::string(message, number).ok().flatten())
}

/// An etag as a header has it; nothing for one that no header can have.
pub fn tag(etag: &str, weak: bool) -> Option<HeaderValue> {
    let is_fit = !etag.is_empty() && etag.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte));
    if !is_fit {
        return None;
    }
    let mark = if weak { "W/\"" } else { "\"" };
    let mut text = String::with_capacity(mark.len() + etag.len() + 1);
    text.extend([mark, etag, "\""]);
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_that_no_header_can_have_is_left_out() {
        assert_eq!(tag("0a", false).unwrap(), "\"0a\"");
        assert_eq!(tag("0a", true).unwrap(), "W/\"0a\"");
        for etag in ["", "a\"b", "a b", "a\n", "\u{e9}"] {
            assert_eq!(tag(etag, false), None, "{etag:?}");
        }
    }
}
