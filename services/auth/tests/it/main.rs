#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod config;
mod domain;
mod email_identity;
mod error;
mod harness;
mod hashing;
mod keys;
mod limits;
mod list_accounts;
mod policies;
mod s02_enumeration;
mod s05_brute_force;
mod s08_refresh_reuse;
mod s11_revocation;
mod s31_defaults;
mod s35_clock_and_ids;
mod session_list;
mod sessions;
