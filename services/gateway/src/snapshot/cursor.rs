//! Where a stream can be taken up again.

use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};

/// What the name of the request's field begins with.
const AFTER: &str = "after_";

/// The field of a stream's messages that says how far it has come, and the one of its request that takes it up from there. It is
/// told by their names: `after_revision` in the request is the `revision` of each message.
#[derive(Debug)]
pub struct Cursor {
    /// The number of the messages' field.
    pub message: u32,
    pub kind: CursorKind,
    /// The name of the request's field.
    pub request: Box<str>,
}

/// How a cursor is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorKind {
    Text,
    /// A number that is never negative.
    Number,
}

impl Cursor {
    /// Finds the cursor of a method that answers with a stream, if it has one.
    pub fn of(method: &MethodDescriptor) -> Option<Cursor> {
        let (input, output) = (method.input(), method.output());
        let mut fields = input.fields().filter(|_| method.is_server_streaming());
        fields.find_map(|request| {
            let message = output.get_field_by_name(request.name().strip_prefix(AFTER)?)?;
            let kind = kind(&message).filter(|found| kind(&request) == Some(*found))?;
            Some(Cursor { message: message.number(), kind, request: request.name().into() })
        })
    }
}

fn kind(field: &FieldDescriptor) -> Option<CursorKind> {
    if field.is_list() || field.is_map() {
        return None;
    }
    match field.kind() {
        Kind::String => Some(CursorKind::Text),
        Kind::Int64 | Kind::Uint64 | Kind::Int32 | Kind::Uint32 => Some(CursorKind::Number),
        _ => None,
    }
}
