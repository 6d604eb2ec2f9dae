//! Rows that effects take along their transitions.

use mainstay_contract::Trigger;
use mainstay_expr::{Around, Scope};
use mainstay_record::Value;

use super::fit::fits;
use super::order::{Doing, Order};
use crate::domain::around::Ruled;
use crate::domain::context::Operation;
use crate::domain::draft::{Draft, Refused};
use crate::domain::event::Event;
use crate::domain::record::revise;
use crate::domain::transition::passage;
use crate::domain::tx::Tx;
use crate::error::{Error, Result};

/// Takes a row along a transition: its guard is asked, who may is not.
pub async fn along(tx: &mut Tx<'_, '_>, order: &Order, key: &[Value]) -> std::result::Result<Option<Event>, Refused> {
    let Doing::Move { transition } = order.what else { return Ok(None) };
    // It goes, and nothing is left to be moved.
    if tx.is_gone(&order.op, order.op.resource, key) {
        return Ok(None);
    }
    let moved = moved(tx, &order.op, key, transition).await;
    match moved.map_err(|error| tx.refused(Some(order.write), error))? {
        Some(draft) => order.bring(tx, Trigger::Transition(transition), draft),
        None => Err(order.refused()),
    }
}

/// The row in its new state; nothing where it does not come to that.
async fn moved(tx: &mut Tx<'_, '_>, op: &Operation, key: &[Value], which: u16) -> Result<Option<Draft>> {
    let (plan, at) = (op.plan(), usize::from(which));
    let (Some(own), Some(model)) = (plan.transitions.get(at), plan.resource.transitions.get(at)) else {
        return Err(Error::OutOfTurn);
    };
    let old = tx.to_change(op, key).await?.filter(|old| !plan.is_deleted(old) && own.begins_in(&model.from, old));
    let Some(old) = old else { return Ok(None) };
    if own.guard.is_some() {
        let scope = Scope { old: Some(&old), ..op.caller.on_resource(&old) };
        let ruled = Ruled { op, guard: own.guard.as_ref(), scope, proposed: None, blind: &[], of_everybody: true };
        let mut around = Around::default();
        tx.look_now(&ruled, &mut around).await?;
        match ruled.allow(&around) {
            Ok(()) => {}
            Err(Error::Denied(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let mut new = old.to_vec();
    new[own.column] = Value::Int(model.to);
    revise(op, &old, &mut new);
    if !fits(tx, (op, Trigger::Transition(which)), Some(&old), &mut new).await? {
        return Ok(None);
    }
    let passage = passage(op, which, (&old, &new), Vec::new())?;
    Ok(Some(Draft { old: Some(old.to_vec()), new: Some(new.into()), passage: Some(passage), ..Draft::default() }))
}
