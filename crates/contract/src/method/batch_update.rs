//! BatchUpdate (AIP-234).

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::list::parent;

pub(super) const BATCH_UPDATE: Definition = Definition {
    word: "BatchUpdate",
    noun: Noun::Many,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Updates several of the {}, or none (AIP-234).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::new(1, Role::Parent, parent),
        Field::required(2, Role::Updates, |_| "At most 1,000, no resource twice.".to_owned()),
        Field::new(3, Role::RequestId, request_id),
        Field::new(4, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Own(Fields::new(&[Field::answered(1, Role::Rows, |head| {
        format!("The {} in the order of the request.", spaced(&head.plural))
    })])),
    route: RouteDefinition {
        method: "post",
        place: RoutePlace::Collection,
        verb: Some("batchUpdate"),
        body: RouteBody::Whole,
    },
};
