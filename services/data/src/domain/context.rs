//! What every operation works with.

use std::ops::ControlFlow;
use std::sync::Arc;

use mainstay_db::{Conn, Database, Sink, Statement};
use mainstay_keys::SealingKey;
use mainstay_record::{Row, Value};

use super::caller::Caller;
use crate::error::{Error, Result};
use crate::plans::{Readable, ResourcePlan, Snapshot};

/// What the operations share: the store, and the key of page tokens.
#[derive(Clone)]
pub struct Context {
    pub db: Database,
    pub page_key: Arc<SealingKey>,
}

/// One operation of one caller on one resource of one contract revision.
#[derive(Clone)]
pub struct Operation {
    pub snapshot: Arc<Snapshot>,
    pub resource: usize,
    pub caller: Caller,
    /// The gRPC path; remembered answers belong to it.
    pub method: Arc<str>,
    /// The fields that the caller wants back, separated by commas; see [`super::read_mask`].
    pub read_mask: Option<Arc<str>>,
}

impl Operation {
    /// The compiled resource.
    pub fn plan(&self) -> &Arc<ResourcePlan> {
        self.snapshot.resource(self.resource)
    }

    /// Takes a resource name apart into the key of its row; `field` is where the request has it.
    pub fn key(&self, field: &str, name: &str) -> Result<Vec<Value>> {
        let resource = &self.plan().resource;
        let parts = resource.template.parse(name).filter(|_| !name.contains('\0'));
        let parts = parts.ok_or_else(|| Error::Name {
            field: field.to_owned(),
            name: name.to_owned(),
            pattern: resource.pattern.clone(),
        })?;
        Ok(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect())
    }

    /// Says whether the caller may read a record that is in memory.
    pub fn may_read(&self, record: &[Value]) -> bool {
        let guard = self.plan().read.as_ref();
        self.caller.is_system() || guard.is_some_and(|guard| guard.allows(&self.caller.on_resource(record)))
    }

    /// Reads the row with this key, if it exists and the caller may read it.
    pub async fn find(&self, conn: &mut Conn<'_>, readable: &Readable, key: &[Value]) -> Result<Option<Vec<Value>>> {
        match readable {
            Readable::Never => Ok(None),
            Readable::By { statement, .. } => {
                let binds = statement.bound(&self.caller, key);
                one_row(conn, &statement.statement, &binds, self.plan()).await
            }
        }
    }
}

/// Runs a statement that finds at most one row of the resource.
pub async fn one_row(
    conn: &mut Conn<'_>,
    statement: &Statement,
    binds: &[Value],
    plan: &ResourcePlan,
) -> Result<Option<Vec<Value>>> {
    let mut found = Found { plan, row: None };
    conn.fetch(statement, binds, &mut found).await?;
    Ok(found.row)
}

/// Takes one row.
struct Found<'p> {
    plan: &'p ResourcePlan,
    row: Option<Vec<Value>>,
}

impl Sink for Found<'_> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.row = Some(self.plan.row(row));
        ControlFlow::Break(())
    }
}
