//! Which services are the application's own, and what those who answer them are called.

use prost_reflect::ServiceDescriptor;

pub(crate) const UPSTREAM: &str = "mainstay.v1.upstream";

/// Longest name of an upstream, in bytes.
pub const MAX_UPSTREAM_NAME_BYTES: usize = 63;

/// The name of the upstream that a service belongs to (`option (mainstay.v1.upstream)`); nothing for a service of resources.
pub fn upstream_of(service: &ServiceDescriptor) -> Option<String> {
    let extension = service.parent_pool().get_extension_by_name(UPSTREAM)?;
    let options = service.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_str().map(str::to_owned)
}

/// Whether an upstream can have this name: lower-case letters, digits and single `-` or `_` between them.
pub fn is_upstream_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    name.len() <= MAX_UPSTREAM_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split(['-', '_']).all(is_word)
}
