//! Get (AIP-131).

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use crate::resource::head::Head;

pub(super) const GET: Definition = Definition {
    word: "Get",
    noun: Noun::One,
    offered: |_| true,
    comment: |head| format!("Gets one of the {} by its name (AIP-131).", spaced(&head.plural)),
    request: Fields::new(&[Field::required(1, Role::Name, name)]),
    answer: Answer::Resource,
    route: RouteDefinition { method: "get", place: RoutePlace::Row(Role::Name), verb: None, body: RouteBody::None },
};

/// What every method says of the name of a row.
pub(super) fn name(head: &Head) -> String {
    format!("The resource name of the {}: `{}`.", spaced(&head.singular), head.pattern.source)
}
