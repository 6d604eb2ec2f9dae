//! The id under which the logs know a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header under which a request's id travels, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a caller.
pub const MAX_REQUEST_ID_BYTES: usize = 128;

/// Takes the caller's id over where it is harmless in a log, else makes one.
pub(crate) fn take_or_make(headers: &HeaderMap) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id) if is_harmless(id.as_bytes()) => id.clone(),
        _ => make(),
    }
}

/// Letters, digits, and the few signs that the usual kinds of ids have.
fn is_harmless(id: &[u8]) -> bool {
    let harmless = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=');
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.iter().all(harmless)
}

/// Makes an id that no other process makes: a random start, and a number. Cheaper than asking the system for randomness.
fn make() -> HeaderValue {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let process = *PROCESS.get_or_init(|| uuid::Uuid::now_v7().as_u64_pair().1);
    let mut text = String::with_capacity(24);
    // Writing to a String cannot fail.
    let _ = write!(text, "{process:016x}-{:07x}", NEXT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}
