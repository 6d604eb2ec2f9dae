//! Delete (AIP-135).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::Conn;
use mainstay_record::Value;
use mainstay_sql::Lock;
use mainstay_wire::frame;

use super::checks::{Check, Checked, Draft};
use super::context::{Context, Operation};
use super::update::check_etag;
use super::write::{Outcome, Terms, Write, run};
use crate::error::{Error, Result};

/// The numbers of a Delete request's fields.
mod number {
    pub const NAME: u32 = 1;
    pub const ETAG: u32 = 2;
    pub const ALLOW_MISSING: u32 = 3;
    pub const FORCE: u32 = 4;
    pub const REQUEST_ID: u32 = 5;
    pub const VALIDATE_ONLY: u32 = 6;
}

/// Answers a Delete.
pub async fn delete(cx: &Context, op: Operation, message: Bytes) -> Result<Bytes> {
    run(cx, Arc::new(Delete { op, message })).await
}

struct Delete {
    op: Operation,
    message: Bytes,
}

impl Checked for Delete {
    fn asks_the_store(check: Check) -> bool {
        matches!(check, Check::Readable | Check::Constraints)
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match (check, &draft.old) {
            (Check::AuthRule, _) => op.admit(plan.delete.as_ref()),
            (Check::OldRule, Some(old)) => op.allow(plan.delete.as_ref(), &op.caller.on_resource(old)),
            (Check::Shape, Some(_)) if frame::boolean(&self.message, number::FORCE)? => {
                Err(Error::NotSupported { field: "force" })
            }
            (Check::Etag, Some(old)) => {
                let etag = frame::string(&self.message, number::ETAG)?;
                check_etag(&old[plan.resource.layout.revision()], etag)
            }
            _ => Ok(()),
        }
    }

    async fn ask(&self, check: Check, draft: &mut Draft, conn: &mut Conn<'_>) -> Result<()> {
        match (check, &draft.old) {
            (Check::Readable, _) => {
                let readable = self.op.plan().get_locked(Lock::Remove, &self.op.caller);
                draft.old = self.op.find(conn, &readable, &self.key()?).await?;
                if draft.old.is_none() && !frame::boolean(&self.message, number::ALLOW_MISSING)? {
                    self.op.explain_hidden(conn, &self.key()?).await?;
                    return Err(self.op.caller.not_readable(readable.is_public()).into());
                }
                Ok(())
            }
            (_, Some(_)) => self.check_children(conn).await,
            (_, None) => Ok(()),
        }
    }
}

impl Write for Delete {
    const VERB: &'static str = "Delete";

    fn op(&self) -> &Operation {
        &self.op
    }

    fn terms(&self) -> Result<Terms> {
        let etag = frame::string(&self.message, number::ETAG)?.unwrap_or_default();
        let flag = |number| frame::boolean(&self.message, number).map(u8::from);
        let flags = [flag(number::ALLOW_MISSING)?, flag(number::FORCE)?];
        let parts: [&[u8]; 3] = [self.name()?.as_bytes(), etag.as_bytes(), &flags];
        Terms::read(&self.message, number::REQUEST_ID, number::VALIDATE_ONLY, &parts)
    }

    async fn store(&self, draft: Draft, conn: &mut Conn<'_>) -> Result<Outcome> {
        let (plan, mut params) = (self.op.plan(), self.key()?);
        let Some(old) = draft.old else { return Ok(Outcome::Gone(params)) };
        params.push(old[plan.resource.layout.revision()].clone());
        let binds = plan.remove.values(&self.op.caller, &params);
        match conn.execute(&plan.remove.statement, &binds).await {
            Ok(0) => Err(Error::EtagMismatch),
            Ok(_) => Ok(Outcome::Gone(old)),
            Err(mainstay_db::Error::ForeignKeyViolation { .. }) => self.still_referenced(),
            Err(error) => Err(error.into()),
        }
    }
}

impl Delete {
    fn name(&self) -> Result<&str> {
        Ok(frame::string(&self.message, number::NAME)?.unwrap_or_default())
    }

    fn key(&self) -> Result<Vec<Value>> {
        self.op.key("name", self.name()?)
    }

    fn still_referenced<T>(&self) -> Result<T> {
        Err(Error::StillReferenced { name: self.name()?.to_owned() })
    }

    /// A row that others live under stays, as one that others refer to (AIP-135). Whoever makes one holds the parent until
    /// it is there, so that this transaction, which holds the row against them, sees it or keeps it from being made.
    async fn check_children(&self, conn: &mut Conn<'_>) -> Result<()> {
        let mut params = self.key()?;
        params.push(Value::Int(1));
        for children in &self.op.plan().children {
            let binds = children.values(&self.op.caller, &params);
            if conn.query(&children.statement, &binds, &mut |_| ()).await? > 0 {
                return self.still_referenced();
            }
        }
        Ok(())
    }
}
