//! What effects set in the row itself: part of the write, in the order in which it is written.

use std::sync::Arc;

use mainstay_contract::{Trigger, What};
use mainstay_expr::{evaluate, evaluate_value};
use mainstay_record::Value;
use serde_json::Value as Json;

use super::found::{Here, alone, elements, found, lock};
use super::slot;
use crate::domain::context::Operation;
use crate::domain::draft::Draft;
use crate::domain::event::{Event, nothing};
use crate::domain::record::in_request;
use crate::domain::tx::Tx;
use crate::error::Result;
use crate::plans::EffectPlan;

/// The fields that were set, as requests name them, and those that cannot hold what they are set to.
#[derive(Debug, Default)]
pub struct Settled {
    pub fields: Vec<String>,
    pub unfit: Vec<String>,
}

/// Sets what needs no look at other rows.
pub fn settle_alone((op, trigger): (&Operation, Trigger), draft: &mut Draft) -> Result<()> {
    if !op.plan().effects.settle(trigger) {
        return Ok(());
    }
    let (mut row, mut settled) = (draft.new_row()?.to_vec(), Settled::default());
    let old = draft.old.clone().unwrap_or_else(|| nothing(op));
    for own in op.plan().effects.on(trigger).filter(|own| own.is_own()) {
        let here = Here { element: None, around: mainstay_expr::Around::default() };
        let holds =
            |rule: &mainstay_contract::Rule| evaluate(&rule.program.root, &here.scope(op, &row, &old)) == Some(true);
        if own.effect.condition.as_ref().is_none_or(holds) {
            let all = alone(own, &row);
            set(op, own, &all, (&mut row, &old), &mut settled);
        }
    }
    note(draft, row, settled);
    Ok(())
}

/// Sets what takes a look at other rows, too.
pub async fn settle_in(tx: &mut Tx<'_, '_>, (op, trigger): (&Operation, Trigger), draft: &mut Draft) -> Result<()> {
    let mut row = draft.new_row()?.to_vec();
    let old = draft.old.clone().unwrap_or_else(|| nothing(op));
    let settled = settle(tx, (op, trigger), &mut row, &old).await?;
    note(draft, row, settled);
    Ok(())
}

/// The same for a row that is in nobody's draft.
pub async fn settle(
    tx: &mut Tx<'_, '_>,
    (op, trigger): (&Operation, Trigger),
    row: &mut Vec<Value>,
    old: &[Value],
) -> Result<Settled> {
    let mut settled = Settled::default();
    let effects = &op.plan().effects;
    if !effects.settle(trigger) {
        return Ok(settled);
    }
    if effects.settle_around(trigger) {
        let event =
            Event { write: 0, op: op.clone(), trigger, old: old.to_vec(), row: Arc::from(row.as_slice()), by: None };
        lock(tx, std::slice::from_ref(&event)).await?;
    }
    for own in effects.on(trigger).filter(|own| own.is_own()) {
        let all = found(tx, op, own, (row, old)).await?;
        set(op, own, &all, (row, old), &mut settled);
    }
    Ok(settled)
}

fn note(draft: &mut Draft, row: Vec<Value>, settled: Settled) {
    draft.new = Some(row.into());
    draft.settled = settled.fields;
    draft.unfit = settled.unfit;
}

/// Sets one field, or that of each element.
fn set(op: &Operation, own: &EffectPlan, all: &[Here], (row, old): (&mut Vec<Value>, &[Value]), settled: &mut Settled) {
    let What::Set { goal, value } = &own.effect.what else { return };
    let values = all.iter().map(|here| evaluate_value(&value.root, &here.scope(op, row, old)));
    let values: Vec<Value> = values.collect();
    let Some(column) = goal.aim.list else {
        for value in values {
            let path = in_request(op.plan(), &goal.path);
            match slot::put(&goal.slot, op.plan(), row, value) {
                Ok(()) => settled.fields.push(path),
                Err(slot::Unfit) => settled.unfit.push(path),
            }
        }
        return;
    };
    let mut list = elements(row, column);
    for (at, value) in values.into_iter().enumerate() {
        let path = in_request(op.plan(), &indexed(op, &goal.path, (column, at)));
        match list.get_mut(at).map(|element| slot::put_into(&goal.slot, element, value)) {
            Some(Ok(())) => settled.fields.push(path),
            _ => settled.unfit.push(path),
        }
    }
    if !list.is_empty() {
        row[column] = Value::Json(Json::Array(list).to_string());
    }
}

/// A path with the place of the element in it: `lines[2].variant`.
pub fn indexed(op: &Operation, path: &str, (column, at): (usize, usize)) -> String {
    let list = &op.plan().resource.layout.columns[column].field;
    match path.strip_prefix(list.as_str()) {
        Some(rest) => format!("{list}[{at}]{rest}"),
        None => format!("{path}[{at}]"),
    }
}
