//! BatchGet (AIP-231).

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::{expand, expanded};
use super::list::parent;

pub(super) const BATCH_GET: Definition = Definition {
    word: "BatchGet",
    noun: Noun::Many,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Gets several of the {} by their names, or none (AIP-231).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::new(1, Role::Parent, parent),
        Field::required(2, Role::Names, |head| {
            format!("The resource names of at most 1,000: `{}`.", head.pattern.source)
        }),
        Field::new(3, Role::Expand, expand),
    ]),
    answer: Answer::Own(Fields::new(&[
        Field::answered(1, Role::Rows, |head| format!("The {} in the order of the request.", spaced(&head.plural))),
        Field::new(2, Role::Expanded, expanded),
    ])),
    route: RouteDefinition {
        method: "get",
        place: RoutePlace::Collection,
        verb: Some("batchGet"),
        body: RouteBody::None,
    },
};
