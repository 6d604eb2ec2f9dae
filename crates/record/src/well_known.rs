//! Message types of protobuf's and google's own that are stored in a form of their own.

use crate::Kind;

/// A message type that is stored otherwise than by its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WellKnown {
    Timestamp,
    Duration,
    Date,
    TimeOfDay,
    Decimal,
    /// A wrapper of a value that is stored as this.
    Wrapper(Kind),
    Struct,
    Value,
    ListValue,
    Any,
    FieldMask,
}

/// The types and how each is stored where it is a singular field: as one value, or as JSON. This is the only place that says so.
/// All other messages are stored as their fields; [`crate::Role::Presence`] says whether one is set.
const STORED: [(&str, WellKnown, Kind); 19] = [
    ("google.protobuf.Timestamp", WellKnown::Timestamp, Kind::Timestamp),
    ("google.protobuf.Duration", WellKnown::Duration, Kind::Int),
    ("google.type.Date", WellKnown::Date, Kind::Int),
    ("google.type.TimeOfDay", WellKnown::TimeOfDay, Kind::Int),
    ("google.type.Decimal", WellKnown::Decimal, Kind::Text),
    ("google.protobuf.BoolValue", WellKnown::Wrapper(Kind::Bool), Kind::Bool),
    ("google.protobuf.DoubleValue", WellKnown::Wrapper(Kind::Double), Kind::Double),
    ("google.protobuf.FloatValue", WellKnown::Wrapper(Kind::Double), Kind::Double),
    ("google.protobuf.Int32Value", WellKnown::Wrapper(Kind::Int), Kind::Int),
    ("google.protobuf.Int64Value", WellKnown::Wrapper(Kind::Int), Kind::Int),
    ("google.protobuf.UInt32Value", WellKnown::Wrapper(Kind::Int), Kind::Int),
    ("google.protobuf.UInt64Value", WellKnown::Wrapper(Kind::Int), Kind::Int),
    ("google.protobuf.StringValue", WellKnown::Wrapper(Kind::Text), Kind::Text),
    ("google.protobuf.BytesValue", WellKnown::Wrapper(Kind::Bytes), Kind::Bytes),
    ("google.protobuf.Struct", WellKnown::Struct, Kind::Json),
    ("google.protobuf.Value", WellKnown::Value, Kind::Json),
    ("google.protobuf.ListValue", WellKnown::ListValue, Kind::Json),
    ("google.protobuf.Any", WellKnown::Any, Kind::Json),
    ("google.protobuf.FieldMask", WellKnown::FieldMask, Kind::Json),
];

impl WellKnown {
    /// Finds a type by its full name.
    pub fn of(full_name: &str) -> Option<WellKnown> {
        // All else is not looked up, and is nearly all there is.
        let google = full_name.starts_with("google.");
        STORED.iter().filter(|_| google).find(|(name, ..)| *name == full_name).map(|(_, ty, _)| *ty)
    }

    /// What a column holds of it.
    pub fn kind(self) -> Kind {
        STORED.iter().find(|(_, ty, _)| *ty == self).map_or(Kind::Json, |(.., kind)| *kind)
    }

    /// Says whether clients see the message's fields in JSON, though it is stored as one value.
    pub fn is_object_in_json(self) -> bool {
        matches!(self, WellKnown::Date | WellKnown::TimeOfDay | WellKnown::Decimal)
    }
}
