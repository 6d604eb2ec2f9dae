//! Create (AIP-133).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::Index;
use mainstay_db::Conn;
use mainstay_record::{Value, Violation};
use mainstay_wire::{DecodeError, Decoded, frame};
use uuid::Uuid;

use super::checks::{Check, Checked, Draft};
use super::constraints::constraint;
use super::context::{Context, Operation};
use super::read_mask;
use super::record_size::{self, MAX_RECORD_BYTES};
use super::references::{check_parent, check_references, set_references};
use super::write::{Outcome, Terms, Write, run};
use crate::error::{Error, ID_RULE, Result};
use crate::plans::{ResourcePlan, unset};

/// The numbers of a Create request's fields.
mod number {
    pub const PARENT: u32 = 1;
    pub const ID: u32 = 2;
    pub const RESOURCE: u32 = 3;
    pub const REQUEST_ID: u32 = 4;
    pub const VALIDATE_ONLY: u32 = 5;
}

/// The longest id (AIP-122).
pub const MAX_ID_BYTES: usize = 63;

/// The most bytes that the texts of one index may have in a row. PostgreSQL has no room for more than about 2,700, and
/// both engines take the same rows.
pub const MAX_INDEXED_BYTES: usize = 2_048;

/// Answers a Create.
pub async fn create(cx: &Context, op: Operation, message: Bytes) -> Result<Bytes> {
    run(cx, Arc::new(Create { op, message })).await
}

struct Create {
    op: Operation,
    message: Bytes,
}

impl Checked for Create {
    fn asks_the_store(check: Check) -> bool {
        check == Check::Constraints
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match check {
            Check::AuthRule => op.admit(plan.create.as_ref()),
            Check::Shape => {
                read_mask::of_record(op)?;
                draft.new = Some(self.record()?.into());
                Ok(())
            }
            Check::NewRule => op.allow(plan.create.as_ref(), &op.caller.on_resource(draft.new_row()?)),
            Check::Validation => validate(plan, draft.new_row()?),
            Check::Readable | Check::OldRule | Check::Etag | Check::Constraints => Ok(()),
        }
    }

    async fn ask(&self, _: Check, draft: &mut Draft, conn: &mut Conn<'_>) -> Result<()> {
        let record = draft.new_row()?;
        check_parent(conn, &self.op, record).await?;
        check_references(conn, &self.op, None, record).await
    }
}

impl Write for Create {
    const VERB: &'static str = "Create";

    fn op(&self) -> &Operation {
        &self.op
    }

    fn terms(&self) -> Result<Terms> {
        let (parent, id, body) = self.parts()?;
        let parts = [parent.as_bytes(), id.as_bytes(), &body];
        Terms::read(&self.message, number::REQUEST_ID, number::VALIDATE_ONLY, &parts)
    }

    async fn store(&self, draft: Draft, conn: &mut Conn<'_>) -> Result<Outcome> {
        insert(conn, &self.op, draft.new_row()?).await
    }

    fn foreseen<'d>(&self, draft: &'d Draft) -> Option<&'d Arc<[Value]>> {
        draft.new.as_ref()
    }

    fn is_one_insert(&self, draft: &Draft) -> bool {
        let plan = self.op.plan();
        let refers = |record: &Arc<[Value]>| !set_references(plan, None, record).is_empty();
        plan.resource.parent.is_none() && !draft.new.as_ref().is_some_and(refers)
    }
}

impl Create {
    /// The request's parent, id and resource.
    fn parts(&self) -> Result<(&str, &str, Cow<'_, [u8]>)> {
        Ok((
            frame::string(&self.message, number::PARENT)?.unwrap_or_default(),
            frame::string(&self.message, number::ID)?.unwrap_or_default(),
            frame::message(&self.message, number::RESOURCE)?.unwrap_or_default(),
        ))
    }

    /// The row to be.
    fn record(&self) -> Result<Vec<Value>> {
        let plan = self.op.plan();
        let (parent, id, body) = self.parts()?;
        let parents = plan.parse_parent(parent).ok_or_else(|| Error::parent(plan, parent))?;
        let mut key: Vec<String> = parents.into_iter().map(str::to_owned).collect();
        // A parent that is a resource must exist, which says more; one that is not has only its form.
        if let (Some(part), None) = (key.iter().find(|part| !is_id(part)), plan.resource.parent) {
            return Err(Error::Id { field: "parent".to_owned(), id: part.clone() });
        }
        key.push(new_id(plan, id)?);
        let decoded = plan.record.decode(&body).map_err(|error| shape(plan, error))?;
        Ok(new_record(&self.op, key, decoded))
    }
}

/// Puts the record together: what the client may set, then the defaults and what the server sets.
pub fn new_record(op: &Operation, key: Vec<String>, decoded: Decoded) -> Vec<Value> {
    let (plan, caller) = (op.plan(), &op.caller);
    let layout = &plan.resource.layout;
    let mut record = decoded.values;
    if !caller.is_system() {
        plan.fields.clear_output_only(layout, &mut record);
    }
    plan.fields.apply_defaults(layout, &mut record, &decoded.present, caller);
    for (index, part) in key.into_iter().enumerate() {
        record[index] = Value::Text(part);
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

/// Checks the values of a record.
pub fn validate(plan: &ResourcePlan, record: &[Value]) -> Result<()> {
    let violations = violations(plan, record);
    if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
}

/// Stores a checked record.
pub async fn insert(conn: &mut Conn<'_>, op: &Operation, record: &Arc<[Value]>) -> Result<Outcome> {
    let plan = op.plan();
    let binds = plan.insert.bound(&op.caller, record);
    match conn.execute(&plan.insert.statement, &binds).await {
        Ok(_) => Ok(Outcome::Record(Arc::clone(record))),
        Err(error) => Err(constraint(plan, record, true, error)),
    }
}

/// What is wrong with the values of a record, all at once; fields as a request names them (`product.title`).
fn violations(plan: &ResourcePlan, record: &[Value]) -> Vec<Violation> {
    let found = plan.resource.violations(record).into_iter();
    let long = plan.resource.indexes.iter().filter(|index| indexed_bytes(index, record) > MAX_INDEXED_BYTES);
    let long = long.flat_map(|index| &index.fields).map(|field| Violation {
        field: in_request(plan, field),
        description: format!("is indexed: the fields of an index hold at most {MAX_INDEXED_BYTES} bytes together"),
    });
    let large = record_size::too_large(plan, record).map(|bytes| Violation {
        field: in_request(plan, ""),
        description: format!("would take {bytes} bytes as a message: a record takes at most {MAX_RECORD_BYTES}"),
    });
    found
        .map(|violation| Violation { field: in_request(plan, &violation.field), ..violation })
        .chain(long)
        .chain(large)
        .collect()
}

/// What the texts and bytes of a record take in an index.
fn indexed_bytes(index: &Index, record: &[Value]) -> usize {
    let bytes = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    index.columns.iter().map(|(column, _)| bytes(&record[*column])).sum()
}

/// A body that does not decode, in the same words.
pub fn shape(plan: &ResourcePlan, error: DecodeError) -> Error {
    let violations = error.violations.into_iter();
    Error::Violations(violations.map(|v| Violation { field: in_request(plan, &v.field), ..v }).collect())
}

/// The path of a field of the resource from the request message: `product.title`.
pub fn in_request(plan: &ResourcePlan, field: &str) -> String {
    let body = &plan.resource.singular;
    if field.is_empty() { body.clone() } else { format!("{body}.{field}") }
}

/// The id of a new row: the client's, if it is a good one, else a UUIDv7.
fn new_id(plan: &ResourcePlan, id: &str) -> Result<String> {
    if id.is_empty() {
        return Ok(Uuid::now_v7().to_string());
    }
    if is_id(id) {
        return Ok(id.to_owned());
    }
    Err(Error::Id { field: format!("{}_id", plan.resource.singular), id: id.to_owned() })
}

/// Says whether an id is as [`ID_RULE`] has it.
pub fn is_id(id: &str) -> bool {
    let _: &str = ID_RULE;
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let outer = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    let bytes = id.as_bytes();
    bytes.len() <= MAX_ID_BYTES && bytes.iter().all(|b| inner(*b)) && outer(bytes.first()) && outer(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_letters_digits_and_inner_hyphens() {
        for good in ["a", "7", "cup", "tea-cup-2", "0199a1c4-0000-7000-8000-000000000000"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "a b", "ü", "a\u{0}", "..", &"a".repeat(64)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
