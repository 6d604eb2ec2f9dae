//! Tests of the fault crate, one module per source file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod connect;
mod fault;
mod json;
mod reason;
mod status;
