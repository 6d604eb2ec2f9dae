//! What is wrong with a request, as faults.

use bytes::Bytes;
use mainstay_fault::{Fault, Reason};
use mainstay_wire::{JsonError, JsonErrorKind};

use super::query::{QueryError, shown};

/// A request that something is wrong with. Its caller is told so after it is decided whether it may be made, for which the part
/// that could be read is needed.
#[derive(Debug)]
pub struct Defective {
    pub fault: Fault,
    /// The request message, as far as it could be read.
    pub legible: Bytes,
}

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

/// Turns what `wire` says about a text into a fault that names every field, from the request message. Fields that do not
/// exist are a reason of their own only where nothing else is wrong.
pub fn json_fault(error: JsonError, origin: Origin<'_>) -> Fault {
    let (place, field) = (origin.place(), origin.field(&error.path));
    match error.kind {
        JsonErrorKind::Syntax | JsonErrorKind::Depth => {
            let at = if field.is_empty() { String::new() } else { format!(" at `{field}`") };
            Fault::new(Reason::MalformedRequest)
                .message(format!("the {place} could not be read{at}: {}", error.message))
        }
        JsonErrorKind::UnknownField if origin == Origin::Query => unknown_parameter(&field),
        _ => {
            let unknown = |error: &JsonError| error.kind == JsonErrorKind::UnknownField;
            let fault = if unknown(&error) && error.further.iter().all(unknown) {
                Fault::new(Reason::UnknownField)
                    .message(format!("the {place} names `{}`, which is no field of the request", shown(&field)))
            } else {
                Fault::new(Reason::FieldViolation)
            };
            let further = error.further.into_iter().map(|error| (origin.field(&error.path), error.message));
            let all = std::iter::once((field, error.message)).chain(further);
            all.fold(fault, |fault, (field, message)| fault.violation(field, message))
        }
    }
}

impl Origin<'_> {
    fn place(self) -> &'static str {
        match self {
            Origin::Path => "path",
            Origin::Query => "query",
            Origin::Body { .. } => "body",
        }
    }

    /// The field as the request message names it.
    fn field(self, path: &str) -> String {
        match self {
            Origin::Body { field } if path.is_empty() => field.to_owned(),
            Origin::Body { field } if !field.is_empty() => format!("{field}.{path}"),
            _ => path.to_owned(),
        }
    }
}

/// Gathers what is wrong with the fields of a request into one fault (AIP-193).
#[derive(Debug, Default)]
pub struct Gathered(Option<Fault>);

impl Gathered {
    /// Keeps a fault that names fields until the rest is read. One about the request as a whole is the answer at once.
    pub fn keep<T>(&mut self, read: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(fault) if fault.violations().is_empty() => Err(fault),
            Err(fault) => {
                self.0 = Some(match self.0.take() {
                    None => fault,
                    Some(first) => joined(first, &fault),
                });
                Ok(None)
            }
        }
    }

    /// Fails with what was kept.
    pub fn finish(self) -> Result<(), Fault> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Two faults as one, under the first's reason if it is the second's too.
fn joined(first: Fault, second: &Fault) -> Fault {
    let add = |fault: Fault, other: &Fault| {
        let violations = other.violations().iter().cloned();
        violations.fold(fault, |fault, violation| fault.violation(violation.field, violation.description))
    };
    if first.reason() == second.reason() {
        return add(first, second);
    }
    let fault = add(Fault::new(Reason::FieldViolation), &first);
    add(fault, second)
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
