//! Records of the `log` crate, which come as events with fields of the bridge's own.

use std::borrow::Cow;
use std::fmt;
use tracing::Event;
use tracing::field::{Field, Visit};

/// The target of every event that the bridge makes.
const BRIDGE: &str = "log";

/// The field with the record's own target.
const TARGET: &str = "log.target";

/// What the bridge's fields begin with. Beside the target there is the source file, whose path is one of the machine that
/// built this binary.
const PREFIX: &str = "log.";

/// Tells whether the bridge and not the record's author set a field.
pub(crate) fn is_own(field: &Field) -> bool {
    field.name().starts_with(PREFIX)
}

/// Finds who an event is from: a bridged record says so in a field.
pub(crate) fn target(event: &Event<'_>) -> Cow<'static, str> {
    let target = event.metadata().target();
    if target != BRIDGE {
        return Cow::Borrowed(target);
    }
    let mut found = Found(Cow::Borrowed(target));
    event.record(&mut found);
    found.0
}

struct Found(Cow<'static, str>);

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == TARGET {
            self.0 = Cow::Owned(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
