//! What effects are to do to other rows, told by row.

use std::collections::BTreeMap;
use std::sync::Arc;

use mainstay_contract::{Aim, Slot, Trigger, What};
use mainstay_expr::evaluate_value;
use mainstay_record::Value;

use super::found::{Here, found, lock};
use super::settle::{indexed, settle};
use super::slot;
use crate::domain::context::Operation;
use crate::domain::draft::{Draft, Refused};
use crate::domain::event::Event;
use crate::domain::record::{in_request, revise, violations};
use crate::domain::references::check_references;
use crate::domain::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::EffectPlan;

/// What is to be done in one round.
#[derive(Default)]
pub struct Orders {
    /// In the order of the rows' names.
    rows: BTreeMap<(usize, String), Ordered>,
}

/// What is to be done to one row, in the order in which it was ordered.
struct Ordered {
    key: Vec<Value>,
    all: Vec<Order>,
}

/// One change of a row.
struct Order {
    write: usize,
    op: Operation,
    /// What in the caller's row it comes from.
    by: Arc<str>,
    what: Doing,
}

enum Doing {
    Add { column: usize, by: Value },
    Set { slot: Slot, value: Value },
}

/// What is added to one column.
#[derive(Clone, Copy)]
enum Sum {
    Integers(i128),
    Doubles(f64),
}

/// What cannot be made of a row.
struct Impossible;

impl Orders {
    /// Finds what events bring about.
    pub async fn of(tx: &mut Tx<'_, '_>, events: &[Event]) -> std::result::Result<Orders, Refused> {
        let mut orders = Orders::default();
        lock(tx, events).await.map_err(|error| tx.refused(events.first().map(|event| event.write), error))?;
        for event in events {
            let effects = &event.op.plan().effects;
            for own in effects.on(event.trigger).filter(|own| !own.is_own()) {
                let all = found(tx, &event.op, own, (&event.row, &event.old)).await;
                let all = all.map_err(|error| tx.refused(Some(event.write), error))?;
                all.iter().for_each(|here| orders.add(event, own, here));
            }
        }
        Ok(orders)
    }

    /// How many rows are about to change.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    fn add(&mut self, event: &Event, own: &EffectPlan, here: &Here) {
        let scope = here.scope(&event.op, &event.row, &event.old);
        let (aim, what) = match &own.effect.what {
            What::Set { goal, value } => {
                let value = evaluate_value(&value.root, &scope);
                (&goal.aim, Doing::Set { slot: goal.slot.clone(), value })
            }
            What::Adjust { goal, by } => {
                let Slot::Column { column, .. } = &goal.slot else { return };
                (&goal.aim, Doing::Add { column: *column, by: evaluate_value(&by.root, &scope) })
            }
            What::Put(_) | What::Move { .. } => return,
        };
        let Some(key) = here.key(&aim.row, &event.row) else { return };
        let op = Operation { resource: aim.resource, ..event.op.clone() };
        let name = op.plan().name(&key);
        let order = Order { write: event.write, by: path(event, aim, here), what, op };
        self.rows.entry((aim.resource, name)).or_insert_with(|| Ordered { key, all: Vec::new() }).all.push(order);
    }

    /// Does it, row by row; what that is to the effects of these rows is for the next round.
    pub async fn carry_out(self, tx: &mut Tx<'_, '_>) -> std::result::Result<Vec<Event>, Refused> {
        let mut events = Vec::new();
        for ordered in self.rows.into_values() {
            events.extend(ordered.carry_out(tx).await?);
        }
        Ok(events)
    }
}

/// What in the caller's row an order comes from.
fn path(event: &Event, aim: &Aim, here: &Here) -> Arc<str> {
    if let Some(by) = &event.by {
        return Arc::clone(by);
    }
    let path = match (aim.list, &here.element) {
        (Some(column), Some((at, _))) => indexed(&event.op, &aim.path, (column, *at)),
        _ => aim.path.clone(),
    };
    Arc::from(in_request(event.op.plan(), &path))
}

impl Ordered {
    async fn carry_out(self, tx: &mut Tx<'_, '_>) -> std::result::Result<Option<Event>, Refused> {
        let Some(last) = self.all.last() else { return Ok(None) };
        let (op, write) = (&last.op, last.write);
        let found = tx.at_hand(op, op.resource, &self.key).await.map_err(|error| tx.refused(Some(write), error))?;
        // It goes in the same request.
        let Some(old) = found else { return Err(self.refused(self.all.len())) };
        let made = self.made(tx, &old, self.all.len()).await.map_err(|error| tx.refused(Some(write), error))?;
        match made {
            Err(Impossible) => {
                let at = self.first_impossible(tx, &old).await.map_err(|error| tx.refused(Some(write), error))?;
                Err(self.refused(at))
            }
            Ok(None) => Ok(None),
            Ok(Some(new)) => {
                let draft = Draft { old: Some(old.to_vec()), new: Some(new.into()), ..Draft::default() };
                let change = tx.bring(write, op, draft, &last.by);
                let change = change.map_err(|error| tx.refused(Some(write), error))?;
                let event = Event::of(write, op, Trigger::Update, &change);
                Ok(event.map(|event| Event { by: Some(Arc::clone(&last.by)), ..event }))
            }
        }
    }

    fn refused(&self, orders: usize) -> Refused {
        let order = &self.all[orders.saturating_sub(1).min(self.all.len() - 1)];
        Refused { write: Some(order.write), error: Error::EffectRefused { fields: vec![order.by.to_string()] } }
    }

    /// With how many of the orders the row cannot be any more.
    async fn first_impossible(&self, tx: &mut Tx<'_, '_>, old: &[Value]) -> Result<usize> {
        for orders in 1..self.all.len() {
            if self.made(tx, old, orders).await?.is_err() {
                return Ok(orders);
            }
        }
        Ok(self.all.len())
    }

    /// The row after the first of the orders; nothing where it stays as it is.
    async fn made(
        &self,
        tx: &mut Tx<'_, '_>,
        old: &[Value],
        orders: usize,
    ) -> Result<std::result::Result<Option<Vec<Value>>, Impossible>> {
        let Some(op) = self.all.first().map(|order| &order.op) else { return Ok(Ok(None)) };
        let Ok(mut new) = summed(op, old, &self.all[..orders]) else { return Ok(Err(Impossible)) };
        if new == old {
            return Ok(Ok(None));
        }
        revise(op, old, &mut new);
        let settled = settle(tx, (op, Trigger::Update), &mut new, old).await?;
        if !settled.unfit.is_empty() || !violations(op.plan(), &new, op.caller.now).is_empty() {
            return Ok(Err(Impossible));
        }
        match check_references(tx, op, Some(old), &new).await {
            Ok(()) => Ok(Ok(Some(new))),
            // It leads to nothing, or back to where it began.
            Err(Error::ReferenceNotFound { .. } | Error::Cycle { .. } | Error::TooDeep { .. }) => Ok(Err(Impossible)),
            Err(error) => Err(error),
        }
    }
}

/// The row with what is set, and with the sums of what is added.
fn summed(op: &Operation, old: &[Value], orders: &[Order]) -> std::result::Result<Vec<Value>, Impossible> {
    let (plan, mut row) = (op.plan(), old.to_vec());
    let mut sums: BTreeMap<usize, Sum> = BTreeMap::new();
    for order in orders {
        match &order.what {
            Doing::Set { slot, value } => {
                slot::put(slot, plan, &mut row, value.clone()).map_err(|slot::Unfit| Impossible)?;
            }
            Doing::Add { column, by } => add(&mut sums, *column, by),
        }
    }
    for (column, sum) in sums {
        let value = match (sum, &row[column]) {
            (Sum::Integers(0), _) => continue,
            (Sum::Integers(by), Value::Int(number)) => whole(i128::from(*number) + by)?,
            (Sum::Integers(by), Value::Null) => whole(by)?,
            (Sum::Doubles(by), Value::Double(number)) => Value::Double(number + by),
            (Sum::Doubles(by), Value::Null) => Value::Double(by),
            _ => return Err(Impossible),
        };
        let numeric = plan.resource.field_of(column).and_then(|field| field.numeric);
        let slot = Slot::Column { column, numeric };
        slot::put(&slot, plan, &mut row, value).map_err(|slot::Unfit| Impossible)?;
    }
    Ok(row)
}

fn whole(number: i128) -> std::result::Result<Value, Impossible> {
    i64::try_from(number).map(Value::Int).map_err(|_| Impossible)
}

fn add(sums: &mut BTreeMap<usize, Sum>, column: usize, by: &Value) {
    let sum = match (sums.get(&column).copied(), by) {
        (Some(Sum::Integers(sum)), Value::Int(by)) => Sum::Integers(sum + i128::from(*by)),
        (Some(Sum::Doubles(sum)), Value::Double(by)) => Sum::Doubles(sum + by),
        (None, Value::Int(by)) => Sum::Integers(i128::from(*by)),
        (None, Value::Double(by)) => Sum::Doubles(*by),
        // Nothing is added where nothing is said.
        _ => return,
    };
    sums.insert(column, sum);
}
