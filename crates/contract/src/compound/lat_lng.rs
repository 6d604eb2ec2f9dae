//! `google.type.LatLng`: a point on the globe, in degrees.

use mainstay_record::{Value, Violation};

/// The fields, by number, and how far from zero each may be.
const PARTS: [(u32, &str, f64); 2] = [(1, "latitude", 90.0), (2, "longitude", 180.0)];

pub(super) fn check(path: &str, part: impl Fn(u32) -> Value, found: &mut Vec<Violation>) {
    for (number, name, most) in PARTS {
        let degrees = if let Value::Double(degrees) = part(number) { degrees } else { 0.0 };
        if degrees.abs() > most {
            let description = format!("must be from -{most} to {most} degrees");
            found.push(Violation { field: format!("{path}.{name}"), description });
        }
    }
}
