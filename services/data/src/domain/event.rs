//! What was done to rows, as their effects see it.

use std::sync::Arc;

use mainstay_contract::Trigger;
use mainstay_record::Value;

use super::change::Change;
use super::context::Operation;
use super::draft::{Along, Refused};
use crate::error::Error;
use crate::plans::unset;

/// Something that was done to a row.
pub struct Event {
    /// The write of the request that brought it about.
    pub write: usize,
    /// On whose behalf, on what resource.
    pub op: Operation,
    pub trigger: Trigger,
    /// The row before; of a creation, one with nothing set.
    pub old: Vec<Value>,
    /// The row after; the last one, of a deletion.
    pub row: Arc<[Value]>,
    /// What in the caller's row brought it about, where it is an effect itself.
    pub by: Option<Arc<str>>,
}

impl Event {
    /// What a write did, where it has effects on other rows.
    pub fn of(write: usize, op: &Operation, trigger: Trigger, change: &Change) -> Option<Event> {
        if !op.plan().effects.reach_others(trigger) {
            return None;
        }
        let row = change.after.clone().or_else(|| change.before.as_deref().map(Arc::from))?;
        let old = change.before.clone().unwrap_or_else(|| nothing(op));
        Some(Event { write, op: op.clone(), trigger, old, row, by: None })
    }

    /// What was done to a row because another one is deleted.
    pub fn of_along(write: usize, op: &Operation, along: &Along) -> Option<Event> {
        let op = Operation { resource: along.resource, ..op.clone() };
        let new = along.then.becomes()?;
        let goes = new.is_none_or(|new| op.plan().is_deleted(new));
        let trigger = if goes { Trigger::Delete } else { Trigger::Update };
        let reaches = op.plan().effects.reach_others(trigger);
        let row = new.cloned().unwrap_or_else(|| Arc::from(along.old.as_slice()));
        reaches.then(|| Event { write, op, trigger, old: along.old.clone(), row, by: None })
    }

    /// What an error is about.
    pub fn refused(&self, error: Error) -> Refused {
        Refused { write: Some(self.write), error }
    }
}

/// A row of which nothing is set.
pub fn nothing(op: &Operation) -> Vec<Value> {
    op.plan().resource.layout.columns.iter().map(unset).collect()
}
