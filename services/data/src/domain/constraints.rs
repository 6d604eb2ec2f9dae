//! What a violated constraint means, told the same on both engines.

use std::sync::Arc;

use mainstay_contract::{Index, OnDelete};
use mainstay_db::{Lane, Rows};
use mainstay_record::page::MAX_ROW_BYTES;
use mainstay_record::{Kind, Value, Violation};

use super::clash::Clash;
use super::context::{Context, Operation};
use super::draft::MAX_ALONG;
use super::links::Referred;
use super::record::{in_request, indexed_in_request, not_found, set_references};
use crate::error::{Error, Keeper, Result};
use crate::plans::{By, Readable, ResourcePlan};
use crate::rights::Obstacle;
use crate::store::links::{self, End};

/// Gives a violated constraint its meaning. `made` says that the record was to be a new row.
pub fn constraint(plan: &ResourcePlan, record: &[Value], made: bool, error: mainstay_db::Error) -> Error {
    match &error {
        mainstay_db::Error::UniqueViolation { constraint, .. } => {
            let named = |index: &Index| mainstay_sql::identifier(&index.name) == *constraint;
            match plan.resource.indexes.iter().position(named) {
                Some(index) => {
                    let clash = Clash { record: record.to_vec(), made, index };
                    taken(plan, index, Some(Box::new(clash)))
                }
                None => Error::AlreadyExists { name: plan.name(record) },
            }
        }
        mainstay_db::Error::ForeignKeyViolation { .. } => Error::Dangling { record: record.to_vec(), source: error },
        // Short values that were packed were not packed as well as it was reckoned.
        mainstay_db::Error::RowTooLarge(_) => Error::Violations(vec![Violation {
            field: in_request(plan, ""),
            description: format!("would take more than the {MAX_ROW_BYTES} bytes that a record takes in its table"),
        }]),
        _ => error.into(),
    }
}

/// Gives it to the removal of a row that others refer to.
pub fn still_referenced(plan: &ResourcePlan, key: &[Value], error: mainstay_db::Error) -> Error {
    match error {
        // What goes with it, or loses a reference to it, may be kept from that by what it would break.
        mainstay_db::Error::ForeignKeyViolation { .. } | mainstay_db::Error::UniqueViolation { .. } => {
            Error::StillReferenced { name: plan.name(key), by: Keeper::Unknown }
        }
        other => other.into(),
    }
}

/// Says of a write that failed what its caller may know: what it broke first, and that a name is taken only where what has
/// it may be seen.
pub async fn told(cx: &Context, op: &Operation, error: Error) -> Result<Error> {
    let error = match error {
        Error::Unique { clash: Some(clash), .. } => first_broken(cx, op, &clash).await?,
        Error::Dangling { record, source } => first_dangling(cx, op, &record, source).await?,
        Error::StillReferenced { name, by: Keeper::Unknown } => {
            let by = first_seen(cx, op, &name).await?.into();
            Error::StillReferenced { name, by }
        }
        other => other,
    };
    match error {
        Error::AlreadyExists { name } if !is_seen(cx, op, &name).await? => {
            Ok(op.caller.denied(Obstacle::Refused).into())
        }
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
    for (position, index) in plan.resource.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
        if is_taken(cx, op, index, clash).await? {
            return Ok(seen(op, taken(plan, position, None)));
        }
    }
    Ok(seen(op, taken(plan, clash.index, None)))
}

/// Says whether another row is in the record's way in an index that lets no two rows have the same, or overlap.
async fn is_taken(cx: &Context, op: &Operation, index: &Index, clash: &Clash) -> Result<bool> {
    let (plan, record) = (op.plan(), &clash.record);
    let layout = &plan.resource.layout;
    let Some((statement, values)) = plan.in_the_way(index, record) else { return Ok(false) };
    let keys = Rows::of(&vec![Kind::Text; layout.keys()]);
    let values = statement.values(&op.caller, &values);
    let found = cx.db.fetch(Lane::Inline, &statement.statement, values, keys).await?;
    Ok(found.rows.iter().any(|key| clash.made || key[..] != record[..layout.keys()]))
}

/// The same without the fields that the caller never sees; where they are all of that kind, the caller sent them.
fn seen(op: &Operation, error: Error) -> Error {
    let Error::Unique { fields, overlap, clash } = error else { return error };
    let (plan, body) = (op.plan(), in_request(op.plan(), ""));
    let below = |field: &str| field.strip_prefix(&body).unwrap_or(field).trim_start_matches('.').to_owned();
    let top = |field: &str| below(field).split('.').next().unwrap_or_default().to_owned();
    let is_seen = |field: &&String| plan.rules.never_seen(&top(field), &op.caller).is_none();
    let shown: Vec<String> = fields.iter().filter(is_seen).cloned().collect();
    Error::Unique { fields: if shown.is_empty() { fields } else { shown }, overlap, clash }
}

fn taken(plan: &ResourcePlan, index: usize, clash: Option<Box<Clash>>) -> Error {
    let index = &plan.resource.indexes[index];
    let times = index.span.map(|span| [span.from, span.to]).into_iter().flatten();
    let times = times.filter_map(|column| Some(plan.resource.field_of(column)?.field_path.as_str()));
    let named = index.fields.iter().map(String::as_str).chain(times);
    let mut fields: Vec<String> = named.map(|field| indexed_in_request(plan, field)).collect();
    fields.dedup();
    Error::Unique { fields, overlap: index.span.is_some(), clash }
}

/// Finds the first row that keeps one from being deleted and that the caller may read: it is below it or refers to it. A look
/// after the transaction, since foreign keys do not say which row it was.
async fn first_seen(cx: &Context, op: &Operation, name: &str) -> Result<Option<String>> {
    let mut params = op.key("name", name)?;
    params.push(Value::Int(1));
    let live = op.plan().resource.soft_delete.is_some();
    for (other, plan) in op.snapshot.resources().iter().enumerate() {
        let keeps = |on_delete: OnDelete, of: usize| of == op.resource && on_delete == OnDelete::Restrict;
        let below = plan.resource.parent.is_some_and(|parent| keeps(plan.resource.on_parent_delete, parent));
        let below = below.then_some(By::Parent { live });
        let references = plan.resource.references.iter().enumerate();
        let references = references.filter(|(_, to)| keeps(to.on_delete, to.resource));
        let to_itself = other == op.resource;
        let referring = references.map(|(position, _)| By::Reference { position, to_itself, live });
        for by in below.into_iter().chain(referring) {
            let Some(seen) = plan.seen_keeping(by, &op.caller) else { continue };
            let keys = Rows::of(&vec![Kind::Text; plan.resource.layout.keys()]);
            let found = cx.db.fetch(Lane::Heavy, &seen.statement, seen.values(&op.caller, &params), keys).await?;
            if let Some(key) = found.rows.first() {
                return Ok(Some(plan.name(key)));
            }
        }
        for (position, link) in plan.resource.links.iter().enumerate() {
            if link.resource != Some(op.resource) || link.on_delete != OnDelete::Restrict {
                continue;
            }
            if let Some(seen) = first_linking(cx, op, (other, position), &params[..params.len() - 1]).await? {
                return Ok(Some(seen));
            }
        }
    }
    Ok(None)
}

/// Finds the first row that names one inside its lists and that the caller may read.
async fn first_linking(
    cx: &Context,
    op: &Operation,
    (other, position): (usize, usize),
    key: &[Value],
) -> Result<Option<String>> {
    let asked = Arc::new((Operation { resource: other, ..op.clone() }, op.resource, key.to_vec()));
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let (on, of, key) = &*asked;
            let (plan, target) = (on.plan(), on.snapshot.resource(*of));
            let (readable, link) = (plan.get(&on.caller), &plan.resource.links[position]);
            let own = plan.resource.type_name.as_str();
            let end = End::of(&target.resource.type_name, key);
            for source in links::sources(conn, own, link, end, MAX_ALONG).await? {
                let is_itself = on.resource == *of && source == *key;
                let row = on.find(conn, &readable, &source).await?.filter(|_| !is_itself);
                let keeps = |row: &Vec<Value>| target.resource.soft_delete.is_none() || !plan.is_deleted(row);
                if let Some(row) = row.filter(keeps) {
                    return Ok(Some(plan.name(&row)));
                }
            }
            Ok(None)
        })
    });
    found.await
}

/// Finds the first reference of a record whose target is not there: SQLite names no foreign key, and PostgreSQL's keep the
/// names that their columns had at birth.
pub async fn first_dangling(
    cx: &Context,
    op: &Operation,
    record: &[Value],
    source: mainstay_db::Error,
) -> Result<Error> {
    for Referred { field, resource, key, .. } in set_references(op, None, record) {
        let target = op.snapshot.resource(resource);
        let statement = &target.whoever().statement;
        let found = cx.db.fetch(Lane::Inline, statement, key.clone(), Rows::default()).await?;
        if found.rows.is_empty() {
            return Ok(not_found(op, &field, target.name(&key)));
        }
    }
    // What was missing is there by now.
    Ok(Error::Storage(mainstay_db::Error::Conflict { attempts: 1, source: std::sync::Arc::new(source) }))
}
