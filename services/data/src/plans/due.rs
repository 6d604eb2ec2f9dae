//! Statements that find rows whose time has come.

use std::sync::Arc;

use mainstay_record::Kind;

use super::compiled::Compiled;

/// Statements that find rows whose time has come, in the order of what is found of them.
#[derive(Debug)]
pub struct Due {
    /// Params: the limit.
    pub first: Arc<Compiled>,
    /// Params: the limit, then the row that was found last.
    pub next: Arc<Compiled>,
    /// The kinds of what is found: what is asked for, then the key.
    pub kinds: Vec<Kind>,
}
