//! What else is said of a resource or a field: every option of Mainstay's own that no other part of the terms is made of.
//!
//! An option gets here by being an option. Nobody has to think of the ledger who makes one work: its statements are known by
//! name ([`mainstay_contract::stated_of_field`]), and a plan tells each that comes, goes or says something else. What that is
//! to a client stands in `plan/options.rs`; what does not stand there is something else to everybody, and waits for a yes
//! in production.

use std::collections::BTreeMap;

use mainstay_contract::{stated_of_field, stated_of_message};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

/// Options that another part of the terms is made of, or the schema.
const ELSEWHERE: [&str; 7] = [
    "resource.access",
    "resource.index",
    "resource.exclude",
    "resource.soft_delete",
    "resource.purge_after",
    "field.aliases",
    "field.default",
];

/// The statements of a message that are told as such.
pub(super) fn of_message(message: &MessageDescriptor) -> BTreeMap<String, String> {
    told(stated_of_message(message))
}

/// The statements of a field that are told as such.
pub(super) fn of_field(field: &FieldDescriptor) -> BTreeMap<String, String> {
    told(stated_of_field(field))
}

fn told(mut statements: BTreeMap<String, String>) -> BTreeMap<String, String> {
    statements.retain(|name, _| !ELSEWHERE.iter().any(|elsewhere| is_within(name, elsewhere)));
    statements
}

fn is_within(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
