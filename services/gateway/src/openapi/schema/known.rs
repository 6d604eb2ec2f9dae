//! Types whose JSON is fixed: scalars, and the well-known messages.

use prost_reflect::{Kind, MessageDescriptor};

use crate::openapi::json::{Json, Object};

/// A signed number in a string.
pub const SIGNED: &str = "^-?[0-9]+$";
/// One that is not negative.
pub const UNSIGNED: &str = "^[0-9]+$";

fn typed(kind: &'static str) -> Object {
    Object::new().with("type", kind)
}

fn formatted(kind: &'static str, format: &'static str) -> Object {
    typed(kind).with("format", format)
}

/// One value of a scalar kind. 64-bit numbers are strings, since JavaScript's numbers do not hold them.
pub fn scalar(kind: &Kind) -> Object {
    match kind {
        Kind::Bool => typed("boolean"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            formatted("integer", "int32").with("minimum", i64::from(i32::MIN)).with("maximum", i64::from(i32::MAX))
        }
        Kind::Uint32 | Kind::Fixed32 => {
            formatted("integer", "uint32").with("minimum", 0_i64).with("maximum", i64::from(u32::MAX))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => formatted("string", "int64").with("pattern", SIGNED),
        Kind::Uint64 | Kind::Fixed64 => formatted("string", "uint64").with("pattern", UNSIGNED),
        Kind::Float => formatted("number", "float"),
        Kind::Double => formatted("number", "double"),
        Kind::Bytes => formatted("string", "byte").with("contentEncoding", "base64"),
        Kind::String | Kind::Message(_) | Kind::Enum(_) => typed("string"),
    }
}

/// Whether a schema is that of a float or a double.
pub fn is_real(schema: &Object) -> bool {
    matches!(schema.get("type"), Some(Json::Text(kind)) if kind == "number")
}

/// Numbers, or one of these texts.
pub fn or_texts(numbers: Object, texts: Vec<&'static str>) -> Object {
    if texts.is_empty() {
        return numbers;
    }
    Object::new().with("anyOf", vec![numbers, typed("string").with("enum", texts)])
}

/// A key of a map, which in JSON is always a string.
pub fn key(kind: &Kind) -> Object {
    match kind {
        Kind::Bool => typed("string").with("enum", vec!["true", "false"]),
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => typed("string").with("pattern", UNSIGNED),
        Kind::String => typed("string"),
        _ => typed("string").with("pattern", SIGNED),
    }
}

/// The JSON of a well-known type; nothing for every other message.
pub fn known(message: &MessageDescriptor) -> Option<Object> {
    let name = message.full_name().strip_prefix("google.protobuf.")?;
    Some(match name {
        "Timestamp" => formatted("string", "date-time"),
        "Duration" => formatted("string", "google-duration").with("pattern", r"^-?[0-9]+(\.[0-9]{1,9})?s$"),
        "FieldMask" => formatted("string", "google-fieldmask"),
        "Struct" => typed("object").with("additionalProperties", true),
        "Value" => Object::new(),
        "ListValue" => typed("array").with("items", Object::new()),
        "Any" => typed("object")
            .with("required", vec!["@type"])
            .with("properties", Object::new().with("@type", typed("string")))
            .with("additionalProperties", true),
        "Empty" => typed("object"),
        "BoolValue" | "Int32Value" | "UInt32Value" | "Int64Value" | "UInt64Value" | "FloatValue" | "DoubleValue"
        | "StringValue" | "BytesValue" => scalar(&message.get_field(1)?.kind()),
        _ => return None,
    })
}

/// Whether a message can be given as a text: in a path or a query.
pub fn has_text_form(message: &MessageDescriptor) -> bool {
    known(message).is_some_and(|schema| match schema.get("type") {
        Some(Json::Text(kind)) => !matches!(&**kind, "object" | "array"),
        _ => false,
    })
}
