//! The rows that rules look at beside those that are read or written.

use mainstay_db::Conn;
use mainstay_expr::{Around, Relation, Root, Row, Scope};
use mainstay_record::Value;

use super::context::{Operation, one_row};
use crate::error::Result;
use crate::plans::{Guard, Readable};

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
}

impl Ruled<'_> {
    /// Says whether the records in hand do not decide, so that the store is asked for others.
    pub fn looks_around(&self) -> bool {
        let looks = |guard: &Guard| guard.looks_around(&self.scope);
        !self.op.caller.is_system() && self.guard.is_some_and(looks)
    }

    /// Says whether the caller chose where a relation leads: the record that it leads from is not stored like that.
    fn is_chosen(&self, from: &Row, relation: &Relation, key: &[Value]) -> bool {
        let stored = || self.scope.old.and_then(|old| relation.key(old));
        from.is_in_hand() && self.proposed == Some(from.root) && stored().as_deref() != Some(key)
    }

    /// Checks the rule, with the rows that were found.
    pub fn allow(&self, around: &Around) -> Result<()> {
        self.op.allow(self.guard, &Scope { around: Some(around), ..self.scope })
    }
}

/// Says whether it takes a look at other rows to know which the caller may read.
pub fn reads_around(op: &Operation) -> bool {
    !op.caller.is_system() && op.plan().read.as_ref().is_some_and(|guard| !guard.looks().is_empty())
}

/// Finds the rows that a rule looks at, where the records in hand do not decide.
pub async fn look_around(conn: &mut Conn<'_>, ruled: &Ruled<'_>, around: &mut Around, look: Look) -> Result<()> {
    let Some(guard) = ruled.guard.filter(|_| ruled.looks_around()) else { return Ok(()) };
    for row in guard.looks() {
        let Some((from, relation)) = row.found_from().filter(|_| around.get(row).is_none()) else { continue };
        // What hangs on a record that is not known yet is looked for when it is.
        let Some(record) = (Scope { around: Some(around), ..ruled.scope }).row(&from) else { continue };
        let found = match record.and_then(|record| relation.key(record)) {
            None => None,
            Some(key) => find(conn, ruled, (&from, relation), &key, look).await?,
        };
        around.put(row.clone(), found);
    }
    Ok(())
}

/// Finds a row that a rule looks at, as the system. One that the caller names in what is to be written and may not read is
/// none: nobody learns what a row holds by proposing to refer to it, which would be refused in the end, whatever it holds.
async fn find(
    conn: &mut Conn<'_>,
    ruled: &Ruled<'_>,
    (from, relation): (&Row, &Relation),
    key: &[Value],
    look: Look,
) -> Result<Option<Vec<Value>>> {
    if ruled.is_chosen(from, relation, key) && !is_readable(conn, ruled.op, relation.table, key).await? {
        return Ok(None);
    }
    let target = ruled.op.snapshot.resource(relation.table);
    let statement = if look == Look::Held { target.held() } else { target.whoever() };
    one_row(conn, &statement.statement, key, target).await
}

/// Says whether a row of any resource exists and the caller may read it.
async fn is_readable(conn: &mut Conn<'_>, op: &Operation, resource: usize, key: &[Value]) -> Result<bool> {
    match op.snapshot.resource(resource).get(&op.caller) {
        Readable::Never => Ok(false),
        Readable::By { public: true, .. } => Ok(true),
        Readable::By { statement, .. } => {
            let binds = statement.values(&op.caller, key);
            Ok(conn.query(&statement.statement, &binds, &mut |_| ()).await? > 0)
        }
    }
}

/// Says whether the caller may read a record that this transaction has stored, or holds.
pub async fn may_read(conn: &mut Conn<'_>, op: &Operation, record: &[Value]) -> Result<bool> {
    let ruled = Ruled { op, guard: op.plan().read.as_deref(), scope: op.caller.on_resource(record), proposed: None };
    let mut around = Around::default();
    look_around(conn, &ruled, &mut around, Look::Held).await?;
    let scope = Scope { around: Some(&around), ..ruled.scope };
    Ok(op.caller.is_system() || ruled.guard.is_some_and(|guard| guard.allows(&scope)))
}

/// Says in the log why a row was not found, in development: nothing where it is missing, and not hidden.
pub async fn explain_hidden(conn: &mut Conn<'_>, op: &Operation, key: &[Value]) -> Result<()> {
    let plan = op.plan();
    if op.explains
        && !op.caller.is_system()
        && let Some(row) = one_row(conn, &plan.whoever().statement, key, plan).await?
    {
        let ruled = Ruled { op, guard: plan.read.as_deref(), scope: op.caller.on_resource(&row), proposed: None };
        let mut around = Around::default();
        look_around(conn, &ruled, &mut around, Look::Once).await?;
        op.explain(ruled.guard, &Scope { around: Some(&around), ..ruled.scope });
    }
    Ok(())
}
