//! What effects have in hand: the rows that they look at and change, as the transaction leaves them.

use std::sync::Arc;

use mainstay_record::Value;
use mainstay_sql::{Dialect, Lock};

use super::{Rows, Tx};
use crate::domain::around::may_be_named;
use crate::domain::change::Change;
use crate::domain::context::{Operation, one_row};
use crate::domain::draft::Draft;
use crate::domain::record::set_references;
use crate::domain::record_size::{self, MAX_FOUND_BYTES};
use crate::error::{Error, Result};
use crate::plans::ResourcePlan;

impl Tx<'_, '_> {
    /// Notes what the effects of a write of a resource may change: two who only hold a row could not both change it then.
    pub fn lead(&mut self, plan: &ResourcePlan) {
        self.leads.extend(plan.effects.leads());
    }

    /// Whether effects may change rows of a resource before this transaction ends.
    pub fn leads_to(&self, resource: usize) -> bool {
        self.leads.contains(&resource)
    }

    /// Finds the rows that a write begins to name and its caller may not name. Until it is settled they are none: nobody learns
    /// what a row holds by proposing to refer to it, which is refused in the end, whatever it holds.
    pub async fn begin_settling(&mut self, write: usize, op: &Operation, draft: &Draft) -> Result<()> {
        self.unnamed.clear();
        if op.caller.is_system() {
            return Ok(());
        }
        let (plan, new) = (op.plan(), draft.new_row()?);
        let below = plan.resource.parent.filter(|_| draft.old.is_none());
        let parent = below.map(|parent| (parent, new[..plan.resource.parent_keys()].to_vec()));
        let named = set_references(op, draft.known().as_deref(), new).into_iter();
        for (resource, key) in parent.into_iter().chain(named.map(|named| (named.resource, named.key))) {
            if !may_be_named(self.conn, op, resource, &key, self.planned.before(write)).await? {
                self.unnamed.insert((resource, op.snapshot.resource(resource).name(&key)));
            }
        }
        Ok(())
    }

    /// From here on every row is what it is.
    pub fn end_settling(&mut self) {
        self.unnamed.clear();
    }

    /// Whether this transaction has deleted a row.
    pub fn is_gone(&self, op: &Operation, resource: usize, key: &[Value]) -> bool {
        self.gone.contains(&(resource, op.snapshot.resource(resource).name(key)))
    }

    /// Notes that a row goes, or that it is there again.
    pub(super) fn note_gone(&mut self, op: &Operation, resource: usize, row: &[Value], then: Option<&Arc<[Value]>>) {
        let plan = op.snapshot.resource(resource);
        if then.is_none_or(|new| plan.is_deleted(new)) {
            self.gone.insert((resource, plan.name(row)));
        } else if !self.gone.is_empty() {
            self.gone.remove(&(resource, plan.name(row)));
        }
    }

    /// The row of any resource as this transaction leaves it, for effects: nobody else changes it before the end.
    pub async fn at_hand(&mut self, op: &Operation, resource: usize, key: &[Value]) -> Result<Option<Arc<[Value]>>> {
        if !self.unnamed.is_empty() && self.unnamed.contains(&(resource, op.snapshot.resource(resource).name(key))) {
            return Ok(None);
        }
        self.in_hand(op, (resource, key), self.leads_to(resource)).await
    }

    /// The same of rows of one resource, in the order of their keys: in one statement where each costs a way to the store.
    pub async fn all_at_hand(
        &mut self,
        op: &Operation,
        (resource, to_change): (usize, bool),
        keys: &[Vec<Value>],
    ) -> Result<()> {
        let plan = op.snapshot.resource(resource);
        let unknown = |key: &&Vec<Value>| !self.hand.contains_key(&(resource, plan.name(key)));
        let keys: Vec<&[Value]> = keys.iter().filter(unknown).map(Vec::as_slice).collect();
        if plan.dialect == Dialect::Sqlite || keys.len() < 2 {
            for key in keys {
                self.in_hand(op, (resource, key), to_change).await?;
            }
            return Ok(());
        }
        for key in &keys {
            self.flush_for(resource, Some(key)).await?;
        }
        let mut rows = Rows { plan, found: Vec::new() };
        let statement = plan.many_held(to_change);
        let binds = statement.values(&op.caller, &[plan.many_keys(&keys)]);
        self.conn.fetch(&statement.statement, &binds, &mut rows).await?;
        let found = rows.found;
        self.found_bytes += found.iter().map(|row| record_size::in_memory(row)).sum::<usize>();
        if self.found_bytes > MAX_FOUND_BYTES {
            return Err(Error::TooMuch);
        }
        self.hand.extend(keys.iter().map(|key| ((resource, plan.name(key)), None)));
        self.hand.extend(found.into_iter().map(|row| ((resource, plan.name(&row)), Some(Arc::from(row)))));
        Ok(())
    }

    /// The same of a row of the operation's resource that an effect is about to change: what is a part of a row that is deleted
    /// and kept is not there for it.
    pub async fn to_change(&mut self, op: &Operation, key: &[Value]) -> Result<Option<Arc<[Value]>>> {
        let found = self.in_hand(op, (op.resource, key), true).await?;
        let live = found.is_none() || self.is_part_of_live(op, op.resource, key).await?;
        Ok(found.filter(|_| live))
    }

    async fn in_hand(
        &mut self,
        op: &Operation,
        (resource, key): (usize, &[Value]),
        to_change: bool,
    ) -> Result<Option<Arc<[Value]>>> {
        let plan = op.snapshot.resource(resource);
        let row = (resource, plan.name(key));
        if let Some(known) = self.hand.get(&row) {
            return Ok(known.clone());
        }
        self.flush_for(resource, Some(key)).await?;
        let statement = if to_change { plan.whoever_locked(Lock::Change) } else { plan.held() };
        let found = one_row(self.conn, &statement.statement, key, plan).await?;
        self.found_bytes += found.as_deref().map_or(0, record_size::in_memory);
        if self.found_bytes > MAX_FOUND_BYTES {
            return Err(Error::TooMuch);
        }
        let found: Option<Arc<[Value]>> = found.map(Arc::from);
        self.hand.insert(row, found.clone());
        Ok(found)
    }

    /// The row as effects left it, where they changed it.
    pub fn left(&self, op: &Operation, change: &Change) -> Option<Arc<[Value]>> {
        self.hand.get(&(change.resource, op.snapshot.resource(change.resource).name(&change.key)))?.clone()
    }

    /// Notes what a write makes of a row that effects have in hand; nothing where it only changes something by the way.
    pub(super) fn leave(
        &mut self,
        op: &Operation,
        resource: usize,
        row: &[Value],
        then: Option<Option<&Arc<[Value]>>>,
    ) {
        let Some(then) = then.filter(|_| !self.hand.is_empty()) else { return };
        let name = op.snapshot.resource(resource).name(row);
        if let Some(known) = self.hand.get_mut(&(resource, name)) {
            *known = then.cloned();
        }
    }
}
