//! The id under which the logs know a request.

use crate::rarely;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header under which a request's id travels, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a caller.
pub const MAX_REQUEST_ID_BYTES: usize = 128;

/// Takes the caller's id over where it is harmless in a log, else makes one.
pub(crate) fn take_or_make(headers: &HeaderMap) -> HeaderValue {
    match rarely(headers, &REQUEST_ID) {
        Some(id) if is_harmless(id.as_bytes()) => id.clone(),
        _ => make(),
    }
}

/// Letters, digits, and the few signs that the usual kinds of ids have.
fn is_harmless(id: &[u8]) -> bool {
    let harmless = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=');
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.iter().all(harmless)
}

/// The digits of an id that are the process's own, and those that count: enough for a trillion requests.
const PROCESS_DIGITS: usize = 16;
const NUMBER_DIGITS: usize = 10;

/// Makes an id that no other process makes: a random start, and a number. Cheaper than asking the system for randomness,
/// and than formatting.
fn make() -> HeaderValue {
    static PROCESS: OnceLock<[u8; PROCESS_DIGITS]> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let process = PROCESS.get_or_init(|| {
        let mut digits = [b'0'; PROCESS_DIGITS];
        put_digits(uuid::Uuid::now_v7().as_u64_pair().1, &mut digits);
        digits
    });
    let mut id = [b'0'; PROCESS_DIGITS + 1 + NUMBER_DIGITS];
    id[..PROCESS_DIGITS].copy_from_slice(process);
    id[PROCESS_DIGITS] = b'-';
    put_digits(NEXT.fetch_add(1, Ordering::Relaxed), &mut id[PROCESS_DIGITS + 1..]);
    HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Writes a number in lower-case hexadecimal, its last digits if there is no room for all.
fn put_digits(mut number: u64, into: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in into.iter_mut().rev() {
        *digit = DIGITS[(number & 15) as usize];
        number >>= 4;
    }
}
