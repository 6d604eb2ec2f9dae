//! What a write comes to while it is checked: a row to be, or a refusal.

use std::borrow::Cow;
use std::sync::Arc;

use mainstay_expr::Around;
use mainstay_record::Value;

use super::proposed::{Record, known};
use super::states::Sent;
use crate::error::{Error, Result};
use crate::plans::Hidden;
use crate::store::transitions::Passage;

/// The most rows that are deleted or changed with one.
pub const MAX_ALONG: usize = 1_000;

/// What the checks of one write find out for those after them.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The row as it is; nothing where it is missing, or hidden.
    pub old: Option<Vec<Value>>,
    /// The row as it would be.
    pub new: Option<Arc<[Value]>>,
    /// The key of a row that is meant though it is not there.
    pub absent: Option<Vec<Value>>,
    /// The columns that the request sets, ascending.
    pub touched: Vec<usize>,
    /// Those of them that the caller does not see in the row as it is: whether they change is not to be found out.
    pub blind: Vec<usize>,
    /// The row as it is, but for what is given with a transition.
    pub given: Option<Arc<[Value]>>,
    /// What is to be written down of a transition.
    pub passage: Option<Passage>,
    /// The states that came with the row.
    pub states: Vec<Sent>,
    /// The etag that came with the row.
    pub etag: Option<String>,
    /// The rows that the rules look at, held as they are.
    pub around: Around,
    /// What of the row as it is the caller does not see.
    pub hidden: Hidden,
    /// What of the row as it would be he does not see, where other rows had to be asked.
    pub unseen: Option<Hidden>,
    /// The rows that the rules of single fields look at.
    pub beside: Beside,
    /// What is done to other rows before.
    pub along: Vec<Along>,
    /// The fields that effects set in the row, as requests name them.
    pub settled: Vec<String>,
    /// Those of them that cannot hold what they are set to.
    pub unfit: Vec<String>,
}

/// The rows that the rules of fields look at, which are asked of the row before and of the row after.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    pub before: Around,
    pub after: Around,
}

/// What is done to a row because another one is deleted.
#[derive(Debug, Clone)]
pub struct Along {
    pub resource: usize,
    /// The row as it is.
    pub old: Vec<Value>,
    pub then: Then,
}

/// What becomes of it.
#[derive(Debug, Clone)]
pub enum Then {
    /// It refers to nothing by these columns, so that what it refers to can go before it.
    Frees(Vec<usize>),
    /// The row as it is to be; nothing where it goes.
    Becomes(Option<Arc<[Value]>>),
}

impl Then {
    /// What the row is to be, nothing inside where it goes; nothing where it only refers to less for now.
    pub fn becomes(&self) -> Option<Option<&Arc<[Value]>>> {
        match self {
            Then::Frees(_) => None,
            Then::Becomes(new) => Some(new.as_ref()),
        }
    }
}

impl Draft {
    /// Notes the columns that the request sets, ascending.
    pub fn touch(&mut self, touched: Vec<usize>) {
        let is_hidden = |column: &usize| self.hidden.binary_search(column).is_ok();
        self.blind = touched.iter().copied().filter(is_hidden).collect();
        self.touched = touched;
    }

    /// The row as it is, without what is written of it unseen: whatever is written there differs from it.
    pub fn known(&self) -> Option<Cow<'_, [Value]>> {
        Some(known(self.old.as_deref()?, &self.blind))
    }

    /// The row as it would be, to ask a rule of it: the caller has put it together.
    pub fn proposed<'d>(&'d self, new: &'d [Value]) -> Record<'d> {
        Record { row: new, proposed: Some(self.old.as_deref()), blind: &self.blind }
    }

    /// The row as it would be. Fails where it is asked for before its turn.
    pub fn new_row(&self) -> Result<&Arc<[Value]>> {
        self.new.as_ref().ok_or(Error::OutOfTurn)
    }
}

/// A write that was refused.
#[derive(Debug)]
pub struct Refused {
    /// Its place among those of the request; none where it is the request as a whole that was refused.
    pub write: Option<usize>,
    pub error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { write: None, error }
    }
}

/// The writes that one check refused, at least one, in the order of the request.
pub type Refusals = Vec<Refused>;
