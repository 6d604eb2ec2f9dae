//! Where the rounds of one background job are counted.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bounds of the histogram of rounds, in seconds: from a statement to a long index.
const ROUND_BOUNDS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 600.0, 3600.0];

/// How a round did not do what it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// It ended with an error.
    Failed,
    /// It panicked.
    Panicked,
}

/// What all jobs of a process are counted by.
pub(crate) struct JobMeters {
    duration: Histogram<f64>,
    last_run: Gauge<f64>,
    failures: Counter<u64>,
}

impl JobMeters {
    pub(crate) fn new(meter: &Meter) -> JobMeters {
        JobMeters {
            duration: meter
                .f64_histogram("mainstay.job.duration")
                .with_unit("s")
                .with_description("How long the rounds of a background job took")
                .with_boundaries(ROUND_BOUNDS.to_vec())
                .build(),
            last_run: meter
                .f64_gauge("mainstay.job.last_run")
                .with_unit("s")
                .with_description("When a round of a background job last ended well, in seconds since 1970 UTC")
                .build(),
            failures: meter
                .u64_counter("mainstay.job.failures")
                .with_description("Rounds of a background job that failed or panicked")
                .build(),
        }
    }

    /// The label is not `job`: that is what Prometheus calls the group of processes that it asks.
    pub(crate) fn job(&self, name: &str) -> JobMeter {
        let label = KeyValue::new("mainstay.job.name", name.to_owned());
        let failure = |how: &'static str| [label.clone(), KeyValue::new("outcome", how)];
        let meter = JobMeter {
            duration: self.duration.clone(),
            last_run: self.last_run.clone(),
            failures: self.failures.clone(),
            failed: failure("failed"),
            panicked: failure("panicked"),
            label: [label],
        };
        // There from the start, so that an alarm can tell "never" from "not counted".
        meter.failures.add(0, &meter.failed);
        meter.failures.add(0, &meter.panicked);
        meter
    }
}

/// The counters of one job.
pub struct JobMeter {
    duration: Histogram<f64>,
    last_run: Gauge<f64>,
    failures: Counter<u64>,
    label: [KeyValue; 1],
    failed: [KeyValue; 2],
    panicked: [KeyValue; 2],
}

impl JobMeter {
    /// Counts a round that did what it was for.
    pub fn ran(&self, took: Duration) {
        self.duration.record(took.as_secs_f64(), &self.label);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_run.record(now.as_secs_f64(), &self.label);
    }

    /// Counts a round that did not.
    pub fn failed(&self, how: Failing, took: Duration) {
        self.duration.record(took.as_secs_f64(), &self.label);
        let label = match how {
            Failing::Failed => &self.failed,
            Failing::Panicked => &self.panicked,
        };
        self.failures.add(1, label);
    }
}

impl std::fmt::Debug for JobMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JobMeter").field(&self.label[0].value).finish()
    }
}
