//! What a violated constraint means, told the same on both engines.

use mainstay_contract::{Index, Reference};
use mainstay_db::{Lane, Rows};
use mainstay_record::{Column, Kind, Value};

use super::checks::Obstacle;
use super::context::{Context, Operation};
use super::create::in_request;
use crate::error::{Error, Result};
use crate::plans::{Readable, ResourcePlan};

/// A write that broke a unique index, and perhaps more: an engine tells the one that it checks first.
#[derive(Debug, Clone, PartialEq)]
pub struct Clash {
    record: Vec<Value>,
    /// The record was to be a new row.
    made: bool,
    /// Index into `Resource::indexes`.
    index: usize,
}

/// Gives a violated constraint its meaning. `made` says that the record was to be a new row.
pub fn constraint(plan: &ResourcePlan, record: &[Value], made: bool, error: mainstay_db::Error) -> Error {
    match &error {
        mainstay_db::Error::UniqueViolation { constraint } => {
            let named = |index: &Index| mainstay_sql::identifier(&index.name) == *constraint;
            match plan.resource.indexes.iter().position(named) {
                Some(index) => {
                    let clash = Clash { record: record.to_vec(), made, index };
                    Error::Unique { fields: fields(plan, index), clash: Some(Box::new(clash)) }
                }
                None => Error::AlreadyExists { name: plan.name(record) },
            }
        }
        mainstay_db::Error::ForeignKeyViolation { constraint } => {
            let reference = violated_reference(plan, constraint.as_deref());
            let field = reference.map_or_else(|| "parent".to_owned(), |found| in_request(plan, &found.field));
            Error::ReferenceNotFound { field }
        }
        _ => error.into(),
    }
}

/// Says of a write that failed what its caller may know: what it broke first, and that a name is taken only where what has
/// it may be seen.
pub async fn told(cx: &Context, op: &Operation, error: Error) -> Result<Error> {
    let error = match error {
        Error::Unique { clash: Some(clash), .. } => first_broken(cx, op, &clash).await?,
        other => other,
    };
    match error {
        Error::AlreadyExists { name } if !is_seen(cx, op, &name).await? => Ok(op.caller.denied(Obstacle::Refused)),
        other => Ok(other),
    }
}

/// Says whether the caller may read the row of this name (AIP-133: a duplicate that may not be seen is a denied create).
async fn is_seen(cx: &Context, op: &Operation, name: &str) -> Result<bool> {
    match op.plan().get(&op.caller) {
        Readable::Never => Ok(false),
        Readable::By { public: true, .. } => Ok(true),
        Readable::By { statement, .. } => {
            let binds = statement.values(&op.caller, &op.key("name", name)?);
            Ok(!cx.db.fetch(Lane::Inline, &statement.statement, binds, Rows::default()).await?.rows.is_empty())
        }
    }
}

/// Finds what a write broke first, whatever its engine told: its name, then the unique indexes in the order of the
/// contract. A look after the transaction: on PostgreSQL nothing can be asked inside one that has failed.
async fn first_broken(cx: &Context, op: &Operation, clash: &Clash) -> Result<Error> {
    let plan = op.plan();
    let key = &clash.record[..plan.resource.layout.keys()];
    if clash.made {
        let taken = cx.db.fetch(Lane::Inline, &plan.whoever().statement, key.to_vec(), Rows::default()).await?;
        if !taken.rows.is_empty() {
            return Ok(Error::AlreadyExists { name: plan.name(key) });
        }
    }
    let mut first = clash.index;
    for (position, index) in plan.resource.indexes[..clash.index].iter().enumerate() {
        if index.unique && is_taken(cx, op, index, clash).await? {
            first = position;
            break;
        }
    }
    Ok(Error::Unique { fields: fields(plan, first), clash: None })
}

/// Says whether another row has the record's values in a unique index. A value that is unset conflicts with none.
async fn is_taken(cx: &Context, op: &Operation, index: &Index, clash: &Clash) -> Result<bool> {
    let (plan, record) = (op.plan(), &clash.record);
    let layout = &plan.resource.layout;
    let columns: Vec<usize> = index.columns.iter().map(|(column, _)| *column).collect();
    if columns.iter().any(|column| is_unset(&layout.columns[*column], &record[*column])) {
        return Ok(false);
    }
    let values = columns.iter().map(|column| record[*column].clone()).collect();
    let keys = Rows::of(&vec![Kind::Text; layout.keys()]);
    let found = cx.db.fetch(Lane::Inline, &plan.holding(&columns).statement, values, keys).await?;
    Ok(found.rows.iter().any(|key| clash.made || key[..] != record[..layout.keys()]))
}

fn is_unset(column: &Column, value: &Value) -> bool {
    value.is_null() || (!column.nullable && *value == column.kind.zero())
}

fn fields(plan: &ResourcePlan, index: usize) -> Vec<String> {
    plan.resource.indexes[index].fields.iter().map(|field| in_request(plan, field)).collect()
}

/// Finds the reference that a foreign key is for: its name holds the reference's first column (or an earlier name of it).
fn violated_reference<'p>(plan: &'p ResourcePlan, constraint: Option<&str>) -> Option<&'p Reference> {
    let references = &plan.resource.references;
    let named = |reference: &&Reference| {
        let column = reference.columns.first().map(|index| &plan.resource.layout.columns[*index].name);
        column.zip(constraint).is_some_and(|(column, name)| name.contains(&format!("_{column}_fkey")))
    };
    references.iter().find(named).or_else(|| references.first())
}
