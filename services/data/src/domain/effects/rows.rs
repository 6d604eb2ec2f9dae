//! What effects make of one row.

use mainstay_contract::Trigger;
use mainstay_record::Value;
use mainstay_wire::Decoded;

use super::fit::fits;
use super::moves::along;
use super::order::{Doing, Impossible, Order};
use super::sums::summed;
use crate::domain::context::Operation;
use crate::domain::draft::{Draft, Refused};
use crate::domain::event::{Event, nothing};
use crate::domain::record::{new_record, revise};
use crate::domain::tx::Tx;
use crate::error::Result;

/// What is to be done to one row.
pub struct Ordered {
    key: Vec<Value>,
    /// What changes the row or makes it, in the order in which it was ordered: all of it is one change.
    changes: Vec<Order>,
    /// What takes it along transitions, one after the other, when it is changed.
    moves: Vec<Order>,
}

impl Ordered {
    /// Begins with nothing.
    pub fn of(key: Vec<Value>) -> Ordered {
        Ordered { key, changes: Vec::new(), moves: Vec::new() }
    }

    /// Adds something. What several elements of one list ask for goes along a transition once.
    pub fn add(&mut self, order: Order) {
        let Doing::Move { transition } = order.what else { return self.changes.push(order) };
        let is_same = |known: &Order| {
            known.event == order.event && matches!(known.what, Doing::Move { transition: known } if known == transition)
        };
        if !self.moves.iter().any(is_same) {
            self.moves.push(order);
        }
    }

    /// How many changes of the row these are.
    pub fn count(&self) -> usize {
        usize::from(!self.changes.is_empty()) + self.moves.len()
    }

    /// Does it all, and notes what that is to the row's own effects.
    pub async fn carry_out(self, tx: &mut Tx<'_, '_>, events: &mut Vec<Event>) -> std::result::Result<(), Refused> {
        events.extend(self.change(tx).await?);
        for order in &self.moves {
            events.extend(along(tx, order, &self.key).await?);
        }
        Ok(())
    }

    async fn change(&self, tx: &mut Tx<'_, '_>) -> std::result::Result<Option<Event>, Refused> {
        let Some(last) = self.changes.last() else { return Ok(None) };
        let (op, write) = (&last.op, last.write);
        let found = tx.to_change(op, &self.key).await.map_err(|error| tx.refused(Some(write), error))?;
        let old = found.as_deref();
        let made = self.made(tx, old, self.changes.len()).await.map_err(|error| tx.refused(Some(write), error))?;
        match made {
            Err(Impossible) => {
                let at = self.first_impossible(tx, old).await.map_err(|error| tx.refused(Some(write), error))?;
                Err(self.changes[at].refused())
            }
            Ok(None) => Ok(None),
            Ok(Some(new)) => {
                let trigger = if old.is_some() { Trigger::Update } else { Trigger::Create };
                let draft = Draft { old: old.map(<[Value]>::to_vec), new: Some(new.into()), ..Draft::default() };
                last.bring(tx, trigger, draft)
            }
        }
    }

    /// An order with which the row cannot be, and could be with those before it: the first, where more never make up for it.
    async fn first_impossible(&self, tx: &mut Tx<'_, '_>, old: Option<&[Value]>) -> Result<usize> {
        let (mut possible, mut impossible) = (0, self.changes.len());
        while impossible - possible > 1 {
            let some = possible.midpoint(impossible);
            match self.made(tx, old, some).await? {
                Ok(_) => possible = some,
                Err(Impossible) => impossible = some,
            }
        }
        Ok(possible)
    }

    /// The row after the first of the orders; nothing where it stays as it is.
    async fn made(
        &self,
        tx: &mut Tx<'_, '_>,
        old: Option<&[Value]>,
        orders: usize,
    ) -> Result<std::result::Result<Option<Vec<Value>>, Impossible>> {
        let orders = &self.changes[..orders];
        let Some(op) = orders.first().map(|order| &order.op) else { return Ok(Ok(None)) };
        let is_made = orders.iter().any(|order| matches!(order.what, Doing::Put { .. }));
        let begin = match old {
            Some(old) if is_made && op.plan().is_deleted(old) => return Ok(Err(Impossible)),
            Some(old) => old.to_vec(),
            // What it would lie below goes, and it would go along.
            None if is_made && self.is_below_gone(tx, op) => return Ok(Ok(None)),
            None if is_made => self.begun(op),
            // It goes in the same request, and what was to be done to it with it.
            None if tx.is_gone(op, op.resource, &self.key) => return Ok(Ok(None)),
            None => return Ok(Err(Impossible)),
        };
        let Ok(mut new) = summed(op, &begin, orders) else { return Ok(Err(Impossible)) };
        if let Some(old) = old {
            if new == old {
                return Ok(Ok(None));
            }
            revise(op, old, &mut new);
        }
        let trigger = if old.is_some() { Trigger::Update } else { Trigger::Create };
        let is_fit = fits(tx, (op, trigger), old, &mut new).await?;
        Ok(if is_fit { Ok(Some(new)) } else { Err(Impossible) })
    }

    fn is_below_gone(&self, tx: &Tx<'_, '_>, op: &Operation) -> bool {
        let resource = &op.plan().resource;
        resource.parent.is_some_and(|parent| tx.is_gone(op, parent, &self.key[..resource.parent_keys()]))
    }

    /// A row that was not there, before anything is set.
    fn begun(&self, op: &Operation) -> Vec<Value> {
        new_record(op, self.key.clone(), Decoded { values: nothing(op), ..Decoded::default() })
    }
}
