//! Telemetry.
mod route;
mod trace_context;

pub use route::Route;
pub use trace_context::{MAX_TRACESTATE_BYTES, TRACEPARENT, TRACESTATE, TraceContext, inject_current};
