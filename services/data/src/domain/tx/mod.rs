//! The transaction of a request, as its writes see it.

mod hand;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_contract::{OnDelete, Trigger};
use mainstay_db::{Conn, Sink};
use mainstay_expr::Around;
use mainstay_record::{Kind, Row, Value};
use mainstay_sql::Lock;

use super::around::{Look, Ruled, explain_hidden, hidden, look_around, may_read, reads_around, sees_around};
use super::change::{Change, Pending};
use super::context::{Operation, one_row};
use super::draft::{Draft, MAX_ALONG, Refused};
use super::event::Event;
use super::planned::Planned;
use super::proposed::Record;
use super::record_size::{self, MAX_FOUND_BYTES};
use super::released::Release;
use crate::error::{Error, Result};
use crate::plans::{By, Chain, Dependent, Hidden, Readable, ResourcePlan};
use crate::store::links::{self, End};

/// One transaction of one caller. What is to be stored is kept until something is asked that it decides, or until the end:
/// statements that follow each other are sent together.
pub struct Tx<'t, 'c> {
    conn: &'t mut Conn<'c>,
    pending: Pending,
    /// The rows that exist, that the caller may read, and that nobody removes before the end.
    held: HashSet<(usize, String)>,
    /// The same of rows that may be deleted and kept: others lie below them.
    parents: HashSet<(usize, String)>,
    /// The same of rows that the contract refers to, whether the caller may read them or not.
    there: HashSet<(usize, String)>,
    /// The write whose statement failed when another one asked.
    culprit: Option<usize>,
    /// What the writes are going to make of their rows, where rules look at rows.
    planned: Planned,
    /// How many bytes the rows have that were found.
    found_bytes: usize,
    /// What was done that has effects on other rows.
    events: Vec<Event>,
    /// The rows that effects look at and change, as this transaction leaves them: nothing inside where there is none.
    hand: HashMap<(usize, String), Option<Arc<[Value]>>>,
    /// The resources whose rows the effects of the writes may change in the end.
    leads: BTreeSet<usize>,
    /// The rows that the write which is being settled names, and that its caller may not name: there are none for it.
    unnamed: HashSet<(usize, String)>,
    /// The rows that this transaction has deleted.
    gone: HashSet<(usize, String)>,
}

impl<'t, 'c> Tx<'t, 'c> {
    /// Begins with nothing done, for so many writes.
    pub fn new(conn: &'t mut Conn<'c>, writes: usize) -> Tx<'t, 'c> {
        Tx {
            conn,
            pending: Pending::of(writes),
            held: HashSet::new(),
            parents: HashSet::new(),
            there: HashSet::new(),
            culprit: None,
            planned: Planned::default(),
            found_bytes: 0,
            events: Vec::new(),
            hand: HashMap::new(),
            leads: BTreeSet::new(),
            unnamed: HashSet::new(),
            gone: HashSet::new(),
        }
    }

    /// Reads the row with this key, if the caller may read it, and locks it.
    pub async fn find(&mut self, op: &Operation, lock: Lock, key: &[Value]) -> Result<Option<Vec<Value>>> {
        let readable = op.plan().get_locked(lock, &op.caller);
        let found = op.find(self.conn, &readable, key).await?;
        let Some(row) = found else { return Ok(None) };
        // What the statement looked at was not held, and may be other by now.
        if reads_around(op) && !may_read(self.conn, op, &row, Planned::default().before(0)).await? {
            return Ok(None);
        }
        self.found_bytes += record_size::in_memory(&row);
        if self.found_bytes > MAX_FOUND_BYTES { Err(Error::TooMuch) } else { Ok(Some(row)) }
    }

    /// Lets the rules of later writes see what the earlier ones make.
    pub fn plan(&mut self, planned: Planned) {
        self.planned = planned;
    }

    /// Finds the rows that the rule of a write looks at, where the records in hand do not decide, and holds them.
    pub async fn look_around(&mut self, write: usize, ruled: &Ruled<'_>, around: &mut Around) -> Result<()> {
        if ruled.looks_around() {
            look_around(self.conn, ruled, around, Look::Held, self.planned.before(write)).await?;
        }
        Ok(())
    }

    /// The same when all writes are done: of the rows as this transaction has left them.
    pub async fn look_now(&mut self, ruled: &Ruled<'_>, around: &mut Around) -> Result<()> {
        if ruled.looks_around() {
            self.flush().await?;
            look_around(self.conn, ruled, around, Look::Held, Planned::default().before(0)).await?;
        }
        Ok(())
    }

    /// Says what the caller does not see of what was stored, and nothing inside where he may not read it, where that takes a look at
    /// other rows.
    pub async fn sees(&mut self, op: &Operation, change: &Change) -> Result<Option<Option<Hidden>>> {
        let Some(record) = change.after.as_ref().filter(|_| sees_around(op)) else { return Ok(None) };
        match self.may_see(op, record).await? {
            true => self.hidden(op, record).await.map(|hidden| Some(Some(hidden))),
            false => Ok(Some(None)),
        }
    }

    /// What the caller does not see of a row that is held or stored.
    pub async fn hidden(&mut self, op: &Operation, row: &[Value]) -> Result<Hidden> {
        hidden(self.conn, op, Record::of(row), Planned::default().before(0)).await
    }

    /// The same of a row that a write is about to make, or to put in the place of another.
    pub async fn hidden_then(&mut self, write: usize, op: &Operation, record: Record<'_>) -> Result<Hidden> {
        hidden(self.conn, op, record, self.planned.before(write)).await
    }

    /// What a caller is told of a row that was looked for and not found.
    pub async fn missing(&mut self, op: &Operation, key: &[Value]) -> Error {
        if let Err(error) = explain_hidden(self.conn, op, key).await {
            return error;
        }
        op.caller.not_readable(op.plan().get(&op.caller).is_public()).into()
    }

    /// Says whether the row of another resource exists and the caller may name it. If so, nobody removes it before the
    /// transaction has ended.
    pub async fn stays_readable(&mut self, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
        let readable = op.snapshot.resource(resource).get_locked(Lock::Stay, &op.caller);
        self.stays(op, (resource, key), readable, false).await
    }

    /// The same of a row that another lies below which is there already: it may be deleted and kept.
    pub async fn is_above(&mut self, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
        let readable = op.snapshot.resource(resource).parent_of(&op.caller);
        self.stays(op, (resource, key), readable, true).await
    }

    /// Says whether the row of another resource exists, for what the contract refers to by itself. If so, nobody removes it
    /// before the transaction has ended.
    pub async fn is_there(&mut self, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
        let target = op.snapshot.resource(resource);
        let row = (resource, target.name(key));
        if self.held.contains(&row) || self.there.contains(&row) {
            return Ok(true);
        }
        self.flush_for(resource, Some(key)).await?;
        let statement = target.whoever_locked(Lock::Stay);
        let found = self.conn.query(&statement.statement, key, &mut |_| ()).await? > 0;
        if found {
            self.there.insert(row);
        }
        Ok(found)
    }

    /// Says whether a row, if it is what there is one of below another, is below one that is not deleted: what is a part of a
    /// deleted row is not referred to anew, and not changed.
    pub async fn is_part_of_live(&mut self, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
        let target = &op.snapshot.resource(resource).resource;
        let kept = |parent: &usize| op.snapshot.resource(*parent).resource.soft_delete.is_some();
        match target.parent.filter(|parent| target.singleton && kept(parent)) {
            Some(parent) => self.is_there(op, parent, &key[..target.layout.keys()]).await,
            None => Ok(true),
        }
    }

    async fn stays(
        &mut self,
        op: &Operation,
        (resource, key): (usize, &[Value]),
        readable: Readable,
        is_above: bool,
    ) -> Result<bool> {
        let target = op.snapshot.resource(resource);
        let Readable::By { statement, .. } = readable else { return Ok(false) };
        let row = (resource, target.name(key));
        if self.held.contains(&row) || (is_above && self.parents.contains(&row)) {
            return Ok(true);
        }
        // Who may name it is decided by rows that other writes may change, or by the row alone.
        let alone = op.caller.is_system() || target.naming.as_ref().is_none_or(|guard| guard.is_alone());
        if alone {
            self.flush_for(resource, Some(key)).await?;
        } else {
            self.flush().await?;
        }
        let binds = statement.values(&op.caller, key);
        let found = self.conn.query(&statement.statement, &binds, &mut |_| ()).await? > 0;
        if found && alone {
            let known = if is_above { &mut self.parents } else { &mut self.held };
            known.insert(row);
        }
        Ok(found)
    }

    /// Forgets what is known of a row, because it is written.
    fn unhold(&mut self, op: &Operation, resource: usize, row: &[Value]) {
        let known = [&mut self.held, &mut self.parents, &mut self.there];
        if known.iter().any(|known| !known.is_empty()) {
            let row = (resource, op.snapshot.resource(resource).name(row));
            for known in known {
                known.remove(&row);
            }
        }
    }

    /// Says whether rows live under this one (AIP-135), or refer to it, as these statements find them. Whoever makes one holds
    /// this row until it is there, so that this transaction, which holds the row against them, sees it or keeps it from being
    /// made.
    pub async fn has_dependents(&mut self, op: &Operation, dependents: &[Dependent], key: &[Value]) -> Result<bool> {
        let mut params = key.to_vec();
        params.push(Value::Int(1));
        // What goes with the row keeps it from nothing.
        let keeps = |dependent: &&Dependent| !dependent.is_enforced && dependent.on_delete == OnDelete::Restrict;
        for dependent in dependents.iter().filter(keeps) {
            self.flush_for(dependent.resource, None).await?;
            if let By::Link { .. } = dependent.by {
                if !self.linking(op, dependent, key, 1).await?.is_empty() {
                    return Ok(true);
                }
                continue;
            }
            let found = dependent.statement(|by| op.snapshot.resource(dependent.resource).keeping(by));
            let binds = found.values(&op.caller, &params);
            if self.conn.query(&found.statement, &binds, &mut |_| ()).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the rows that hang on this one as these statements find them, at most so many, and holds them.
    pub async fn dependents(
        &mut self,
        op: &Operation,
        dependent: &Dependent,
        key: &[Value],
        most: usize,
    ) -> Result<Vec<Vec<Value>>> {
        self.flush_for(dependent.resource, None).await?;
        if let By::Link { .. } = dependent.by {
            return self.linking(op, dependent, key, most).await;
        }
        let plan = op.snapshot.resource(dependent.resource);
        let mut params = key.to_vec();
        params.push(Value::Int(i64::try_from(most).unwrap_or(i64::MAX)));
        let statement = dependent.rows(|by| plan.rows_keeping(by));
        let binds = statement.values(&op.caller, &params);
        let mut rows = Rows { plan, found: Vec::new() };
        self.conn.fetch(&statement.statement, &binds, &mut rows).await?;
        self.found_bytes += rows.found.iter().map(|row| record_size::in_memory(row)).sum::<usize>();
        if self.found_bytes > MAX_FOUND_BYTES { Err(Error::TooMuch) } else { Ok(rows.found) }
    }

    /// The keys that a reference leads to from one on, that one first, one after the other.
    pub async fn above(&mut self, op: &Operation, chain: &Chain, key: &[Value]) -> Result<Vec<Vec<Value>>> {
        self.flush_for(op.resource, None).await?;
        let plan = op.plan();
        let (statement, keys) = (plan.above(chain), plan.resource.layout.keys());
        let mut found = Vec::new();
        let binds = statement.values(&op.caller, key);
        let note = &mut |row: &mainstay_db::RowRef<'_>| {
            found.push((0..keys).map(|index| row.get(index, Kind::Text)).collect());
        };
        self.conn.query(&statement.statement, &binds, note).await?;
        Ok(found)
    }

    /// Says whether a row is so many references below another.
    pub async fn reaches_below(&mut self, op: &Operation, chain: &Chain, key: &[Value], depth: usize) -> Result<bool> {
        self.flush_for(op.resource, None).await?;
        let statement = op.plan().below(chain);
        let depth = Value::Int(i64::try_from(depth).unwrap_or(i64::MAX));
        let params: Vec<Value> = key.iter().cloned().chain([depth]).collect();
        let binds = statement.values(&op.caller, &params);
        Ok(self.conn.query(&statement.statement, &binds, &mut |_| ()).await? > 0)
    }

    /// Finds the rows that name this one inside their lists, at most so many, and holds them.
    async fn linking(
        &mut self,
        op: &Operation,
        dependent: &Dependent,
        key: &[Value],
        most: usize,
    ) -> Result<Vec<Vec<Value>>> {
        let By::Link { position, to_itself, live } = dependent.by else { return Ok(Vec::new()) };
        let plan = op.snapshot.resource(dependent.resource);
        let link = &plan.resource.links[position];
        let (source, target) = (plan.resource.type_name.as_str(), End::of(&op.plan().resource.type_name, key));
        let mut rows = Vec::new();
        for source in links::sources(self.conn, source, link, target, MAX_ALONG + 1).await? {
            // What refers to itself goes with itself.
            if rows.len() >= most || (to_itself && source == key) {
                continue;
            }
            let row = one_row(self.conn, &plan.whoever_locked(Lock::Remove).statement, &source, plan).await?;
            rows.extend(row.filter(|row| !live || !plan.is_deleted(row)));
        }
        self.found_bytes += rows.iter().map(|row| record_size::in_memory(row)).sum::<usize>();
        if self.found_bytes > MAX_FOUND_BYTES { Err(Error::TooMuch) } else { Ok(rows) }
    }

    /// Says whether the caller may read a row that is held.
    pub async fn may_see(&mut self, op: &Operation, row: &[Value]) -> Result<bool> {
        may_read(self.conn, op, row, Planned::default().before(0)).await
    }

    /// Says whether the caller may read and delete a row that is held.
    pub async fn may_delete(&mut self, op: &Operation, row: &[Value]) -> Result<bool> {
        if !self.may_see(op, row).await? {
            return Ok(false);
        }
        let guard = op.plan().delete.as_ref();
        let ruled = Ruled::of(Record::of(row), op, guard);
        let mut around = Around::default();
        look_around(self.conn, &ruled, &mut around, Look::Held, Planned::default().before(0)).await?;
        Ok(ruled.allow(&around).is_ok())
    }

    /// Lets a row give up a unique value before its own write has its turn.
    pub fn free(&mut self, release: &Release, op: &Operation) {
        self.pending.free(release, op);
    }

    /// Stores what a write that has passed its checks does.
    pub fn store(
        &mut self,
        write: usize,
        op: &Operation,
        trigger: Option<Trigger>,
        mut draft: Draft,
    ) -> Result<Change> {
        for along in std::mem::take(&mut draft.along) {
            self.unhold(op, along.resource, &along.old);
            self.lead(op.snapshot.resource(along.resource));
            if let Some(new) = along.then.becomes() {
                self.note_gone(op, along.resource, &along.old, new);
            }
            self.events.extend(Event::of_along(write, op, &along));
            self.leave(op, along.resource, &along.old, along.then.becomes());
            self.pending.along(write, op, &draft, along)?;
        }
        let change = self.pending.add(write, op, draft)?;
        self.events.extend(trigger.and_then(|trigger| Event::of(write, op, trigger, &change)));
        if let Some(row) = change.after.as_deref().or(change.before.as_deref()) {
            self.leave(op, change.resource, row, Some(change.after.as_ref()));
        }
        if let Some(before) = &change.before {
            self.unhold(op, change.resource, &change.key);
            self.note_gone(op, change.resource, before, change.after.as_ref());
        }
        Ok(change)
    }

    /// Stores what an effect does; `by` is what in the caller's row brought it.
    pub fn bring(&mut self, write: usize, op: &Operation, draft: Draft, by: &Arc<str>) -> Result<Change> {
        let change = self.pending.bring(write, op, draft, by)?;
        let name = op.plan().name(&change.key);
        self.hand.insert((op.resource, name), change.after.clone());
        Ok(change)
    }

    /// Says whether something was done that has effects on other rows.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes what was done that has effects on other rows.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Runs what was put off.
    pub async fn flush(&mut self) -> Result<()> {
        let done = match self.conn.execute_all(self.pending.steps()).await {
            Ok(changed) => self.pending.check(&changed),
            Err(error) => Err(self.pending.meaning(error)),
        };
        self.pending.clear();
        done.map_err(|refused| {
            self.culprit = refused.write;
            refused.error
        })
    }

    /// Runs what was put off if it decides about a row, or about the rows of a resource.
    async fn flush_for(&mut self, resource: usize, key: Option<&[Value]>) -> Result<()> {
        if self.pending.touch(resource, key) { self.flush().await } else { Ok(()) }
    }

    /// Says which write an error is about: the one that asked, unless what failed was put off by another.
    pub fn refused(&self, write: Option<usize>, error: Error) -> Refused {
        Refused { write: self.culprit.or(write), error }
    }
}

/// Takes all rows.
struct Rows<'p> {
    plan: &'p ResourcePlan,
    found: Vec<Vec<Value>>,
}

impl Sink for Rows<'_> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.found.push(self.plan.row(row));
        ControlFlow::Continue(())
    }
}
