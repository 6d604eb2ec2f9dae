//! A transition takes a row from one of its states into another (AIP-216): a method of the resource's own, with a name of the
//! contract's.

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::name;

/// What all transitions have; their names and inputs are the contract's.
pub(super) const TRANSITION: Definition = Definition {
    word: "Transition",
    noun: Noun::One,
    offered: |head| !head.transitions.is_empty(),
    comment: |head| format!("Takes one of the {} into another state (AIP-216).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::required(1, Role::Name, name),
        Field::new(2, Role::Etag, |head| {
            format!("Goes on only from this version of the {} (AIP-154).", spaced(&head.singular))
        }),
        Field::new(3, Role::RequestId, request_id),
        Field::new(4, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Resource,
    route: RouteDefinition {
        method: "post",
        place: RoutePlace::Row(Role::Name),
        verb: Some("transition"),
        body: RouteBody::Whole,
    },
};
