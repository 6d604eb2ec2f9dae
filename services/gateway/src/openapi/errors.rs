//! What can go wrong with a call, as the answers of its operation.
//!
//! The words are the table of reasons ([`Reason`]); which of them a method may say follows from what its request has, from what
//! it does, and from the reasons that its comment names.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_fault::{Fault, Reason};
use prost_reflect::MethodDescriptor;

use super::json::{Json, Object};
use crate::snapshot::{Binding, Method};

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
pub fn reasons(method: &Method, descriptor: &MethodDescriptor, comment: &str) -> Vec<Reason> {
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
    let of = |status: u16| {
        let has = |reason: &Reason| Fault::new(*reason).http_status().as_u16() == status;
        Reason::ALL.iter().copied().filter(has).collect::<Vec<Reason>>()
    };
    SHARED.iter().map(|(status, name)| (*name, whole(*status, &of(*status)))).collect()
}

/// The schemas of errors, by name: `google.rpc.Status` in the envelope that answers have (AIP-193).
pub fn schemas() -> [(&'static str, Json); 5] {
    let text = |about: &'static str| Object::new().with("type", "string").with("description", about);
    let detail = |kind: &'static str, about: &'static str, required: Vec<&'static str>, properties: Object| {
        let url = format!("type.googleapis.com/google.rpc.{kind}");
        let kind = Object::new().with("type", "string").with("const", url);
        let all: Object = std::iter::once(("@type", Json::from(kind)))
            .chain(properties.iter().map(|(key, value)| (key, value.clone())))
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let required: Vec<&'static str> = std::iter::once("@type").chain(required).collect();
        Json::from(
            Object::new()
                .with("type", "object")
                .with("description", about)
                .with("required", required)
                .with("properties", all),
        )
    };
    let names: Vec<&'static str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    let violation = Object::new().with("type", "object").with(
        "properties",
        Object::new()
            .with("field", text("The path of the field in the request, as the contract names it."))
            .with("description", text("What it has to be.")),
    );
    let metadata =
        Object::new().with("type", "object").with("additionalProperties", Object::new().with("type", "string"));
    [
        ("mainstay.Error", envelope().into()),
        (
            "mainstay.ErrorInfo",
            detail(
                "ErrorInfo",
                "Why the call failed, in a word that stays the same. Every error has one.",
                vec!["reason", "domain"],
                Object::new()
                    .with(
                        "reason",
                        text("What programs match on. One of those that are listed at the operation.")
                            .with("examples", names),
                    )
                    .with("domain", text("Whose reasons these are."))
                    .with("metadata", metadata),
            ),
        ),
        (
            "mainstay.BadRequest",
            detail(
                "BadRequest",
                "What is wrong with the fields of the request, all of it at once.",
                vec!["fieldViolations"],
                Object::new().with("fieldViolations", Object::new().with("type", "array").with("items", violation)),
            ),
        ),
        (
            "mainstay.RetryInfo",
            detail(
                "RetryInfo",
                "When to try again.",
                vec!["retryDelay"],
                Object::new().with("retryDelay", text("In seconds: `1.5s`.")),
            ),
        ),
        (
            "mainstay.RequestInfo",
            detail(
                "RequestInfo",
                "What the call is known as in the logs.",
                vec!["requestId"],
                Object::new().with("requestId", text("The same as the header `x-request-id`.")),
            ),
        ),
    ]
}

fn envelope() -> Object {
    let kinds = ["ErrorInfo", "BadRequest", "RetryInfo", "RequestInfo"];
    let known = kinds.map(|kind| Object::new().with("$ref", format!("#/components/schemas/mainstay.{kind}")));
    let other = Object::new()
        .with("type", "object")
        .with("required", vec!["@type"])
        .with("properties", Object::new().with("@type", Object::new().with("type", "string")))
        .with("additionalProperties", true);
    let details = Object::new()
        .with("type", "array")
        .with("items", Object::new().with("anyOf", known.into_iter().chain([other]).collect::<Vec<_>>()));
    let body =
        Object::new().with("type", "object").with("required", vec!["code", "status", "message", "details"]).with(
            "properties",
            Object::new()
                .with("code", Object::new().with("type", "integer").with("description", "The HTTP status."))
                .with(
                    "status",
                    Object::new().with("type", "string").with("description", "The gRPC code: `INVALID_ARGUMENT`."),
                )
                .with("message", Object::new().with("type", "string").with("description", "For people; it may change."))
                .with("details", details),
        );
    Object::new()
        .with("type", "object")
        .with("description", "What went wrong: `google.rpc.Status`, as AIP-193 has it.")
        .with("required", vec!["error"])
        .with("properties", Object::new().with("error", body))
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
