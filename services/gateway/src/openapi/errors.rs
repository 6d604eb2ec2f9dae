//! What can go wrong with a call, as the answers of its operation.
//!
//! The words are the table of reasons ([`Reason`]); which of them a method may say follows from what its request has, from what
//! it does, and from the reasons that its comment names.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_fault::{Fault, Reason};
use prost_reflect::MethodDescriptor;

use super::json::{Json, Object};
use crate::snapshot::Binding;

/// What every call may be told.
const ALWAYS: [Reason; 18] = [
    Reason::MalformedRequest,
    Reason::FieldViolation,
    Reason::UnknownField,
    Reason::InvalidMask,
    Reason::TokenInvalid,
    Reason::TokenExpired,
    Reason::SessionEnded,
    Reason::PermissionDenied,
    Reason::RequestTimeout,
    Reason::PayloadTooLarge,
    Reason::UnsupportedMediaType,
    Reason::RateLimited,
    Reason::AnswersUnread,
    Reason::Internal,
    Reason::DataDamaged,
    Reason::Overloaded,
    Reason::Unavailable,
    Reason::DeadlineExceeded,
];

/// What a request's field may be refused for.
const BY_FIELD: [(&str, &[Reason]); 12] = [
    ("name", &[Reason::InvalidName, Reason::ResourceNotFound]),
    ("names", &[Reason::InvalidName, Reason::ResourceNotFound]),
    ("parent", &[Reason::InvalidName, Reason::ResourceNotFound]),
    ("filter", &[Reason::InvalidFilter]),
    ("order_by", &[Reason::InvalidOrderBy]),
    ("page_size", &[Reason::InvalidArgument]),
    ("page_token", &[Reason::InvalidPageToken]),
    ("update_mask", &[Reason::ImmutableField, Reason::ResourceNotFound, Reason::EtagMismatch]),
    ("etag", &[Reason::EtagMismatch]),
    ("request_id", &[Reason::RequestIdReused]),
    ("requests", &[Reason::InvalidName, Reason::ResourceNotFound]),
    ("writes", &[Reason::InvalidName, Reason::ResourceNotFound, Reason::EtagMismatch]),
];

/// What a change may run into, by the platform's methods and the application's.
const CHANGES: [Reason; 4] =
    [Reason::OriginNotAllowed, Reason::Conflict, Reason::CommitUnknown, Reason::FailedPrecondition];

/// What a write of a resource may run into.
const WRITES: [Reason; 13] = [
    Reason::AlreadyExists,
    Reason::UniqueViolation,
    Reason::Overlap,
    Reason::ReferenceNotFound,
    Reason::ResourceNotFound,
    Reason::ResourceDeleted,
    Reason::StillReferenced,
    Reason::Cycle,
    Reason::TooDeep,
    Reason::EffectRefused,
    Reason::ImmutableField,
    Reason::IllegalTransition,
    Reason::GuardRefused,
];

/// The codes that comments name, with the reason that stands for each.
const CODES: [(&str, Reason); 8] = [
    ("NOT_FOUND", Reason::ResourceNotFound),
    ("ALREADY_EXISTS", Reason::AlreadyExists),
    ("FAILED_PRECONDITION", Reason::FailedPrecondition),
    ("INVALID_ARGUMENT", Reason::InvalidArgument),
    ("RESOURCE_EXHAUSTED", Reason::RateLimited),
    ("ABORTED", Reason::Conflict),
    ("UNIMPLEMENTED", Reason::Unimplemented),
    ("UNAVAILABLE", Reason::Unavailable),
];

/// The reasons for which a call of a method may fail, in the order of the table.
pub fn reasons(binding: &Binding, descriptor: &MethodDescriptor, comment: &str) -> Vec<Reason> {
    let method = &binding.method;
    let mut found: BTreeSet<Reason> = ALWAYS.into_iter().collect();
    let open = !method.ruled && method.access == Some(mainstay_layers::Access::Anyone);
    if !open {
        found.insert(Reason::Unauthenticated);
    }
    let input = descriptor.input();
    for (field, reasons) in BY_FIELD {
        if input.get_field_by_name(field).is_some() {
            found.extend(reasons);
        }
    }
    // What the path names is there or not, whatever the field is called.
    if !binding.captures.is_empty() {
        found.extend([Reason::InvalidName, Reason::ResourceNotFound]);
    }
    if method.side_effects {
        found.extend(CHANGES);
        if method.ruled {
            found.extend(WRITES);
        }
    }
    if method.client_streaming {
        found.insert(Reason::Unimplemented);
    }
    found.extend(named(comment));
    found.into_iter().collect()
}

/// The reasons that a comment names.
fn named(comment: &str) -> impl Iterator<Item = Reason> {
    let words = comment.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    words.filter_map(|word| {
        let code = CODES.iter().find(|(code, _)| *code == word).map(|(_, reason)| *reason);
        code.or_else(|| Reason::from_name(word))
    })
}

/// The answers of an operation for these reasons, by status.
pub fn answers(binding: &Binding, reasons: &[Reason]) -> BTreeMap<u16, Json> {
    let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in reasons {
        by_status.entry(Fault::new(*reason).http_status().as_u16()).or_default().push(*reason);
    }
    // What `If-Match` names and the resource has not is told by a status of its own.
    if binding.http_method == Some(http::Method::GET) || binding.etag.is_some() {
        by_status.entry(http::StatusCode::PRECONDITION_FAILED.as_u16()).or_default().push(Reason::EtagMismatch);
    }
    by_status.into_iter().map(|(status, reasons)| (status, answer(status, &reasons).into())).collect()
}

fn answer(status: u16, reasons: &[Reason]) -> Object {
    if let Some((_, name)) = SHARED.iter().find(|(shared, _)| *shared == status) {
        return Object::new().with("$ref", format!("#/components/responses/{name}"));
    }
    whole(status, reasons)
}

/// An answer that tells a fault.
fn whole(status: u16, reasons: &[Reason]) -> Object {
    let said = reasons.iter().map(|reason| format!("- `{}`: {}", reason.name(), reason.usual_message()));
    let names: Vec<&'static str> = reasons.iter().map(|reason| reason.name()).collect();
    let mut answer = Object::new()
        .with("description", said.collect::<Vec<_>>().join("\n"))
        .with("x-error-reasons", names)
        .with("content", content());
    if status == 401 {
        let challenge = Object::new().with("schema", Object::new().with("type", "string"));
        answer.set("headers", Object::new().with("WWW-Authenticate", challenge));
    }
    answer
}

/// The answer to who calls a method too often that has limits.
pub fn limited() -> Object {
    let seconds = Object::new().with("type", "integer").with("minimum", 0);
    let retry = Object::new().with("description", "When to come again, in seconds.").with("schema", seconds);
    let status = http::StatusCode::TOO_MANY_REQUESTS.as_u16();
    whole(status, &reasons_of(status)).with("headers", allowance().with("Retry-After", retry))
}

/// What an answer says in headers of how often its caller may still call.
pub fn allowance() -> Object {
    let policies =
        "What the policies allow that the call was counted under: `\"name\";q=100;w=60` is 100 in 60 seconds.";
    let left = "What is left of the tightest of them: `\"name\";r=42;t=17`, all of it is there again after 17 seconds; in an answer \
                of 429, when to come again.";
    Object::new().with("RateLimit-Policy", text(policies)).with("RateLimit", text(left))
}

fn text(about: &'static str) -> Object {
    Object::new().with("description", about).with("schema", Object::new().with("type", "string"))
}

fn content() -> Object {
    let schema = Object::new().with("$ref", "#/components/schemas/mainstay.Error");
    Object::new().with("application/json", Object::new().with("schema", schema))
}

/// The answers that are the same for every operation that has them.
const SHARED: [(u16, &str); 7] = [
    (408, "RequestTimeout"),
    (413, "PayloadTooLarge"),
    (415, "UnsupportedMediaType"),
    (429, "ResourceExhausted"),
    (500, "Internal"),
    (503, "Unavailable"),
    (504, "DeadlineExceeded"),
];

/// The shared answers, by name. What is said in one of them is all that may be said with its status.
pub fn shared() -> Object {
    SHARED.iter().map(|(status, name)| (*name, whole(*status, &reasons_of(*status)))).collect()
}

/// All that may be said with a status.
fn reasons_of(status: u16) -> Vec<Reason> {
    let has = |reason: &Reason| Fault::new(*reason).http_status().as_u16() == status;
    Reason::ALL.iter().copied().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_reasons_and_codes() {
        let comment =
            "UNAUTHENTICATED (`WRONG_CODE`) where it is wrong; NOT_FOUND (`ONE_TIME_SECRET_NOT_FOUND`) else. A URL.";
        let found: Vec<Reason> = named(comment).collect();
        assert_eq!(
            found,
            [Reason::Unauthenticated, Reason::WrongCode, Reason::ResourceNotFound, Reason::OneTimeSecretNotFound]
        );
    }
}
