//! Which rows keep a row from being deleted, or go with it; or keep it from going when it was deleted.

use std::sync::{Arc, OnceLock};

use mainstay_contract::OnDelete;

use super::compiled::Compiled;

/// Rows that live under a row, or that refer to it where no foreign key says so because the row stays.
#[derive(Debug)]
pub struct Dependent {
    /// Whose rows they are.
    pub resource: usize,
    /// What becomes of them.
    pub on_delete: OnDelete,
    pub by: By,
    /// Whether the store itself keeps the row for them: a foreign key says so.
    pub is_enforced: bool,
    statement: OnceLock<Arc<Compiled>>,
    rows: OnceLock<Arc<Compiled>>,
}

/// What they have to do with it.
#[derive(Debug, Clone, Copy)]
pub enum By {
    Parent {
        /// Without those that are deleted.
        live: bool,
    },
    /// Which of the resource's references, whether it leads to the resource itself, and whether rows that are deleted keep
    /// nothing.
    Reference { position: usize, to_itself: bool, live: bool },
    /// The same of the references inside the resource's lists, which a table of links knows.
    Link { position: usize, to_itself: bool, live: bool },
}

impl Dependent {
    /// Begins without a statement.
    pub(super) fn new(resource: usize, on_delete: OnDelete, by: By, is_enforced: bool) -> Dependent {
        Dependent { resource, on_delete, by, is_enforced, statement: OnceLock::new(), rows: OnceLock::new() }
    }

    /// The statement that finds them all, whole, and holds them. Params: the key, then how many rows to find.
    pub fn rows(&self, make: impl FnOnce(By) -> Arc<Compiled>) -> &Arc<Compiled> {
        self.rows.get_or_init(|| make(self.by))
    }

    /// The statement that finds one of them, which `make` makes once. Params: the key, then how many rows to find.
    pub fn statement(&self, make: impl FnOnce(By) -> Arc<Compiled>) -> &Arc<Compiled> {
        self.statement.get_or_init(|| make(self.by))
    }
}
