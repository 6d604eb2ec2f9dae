//! Update (AIP-134).

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};

pub(super) const UPDATE: Definition = Definition {
    word: "Update",
    noun: Noun::One,
    offered: |_| true,
    comment: |head| format!("Updates one of the {} (AIP-134).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::required(1, Role::Body, |head| format!("The {} with its name and new values.", spaced(&head.singular))),
        Field::new(2, Role::Mask, |_| {
            "The fields to update; those that are set where it is empty, all for `*` (AIP-134).".to_owned()
        }),
        Field::new(3, Role::AllowMissing, |head| {
            format!("Creates the {} where there is none.", spaced(&head.singular))
        }),
        Field::new(4, Role::RequestId, request_id),
        Field::new(5, Role::ValidateOnly, validate_only),
        Field::new(6, Role::Transforms, |_| {
            "Changes of fields that are computed from the values that they have when they are stored; at most 1,000, done \
             after all else. Not over a PATCH, whose body is the resource."
                .to_owned()
        }),
    ]),
    answer: Answer::Resource,
    route: RouteDefinition {
        method: "patch",
        place: RoutePlace::Row(Role::Body),
        verb: None,
        body: RouteBody::Field(Role::Body),
    },
};
