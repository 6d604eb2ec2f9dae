//! What the gateway promises, as sentences.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod docs;
mod own;
mod route;
mod s28_reflection;
mod serve;
mod snapshot;
mod store;
mod support;
mod transcode;
mod watch;
