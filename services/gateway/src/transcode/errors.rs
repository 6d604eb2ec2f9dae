//! What is wrong with a request, as faults.

use mainstay_fault::{Fault, Reason};
use mainstay_wire::{JsonError, JsonErrorKind};

use super::query::{QueryError, shown};

/// Where in the request a value stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'r> {
    Path,
    Query,
    /// The body is this field of the request; empty where it is the request.
    Body {
        field: &'r str,
    },
}

/// Turns what `wire` says about a text into a fault that names the field, from the request message.
pub fn json_fault(error: JsonError, origin: Origin<'_>) -> Fault {
    let field = match origin {
        Origin::Body { field } if !field.is_empty() && error.path.is_empty() => field.to_owned(),
        Origin::Body { field } if !field.is_empty() => format!("{field}.{}", error.path),
        _ => error.path,
    };
    let place = match origin {
        Origin::Path => "path",
        Origin::Query => "query",
        Origin::Body { .. } => "body",
    };
    match error.kind {
        JsonErrorKind::Syntax | JsonErrorKind::Depth => {
            let at = if field.is_empty() { String::new() } else { format!(" at `{field}`") };
            Fault::new(Reason::MalformedRequest)
                .message(format!("the {place} could not be read{at}: {}", error.message))
        }
        JsonErrorKind::UnknownField if origin == Origin::Query => unknown_parameter(&field),
        JsonErrorKind::UnknownField => Fault::new(Reason::UnknownField)
            .message(format!("the {place} names `{}`, which is no field of the request", shown(&field)))
            .violation(field, error.message),
        JsonErrorKind::Value | JsonErrorKind::Duplicate => {
            Fault::new(Reason::FieldViolation).violation(field, error.message)
        }
    }
}

/// A query parameter that the method does not take.
pub fn unknown_parameter(name: &str) -> Fault {
    Fault::new(Reason::UnknownField)
        .message(format!("`{}` is no query parameter of this method", shown(name)))
        .violation(shown(name), "is not a query parameter of this method")
}

/// A query parameter that names what another part of the request gives.
pub fn given_elsewhere(name: &str, place: &str) -> Fault {
    Fault::new(Reason::FieldViolation)
        .violation(shown(name), format!("is given by the {place} and cannot be a query parameter too"))
}

/// A singular field given more than once.
pub fn given_twice(name: &str) -> Fault {
    Fault::new(Reason::FieldViolation).violation(shown(name), "takes one value and was given several")
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Fault {
        Fault::new(Reason::MalformedRequest).message(format!("the query could not be read: {error}"))
    }
}
