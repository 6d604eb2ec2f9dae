//! Tests of the layers: what each concern does, and that nothing escapes the observers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod again;
mod browser;
mod client;
mod cors;
mod desk;
mod identity_headers;
mod in_memory;
mod protocols;
mod refusals;
mod request_id;
