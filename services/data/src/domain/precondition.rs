//! What has to hold before a Commit writes anything.

use mainstay_db::BoxFuture;
use mainstay_sql::Lock;

use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::tx::Tx;
use super::update::check_etag;
use crate::error::{Error, Result};
use crate::rights::Obstacle;

/// What has to hold of a row, as the caller sees it: one that he may not read is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Exists,
    Absent,
    Etag(String),
}

/// A write that writes nothing.
pub struct Precondition {
    op: Operation,
    name: String,
    wanted: Wanted,
}

impl Precondition {
    /// A precondition on the row of this name.
    pub fn new(op: Operation, name: String, wanted: Wanted) -> Precondition {
        Precondition { op, name, wanted }
    }

    /// Says whether it is about a row that is not there, which nobody can lock.
    pub fn is_of_absence(&self) -> bool {
        self.wanted == Wanted::Absent
    }

    async fn look(&self, tx: &mut Tx<'_, '_>) -> Result<()> {
        let lock = match self.wanted {
            Wanted::Exists | Wanted::Absent => Lock::Stay,
            Wanted::Etag(_) => Lock::Change,
        };
        let key = self.op.key("name", &self.name)?;
        let row = tx.find(&self.op, lock, &key).await?;
        match (&self.wanted, row) {
            (Wanted::Exists, Some(_)) | (Wanted::Absent, None) => Ok(()),
            (Wanted::Etag(etag), Some(row)) => {
                check_etag(&row[self.op.plan().resource.layout.revision()], Some(etag.as_str()))
            }
            (Wanted::Exists | Wanted::Etag(_), None) | (Wanted::Absent, Some(_)) => {
                Err(Error::Precondition { name: self.name.clone(), exists: self.wanted != Wanted::Absent })
            }
        }
    }
}

impl Checked for Precondition {
    fn asks_the_store(&self, check: Check, _: &Draft) -> bool {
        check == Check::Readable
    }

    fn check(&self, check: Check, _: &mut Draft) -> Result<()> {
        let rule = &self.op.plan().read;
        if check == Check::AuthRule && rule.is_none() && !self.op.caller.is_system() {
            return Err(self.op.caller.denied(Obstacle::NoRule).into());
        }
        Ok(())
    }

    fn ask<'a>(&'a self, _: Check, _: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.look(tx))
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        Some((self.op.resource, &self.name))
    }
}

impl WriteOp for Precondition {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Precondition");
        content.text(&self.name);
        match &self.wanted {
            Wanted::Exists => content.text("exists"),
            Wanted::Absent => content.text("absent"),
            Wanted::Etag(etag) => ["etag", etag].into_iter().for_each(|text| content.text(text)),
        }
    }

    fn takes_turns(&self) -> bool {
        matches!(self.wanted, Wanted::Etag(_))
    }
}
