//! The shape of the standard methods, fixed for ever once stubs exist (AIP-131 to 135).

use prost_reflect::{FieldDescriptor, Kind};

use crate::Standard;
use crate::naming;
use crate::resource::head::Head;

pub(crate) const ALL: [Standard; 5] =
    [Standard::Get, Standard::List, Standard::Create, Standard::Update, Standard::Delete];

/// The type of a standard field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    String,
    Int32,
    Bool,
    FieldMask,
    Resource,
    Resources,
}

/// One field of a standard request or answer.
#[derive(Debug, Clone)]
pub(crate) struct StandardField {
    pub number: u32,
    pub name: String,
    pub ty: FieldType,
    /// Part of every shape of the method, written ones too.
    pub needed: bool,
    /// Input that a caller must give.
    pub required: bool,
    pub comment: String,
}

/// `GetProduct`
pub(crate) fn method_name(kind: Standard, head: &Head) -> String {
    match kind {
        Standard::Get => format!("Get{}", head.short_name()),
        Standard::List => format!("List{}", naming::upper_camel(&head.plural)),
        Standard::Create => format!("Create{}", head.short_name()),
        Standard::Update => format!("Update{}", head.short_name()),
        Standard::Delete => format!("Delete{}", head.short_name()),
    }
}

/// `ProductService`
pub(crate) fn service_name(head: &Head) -> String {
    format!("{}Service", head.short_name())
}

/// The fields of the request, in the order of their numbers.
pub(crate) fn request(kind: Standard, head: &Head) -> Vec<StandardField> {
    match kind {
        Standard::Get => vec![name(head)],
        Standard::List => list_request(head),
        Standard::Create => create_request(head),
        Standard::Update => update_request(head),
        Standard::Delete => delete_request(head),
    }
}

fn list_request(head: &Head) -> Vec<StandardField> {
    let page_size = format!("How many {} to answer at most; the server may answer fewer.", spaced(&head.plural));
    let page_token = "The `next_page_token` of the page before; everything else as it was there.";
    let show_deleted = "Not supported yet, and refused where it is set: those that are deleted but not gone (AIP-164).";
    vec![
        parent(head),
        field(2, "page_size", FieldType::Int32, page_size),
        field(3, "page_token", FieldType::String, page_token),
        field(4, "filter", FieldType::String, "Which to answer (AIP-160)."),
        field(5, "order_by", FieldType::String, "In which order, for example `create_time desc` (AIP-132)."),
        field(6, "show_deleted", FieldType::Bool, show_deleted),
        field(7, "search", FieldType::String, "Not supported yet, and refused where it is set: words to search for."),
    ]
}

fn create_request(head: &Head) -> Vec<StandardField> {
    let (singular, what) = (&head.singular, spaced(&head.singular));
    let id = format!("The last part of the new {what}'s name; the server makes one where it is empty.");
    vec![
        parent(head),
        field(2, &format!("{singular}_id"), FieldType::String, id),
        needed(field(3, singular, FieldType::Resource, format!("The {what} to create."))),
        request_id(4),
        validate_only(5),
    ]
}

fn update_request(head: &Head) -> Vec<StandardField> {
    let what = spaced(&head.singular);
    let mask = "The fields to update; those that are set where it is empty, all for `*` (AIP-134).";
    vec![
        needed(field(1, &head.singular, FieldType::Resource, format!("The {what} with its name and new values."))),
        field(2, "update_mask", FieldType::FieldMask, mask),
        field(3, "allow_missing", FieldType::Bool, format!("Creates the {what} where there is none.")),
        request_id(4),
        validate_only(5),
    ]
}

fn delete_request(head: &Head) -> Vec<StandardField> {
    let what = spaced(&head.singular);
    vec![
        name(head),
        field(2, "etag", FieldType::String, format!("Deletes only this version of the {what} (AIP-154).")),
        field(3, "allow_missing", FieldType::Bool, format!("Succeeds where there is no such {what}.")),
        field(
            4,
            "force",
            FieldType::Bool,
            "Not supported yet, and refused where it is set: deletes what lies below it, too.",
        ),
        request_id(5),
        validate_only(6),
    ]
}

fn field(number: u32, name: &str, ty: FieldType, comment: impl Into<String>) -> StandardField {
    StandardField { number, name: name.to_owned(), ty, needed: false, required: false, comment: comment.into() }
}

fn needed(field: StandardField) -> StandardField {
    StandardField { needed: true, required: true, ..field }
}

fn name(head: &Head) -> StandardField {
    let comment = format!("The resource name of the {}: `{}`.", spaced(&head.singular), head.pattern.source);
    needed(field(1, "name", FieldType::String, comment))
}

fn parent(head: &Head) -> StandardField {
    let comment = match &head.pattern.parent {
        Some(parent) => format!("The resource name that they lie below: `{parent}`."),
        None => "Empty: these lie below nothing.".into(),
    };
    field(1, "parent", FieldType::String, comment)
}

fn request_id(number: u32) -> StandardField {
    let text = "Identifies the call, so that it can be repeated (AIP-155); best a UUID. Where nobody is signed in, only a \
                call that is the same in every field counts as its repetition.";
    field(number, "request_id", FieldType::String, text)
}

fn validate_only(number: u32) -> StandardField {
    field(number, "validate_only", FieldType::Bool, "Checks the call without doing anything (AIP-163).")
}

/// The fields of a list's answer.
pub(crate) fn list_answer(head: &Head) -> Vec<StandardField> {
    let page = field(1, &head.plural, FieldType::Resources, "One page.");
    let token = field(2, "next_page_token", FieldType::String, "For the next page; empty after the last.");
    [page, token].map(|field| StandardField { needed: true, ..field }).into()
}

/// The full name of what the method answers, where it is not a list.
pub(crate) fn answer(kind: Standard, head: &Head) -> &str {
    if kind == Standard::Delete { "google.protobuf.Empty" } else { head.message.full_name() }
}

/// Whether a written field has the type of a standard one.
pub(crate) fn fits(field: &FieldDescriptor, standard: &StandardField, head: &Head) -> bool {
    let list = standard.ty == FieldType::Resources;
    let kind = match (standard.ty, field.kind()) {
        (FieldType::String, Kind::String) | (FieldType::Int32, Kind::Int32) | (FieldType::Bool, Kind::Bool) => true,
        (FieldType::FieldMask, Kind::Message(message)) => message.full_name() == "google.protobuf.FieldMask",
        (FieldType::Resource | FieldType::Resources, Kind::Message(message)) => message == head.message,
        _ => false,
    };
    kind && field.is_list() == list && !field.is_map() && !field.is_group()
}

/// The type as written in a `.proto` file of the resource's package.
pub(crate) fn written_type(ty: FieldType, head: &Head) -> String {
    match ty {
        FieldType::String => "string".into(),
        FieldType::Int32 => "int32".into(),
        FieldType::Bool => "bool".into(),
        FieldType::FieldMask => "google.protobuf.FieldMask".into(),
        FieldType::Resource => head.short_name().to_owned(),
        FieldType::Resources => format!("repeated {}", head.short_name()),
    }
}

/// `order_line` to `order line`.
pub(crate) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}
