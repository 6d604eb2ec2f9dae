//! BatchDelete (AIP-235).

use super::create::{request_id, validate_only};
use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::list::parent;

pub(super) const BATCH_DELETE: Definition = Definition {
    word: "BatchDelete",
    noun: Noun::Many,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Deletes several of the {}, or none (AIP-235).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::new(1, Role::Parent, parent),
        Field::required(2, Role::Names, |head| {
            format!("The resource names of at most 1,000, none twice: `{}`.", head.pattern.source)
        }),
        Field::new(3, Role::RequestId, request_id),
        Field::new(4, Role::ValidateOnly, validate_only),
    ]),
    answer: Answer::Empty,
    route: RouteDefinition {
        method: "post",
        place: RoutePlace::Collection,
        verb: Some("batchDelete"),
        body: RouteBody::Whole,
    },
};
