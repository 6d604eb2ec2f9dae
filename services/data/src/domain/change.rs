//! What writes do to the store: a row that was, a row that is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use mainstay_contract::Index;
use mainstay_db::{Step, StepError};
use mainstay_record::{Value, Violation};

use super::constraints::{constraint, still_referenced};
use super::context::Operation;
use super::draft::{Along, Draft, Refused, Then};
use super::links;
use super::record::{new_record, shape};
use super::released::Release;
use crate::error::{Error, Result};
use crate::plans::{Hidden, ResourcePlan};
use crate::store::transitions;

/// What one write did to one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Index into `Contract::resources`.
    pub resource: usize,
    /// The row's key; empty where there was no row, and none was made.
    pub key: Vec<Value>,
    /// The row as it was; nothing where it is new.
    pub before: Option<Vec<Value>>,
    /// The row as it is; nothing where it is gone.
    pub after: Option<Arc<[Value]>>,
    /// What of the row as it is the caller does not see, and nothing inside where he may not read it: where rows that rules look at
    /// had to be asked.
    pub seen: Option<Option<Hidden>>,
}

impl Change {
    /// What of the row as it is the caller does not see, where that was asked.
    pub fn seen(&self) -> Option<Option<&Hidden>> {
        self.seen.as_ref().map(Option::as_ref)
    }
}

/// The statements of changes that are still to be run.
#[derive(Debug, Default)]
pub struct Pending {
    steps: Vec<Step>,
    causes: Vec<Cause>,
    /// The rows that were written, where there is more than one write, and whether they were made here.
    written: Option<HashMap<(usize, String), bool>>,
    /// By write: what has to be done before it.
    before: HashMap<usize, Vec<(Step, Cause)>>,
}

/// Why a statement is run.
#[derive(Debug)]
struct Cause {
    /// The write's place among those of the request.
    write: usize,
    resource: usize,
    plan: Arc<ResourcePlan>,
    /// The row as it is to be; the row as it was where it goes.
    row: Arc<[Value]>,
    kind: Kind,
    /// The row that is deleted, where this one goes with it: the caller is told of that one.
    with: Option<(Arc<ResourcePlan>, Arc<[Value]>)>,
    /// What in the caller's row brought it, where an effect writes this one: the caller is told of that.
    brought_by: Option<Arc<str>>,
}

impl Cause {
    /// Whether a statement failed because the very row that it makes is there.
    fn is_there(&self, error: &mainstay_db::Error) -> bool {
        let mainstay_db::Error::UniqueViolation { constraint, .. } = error else { return false };
        let of_index = |index: &Index| mainstay_sql::identifier(&index.name) == *constraint;
        self.kind == Kind::Made && !self.plan.resource.indexes.iter().any(of_index)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Made,
    Changed,
    Removed,
    /// What is kept beside rows: of what happened to them.
    Beside,
}

impl Pending {
    /// Begins a transaction of so many writes.
    pub fn of(writes: usize) -> Pending {
        Pending { written: (writes > 1).then(HashMap::new), ..Pending::default() }
    }

    /// Adds what a write that has passed its checks does.
    pub fn add(&mut self, write: usize, op: &Operation, draft: Draft) -> Result<Change> {
        let keys = op.plan().resource.layout.keys();
        let row = draft.new.as_deref().or(draft.old.as_deref());
        let key = draft.absent.as_deref().or(row.map(|row| &row[..keys])).unwrap_or_default();
        self.once(op, key, draft.old.is_none())?;
        self.put(write, op, draft)
    }

    /// Adds what an effect does, which may be about a row that was written already.
    pub fn bring(&mut self, write: usize, op: &Operation, draft: Draft, by: &Arc<str>) -> Result<Change> {
        let before = self.causes.len();
        let change = self.put(write, op, draft)?;
        for cause in &mut self.causes[before..] {
            cause.brought_by = Some(Arc::clone(by));
        }
        Ok(change)
    }

    fn put(&mut self, write: usize, op: &Operation, mut draft: Draft) -> Result<Change> {
        let (plan, resource) = (op.plan(), op.resource);
        let keys = plan.resource.layout.keys();
        let row = draft.new.as_deref().or(draft.old.as_deref());
        let key = row.map(|row| row[..keys].to_vec()).unwrap_or_default();
        let passage = draft.passage.take();
        let (step, row, kind) = match (&draft.old, &draft.new) {
            (None, None) => return Ok(Change { resource, key, before: None, after: None, seen: None }),
            (None, Some(new)) => (plan.insert().step(&op.caller, Arc::clone(new)), Arc::clone(new), Kind::Made),
            (Some(old), Some(new)) if old[..] == new[..] => {
                return Ok(Change { resource, key, before: draft.old, after: draft.new, seen: None });
            }
            (Some(old), Some(new)) => (changed(op, old, new), Arc::clone(new), Kind::Changed),
            (Some(old), None) => {
                let mut params = key.clone();
                params.push(old[plan.resource.layout.revision()].clone());
                (plan.remove().step(&op.caller, params.into()), Arc::from(key.as_slice()), Kind::Removed)
            }
        };
        let before = if self.before.is_empty() { None } else { self.before.remove(&write) };
        for (step, cause) in before.into_iter().flatten() {
            self.steps.push(step);
            self.causes.push(cause);
        }
        self.steps.push(step);
        self.causes.push(Cause { write, resource, plan: Arc::clone(plan), row, kind, with: None, brought_by: None });
        if kind == Kind::Made {
            self.singletons(write, op, &key)?;
        }
        let whose = || transitions::whose(&plan.resource.type_name, &key);
        let forgotten = kind == Kind::Removed && !plan.transitions.is_empty();
        let noted = passage.map(|passage| transitions::note(whose(), passage));
        let linked = links::notes(op, draft.old.as_deref(), draft.new.as_deref());
        for step in noted.into_iter().chain(forgotten.then(|| transitions::forget(whose()))).chain(linked) {
            self.steps.push(step);
            let (plan, row) = (Arc::clone(plan), Arc::from([]));
            self.causes.push(Cause { write, resource, plan, row, kind: Kind::Beside, with: None, brought_by: None });
        }
        Ok(Change { resource, key, before: draft.old, after: draft.new, seen: None })
    }

    /// Adds the rows that are there as long as the one that is made (AIP-156).
    fn singletons(&mut self, write: usize, op: &Operation, key: &[Value]) -> Result<()> {
        for resource in &op.plan().singletons {
            let on = Operation { resource: *resource, ..op.clone() };
            let plan = on.plan();
            let nothing = plan.record.decode(&[]).map_err(|error| shape(plan, error))?;
            let row: Arc<[Value]> = new_record(&on, key.to_vec(), nothing).into();
            self.steps.push(plan.insert().step(&op.caller, Arc::clone(&row)));
            let (plan, resource) = (Arc::clone(plan), *resource);
            self.causes.push(Cause { write, resource, plan, row, kind: Kind::Made, with: None, brought_by: None });
        }
        Ok(())
    }

    /// Adds what is done to a row because the one of `draft` is deleted.
    pub fn along(&mut self, write: usize, op: &Operation, draft: &Draft, along: Along) -> Result<()> {
        let on = Operation { resource: along.resource, ..op.clone() };
        let before = self.causes.len();
        match along.then {
            Then::Frees(columns) => {
                let (plan, old) = (on.plan(), along.old);
                let (keys, revision) = (plan.resource.layout.keys(), plan.resource.layout.revision());
                let nothing = columns.iter().map(|_| &Value::Null);
                let params = old[..keys].iter().chain([&old[revision]]).chain(nothing).cloned().collect();
                self.steps.push(plan.update(&columns).step(&on.caller, params));
                let (plan, row) = (Arc::clone(plan), old.into());
                self.causes.push(Cause {
                    write,
                    resource: on.resource,
                    plan,
                    row,
                    kind: Kind::Changed,
                    with: None,
                    brought_by: None,
                });
            }
            Then::Becomes(new) => {
                self.add(write, &on, Draft { old: Some(along.old), new, ..Draft::default() })?;
            }
        }
        let key = draft.old.as_deref().map(|old| &old[..op.plan().resource.layout.keys()]).unwrap_or_default();
        for cause in &mut self.causes[before..] {
            cause.with = Some((Arc::clone(op.plan()), Arc::from(key)));
        }
        Ok(())
    }

    /// Lets a row give up values before its own write has its turn, for one that takes them.
    pub fn free(&mut self, release: &Release, op: &Operation) {
        let Release { write, taker, column, value, old } = release;
        let plan = op.plan();
        let (keys, revision) = (plan.resource.layout.keys(), plan.resource.layout.revision());
        let params = old[..keys].iter().chain([&old[revision], value]).cloned();
        let step = plan.update(&[*column]).step(&op.caller, params.collect());
        let row = Arc::from(old.as_slice());
        let cause = Cause {
            write: *write,
            resource: op.resource,
            plan: Arc::clone(plan),
            row,
            kind: Kind::Changed,
            with: None,
            brought_by: None,
        };
        self.before.entry(*taker).or_default().push((step, cause));
    }

    /// A row is written once in a transaction: which of two writes is meant to hold, nobody could say. Only one that is made
    /// here may be written again, since it was nothing before.
    fn once(&mut self, op: &Operation, key: &[Value], makes: bool) -> Result<()> {
        let Some(written) = self.written.as_mut().filter(|_| !key.is_empty()) else { return Ok(()) };
        let name = op.plan().name(key);
        match written.entry((op.resource, name.clone())) {
            Entry::Vacant(free) => {
                free.insert(makes);
                return Ok(());
            }
            Entry::Occupied(known) if *known.get() && !makes => return Ok(()),
            Entry::Occupied(_) => {}
        }
        Err(Error::Violations(vec![Violation {
            field: String::new(),
            description: format!("writes `{name}`, which another one of the request writes already"),
        }]))
    }

    /// Says whether a row is about to be written; without a key, any row of the resource.
    pub fn touch(&self, resource: usize, key: Option<&[Value]>) -> bool {
        let is_it = |cause: &Cause| key.is_none_or(|key| cause.row.get(..key.len()) == Some(key));
        self.causes.iter().any(|cause| cause.resource == resource && is_it(cause))
    }

    /// The statements, in the order of the writes.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Forgets what was run.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.causes.clear();
    }

    /// Checks how many rows each statement changed.
    pub fn check(&self, changed: &[usize]) -> std::result::Result<(), Refused> {
        // Of a row may nothing be known.
        let failed = |(cause, changed): &(&Cause, &usize)| **changed == 0 && cause.kind != Kind::Beside;
        match self.causes.iter().zip(changed).find(failed) {
            Some((cause, _)) => Err(Refused { write: Some(cause.write), error: Error::EtagMismatch }),
            None => Ok(()),
        }
    }

    /// Gives the error of a statement its meaning.
    pub fn meaning(&self, error: StepError) -> Refused {
        let Some(cause) = error.at.and_then(|at| self.causes.get(at)) else {
            return Error::from(error.error).into();
        };
        if let Some(by) = cause.brought_by.as_ref().filter(|_| cause.kind != Kind::Beside) {
            let fields = vec![by.to_string()];
            let error = match error.error {
                // Somebody made it since it was looked for.
                error if cause.is_there(&error) => Error::EffectOvertaken { fields },
                mainstay_db::Error::UniqueViolation { .. }
                | mainstay_db::Error::ForeignKeyViolation { .. }
                | mainstay_db::Error::RowTooLarge(_) => Error::EffectRefused { fields },
                other => other.into(),
            };
            return Refused { write: Some(cause.write), error };
        }
        let error = match (cause.kind, &cause.with) {
            (_, Some((plan, key))) => still_referenced(plan, key, error.error),
            (Kind::Made | Kind::Changed, None) => {
                constraint(&cause.plan, &cause.row, cause.kind == Kind::Made, error.error)
            }
            (Kind::Removed, None) => still_referenced(&cause.plan, &cause.row, error.error),
            (Kind::Beside, None) => error.error.into(),
        };
        Refused { write: Some(cause.write), error }
    }
}

/// The update of the columns that differ, on the row as it was read.
fn changed(op: &Operation, old: &[Value], new: &Arc<[Value]>) -> Step {
    let plan = op.plan();
    let keys = plan.resource.layout.keys();
    let changed: Vec<usize> = (keys..new.len()).filter(|index| old[*index] != new[*index]).collect();
    let mut params = Vec::with_capacity(keys + 1 + changed.len());
    params.extend_from_slice(&old[..keys]);
    params.push(old[plan.resource.layout.revision()].clone());
    params.extend(changed.iter().map(|index| new[*index].clone()));
    plan.update(&changed).step_of(&op.caller, params)
}
