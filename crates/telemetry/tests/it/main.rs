//! Tests of telemetry, one module per concern.

mod metrics;
mod otlp;
mod settings;
mod trace_context;
