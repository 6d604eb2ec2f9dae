//! What errors look like: `google.rpc.Status` in the envelope that answers have (AIP-193).

use mainstay_fault::Reason;

use super::json::{Json, Object};

/// Where the schemas of errors are, and those of their details.
const ENVELOPE: &str = "mainstay.Error";

/// The schemas, by name.
pub fn schemas() -> Vec<(String, Json)> {
    let details = details().into_iter().map(|(kind, schema)| (format!("mainstay.{kind}"), schema.into()));
    std::iter::once((ENVELOPE.to_owned(), envelope().into())).chain(details).collect()
}

/// The details that errors have, by the names of their messages.
fn details() -> [(&'static str, Object); 4] {
    let names: Vec<&'static str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    let reason = text("What programs match on: one of those that are listed at the operation.").with("examples", names);
    let metadata =
        Object::new().with("type", "object").with("additionalProperties", Object::new().with("type", "string"));
    let violation = Object::new().with("type", "object").with(
        "properties",
        Object::new()
            .with("field", text("The path of the field in the request, as the contract names it."))
            .with("description", text("What it has to be.")),
    );
    let violations = Object::new().with("type", "array").with("items", violation);
    [
        (
            "ErrorInfo",
            detail(
                "ErrorInfo",
                "Why the call failed, in a word that stays the same. Every error has one.",
                vec![
                    ("reason", reason, true),
                    ("domain", text("Whose reasons these are."), true),
                    ("metadata", metadata, false),
                ],
            ),
        ),
        (
            "BadRequest",
            detail(
                "BadRequest",
                "What is wrong with the fields of the request, all of it at once.",
                vec![("fieldViolations", violations, true)],
            ),
        ),
        (
            "RetryInfo",
            detail("RetryInfo", "When to try again.", vec![("retryDelay", text("In seconds: `1.5s`."), true)]),
        ),
        (
            "RequestInfo",
            detail(
                "RequestInfo",
                "What the call is known as in the logs.",
                vec![("requestId", text("The same as the header `x-request-id`."), true)],
            ),
        ),
    ]
}

fn text(about: &'static str) -> Object {
    Object::new().with("type", "string").with("description", about)
}

/// A message in an `Any`, which says of which type it is.
fn detail(kind: &str, about: &'static str, fields: Vec<(&'static str, Object, bool)>) -> Object {
    let url = Object::new().with("type", "string").with("const", format!("type.googleapis.com/google.rpc.{kind}"));
    let needed = fields.iter().filter(|(_, _, needed)| *needed).map(|(name, ..)| *name);
    let required: Vec<&'static str> = std::iter::once("@type").chain(needed).collect();
    let properties: Object =
        std::iter::once(("@type", url)).chain(fields.into_iter().map(|(name, of, _)| (name, of))).collect();
    Object::new()
        .with("type", "object")
        .with("description", about)
        .with("required", required)
        .with("properties", properties)
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
