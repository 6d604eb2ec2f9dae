//! What strangers write, taken in by what reads it: nothing of it may panic, hang or break what it promises.
//!
//! A target is a function of bytes. `make fuzz` looks for bytes that break one, a minute each; what it found once lies in
//! `corpus`, which `make test` takes in again.

mod contract;
mod gateway;
mod list;
mod page_token;
mod plan;
mod rule;
mod sample;

/// What a target takes in.
pub type Target = fn(&str);

/// All targets, by the names of their folders in `corpus`.
pub const TARGETS: [(&str, Target); 10] = [
    ("contract", contract::take),
    ("rule", rule::take),
    ("filter", list::filter),
    ("order", list::order),
    ("mask", list::mask),
    ("page_token", page_token::take),
    ("plan", plan::take),
    ("route", gateway::route),
    ("json", gateway::json),
    ("frame", gateway::frame),
];

/// The longest text that is tried: what is longer is refused by limits of its own, which have tests of their own.
pub const MAX_BYTES: usize = 16_384;

/// Gives bytes to a target; those that are no text are what no target gets to see.
pub fn take(target: Target, bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.len() <= MAX_BYTES
    {
        target(text);
    }
}
