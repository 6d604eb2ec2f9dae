//! Unique values that go from row to row within one request: whether they are taken is asked of the rows as all of it leaves
//! them, so that two rows may swap theirs. The store asks at each statement, so a row gives its value up before the write that
//! takes it, and gets its own when its turn comes.

use std::collections::{HashMap, HashSet};

use mainstay_record::{Value, folded};

use super::context::Operation;
use super::draft::Draft;
use crate::plans::{ResourcePlan, unset};

/// A value that is given up.
#[derive(Debug)]
pub struct Release {
    /// The write by which it is given up.
    pub write: usize,
    /// The earlier write that takes it.
    pub taker: usize,
    /// What is set in the row so that it has the value no more, until its own write sets it.
    pub column: usize,
    pub value: Value,
    /// The row as it is.
    pub old: Vec<Value>,
}

/// A resource, one of its unique indexes, and what a row has in it.
type Held = (usize, usize, Vec<u8>);

/// A write, as far as it is known.
pub type Written<'w> = (&'w Operation, &'w Draft);

/// Finds what later writes give up and earlier ones take.
pub fn releases(writes: &[Written<'_>]) -> Vec<Release> {
    let is_unique = |op: &Operation| op.plan().resource.indexes.iter().any(|index| index.unique);
    if writes.len() < 2 || !writes.iter().any(|(op, draft)| draft.old.is_some() && is_unique(op)) {
        return Vec::new();
    }
    let given = given(writes);
    let (mut found, mut released) = (Vec::new(), HashSet::new());
    for (taker, (op, draft)) in writes.iter().enumerate() {
        let plan = op.plan();
        let Some(new) = draft.new.as_deref().filter(|new| !plan.is_deleted(new)) else { continue };
        for index in 0..plan.resource.indexes.len() {
            let Some(held) = held(plan, index, new) else { continue };
            let Some(write) = given.get(&(op.resource, index, held)).filter(|write| **write > taker) else { continue };
            let giver = writes[*write].1;
            let (Some(old), true) = (&giver.old, released.insert((*write, index))) else { continue };
            if let Some((column, value)) = given_up(plan, index, old, giver.new.as_deref()) {
                found.push(Release { write: *write, taker, column, value, old: old.clone() });
            }
        }
    }
    found
}

/// By which write a value is given up.
fn given(writes: &[Written<'_>]) -> HashMap<Held, usize> {
    let mut given = HashMap::new();
    for (write, (op, draft)) in writes.iter().enumerate() {
        let (plan, Some(old)) = (op.plan(), &draft.old) else { continue };
        let changed = changed_indexes(plan, old, draft.new.as_deref());
        given.extend(changed.filter_map(|index| Some(((op.resource, index, held(plan, index, old)?), write))));
    }
    given
}

/// The unique indexes in which a row has something else afterwards.
fn changed_indexes<'p>(
    plan: &'p ResourcePlan,
    old: &'p [Value],
    new: Option<&'p [Value]>,
) -> impl Iterator<Item = usize> + 'p {
    let goes = new.is_none_or(|new| plan.is_deleted(new));
    let changed = move |index: &usize| {
        let index = &plan.resource.indexes[*index];
        index.unique
            && (goes || index.columns.iter().any(|(column, _)| new.is_some_and(|new| new[*column] != old[*column])))
    };
    (0..plan.resource.indexes.len()).filter(changed)
}

/// What a row has in a unique index; nothing where it is not in it, or a part is unset, which conflicts with no other. Where
/// what is unset does conflict, nothing can be given up meanwhile.
fn held(plan: &ResourcePlan, index: usize, row: &[Value]) -> Option<Vec<u8>> {
    let index = &plan.resource.indexes[index];
    let is_set = |column: usize| row[column] != unset(&plan.resource.layout.columns[column]);
    if !index.unique
        || index.unset_conflicts
        || !index.has(row)
        || !index.columns.iter().all(|(column, _)| is_set(*column))
    {
        return None;
    }
    let mut held = Vec::new();
    for (column, _) in &index.columns {
        match &row[*column] {
            Value::Text(text) if index.is_folded(&plan.resource.layout, *column) => {
                Value::Text(folded(text)).put_content(&mut held);
            }
            value => value.put_content(&mut held),
        }
    }
    Some(held)
}

/// By what a row leaves a unique index so that its own write overwrites it: a value that it changes anyhow, or its deletion.
fn given_up(plan: &ResourcePlan, index: usize, old: &[Value], new: Option<&[Value]>) -> Option<(usize, Value)> {
    if let (Some(new), Some(kept)) = (new.filter(|new| plan.is_deleted(new)), plan.resource.soft_delete) {
        return Some((kept.delete_time, new[kept.delete_time].clone()));
    }
    let keys = plan.resource.layout.keys();
    let mut columns = plan.resource.indexes[index].columns.iter().map(|(column, _)| *column);
    let column = columns.find(|column| *column >= keys && new.is_none_or(|new| new[*column] != old[*column]))?;
    Some((column, unset(&plan.resource.layout.columns[column])))
}
