//! One thing that an effect is to do to a row.

use std::sync::Arc;

use mainstay_contract::{Aim, Each, Slot, Trigger};
use mainstay_record::Value;

use super::found::Here;
use super::settle::indexed;
use crate::domain::context::Operation;
use crate::domain::draft::{Draft, Refused};
use crate::domain::event::Event;
use crate::domain::record::in_request;
use crate::domain::tx::Tx;
use crate::error::Error;

/// Something that is to be done to one row.
pub struct Order {
    pub write: usize,
    /// Which of the round's events it comes from.
    pub event: usize,
    /// On whose behalf, on the resource of the row.
    pub op: Operation,
    /// What in the caller's row it comes from.
    pub by: Arc<str>,
    pub what: Doing,
}

/// What it is.
pub enum Doing {
    /// Adds to a number.
    Add { column: usize, by: Value },
    /// Sets a field.
    Set { slot: Slot, value: Value },
    /// Makes the row; where it is there already it gets what is set, and keeps the rest.
    Put { set: Vec<(Slot, Value)> },
    /// Takes the row along a transition, by its place.
    Move { transition: u16 },
}

/// What cannot be made of a row.
pub struct Impossible;

impl Order {
    /// Says that it cannot be done.
    pub fn refused(&self) -> Refused {
        Refused { write: Some(self.write), error: Error::EffectRefused { fields: vec![self.by.to_string()] } }
    }

    /// Stores what comes of it; that is an event to the effects of the row.
    pub fn bring(
        &self,
        tx: &mut Tx<'_, '_>,
        trigger: Trigger,
        draft: Draft,
    ) -> std::result::Result<Option<Event>, Refused> {
        let change = tx.bring(self.write, &self.op, draft, &self.by);
        let change = change.map_err(|error| tx.refused(Some(self.write), error))?;
        let event = Event::of(self.write, &self.op, trigger, &change);
        Ok(event.map(|event| Event { by: Some(Arc::clone(&self.by)), ..event }))
    }
}

/// What in the caller's row an order comes from that aims at a row which is there.
pub fn path(event: &Event, aim: &Aim, here: &Here) -> Arc<str> {
    let path = match (aim.list, &here.element) {
        (Some(column), Some((at, _))) => indexed(&event.op, &aim.path, (column, *at)),
        _ => aim.path.clone(),
    };
    told(event, &path)
}

/// The same of one that makes a row: the element it is made for. What lies in another row is told by what leads there.
pub fn path_of_made(event: &Event, each: Option<&Each>, here: &Here) -> Arc<str> {
    let path = match (each, &here.element) {
        (Some(each), Some((at, _))) if each.row.is_in_hand() => format!("{}[{at}]", each.path),
        (Some(each), _) => each.path.rsplit_once('.').map_or_else(String::new, |(way, _)| way.to_owned()),
        (None, _) => String::new(),
    };
    told(event, &path)
}

/// What is brought about by an effect is told by what brought that about.
fn told(event: &Event, path: &str) -> Arc<str> {
    event.by.clone().unwrap_or_else(|| Arc::from(in_request(event.op.plan(), path)))
}
