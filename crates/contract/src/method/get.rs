//! Get (AIP-131).

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use crate::resource::head::Head;

pub(super) const GET: Definition = Definition {
    word: "Get",
    noun: Noun::One,
    offered: |_| true,
    comment: |head| format!("Gets one of the {} by its name (AIP-131).", spaced(&head.plural)),
    request: Fields::new(&[Field::required(1, Role::Name, name), Field::new(2, Role::Expand, expand)]),
    answer: Answer::Resource,
    route: RouteDefinition { method: "get", place: RoutePlace::Row(Role::Name), verb: None, body: RouteBody::None },
};

/// What every method says of the name of a row.
pub(super) fn name(head: &Head) -> String {
    format!("The resource name of the {}: `{}`.", spaced(&head.singular), head.pattern.source)
}

/// What every method says of references that its answer goes through.
pub(super) fn expand(_: &Head) -> String {
    "References to go through, with the fields that are wanted behind them: `store`, `lines.product.title`. What they lead to, as \
     far as the caller may read it, is answered as `expanded`."
        .to_owned()
}

/// What an answer says of the rows that they led to.
pub(super) fn expanded(_: &Head) -> String {
    "The resources that the references of `expand` led to, each once, by their names.".to_owned()
}
