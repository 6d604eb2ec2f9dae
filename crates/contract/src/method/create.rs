//! Create (AIP-133).

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::list::parent;
use crate::resource::head::Head;

pub(super) const CREATE: Definition = Definition {
    word: "Create",
    noun: Noun::One,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Creates a new {} (AIP-133).", spaced(&head.singular)),
    request: Fields::new(&[
        Field::new(1, Role::Parent, parent),
        Field::new(2, Role::Id, |head| {
            let what = spaced(&head.singular);
            format!("The last part of the new {what}'s name; the server makes one where it is empty.")
        }),
        Field::required(3, Role::Body, |head| format!("The {} to create.", spaced(&head.singular))),
        Field::new(4, Role::RequestId, request_id),
        Field::new(5, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Resource,
    route: RouteDefinition {
        method: "post",
        place: RoutePlace::Collection,
        verb: None,
        body: RouteBody::Field(Role::Body),
    },
};

/// What every write says of its request id.
pub(super) fn request_id(_: &Head) -> String {
    "Identifies the call, so that it can be repeated (AIP-155); best a UUID. Where nobody is signed in, only a call that \
     is the same in every field counts as its repetition."
        .to_owned()
}

/// What every write says of `validate_only`.
pub(super) fn validate_only(_: &Head) -> String {
    "Checks the call without doing anything (AIP-163).".to_owned()
}
