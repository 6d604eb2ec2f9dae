//! What the store promises, on both engines wherever both can show it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod abandoned;
mod caching;
mod conflicts;
mod copies;
mod durability;
mod groups;
mod known;
mod lanes;
mod leases;
mod log;
mod macros;
mod memory;
mod migrations;
mod opening;
mod readiness;
mod silence;
mod sinks;
mod snapshots;
mod support;
mod tls;
mod values;
mod writes;
