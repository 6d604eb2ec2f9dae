//! Undelete (AIP-164).

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::name;

pub(super) const UNDELETE: Definition = Definition {
    word: "Undelete",
    noun: Noun::One,
    offered: |head| head.soft_delete,
    comment: |head| format!("Brings one of the {} back that was deleted (AIP-164).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::required(1, Role::Name, name),
        Field::new(2, Role::Etag, |head| {
            format!("Brings back only this version of the {} (AIP-154).", spaced(&head.singular))
        }),
        Field::new(3, Role::RequestId, request_id),
        Field::new(4, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Resource,
    route: RouteDefinition {
        method: "post",
        place: RoutePlace::Row(Role::Name),
        verb: Some("undelete"),
        body: RouteBody::Whole,
    },
};
