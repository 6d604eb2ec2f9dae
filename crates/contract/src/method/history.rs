//! What happened to a row: its transitions, the youngest first.

use super::definition::{Answer, Definition, Noun, RouteBody, RouteDefinition, RoutePlace, spaced};
use super::fields::{Field, Fields, Role};
use super::get::name;

pub(super) const HISTORY: Definition = Definition {
    word: "History",
    noun: Noun::Its,
    offered: |head| !head.transitions.is_empty(),
    comment: |head| format!("Lists the transitions of one of the {}, the youngest first.", spaced(&head.plural)),
    request: Fields::new(&[
        Field::required(1, Role::Name, name),
        Field::new(2, Role::PageSize, |_| "How many to answer at most; the server may answer fewer.".to_owned()),
        Field::new(3, Role::PageToken, |_| "The `next_page_token` of the page before.".to_owned()),
    ]),
    answer: Answer::Passages(
        Fields::new(&[
            Field::answered(1, Role::Passages, |_| "One page.".to_owned()),
            Field::answered(2, Role::NextPageToken, |_| "For the next page; empty after the last.".to_owned()),
        ]),
        Fields::new(&[
            Field::answered(1, Role::Transition, |_| "Its name: `Place`.".to_owned()),
            Field::answered(2, Role::FromState, |_| "The state in which it began.".to_owned()),
            Field::answered(3, Role::ToState, |_| "The state to which it led.".to_owned()),
            Field::answered(4, Role::Actor, |_| {
                "Who made it, by the id of the account; empty where nobody was signed in, or it happened by itself."
                    .to_owned()
            }),
            Field::answered(5, Role::CreateTime, |_| "When.".to_owned()),
            Field::answered(6, Role::Inputs, |head| {
                format!("The fields of the {} that were given with it, and none else.", spaced(&head.singular))
            }),
        ]),
    ),
    route: RouteDefinition {
        method: "get",
        place: RoutePlace::Row(Role::Name),
        verb: Some("listTransitions"),
        body: RouteBody::None,
    },
};
