//! The rows that rules look at beside those that are read or written.

use std::borrow::Cow;

use mainstay_db::{BoxFuture, Conn};
use mainstay_expr::{Around, Relation, Root, Row, Scope};
use mainstay_record::{Kind, Row as _, Value};
use mainstay_sql::{Given, Lock, ask};

use super::context::{Operation, one_row};
use super::links::{self, Referred};
use super::planned::{Earlier, Planned};
use super::proposed::{Record, known};
use crate::error::Result;
use crate::plans::{Ask, Guard, Hidden, Readable, Shapes};

/// What becomes of a row that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is only looked at.
    Once,
    /// Nobody changes it until the transaction ends: what was decided stays true while it is stored.
    Held,
}

/// A rule that is about to be asked, for whom, and of what.
pub struct Ruled<'d> {
    pub op: &'d Operation,
    pub guard: Option<&'d Guard>,
    pub scope: Scope<'d>,
    /// The record that the caller has put together, if the rule is asked of one.
    pub proposed: Option<Root>,
    /// See [`Record`].
    pub blind: &'d [usize],
    /// Whether it is asked of the system, too: it says what can be, not who may.
    pub of_everybody: bool,
}

impl<'d> Ruled<'d> {
    /// A rule over `resource` that is asked of a record.
    pub fn of(record: Record<'d>, op: &'d Operation, guard: Option<&'d Guard>) -> Ruled<'d> {
        let scope = Scope { old: record.proposed.flatten(), ..op.caller.on_resource(record.row) };
        let proposed = record.proposed.map(|_| Root::Resource);
        Ruled { op, guard, scope, proposed, blind: record.blind, of_everybody: false }
    }

    /// Says whether the records in hand do not decide, so that the store is asked for others.
    pub fn looks_around(&self) -> bool {
        let looks = |guard: &Guard| guard.looks_around(&self.scope);
        (self.of_everybody || !self.op.caller.is_system()) && self.guard.is_some_and(looks)
    }

    /// Says whether the caller chose where a relation leads: the record that it leads from is not stored like that.
    fn is_chosen(&self, from: &Row, relation: &Relation, key: &[Value]) -> bool {
        let stored = || self.known().and_then(|old| relation.key(&old));
        from.is_in_hand() && self.proposed == Some(from.root) && stored().as_deref() != Some(key)
    }

    /// The row as it is, as far as the caller may learn of it.
    fn known(&self) -> Option<Cow<'_, [Value]>> {
        self.scope.old.map(|old| known(old, self.blind))
    }

    /// Checks the rule, with the rows that were found.
    pub fn allow(&self, around: &Around) -> Result<()> {
        let scope = Scope { around: Some(around), ..self.scope };
        if self.of_everybody { self.op.hold(self.guard, &scope) } else { self.op.allow(self.guard, &scope) }
    }
}

/// Says whether it takes a look at other rows to know which the caller may read.
pub fn reads_around(op: &Operation) -> bool {
    !op.caller.is_system() && op.plan().read.as_ref().is_some_and(|guard| !guard.is_alone())
}

/// Says whether it takes a look at other rows to know what the caller sees of a row.
pub fn sees_around(op: &Operation) -> bool {
    reads_around(op) || (!op.caller.is_system() && op.plan().rules.read_around())
}

/// Finds the rows that a rule looks at, and asks for the values of its quantifiers, where what is in hand does not decide.
pub async fn look_around(
    conn: &mut Conn<'_>,
    ruled: &Ruled<'_>,
    around: &mut Around,
    look: Look,
    earlier: Earlier<'_>,
) -> Result<()> {
    let Some(guard) = ruled.guard.filter(|_| ruled.looks_around()) else { return Ok(()) };
    for row in guard.looks() {
        let Some((from, relation)) = row.found_from().filter(|_| around.get(row).is_none()) else { continue };
        // What hangs on a record that is not known yet is looked for when it is.
        let Some(record) = (Scope { around: Some(around), ..ruled.scope }).row(&from) else { continue };
        let found = match record.and_then(|record| relation.key(record)) {
            None => None,
            Some(key) => find(conn, ruled, (&from, relation), &key, (look, earlier)).await?,
        };
        around.put(row.clone(), found);
    }
    for ask in guard.asks() {
        let scope = Scope { around: Some(around), ..ruled.scope };
        if around.answered(&ask.expr).is_some() || guard.is_decided(&scope) {
            continue;
        }
        let Some(params) = given(&ask.given, &scope) else { continue };
        let answer = match ask.follows_names && names_what_is_none(conn, ruled, earlier).await? {
            true => Value::Null,
            false => answer(conn, ruled.op, ask, &params, earlier).await?,
        };
        around.answer(ask.expr.clone(), answer);
    }
    Ok(())
}

/// Says whether the record that the caller has put together begins to name a row in its lists that is not there for him to be
/// named. What such names lead to is unknown, whatever stands there: nobody learns of it by proposing to name it.
async fn names_what_is_none(conn: &mut Conn<'_>, ruled: &Ruled<'_>, earlier: Earlier<'_>) -> Result<bool> {
    let proposed = match ruled.proposed {
        Some(Root::New) => ruled.scope.new,
        Some(_) => ruled.scope.resource,
        None => None,
    };
    let Some(proposed) = proposed else { return Ok(false) };
    for Referred { resource, key, .. } in links::set(ruled.op, ruled.known().as_deref(), proposed) {
        if !may_be_named(conn, ruled.op, resource, &key, earlier).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a statement is given of the records in hand and the rows that were found; nothing where one is not known yet.
fn given(given: &Given, scope: &Scope<'_>) -> Option<Vec<Value>> {
    let column = |(row, index, _): &(Row, usize, Kind)| {
        let values = scope.row(row)?;
        Some(values.and_then(|values| values.get(*index)).cloned().unwrap_or_default())
    };
    let columns: Option<Vec<Value>> = given.columns.iter().map(column).collect();
    let rows: Option<Vec<Value>> = given.rows.iter().map(|row| Some(Value::Bool(scope.row(row)?.is_some()))).collect();
    Some(columns?.into_iter().chain(rows?).collect())
}

/// The value of a quantifier, as the system sees the rows, and as the writes before this one leave them.
async fn answer(
    conn: &mut Conn<'_>,
    op: &Operation,
    asked: &Ask,
    params: &[Value],
    earlier: Earlier<'_>,
) -> Result<Value> {
    let plan = op.plan();
    let tables = &plan.relations().tables;
    let made = if earlier.is_empty() { Vec::new() } else { earlier.rows(&asked.expr.tables()) };
    let once;
    let statement = if made.is_empty() {
        &**asked.statement(plan.dialect, tables, plan.shapes())
    } else {
        let mut tables = tables.clone();
        made.into_iter().for_each(|(resource, key, row)| tables.put(resource, key, row));
        once = Shapes::once(ask(plan.dialect, &asked.expr, &asked.given, &tables));
        &once
    };
    let binds = statement.values(&op.caller, params);
    let mut answer = Value::Null;
    let kind = asked.expr.kind().unwrap_or(Kind::Bool);
    conn.query(&statement.statement, &binds, &mut |row| answer = row.get(0, kind)).await?;
    Ok(answer)
}

/// Finds a row that a rule looks at, as the system. One that the caller names in what is to be written and may not name is
/// none: nobody learns what a row holds by proposing to refer to it, which would be refused in the end, whatever it holds.
async fn find(
    conn: &mut Conn<'_>,
    ruled: &Ruled<'_>,
    (from, relation): (&Row, &Relation),
    key: &[Value],
    (look, earlier): (Look, Earlier<'_>),
) -> Result<Option<Vec<Value>>> {
    if ruled.is_chosen(from, relation, key) && !may_be_named(conn, ruled.op, relation.table, key, earlier).await? {
        return Ok(None);
    }
    if let Some(made) = earlier.row(ruled.op, relation.table, key) {
        return Ok(made.map(<[Value]>::to_vec));
    }
    let target = ruled.op.snapshot.resource(relation.table);
    let statement = match look {
        // Two who only hold it could not both change it then.
        Look::Held if ruled.op.plan().effects.leads().contains(&relation.table) => target.whoever_locked(Lock::Change),
        Look::Held => target.held(),
        Look::Once => target.whoever(),
    };
    one_row(conn, &statement.statement, key, target).await
}

/// Says whether a row of any resource exists and the caller may name it, as the writes before this one leave it.
pub async fn may_be_named(
    conn: &mut Conn<'_>,
    op: &Operation,
    resource: usize,
    key: &[Value],
    earlier: Earlier<'_>,
) -> Result<bool> {
    let target = op.snapshot.resource(resource);
    let on = || Operation { resource, ..op.clone() };
    let naming = target.naming.as_deref();
    let is_alone = op.caller.is_system() || naming.is_none_or(Guard::is_alone);
    match (target.named(&op.caller), earlier.row(op, resource, key)) {
        (Readable::Never, _) | (_, Some(None)) => Ok(false),
        (_, Some(Some(made))) => passes(conn, &on(), naming, Record::of(made), earlier).await,
        // What its rule looks at may be as the store does not know it yet.
        (Readable::By { .. }, None) if !earlier.is_empty() && !is_alone => {
            let Some(row) = one_row(conn, &target.whoever().statement, key, target).await? else { return Ok(false) };
            passes(conn, &on(), naming, Record::of(&row), earlier).await
        }
        (Readable::By { statement, .. }, None) => {
            let binds = statement.values(&op.caller, key);
            Ok(conn.query(&statement.statement, &binds, &mut |_| ()).await? > 0)
        }
    }
}

/// Says whether the caller may read a record that this transaction has stored, holds or is about to store.
pub fn may_read<'a>(
    conn: &'a mut Conn<'_>,
    op: &'a Operation,
    record: &'a [Value],
    earlier: Earlier<'a>,
) -> BoxFuture<'a, Result<bool>> {
    passes(conn, op, op.plan().read.as_deref(), Record::of(record), earlier)
}

/// What the caller does not see of a record.
pub async fn hidden(conn: &mut Conn<'_>, op: &Operation, record: Record<'_>, earlier: Earlier<'_>) -> Result<Hidden> {
    let plan = op.plan();
    let sight = plan.rules.sight(&op.caller);
    if sight.is_whole() {
        return Ok(Hidden::new());
    }
    // What no other rows decide is known; of the others it is asked.
    let mut hidden = plan.hidden(&sight, record.row);
    for rule in sight.told(&plan.rules) {
        if passes(conn, op, rule.read.as_ref(), record, earlier).await? {
            hidden.retain(|column| rule.columns.binary_search(column).is_err());
        }
    }
    Ok(hidden)
}

/// Says whether a record passes a rule over `resource`.
fn passes<'a>(
    conn: &'a mut Conn<'_>,
    op: &'a Operation,
    guard: Option<&'a Guard>,
    record: Record<'a>,
    earlier: Earlier<'a>,
) -> BoxFuture<'a, Result<bool>> {
    Box::pin(async move {
        let ruled = Ruled::of(record, op, guard);
        let mut around = Around::default();
        look_around(conn, &ruled, &mut around, Look::Held, earlier).await?;
        let scope = Scope { around: Some(&around), ..ruled.scope };
        Ok(op.caller.is_system() || ruled.guard.is_some_and(|guard| guard.allows(&scope)))
    })
}

/// Says in the log why a row was not found, in development: nothing where it is missing, and not hidden.
pub async fn explain_hidden(conn: &mut Conn<'_>, op: &Operation, key: &[Value]) -> Result<()> {
    let plan = op.plan();
    if op.explains
        && !op.caller.is_system()
        && let Some(row) = one_row(conn, &plan.whoever().statement, key, plan).await?
    {
        let ruled = Ruled::of(Record::of(&row), op, plan.read.as_deref());
        let mut around = Around::default();
        look_around(conn, &ruled, &mut around, Look::Once, Planned::default().before(0)).await?;
        op.explain(ruled.guard, &Scope { around: Some(&around), ..ruled.scope });
    }
    Ok(())
}
