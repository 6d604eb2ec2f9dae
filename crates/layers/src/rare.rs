//! Headers that few requests have.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Says whether a request has one of these headers. Most have few headers and none of these: to look through their names takes
/// less than to look each of these up.
pub fn has_any(headers: &HeaderMap, rare: &[HeaderName]) -> bool {
    headers.keys().any(|name| rare.contains(name))
}

/// The first value of a header that few requests have, found in the same way.
pub fn rarely<'h>(headers: &'h HeaderMap, rare: &HeaderName) -> Option<&'h HeaderValue> {
    if has_any(headers, std::slice::from_ref(rare)) { headers.get(rare) } else { None }
}
