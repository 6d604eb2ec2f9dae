//! What a field holds that can be counted with.

use prost_reflect::{FieldDescriptor, Kind};

/// What the values of a number's field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numeric {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    /// Timestamps and durations, in microseconds.
    Time,
}

impl Numeric {
    /// Reads a singular field; of a wrapper what is in it. Nothing where it holds no numbers.
    pub(crate) fn of(field: &FieldDescriptor) -> Option<Numeric> {
        match field.kind() {
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" | "google.protobuf.Duration" => Some(Numeric::Time),
                name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
                    message.get_field(1).and_then(|inner| Numeric::of_kind(&inner.kind()))
                }
                _ => None,
            },
            kind => Numeric::of_kind(&kind),
        }
    }

    fn of_kind(kind: &Kind) -> Option<Numeric> {
        Some(match kind {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Numeric::Int32,
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Numeric::Int64,
            Kind::Uint32 | Kind::Fixed32 => Numeric::Uint32,
            Kind::Uint64 | Kind::Fixed64 => Numeric::Uint64,
            Kind::Float => Numeric::Float,
            Kind::Double => Numeric::Double,
            _ => return None,
        })
    }
}
