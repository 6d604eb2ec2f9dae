//! What rows name inside their lists: checked as references with columns of their own are, and noted in the same transaction, so
//! that what is named is not removed behind their backs.

use std::collections::{BTreeSet, HashSet};

use mainstay_contract::Link;
use mainstay_db::Step;
use mainstay_record::Value;

use super::context::Operation;
use super::ids::is_id;
use crate::plans::ResourcePlan;
use crate::store::links::{self, End};

/// How many different rows a record may name inside its lists.
pub const MAX_LINKS: usize = 1_000;

/// A row that a record names.
#[derive(Debug, Clone, PartialEq)]
pub struct Referred {
    /// Where the record names it: `product`, `lines[1].variant`.
    pub field: String,
    /// Index into `Contract::resources`.
    pub resource: usize,
    pub key: Vec<Value>,
    /// Which of the resource's references it is; none where the name stands inside a list.
    pub reference: Option<usize>,
}

/// What is wrong with the names inside a record's lists, and with its accounts: told by their form alone. Each with the path of
/// its field.
pub fn problems(plan: &ResourcePlan, record: &[Value]) -> Vec<(String, String)> {
    let accounts = plan.resource.accounts.iter().filter_map(|account| match &record[account.column] {
        Value::Text(id) if !is_account(id) => Some((account.field.clone(), not_an_account())),
        _ => None,
    });
    let mut found: Vec<(String, String)> = accounts.collect();
    let mut named = HashSet::new();
    for linked in plan.links.found(record) {
        let link = &plan.resource.links[linked.link];
        if let Some(problem) = problem(link, &linked.name) {
            found.push((linked.path, problem));
        } else {
            named.insert((linked.link, linked.name));
        }
    }
    if named.len() > MAX_LINKS {
        let description =
            format!("names {} other resources in its lists: at most {MAX_LINKS} are possible", named.len());
        found.push((String::new(), description));
    }
    found
}

/// What is wrong with a name.
fn problem(link: &Link, name: &str) -> Option<String> {
    let parts = link.template.parse(name).filter(|_| !name.contains('\0'));
    match (parts, link.resource) {
        (Some(parts), None) => (!parts.iter().all(|id| is_account(id))).then(not_an_account),
        (None, None) => Some(not_an_account()),
        (Some(_), Some(_)) => None,
        (None, Some(_)) => {
            let shown: String = name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            Some(format!("\"{shown}\" is not a resource name of the form {}", link.template.render(|_| "*")))
        }
    }
}

fn not_an_account() -> String {
    "is not the name of an account: `accounts/` and its uid".to_owned()
}

/// Whether this can be the uid of an account. `accounts/me` is another one for each caller.
fn is_account(id: &str) -> bool {
    is_id(id) && id != "me"
}

/// The rows that a record names inside its lists and (for an update) did not name before, without itself.
pub fn set(op: &Operation, old: Option<&[Value]>, new: &[Value]) -> Vec<Referred> {
    let plan = op.plan();
    if plan.links.is_empty() || old.is_some_and(|old| !plan.links.differ(old, new)) {
        return Vec::new();
    }
    let before = old.map(|old| plan.links.found(old)).unwrap_or_default();
    let mut known: HashSet<(usize, String)> = before.into_iter().map(|linked| (linked.link, linked.name)).collect();
    let mut set = Vec::new();
    for linked in plan.links.found(new) {
        let link = &plan.resource.links[linked.link];
        if !known.insert((linked.link, linked.name.clone())) {
            continue;
        }
        let (Some(resource), Some(key)) = (link.resource, key(link, &linked.name)) else { continue };
        if resource != op.resource || key[..] != new[..key.len()] {
            set.push(Referred { field: linked.path, resource, key, reference: None });
        }
    }
    set
}

fn key(link: &Link, name: &str) -> Option<Vec<Value>> {
    let parts = link.template.parse(name)?;
    Some(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect())
}

/// What is noted of a row that is made, changed or removed.
pub fn notes(op: &Operation, old: Option<&[Value]>, new: Option<&[Value]>) -> Vec<Step> {
    let plan = op.plan();
    if plan.links.is_empty() {
        return Vec::new();
    }
    let source = |row: &[Value]| End::of(&plan.resource.type_name, &row[..plan.resource.layout.keys()]);
    let (was, is) = match (old, new) {
        (None, None) => return Vec::new(),
        (Some(old), None) => return vec![links::forget(source(old))],
        (Some(old), Some(new)) if !plan.links.differ(old, new) => return Vec::new(),
        (old, Some(new)) => (old.map(|old| ends(op, old)).unwrap_or_default(), ends(op, new)),
    };
    let Some(row) = new else { return Vec::new() };
    let gone = was.difference(&is).cloned().map(|(path, target)| links::take(source(row), path, target));
    let come = is.difference(&was).cloned().map(|(path, target)| links::put(source(row), path, target));
    gone.chain(come).collect()
}

/// The links of a row, as they are stored.
fn ends(op: &Operation, row: &[Value]) -> BTreeSet<(String, End)> {
    let plan = op.plan();
    let end = |linked: crate::plans::Linked| {
        let link = &plan.resource.links[linked.link];
        link.resource?;
        Some((links::path(link), End::of(&link.target, &key(link, &linked.name)?)))
    };
    plan.links.found(row).into_iter().filter_map(end).collect()
}
