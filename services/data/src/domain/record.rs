//! A row as it is put together, checked and named, whatever method writes it.

use std::sync::Arc;

use mainstay_contract::{Index, Reference, SoftDelete, Span, Violated};
use mainstay_record::page::MAX_ROW_BYTES;
use mainstay_record::time::TIME_RANGE_US;
use mainstay_record::{Layout, Value, Violation, folded_bytes};
use mainstay_sql::MAX_INDEXED_BYTES;
use mainstay_wire::{DecodeError, Decoded};
use uuid::Uuid;

use super::context::Operation;
use super::ids::is_id;
use super::links::{self, Referred};
use super::record_size::{self, MAX_RECORD_BYTES};
use crate::error::{Error, Result};
use crate::plans::{ResourcePlan, unset};

/// Puts the record together: what the client may set, then the defaults and what the server sets.
pub fn new_record(op: &Operation, key: Vec<Value>, decoded: Decoded) -> Vec<Value> {
    let (plan, caller) = (op.plan(), &op.caller);
    let layout = &plan.resource.layout;
    let mut record = decoded.values;
    if !caller.is_system() {
        plan.fields.clear_output_only(layout, &mut record);
    }
    plan.fields.apply_defaults(layout, &mut record, &decoded.present, caller);
    for (index, part) in key.into_iter().enumerate() {
        record[index] = part;
    }
    record[layout.revision()] = Value::Int(caller.now);
    for column in [plan.resource.create_time, plan.resource.update_time].into_iter().flatten() {
        record[column] = Value::Timestamp(caller.now);
    }
    if let Some(column) = plan.resource.uid {
        record[column] = Value::Text(Uuid::now_v7().to_string());
    }
    for (value, column) in record.iter_mut().zip(&layout.columns) {
        if value.is_null() {
            *value = unset(column);
        }
    }
    record
}

/// Notes in a row that it is changed: it has a new revision.
pub fn revise(op: &Operation, old: &[Value], new: &mut [Value]) {
    let resource = &op.plan().resource;
    let revision = resource.layout.revision();
    let before = if let Value::Int(revision) = &old[revision] { *revision } else { 0 };
    new[revision] = Value::Int(op.caller.now.max(before.saturating_add(1)));
    if let Some(column) = resource.update_time {
        new[column] = Value::Timestamp(op.caller.now);
    }
}

/// A row as it is kept when it is deleted. One that is deleted already stays as it is.
pub fn deleted(op: &Operation, kept: &SoftDelete, old: &[Value]) -> Arc<[Value]> {
    let mut new = old.to_vec();
    let now = op.caller.now;
    if old[kept.delete_time].is_null() {
        new[kept.delete_time] = Value::Timestamp(now);
        if let (Some(column), Some(after)) = (kept.expire_time, kept.purge_after_us) {
            new[column] = Value::Timestamp(now.saturating_add(after).min(*TIME_RANGE_US.end()));
        }
        revise(op, old, &mut new);
    }
    new.into()
}

/// Refuses to change a row that is deleted (AIP-164).
pub fn check_live(plan: &ResourcePlan, row: &[Value]) -> Result<()> {
    if plan.is_deleted(row) { Err(Error::Deleted { name: plan.name(row) }) } else { Ok(()) }
}

/// What is wrong with the values of a record that is written now, all at once; fields as a request names them
/// (`product.title`).
pub fn violations(plan: &ResourcePlan, record: &[Value], now: i64) -> Vec<Violated> {
    let found = plan.resource.violations(record, Some(now)).into_iter();
    let layout = &plan.resource.layout;
    let too_long = |index: &&Index| indexed_bytes(index, layout, record) > MAX_INDEXED_BYTES && index.has(record);
    let long = plan.resource.indexes.iter().filter(too_long);
    let long = long.flat_map(|index| &index.fields).map(|field| Violation {
        field: indexed_in_request(plan, field),
        description: format!("is indexed: the fields of an index hold at most {MAX_INDEXED_BYTES} bytes together"),
    });
    let large = record_size::too_large(plan, record).map(|bytes| Violation {
        field: in_request(plan, ""),
        description: format!("would take {bytes} bytes as a message: a record takes at most {MAX_RECORD_BYTES}"),
    });
    let wide = record_size::too_wide(plan, record).map(|bytes| Violation {
        field: in_request(plan, ""),
        description: format!(
            "would take {bytes} bytes in its table, where a record takes at most {MAX_ROW_BYTES}: fewer of its fields can be set, \
             or to shorter values"
        ),
    });
    let named = links::problems(plan, record).into_iter();
    let named = named.map(|(field, description)| {
        let Violation { field, description } = plan.classes.told(Violation { field, description });
        Violation { field: in_request(plan, &field), description }
    });
    let stored = long.chain(backwards(plan, record)).chain(named).chain(large).chain(wide);
    let found = found.map(|Violated { violation, over }| {
        let violation = plan.classes.placed(violation);
        Violated { violation: Violation { field: in_request(plan, &violation.field), ..violation }, over }
    });
    found.chain(stored.map(|violation| Violated { violation, over: Vec::new() })).collect()
}

/// What the texts and bytes of a record take in an index.
fn indexed_bytes(index: &Index, layout: &Layout, record: &[Value]) -> usize {
    let bytes = |(column, _): &(usize, bool)| match &record[*column] {
        Value::Text(text) if index.is_folded(layout, *column) => text.len().max(folded_bytes(text)),
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    index.columns.iter().map(bytes).sum()
}

/// Times that end before they begin, where rows must not overlap: nothing could be in their way.
fn backwards<'r>(plan: &'r ResourcePlan, record: &'r [Value]) -> impl Iterator<Item = Violation> + use<'r> {
    let ends_first = |span: &Span| match (&record[span.from], &record[span.to]) {
        (Value::Timestamp(from), Value::Timestamp(to)) | (Value::Int(from), Value::Int(to)) => to < from,
        _ => false,
    };
    let path = |column| plan.resource.field_of(column).map_or("", |field| field.field_path.as_str());
    let spans = plan.resource.indexes.iter().filter_map(|index| index.span).filter(move |span| ends_first(span));
    spans.map(move |span| Violation {
        field: in_request(plan, path(span.to)),
        description: format!("must not be before `{}`", path(span.from)),
    })
}

/// A body that does not decode, in the same words.
pub fn shape(plan: &ResourcePlan, error: DecodeError) -> Error {
    let violations = error.violations.into_iter().map(|violation| plan.classes.told(violation));
    Error::Violations(violations.map(|v| Violation { field: in_request(plan, &v.field), ..v }).collect())
}

/// What a caller is told of a name that stands in a field of the resource and leads to nothing that is there for him.
pub fn not_found(op: &Operation, field: &str, name: String) -> Error {
    let plan = op.plan();
    Error::ReferenceNotFound { field: in_request(plan, field), name: plan.classes.name(field, name) }
}

/// The path of a field of the resource from the request message: `product.title`.
pub fn in_request(plan: &ResourcePlan, field: &str) -> String {
    let body = &plan.resource.singular;
    if field.is_empty() { body.clone() } else { format!("{body}.{field}") }
}

/// What an index is on as a request names it: of the variables of the pattern, the parent's have no field of their own.
pub fn indexed_in_request(plan: &ResourcePlan, field: &str) -> String {
    let resource = &plan.resource;
    match resource.variables.iter().position(|variable| variable == field) {
        Some(variable) if resource.field(field).is_none() => {
            let is_own = variable + 1 == resource.variables.len();
            if is_own { in_request(plan, "name") } else { "parent".to_owned() }
        }
        _ => in_request(plan, field),
    }
}

/// The id of a new row: the client's, if it is a good one, else a UUIDv7.
pub fn new_id(plan: &ResourcePlan, id: &str) -> Result<String> {
    if id.is_empty() {
        return Ok(Uuid::now_v7().to_string());
    }
    if is_id(id) {
        return Ok(id.to_owned());
    }
    Err(Error::Id { field: format!("{}_id", plan.resource.singular), id: id.to_owned() })
}

/// Whether a reference of a record names the record itself.
pub fn is_itself(op: &Operation, reference: &Reference, record: &[Value]) -> bool {
    reference.resource == op.resource
        && reference.key.iter().enumerate().all(|(own, column)| record[*column] == record[own])
}

/// The rows that a record names and (for an update) did not name so before. A row may refer to itself: whoever makes it or
/// brings it back has its target in the hand; unless it must not.
pub fn set_references(op: &Operation, old: Option<&[Value]>, new: &[Value]) -> Vec<Referred> {
    let plan = op.plan();
    let is_set = |reference: &Reference| reference.columns.iter().any(|index| !new[*index].is_null());
    let differs =
        |reference: &Reference| old.is_none_or(|old| reference.columns.iter().any(|index| old[*index] != new[*index]));
    let referred = |(position, reference): (usize, &Reference)| Referred {
        field: reference.field.clone(),
        resource: reference.resource,
        key: reference.key.iter().map(|index| new[*index].clone()).collect(),
        reference: Some(position),
    };
    let may_be = |reference: &Reference| reference.acyclic || !is_itself(op, reference, new);
    let asked = |(_, reference): &(usize, &Reference)| is_set(reference) && differs(reference) && may_be(reference);
    let single = plan.resource.references.iter().enumerate().filter(asked).map(referred);
    single.chain(links::set(op, old, new)).collect()
}
