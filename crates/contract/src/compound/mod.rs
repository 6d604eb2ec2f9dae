//! Messages of google's own whose parts must agree, as their comments say: checked of every value, without any option.

mod date_time;
mod lat_lng;
mod money;

use mainstay_record::{Value, Violation};

pub use money::MAX_MONEY_NANOS;

/// A message whose parts must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compound {
    Money,
    LatLng,
    DateTime,
}

impl Compound {
    /// Finds a message by its full name.
    pub(crate) fn of(full_name: &str) -> Option<Compound> {
        Some(match full_name {
            "google.type.Money" => Compound::Money,
            "google.type.LatLng" => Compound::LatLng,
            "google.type.DateTime" => Compound::DateTime,
            _ => return None,
        })
    }

    /// Checks a message that is set; `part` finds the value of the field with a number, NULL where it is unset.
    pub(crate) fn check(self, path: &str, part: impl Fn(u32) -> Value, found: &mut Vec<Violation>) {
        match self {
            Compound::Money => money::check(path, part, found),
            Compound::LatLng => lat_lng::check(path, part, found),
            Compound::DateTime => date_time::check(path, part, found),
        }
    }
}
