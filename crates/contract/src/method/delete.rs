//! Delete (AIP-135).

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::name;

pub(super) const DELETE: Definition = Definition {
    word: "Delete",
    noun: Noun::One,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Deletes one of the {} (AIP-135).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::required(1, Role::Name, name),
        Field::new(2, Role::Etag, |head| {
            format!("Deletes only this version of the {} (AIP-154).", spaced(&head.singular))
        }),
        Field::new(3, Role::AllowMissing, |head| {
            format!("Succeeds where there is no such {}.", spaced(&head.singular))
        }),
        Field::new(4, Role::Force, |_| {
            "Deletes what lies below it, too, as far as the caller may (AIP-135).".to_owned()
        }),
        Field::new(5, Role::RequestId, request_id),
        Field::new(6, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Kept,
    route: RouteDefinition { method: "delete", place: RoutePlace::Row(Role::Name), verb: None, body: RouteBody::None },
};
