//! Delete (AIP-135).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::Conn;
use mainstay_record::Value;
use mainstay_wire::frame;

use super::context::{Context, Operation};
use super::update::check_etag;
use super::write::{Outcome, Terms, allowed, run};
use crate::error::{Error, Result};
use crate::plans::{Readable, admit};

/// The numbers of a Delete request's fields.
mod number {
    pub const NAME: u32 = 1;
    pub const ETAG: u32 = 2;
    pub const ALLOW_MISSING: u32 = 3;
    pub const FORCE: u32 = 4;
    pub const REQUEST_ID: u32 = 5;
    pub const VALIDATE_ONLY: u32 = 6;
}

struct Request {
    op: Operation,
    name: String,
    key: Vec<Value>,
    readable: Readable,
    etag: String,
    allow_missing: bool,
    force: bool,
}

/// Answers a Delete.
pub async fn delete(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    admit(plan.delete.as_ref(), &op.caller)?;
    let name = frame::string(message, number::NAME)?.unwrap_or_default();
    let etag = frame::string(message, number::ETAG)?.unwrap_or_default();
    let (allow_missing, force) =
        (frame::boolean(message, number::ALLOW_MISSING)?, frame::boolean(message, number::FORCE)?);
    let parts: [&[u8]; 3] = [name.as_bytes(), etag.as_bytes(), &[u8::from(allow_missing), u8::from(force)]];
    let terms = Terms::read(message, number::REQUEST_ID, number::VALIDATE_ONLY, &parts)?;
    let request = Arc::new(Request {
        op: op.clone(),
        key: op.key("name", name)?,
        name: name.to_owned(),
        readable: plan.get_locked(&op.caller),
        etag: etag.to_owned(),
        allow_missing,
        force,
    });
    run(cx, op, terms, false, move |conn| {
        let request = Arc::clone(&request);
        Box::pin(async move { request.run(conn).await })
    })
    .await
}

impl Request {
    async fn run(&self, conn: &mut Conn<'_>) -> Result<Outcome> {
        let (op, plan) = (&self.op, self.op.plan());
        let Some(old) = op.find(conn, &self.readable, &self.key).await? else {
            let public = matches!(self.readable, Readable::By { public: true, .. });
            return if self.allow_missing {
                Ok(Outcome::Gone(self.key.clone()))
            } else {
                Err(op.caller.not_readable(public))
            };
        };
        let holds = plan.delete.as_ref().is_some_and(|rule| rule.allows(&op.caller.on_resource(&old)));
        allowed(op, holds)?;
        if self.force {
            return Err(Error::NotSupported { field: "force" });
        }
        let revision = &old[plan.resource.layout.revision()];
        check_etag(revision, Some(&self.etag))?;
        self.check_children(conn).await?;
        let mut params = self.key.clone();
        params.push(revision.clone());
        let binds = plan.remove.values(&op.caller, &params);
        match conn.execute(&plan.remove.statement, &binds).await {
            Ok(0) => Err(Error::EtagMismatch),
            Ok(_) => Ok(Outcome::Gone(old)),
            Err(mainstay_db::Error::ForeignKeyViolation { .. }) => {
                Err(Error::StillReferenced { name: self.name.clone() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A row that others live under stays, as one that others refer to (AIP-135). One that is made at the same time reads
    /// the parent in its transaction, so that only one of the two can be.
    async fn check_children(&self, conn: &mut Conn<'_>) -> Result<()> {
        let mut params = self.key.clone();
        params.push(Value::Int(1));
        for children in &self.op.plan().children {
            let binds = children.values(&self.op.caller, &params);
            if conn.query(&children.statement, &binds, &mut |_| ()).await? > 0 {
                return Err(Error::StillReferenced { name: self.name.clone() });
            }
        }
        Ok(())
    }
}
