//! What is counted of mails.

use mainstay_telemetry::Metrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};

use super::Kind;

/// What became of an attempt to send a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken it.
    Sent,
    /// It is tried again.
    Deferred,
    /// The server does not take it, ever.
    Refused,
    /// It was of no more use before it could be sent.
    Expired,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Sent, Outcome::Deferred, Outcome::Refused, Outcome::Expired];

    fn word(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::Deferred => "deferred",
            Outcome::Refused => "refused",
            Outcome::Expired => "expired",
        }
    }
}

/// The counters of mails.
pub(crate) struct MailMeter {
    attempts: Counter<u64>,
    waiting: Gauge<u64>,
}

impl MailMeter {
    pub(crate) fn new(metrics: &Metrics) -> MailMeter {
        let meter = metrics.meter();
        let counters = MailMeter {
            attempts: meter
                .u64_counter("mainstay.mail.attempts")
                .with_description("Attempts to send mails, by what became of them")
                .build(),
            waiting: meter.u64_gauge("mainstay.mail.waiting").with_description("Mails that wait to be sent").build(),
        };
        // There from the start, so that an alarm can tell "never" from "not counted".
        for kind in Kind::ALL {
            for outcome in Outcome::ALL {
                counters.attempts.add(0, &labels(kind, outcome));
            }
        }
        counters.waiting.record(0, &[]);
        counters
    }

    pub(crate) fn count(&self, kind: Kind, outcome: Outcome) {
        self.attempts.add(1, &labels(kind, outcome));
    }

    pub(crate) fn waiting(&self, mails: u64) {
        self.waiting.record(mails, &[]);
    }
}

fn labels(kind: Kind, outcome: Outcome) -> [KeyValue; 2] {
    [KeyValue::new("mainstay.mail.kind", kind.word()), KeyValue::new("outcome", outcome.word())]
}
