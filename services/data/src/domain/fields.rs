//! Rules of single fields on a write: who may set them, and what is told of those that the caller does not see.

use std::sync::Arc;

use mainstay_contract::Violated;
use mainstay_expr::Scope;
use mainstay_record::{Value, Violation};
use mainstay_wire::WireError;

use super::around::Ruled;
use super::context::Operation;
use super::draft::Draft;
use super::proposed::Record;
use super::record::{in_request, violations};
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::{FieldRule, Guard, same_value, unset};
use crate::rights::Obstacle;

/// Checks that the caller may set the fields that a write changes, in the row before and in the row after. What is sent as it
/// is changes nothing; of what the caller does not see, nobody finds out so what it is.
pub fn check_fields(op: &Operation, draft: &Draft) -> Result<()> {
    if op.caller.is_system() {
        return Ok(());
    }
    let plan = op.plan();
    let mut ruled = plan.rules.written().filter(|(rule, _)| rule.is_among(&draft.touched)).peekable();
    if ruled.peek().is_none() {
        return Ok(());
    }
    let new = draft.new_row()?;
    let unsent = unsent(op, draft);
    let before = draft.old.as_ref().unwrap_or(&unsent);
    let differs = |column: &usize| !same_value(&before[*column], &new[*column]);
    let allows = |guard: &Guard| {
        let old = draft.old.as_deref().map(|old| (old, &draft.beside.before));
        let rows = old.into_iter().chain([(&**new, &draft.beside.after)]);
        let mut scopes = rows.map(|(row, around)| Scope { around: Some(around), ..op.caller.on_resource(row) });
        scopes.find(|scope| !guard.allows(scope))
    };
    for (rule, guard) in ruled {
        let changes = rule.is_among(&draft.blind) || rule.columns.iter().any(differs);
        if let Some(scope) = allows(guard).filter(|_| changes) {
            op.explain(Some(guard), &scope);
            return Err(field_denied(op, rule));
        }
    }
    Ok(())
}

/// Says whether other rows decide who may set what a write sets.
pub fn set_around(op: &Operation, draft: &Draft) -> bool {
    let looks = |(rule, guard): (&FieldRule, &Guard)| !guard.is_alone() && rule.is_among(&draft.touched);
    !op.caller.is_system() && op.plan().rules.written().any(looks)
}

/// Finds the rows by which it is decided who may set what a write sets.
pub async fn look_who_sets(tx: &mut Tx<'_, '_>, write: usize, op: &Operation, draft: &mut Draft) -> Result<()> {
    let new = Arc::clone(draft.new_row()?);
    let mut beside = std::mem::take(&mut draft.beside);
    let old = draft.old.as_deref();
    for (_, guard) in op.plan().rules.written().filter(|(rule, _)| rule.is_among(&draft.touched)) {
        if let Some(old) = old {
            tx.look_around(write, &Ruled::of(Record::of(old), op, Some(guard)), &mut beside.before).await?;
        }
        tx.look_around(write, &Ruled::of(draft.proposed(&new), op, Some(guard)), &mut beside.after).await?;
    }
    draft.beside = beside;
    Ok(())
}

/// Says whether other rows decide how much is said of what is wrong with a record.
pub fn told_around(op: &Operation, draft: &Draft) -> bool {
    let plan = op.plan();
    let is_wrong = |new: &Arc<[Value]>| !plan.is_deleted(new) && !violations(plan, new, op.caller.now).is_empty();
    !op.caller.is_system() && plan.rules.read_around() && draft.new.as_ref().is_some_and(is_wrong)
}

/// Finds out how much is said of what is wrong with a record.
pub async fn look_who_is_told(tx: &mut Tx<'_, '_>, write: usize, op: &Operation, draft: &mut Draft) -> Result<()> {
    let unseen = tx.hidden_then(write, op, draft.proposed(draft.new_row()?)).await?;
    draft.unseen = Some(unseen);
    Ok(())
}

/// A row of which nothing was sent, where there is none before.
fn unsent(op: &Operation, draft: &Draft) -> Vec<Value> {
    if draft.old.is_some() {
        return Vec::new();
    }
    let layout = &op.plan().resource.layout;
    let mut row = layout.columns.iter().map(unset).collect::<Vec<_>>();
    op.plan().fields.apply_defaults(layout, &mut row, &[], &op.caller);
    row
}

/// What a caller is told who may write the row, and not a field of it.
pub fn field_denied(op: &Operation, rule: &FieldRule) -> Error {
    match op.caller.is_nobody() {
        true => op.caller.denied(Obstacle::Refused).into(),
        false => Error::FieldDenied { field: in_request(op.plan(), &rule.name) },
    }
}

/// Checks the values of a record, and says no more of fields that the caller neither sees nor sets than that there is one: not
/// by their names, and not by what a condition that compares them says.
pub fn validate_seen(op: &Operation, draft: &Draft) -> Result<()> {
    let (plan, new) = (op.plan(), draft.new_row()?);
    let found = violations(plan, new, op.caller.now);
    if found.is_empty() {
        return fits(draft).and_then(|()| check_json(op, draft.old.as_deref(), new));
    }
    let hidden = draft.unseen.clone().unwrap_or_else(|| op.hidden(new));
    let unsaid = |rule: &&FieldRule| rule.is_among(&hidden) && !rule.is_among(&draft.touched);
    let unsaid: Vec<(&FieldRule, String)> =
        plan.rules.iter().filter(unsaid).map(|rule| (rule, in_request(plan, &rule.name))).collect();
    let is_unsaid = |violated: &Violated| {
        let below =
            |name: &str| violated.violation.field.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_of_name));
        unsaid.iter().any(|(rule, name)| below(name) || rule.is_among(&violated.over))
    };
    let mut told: Vec<Violation> = Vec::with_capacity(found.len());
    for violated in found {
        let violation = match is_unsaid(&violated) {
            true => Violation { field: in_request(plan, ""), description: UNSAID.to_owned() },
            false => violated.violation,
        };
        // How many there are is not said either.
        if violation.description != UNSAID || !told.contains(&violation) {
            told.push(violation);
        }
    }
    // What an effect has made of the row is not what was asked for.
    let (settled, own): (Vec<Violation>, Vec<Violation>) =
        told.into_iter().partition(|own| draft.settled.contains(&own.field));
    match own.is_empty() {
        true => Err(Error::EffectRefused { fields: settled.into_iter().map(|own| own.field).collect() }),
        false => Err(Error::Violations(own)),
    }
}

/// Refuses what a field cannot hold that an effect sets.
fn fits(draft: &Draft) -> Result<()> {
    if draft.unfit.is_empty() { Ok(()) } else { Err(Error::EffectRefused { fields: draft.unfit.clone() }) }
}

/// What is said of something that is wrong with what the caller does not see.
const UNSAID: &str = "cannot be stored like this: a field that you may not read is not valid, or not beside the others";

/// Refuses a record in which clients that speak JSON could not read what is written: a message of a type that the contract does
/// not know, or a path that has no form there. What stays as it is was written under another contract, perhaps.
fn check_json(op: &Operation, old: Option<&[Value]>, record: &[Value]) -> Result<()> {
    let plan = op.plan();
    if !plan.may_lack_json {
        return Ok(());
    }
    let plans = op.snapshot.json();
    let Some(message) = plans.message(&plan.resource.message) else { return Ok(()) };
    let mut written = record.to_vec();
    for (column, value) in written.iter_mut().enumerate() {
        if matches!(value, Value::Json(_)) && old.is_some_and(|old| same_value(&old[column], value)) {
            *value = Value::Null;
        }
    }
    let mut wire = Vec::new();
    plan.record.encode(&written, &mut wire).map_err(Error::Damaged)?;
    plans.check_json(message, &wire).map_err(|error| {
        let WireError { path, message } = error;
        let Violation { field, description } = plan.classes.told(Violation { field: path, description: message });
        Error::Violations(vec![Violation { field: in_request(plan, &field), description }])
    })
}

fn is_of_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}
