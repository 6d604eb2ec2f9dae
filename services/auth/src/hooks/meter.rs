//! What is counted of hooks.

use mainstay_telemetry::Metrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};

use super::{HookError, Kind};

/// What became of a call of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    /// Not within its deadline.
    Late,
    /// There is no connection, or the answer is an error.
    Failed,
    /// The answer is none that can be used.
    Unusable,
    /// What it was to be told is too old, or cannot be read.
    GivenUp,
}

impl Outcome {
    const ALL: [Outcome; 5] = [Outcome::Answered, Outcome::Late, Outcome::Failed, Outcome::Unusable, Outcome::GivenUp];

    fn word(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Late => "late",
            Outcome::Failed => "failed",
            Outcome::Unusable => "unusable",
            Outcome::GivenUp => "given_up",
        }
    }

    pub(super) fn of(error: &HookError) -> Outcome {
        match error {
            HookError::Late(_) | HookError::Hurried(_) => Outcome::Late,
            HookError::Failed { .. } | HookError::NotSigned(..) => Outcome::Failed,
            HookError::Unusable { .. } => Outcome::Unusable,
        }
    }
}

/// The counters of hooks.
pub(crate) struct HookMeter {
    calls: Counter<u64>,
    waiting: Gauge<u64>,
}

impl HookMeter {
    pub(super) fn new(metrics: &Metrics, kinds: impl Iterator<Item = Kind>) -> HookMeter {
        let meter = metrics.meter();
        let calls = meter
            .u64_counter("mainstay.hook.calls")
            .with_description("Calls of the application's hooks, by what became of them")
            .build();
        let waiting = meter
            .u64_gauge("mainstay.hook.sign_ups_waiting")
            .with_description("Accounts that were made and that the hook after_sign_up is still to be told of")
            .build();
        // There from the start, so that an alarm can tell "never" from "not counted".
        for kind in kinds {
            for outcome in Outcome::ALL {
                calls.add(0, &labels(kind, outcome));
            }
        }
        HookMeter { calls, waiting }
    }

    pub(super) fn count(&self, kind: Kind, outcome: Outcome) {
        self.calls.add(1, &labels(kind, outcome));
    }

    pub(super) fn waiting(&self, sign_ups: u64) {
        self.waiting.record(sign_ups, &[]);
    }
}

fn labels(kind: Kind, outcome: Outcome) -> [KeyValue; 2] {
    [KeyValue::new("mainstay.hook", kind.word()), KeyValue::new("outcome", outcome.word())]
}
