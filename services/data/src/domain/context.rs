//! What every operation works with.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use mainstay_db::{Asker, Conn, Database, Sink, Statement};
use mainstay_expr::Scope;
use mainstay_fault::Fault;
use mainstay_keys::SealingKey;
use mainstay_record::{Row, Value};

use super::turns::Turns;
use crate::error::{Error, Result};
use crate::plans::{Guard, Hidden, ListPlan, Readable, ResourcePlan, Sight, Snapshot};
use crate::rights::{Caller, Obstacle};
use crate::store::answers::Answers;

/// What the operations share: the store, and the key of page tokens.
#[derive(Clone)]
pub struct Context {
    pub db: Database,
    pub page_key: Arc<SealingKey>,
    /// What requests with an id were answered.
    pub answers: Arc<Answers>,
    /// Whether denials are explained in the log: in development.
    pub explains: bool,
    /// Where those wait who want the same rows.
    pub turns: Turns,
}

/// One operation of one caller on one resource of one contract revision.
#[derive(Clone)]
pub struct Operation {
    pub snapshot: Arc<Snapshot>,
    pub resource: usize,
    pub caller: Caller,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The address that the call comes from; nothing for work of the process's own.
    pub peer: Option<IpAddr>,
    /// Whether a denial is explained in the log.
    pub explains: bool,
    /// The fields that the caller wants back, separated by commas; see [`super::read_mask`].
    pub read_mask: Option<Arc<str>>,
    /// What was found wrong with the request on its way here.
    pub defects: Option<Arc<Fault>>,
    /// Whether the answer is going to be remembered, so that what the request says is noted where it is read.
    pub remembered: bool,
}

impl Operation {
    /// One that no request asks for, on a resource.
    pub fn unasked(snapshot: &Arc<Snapshot>, resource: usize, caller: Caller) -> Operation {
        Operation {
            snapshot: Arc::clone(snapshot),
            resource,
            caller,
            deadline: None,
            peer: None,
            explains: false,
            read_mask: None,
            defects: None,
            remembered: false,
        }
    }

    /// Checks that nothing was found wrong with the request on its way here. Every method asks this where it looks at the
    /// shape of the request, which is after it has decided whether the caller may make it.
    pub fn sound(&self) -> Result<()> {
        match &self.defects {
            None => Ok(()),
            Some(defects) => Err(Error::Defects(Arc::clone(defects))),
        }
    }

    /// For whom the store reads. Nobody in particular is told from others by where the call comes from.
    pub fn asker(&self, costly: bool) -> Asker {
        let nobody = self.caller.is_nobody();
        let caller = (!self.caller.is_system()).then(|| {
            let mut hasher = DefaultHasher::new();
            (self.caller.key(), self.peer.filter(|_| nobody)).hash(&mut hasher);
            hasher.finish()
        });
        Asker { deadline: self.deadline, caller, costly }
    }

    /// The compiled resource.
    pub fn plan(&self) -> &Arc<ResourcePlan> {
        self.snapshot.resource(self.resource)
    }

    /// Checks the part of a verb's rule that needs only the caller. Rules do not apply to the system.
    pub fn admit(&self, guard: Option<&Guard>) -> Result<()> {
        if self.caller.is_system() {
            return Ok(());
        }
        match guard {
            None => {
                self.explain(None, &self.caller.alone());
                Err(self.caller.denied(Obstacle::NoRule).into())
            }
            Some(guard) if guard.is_closed_to(&self.caller) => {
                self.explain(Some(guard), &self.caller.alone());
                Err(self.caller.denied(Obstacle::AuthRule).into())
            }
            Some(_) => Ok(()),
        }
    }

    /// Checks a verb's rule on records.
    pub fn allow(&self, guard: Option<&Guard>, scope: &Scope<'_>) -> Result<()> {
        if self.caller.is_system() { Ok(()) } else { self.hold(guard, scope) }
    }

    /// The same, whoever asks.
    pub fn hold(&self, guard: Option<&Guard>, scope: &Scope<'_>) -> Result<()> {
        if guard.is_some_and(|guard| guard.allows(scope)) {
            return Ok(());
        }
        self.explain(guard, scope);
        Err(self.caller.denied(Obstacle::Refused).into())
    }

    /// Says in the log which part of which rule denies the call, in development: whoever writes the rules reads it there. The
    /// caller is told as little as ever.
    pub fn explain(&self, guard: Option<&Guard>, scope: &Scope<'_>) {
        if !self.explains {
            return;
        }
        let resource = &self.plan().resource;
        let Some(guard) = guard else {
            let place = resource.place.to_string();
            return tracing::info!(resource = %resource.type_name, place, "denied: the resource has no rule for this");
        };
        if let Some(refusal) = guard.refusal(scope) {
            let (place, conjunct) = (refusal.place.to_string(), refusal.conjunct);
            tracing::info!(resource = %resource.type_name, place, conjunct, "denied by a rule");
        }
    }

    /// Takes a resource name apart into the key of its row; `field` is where the request has it.
    pub fn key(&self, field: &str, name: &str) -> Result<Vec<Value>> {
        self.key_in(|| field.to_owned(), name)
    }

    /// The same where the place in the request is put together if it is told.
    pub fn key_in(&self, field: impl FnOnce() -> String, name: &str) -> Result<Vec<Value>> {
        let resource = &self.plan().resource;
        let parts = resource.template.parse(name).filter(|_| !name.contains('\0'));
        let parts = parts.ok_or_else(|| Error::Name {
            field: field(),
            name: name.to_owned(),
            pattern: resource.pattern.clone(),
        })?;
        Ok(self.organisation().chain(parts.into_iter().map(|part| Value::Text(part.to_owned()))).collect())
    }

    /// What stands before the parts of a name in the key of a row: the organisation that the caller acts in, where rows belong to
    /// one. Who acts in none names rows of none, and there are no such.
    pub fn organisation(&self) -> impl Iterator<Item = Value> + use<> {
        let is_tenant = self.plan().resource.layout.is_tenant();
        let own = || Value::Text(self.caller.organisation().unwrap_or_default().to_owned());
        is_tenant.then(own).into_iter()
    }

    /// The organisation that a row with this key belongs to, where rows do.
    pub fn organisation_of<'k>(&self, key: &'k [Value]) -> Option<&'k str> {
        match key.first() {
            Some(Value::Text(organisation)) if self.plan().resource.layout.is_tenant() => Some(organisation),
            _ => None,
        }
    }

    /// The same on the process's own behalf, at work in the organisation that a row with this key belongs to.
    #[must_use]
    pub fn within_organisation_of(&self, key: &[Value]) -> Operation {
        match self.organisation_of(key) {
            Some(organisation) => Operation { caller: self.caller.within(organisation), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Checks that a new row has an organisation to belong to, where it must.
    pub fn check_organisation(&self) -> Result<()> {
        if self.plan().resource.layout.is_tenant() && self.caller.organisation().is_none() {
            return Err(match self.caller.is_nobody() {
                true => self.caller.denied(Obstacle::Refused).into(),
                false => Error::NoOrganisation,
            });
        }
        Ok(())
    }

    /// Checks that the caller sees what a list compares, in every row: else it would tell of rows what they hold.
    pub fn check_compared(&self, list: &ListPlan) -> Result<()> {
        for (position, (resource, column)) in list.compared.iter().enumerate() {
            let plan = resource.map_or_else(|| self.plan(), |resource| self.snapshot.resource(resource));
            if let Some(unseen) = plan.rules.unseen(*column, &self.caller) {
                let field = if position < list.filtered { "filter" } else { "order_by" };
                return Err(Error::Unseen { field, name: unseen.name.clone() });
            }
        }
        Ok(())
    }

    /// What of a record in memory the caller does not see, or cannot be known to see without a look at other rows.
    pub fn hidden(&self, row: &[Value]) -> Hidden {
        self.plan().hidden(&self.plan().rules.sight(&self.caller), row)
    }

    /// Says whether the caller may read a record that is in memory.
    pub fn may_read(&self, record: &[Value]) -> bool {
        let guard = self.plan().read.as_deref();
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

    /// Reads the row with this key as [`ResourcePlan::get`] has it, and says what of it the caller does not see.
    pub async fn find_seen(&self, conn: &mut Conn<'_>, key: &[Value]) -> Result<Option<(Vec<Value>, Hidden)>> {
        let plan = self.plan();
        let Readable::By { statement, .. } = plan.get(&self.caller) else { return Ok(None) };
        let binds = statement.bound(&self.caller, key);
        let mut found = FoundSeen { plan, sight: plan.rules.sight(&self.caller), row: None };
        conn.fetch(&statement.statement, &binds, &mut found).await?;
        Ok(found.row)
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

/// Takes one row, with what of it is not seen.
struct FoundSeen<'p> {
    plan: &'p ResourcePlan,
    sight: Sight,
    row: Option<(Vec<Value>, Hidden)>,
}

impl Sink for FoundSeen<'_> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.row = Some((self.plan.row(row), self.plan.hidden(&self.sight, row)));
        ControlFlow::Break(())
    }
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
