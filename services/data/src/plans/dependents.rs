//! Which rows keep a row from being deleted, or from going when it was.

use std::sync::{Arc, OnceLock};

use super::compiled::Compiled;

/// Rows that live under a row, or that refer to it where no foreign key says so because the row stays.
#[derive(Debug)]
pub struct Dependent {
    /// Whose rows they are.
    pub resource: usize,
    by: By,
    statement: OnceLock<Arc<Compiled>>,
}

/// What they have to do with it.
#[derive(Debug, Clone, Copy)]
pub enum By {
    Parent {
        /// Without those that are deleted.
        live: bool,
    },
    /// Which of the resource's references, and whether it leads to the resource itself.
    Reference { position: usize, to_itself: bool },
}

impl Dependent {
    /// Begins without a statement.
    pub(super) fn new(resource: usize, by: By) -> Dependent {
        Dependent { resource, by, statement: OnceLock::new() }
    }

    /// The statement that finds one of them, which `make` makes once. Params: the key, then how many rows to find.
    pub fn statement(&self, make: impl FnOnce(By) -> Arc<Compiled>) -> &Arc<Compiled> {
        self.statement.get_or_init(|| make(self.by))
    }
}
