//! Tests of telemetry, one module per concern.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod metrics;
mod otlp;
mod settings;
mod trace_context;
