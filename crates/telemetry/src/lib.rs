#![doc = include_str!("../README.md")]

mod bridged;
mod certificates;
mod config;
mod export;
mod filter;
mod init;
mod job;
mod json_line;
mod logs;
mod metrics;
mod process;
mod replicas;
mod route;
mod span_policy;
mod trace_context;

pub use certificates::CertificateEnd;
pub use config::{Config, LogFormat};
pub use export::Error;
pub use init::{FLUSH_TIMEOUT, Identity, Telemetry, init};
pub use job::{Failing, JobMeter};
pub use metrics::{ActiveGuard, Level, Metrics};
pub use replicas::ReplicaCounts;
pub use route::{Outcome, Route};
pub use span_policy::{SPAN_TARGET, SpanPolicy};
pub use trace_context::{MAX_TRACESTATE_BYTES, TRACEPARENT, TRACESTATE, TraceContext, inject_current, join, rename};
