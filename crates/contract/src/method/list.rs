//! List (AIP-132, AIP-158, AIP-160).

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::{expand, expanded};
use crate::resource::head::Head;

pub(super) const LIST: Definition = Definition {
    word: "List",
    noun: Noun::Many,
    offered: |head| !head.pattern.singleton,
    comment: |head| format!("Lists the {} that the caller may read, page by page (AIP-132).", spaced(&head.plural)),
    request: Fields::new(&[
        Field::new(1, Role::Parent, parent),
        Field::new(2, Role::PageSize, |head| {
            format!("How many {} to answer at most; the server may answer fewer.", spaced(&head.plural))
        }),
        Field::new(3, Role::PageToken, |_| {
            "The `next_page_token` of the page before; everything else as it was there.".to_owned()
        }),
        Field::new(4, Role::Filter, |_| "Which to answer (AIP-160).".to_owned()),
        Field::new(5, Role::OrderBy, |_| "In which order, for example `create_time desc` (AIP-132).".to_owned()),
        Field::new(6, Role::ShowDeleted, |head| match head.soft_delete {
            true => "Answers those that are deleted, too (AIP-164).".to_owned(),
            false => "Refused where it is set: what is deleted is gone (AIP-164).".to_owned(),
        }),
        Field::new(7, Role::Search, |_| {
            "Not supported yet, and refused where it is set: words to search for.".to_owned()
        }),
        Field::new(8, Role::Expand, expand),
    ]),
    answer: Answer::Own(Fields::new(&[
        Field::answered(1, Role::Rows, |_| "One page.".to_owned()),
        Field::answered(2, Role::NextPageToken, |_| "For the next page; empty after the last.".to_owned()),
        Field::new(3, Role::Expanded, expanded),
    ])),
    route: RouteDefinition { method: "get", place: RoutePlace::Collection, verb: None, body: RouteBody::None },
};

/// What every method says of the parent of rows.
pub(super) fn parent(head: &Head) -> String {
    match &head.pattern.parent {
        Some(parent) => format!("The resource name that they lie below: `{parent}`."),
        None => "Empty: these lie below nothing.".to_owned(),
    }
}
