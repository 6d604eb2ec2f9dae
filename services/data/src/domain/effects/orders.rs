//! What effects are to do to other rows, told by row.

use std::collections::BTreeMap;

use mainstay_contract::{Put, Slot, What};
use mainstay_expr::{Program, evaluate_value};
use mainstay_record::Value;

use super::found::{Here, found, lock};
use super::order::{Doing, Order, path, path_of_made};
use super::rows::Ordered;
use crate::domain::context::Operation;
use crate::domain::draft::Refused;
use crate::domain::event::Event;
use crate::domain::ids::is_id;
use crate::domain::record::new_id;
use crate::domain::tx::Tx;
use crate::error::Error;
use crate::plans::EffectPlan;

/// What is to be done in one round.
#[derive(Default)]
pub struct Orders {
    /// In the order of the rows' names.
    rows: BTreeMap<(usize, String), Ordered>,
}

impl Orders {
    /// Finds what events bring about.
    pub async fn of(tx: &mut Tx<'_, '_>, events: &[Event]) -> Result<Orders, Refused> {
        let mut orders = Orders::default();
        lock(tx, events).await.map_err(|error| tx.refused(events.first().map(|event| event.write), error))?;
        for (at, event) in events.iter().enumerate() {
            let effects = &event.op.plan().effects;
            for own in effects.on(event.trigger).filter(|own| !own.is_own()) {
                let all = found(tx, &event.op, own, (&event.row, &event.old)).await;
                let all = all.map_err(|error| tx.refused(Some(event.write), error))?;
                all.iter().try_for_each(|here| orders.add((at, event), own, here))?;
            }
        }
        Ok(orders)
    }

    /// How many changes of rows these are.
    pub fn count(&self) -> usize {
        self.rows.values().map(Ordered::count).sum()
    }

    fn add(&mut self, (at, event): (usize, &Event), own: &EffectPlan, here: &Here) -> Result<(), Refused> {
        let scope = here.scope(&event.op, &event.row, &event.old);
        let (aim, what) = match &own.effect.what {
            What::Set { goal, value } => {
                let value = evaluate_value(&value.root, &scope);
                (&goal.aim, Doing::Set { slot: goal.slot.clone(), value })
            }
            What::Adjust { goal, by } => {
                let Slot::Column { column, .. } = &goal.slot else { return Ok(()) };
                (&goal.aim, Doing::Add { column: *column, by: evaluate_value(&by.root, &scope) })
            }
            What::Move { to, transition } => (to, Doing::Move { transition: *transition }),
            What::Put(put) => return self.make((at, event), put, here),
        };
        let own_key = || event.row[..event.op.plan().resource.layout.keys()].to_vec();
        let key = if aim.is_itself() { Some(own_key()) } else { here.key(&aim.row, &event.row) };
        // Nothing is done where nothing is named.
        let Some(key) = key else { return Ok(()) };
        let op = Operation { resource: aim.resource, ..event.op.clone() };
        self.order(key, Order { write: event.write, event: at, by: path(event, aim, here), what, op });
        Ok(())
    }

    /// Adds a row that is to be there.
    fn make(&mut self, (at, event): (usize, &Event), put: &Put, here: &Here) -> Result<(), Refused> {
        let scope = here.scope(&event.op, &event.row, &event.old);
        let value = |program: &Program| evaluate_value(&program.root, &scope);
        let parent = match put.parent.as_ref().map(value) {
            None => String::new(),
            Some(Value::Text(parent)) => parent,
            // Nothing is made below what is not named.
            Some(_) => return Ok(()),
        };
        let op = Operation { resource: put.resource, ..event.op.clone() };
        let by = path_of_made(event, put.each.as_ref(), here);
        let Some(key) = key(&op, &parent, put.id.as_ref().map(value)) else {
            return Err(event.refused(Error::EffectRefused { fields: vec![by.to_string()] }));
        };
        let set = put.set.iter().map(|(_, slot, program)| (slot.clone(), value(program))).collect();
        self.order(key, Order { write: event.write, event: at, by, what: Doing::Put { set }, op });
        Ok(())
    }

    fn order(&mut self, key: Vec<Value>, order: Order) {
        let name = order.op.plan().name(&key);
        self.rows.entry((order.op.resource, name)).or_insert_with(|| Ordered::of(key)).add(order);
    }

    /// Does it, row by row; what that is to the effects of these rows is for the next round.
    pub async fn carry_out(self, tx: &mut Tx<'_, '_>) -> Result<Vec<Event>, Refused> {
        let mut events = Vec::new();
        for ordered in self.rows.into_values() {
            ordered.carry_out(tx, &mut events).await?;
        }
        Ok(events)
    }
}

/// The key of a row that is to be there; nothing where it cannot have that id.
fn key(op: &Operation, parent: &str, id: Option<Value>) -> Option<Vec<Value>> {
    let plan = op.plan();
    let id = match id {
        None => new_id(plan, "").ok()?,
        Some(Value::Text(id)) if is_id(&id) => id,
        Some(_) => return None,
    };
    let parts = plan.parse_parent(parent)?.into_iter().map(str::to_owned);
    Some(op.organisation().chain(parts.chain([id]).map(Value::Text)).collect())
}
