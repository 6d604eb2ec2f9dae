//! Whether a request gets a span at all.

use crate::TraceContext;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The target of request spans. At level `debug` they also appear in the log.
pub const SPAN_TARGET: &str = "mainstay::request";

/// Decides, before anything is allocated, whether a request is recorded.
#[derive(Debug, Clone, Copy)]
pub struct SpanPolicy {
    exporting: bool,
    ratio: f64,
}

impl SpanPolicy {
    /// Records nothing where nothing is exported; else `ratio` of the traces that start here.
    pub fn new(exporting: bool, ratio: f64) -> SpanPolicy {
        SpanPolicy { exporting, ratio }
    }

    /// Decides for one request. The caller's own decision is followed, so that traces stay whole.
    pub fn records(&self, received: &TraceContext) -> bool {
        if !self.exporting {
            // Only a log at level debug wants the span; asking costs one relaxed load.
            return tracing::enabled!(target: SPAN_TARGET, tracing::Level::DEBUG);
        }
        if !received.is_empty() {
            return received.is_sampled();
        }
        self.ratio >= 1.0 || (self.ratio > 0.0 && chance() < self.ratio)
    }
}

/// A number in `[0, 1)`. The standard library's seed is random per process and steps per use; that is enough to sample.
fn chance() -> f64 {
    let [.., a, b, c, d] = RandomState::new().build_hasher().finish().to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}
