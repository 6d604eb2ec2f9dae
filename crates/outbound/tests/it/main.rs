#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod calls;
mod config;
