//! The tests of `mainstay-wire`, with prost-reflect as the oracle.

#![allow(clippy::unwrap_used, reason = "what the helpers unwrap is what the tests assert")]

mod frame;
mod json;
mod record;
mod schema;
