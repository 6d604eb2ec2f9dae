//! What is counted of CAPTCHAs.

use mainstay_telemetry::Metrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

use super::CaptchaError;

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Missing,
    Failed,
    Unavailable,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Passed, Outcome::Missing, Outcome::Failed, Outcome::Unavailable];

    fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Missing => "missing",
            Outcome::Failed => "failed",
            Outcome::Unavailable => "unavailable",
        }
    }

    pub(super) fn of(judged: &Result<(), CaptchaError>) -> Outcome {
        match judged {
            Ok(()) => Outcome::Passed,
            Err(CaptchaError::Required) => Outcome::Missing,
            Err(CaptchaError::Failed(_)) => Outcome::Failed,
            Err(CaptchaError::Unavailable(_)) => Outcome::Unavailable,
        }
    }
}

/// The counter of checks.
pub(super) struct CaptchaMeter(Counter<u64>);

impl CaptchaMeter {
    pub(super) fn new(metrics: &Metrics) -> CaptchaMeter {
        let checks = metrics
            .meter()
            .u64_counter("mainstay.captcha.checks")
            .with_description("Checks of CAPTCHAs, by what became of them")
            .build();
        // There from the start, so that an alarm can tell "never" from "not counted".
        for outcome in Outcome::ALL {
            checks.add(0, &[KeyValue::new("outcome", outcome.word())]);
        }
        CaptchaMeter(checks)
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.0.add(1, &[KeyValue::new("outcome", outcome.word())]);
    }
}
