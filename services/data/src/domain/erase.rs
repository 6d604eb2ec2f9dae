//! What is made of a row when what is personal in it is erased: what nobody but the system does. No rule is asked, nothing is
//! checked, and nothing else happens.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::BoxFuture;
use mainstay_record::Value;
use mainstay_sql::Lock;

use super::answer::Form;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::record::revise;
use super::request::{Request, Terms};
use super::tx::Tx;
use crate::error::Result;
use crate::rights::Denial;

/// Says what a row becomes.
pub type Becomes = Arc<dyn Fn(&[Value]) -> Result<Vec<Value>> + Send + Sync>;

/// Makes the request to change the row with this key, deleted or not, into what it is to become. One that is so already stays as it
/// is.
pub fn read(op: Operation, key: Vec<Value>, becomes: Becomes) -> Request {
    Request::one("Erase", Bytes::new(), Erase { op, key, becomes }, Ok(Terms::default()), Form::Nothing)
}

struct Erase {
    op: Operation,
    key: Vec<Value>,
    becomes: Becomes,
}

impl Checked for Erase {
    fn asks_the_store(&self, check: Check, _: &Draft) -> bool {
        check == Check::Readable
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        if let (Check::Shape, Some(old)) = (check, &draft.old) {
            let mut new = (self.becomes)(old)?;
            if new != *old {
                revise(&self.op, old, &mut new);
            }
            draft.new = Some(new.into());
        }
        Ok(())
    }

    fn ask<'a>(&'a self, _: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            draft.old = tx.find(&self.op, Lock::Change, &self.key).await?;
            if draft.old.is_some() { Ok(()) } else { Err(Denial::NotFound.into()) }
        })
    }
}

impl WriteOp for Erase {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Erase");
        self.key.iter().for_each(|part| content.value(part));
    }
}
