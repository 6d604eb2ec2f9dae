//! Headers that few requests have.

use http::{HeaderMap, HeaderName};

/// Says whether a request has one of these headers. Most have few headers and none of these: to look through their names takes
/// less than to look each of these up.
pub fn has_any(headers: &HeaderMap, rare: &[HeaderName]) -> bool {
    headers.keys().any(|name| rare.contains(name))
}
