//! The table of limits in the README says what the code does.

use mainstay_layers::{
    BODY_TIMEOUT, DEFAULT_MAX_UNSENT_BYTES, DEFAULT_TIMEOUT, MAX_TIMEOUT, MIN_BODY_BYTES_PER_SECOND,
};
use mainstay_runtime::process::DEFAULT_MAX_REQUESTS;
use mainstay_runtime::server::{
    DEFAULT_DRAIN_TIMEOUT, DEFAULT_HTTP2_IDLE, DEFAULT_KEEP_ALIVE, DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_CONNECTIONS_PER_PEER, HEAD_TIMEOUT, HTTP2_KEEPALIVE_INTERVAL, HTTP2_KEEPALIVE_TIMEOUT, LINGER_BYTES,
    LINGER_TIMEOUT, MAX_CONCURRENT_STREAMS, MAX_HEAD_BYTES, MAX_HEADERS, MAX_PENDING_RESETS,
    MIN_ANSWER_BYTES_PER_SECOND, PROXY_HEADER_TIMEOUT, QUIET_FRAMES, RESERVED_DESCRIPTORS, RESETS,
    TLS_HANDSHAKE_TIMEOUT, WRITE_STALL_TIMEOUT,
};
use std::time::Duration;

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

/// `8192` as it is written for people.
fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// How many at once, and in each second.
fn both((at_once, per_second): (u32, u32)) -> String {
    format!("{}; {}", thousands(at_once as usize), thousands(per_second as usize))
}

#[test]
fn the_table_of_limits_is_what_the_code_does() {
    let readme = include_str!("../../README.md");
    let values = [
        ("open connections per port", thousands(DEFAULT_MAX_CONNECTIONS)),
        ("requests that are worked on", thousands(DEFAULT_MAX_REQUESTS)),
        ("an HTTP/1.1 connection on which nothing", seconds(DEFAULT_KEEP_ALIVE)),
        ("calls in flight when the process ends", seconds(DEFAULT_DRAIN_TIMEOUT)),
        ("first byte on a connection", seconds(HEAD_TIMEOUT)),
        ("TLS handshake", seconds(TLS_HANDSHAKE_TIMEOUT)),
        ("what a trusted proxy says", seconds(PROXY_HEADER_TIMEOUT)),
        ("head of a request", format!("{} KiB; {MAX_HEADERS}", MAX_HEAD_BYTES >> 10)),
        ("a body of which nothing", format!("{}; {} KiB/s", seconds(BODY_TIMEOUT), MIN_BODY_BYTES_PER_SECOND >> 10)),
        (
            "a client that takes nothing",
            format!("{}; {} KiB/s", seconds(WRITE_STALL_TIMEOUT), MIN_ANSWER_BYTES_PER_SECOND >> 10),
        ),
        ("of these, of one address", thousands(DEFAULT_MAX_CONNECTIONS_PER_PEER)),
        ("descriptors", thousands(RESERVED_DESCRIPTORS)),
        ("answers that their clients have not taken", format!("{} MiB", DEFAULT_MAX_UNSENT_BYTES >> 20)),
        ("an HTTP/2 connection on which nothing", seconds(DEFAULT_HTTP2_IDLE)),
        ("frames that ask for nothing", both(QUIET_FRAMES)),
        ("streams that a client resets", both(RESETS)),
        ("deadline of a unary call", format!("{}; {}", seconds(DEFAULT_TIMEOUT), seconds(MAX_TIMEOUT))),
        ("what is read of a request", format!("{} MiB, {}", LINGER_BYTES >> 20, seconds(LINGER_TIMEOUT))),
        ("open requests on an HTTP/2", format!("{MAX_CONCURRENT_STREAMS}; {MAX_PENDING_RESETS}")),
        (
            "a silent HTTP/2 connection",
            format!("{}; {}", seconds(HTTP2_KEEPALIVE_INTERVAL), seconds(HTTP2_KEEPALIVE_TIMEOUT)),
        ),
    ];
    for (limit, value) in values {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {limit}")));
        let row = row.unwrap_or_else(|| panic!("no row for {limit:?}"));
        assert_eq!(row.split('|').nth(2).map(str::trim), Some(value.as_str()), "{row}");
    }
}
