//! How deleted rows are found whose time is over.

use std::sync::Arc;

use mainstay_record::Kind;

use super::compiled::Compiled;

/// Statements that find deleted rows whose time is over, those first that were deleted first.
#[derive(Debug)]
pub struct Due {
    /// Params: the limit.
    pub first: Arc<Compiled>,
    /// Params: the limit, then the row that was found last.
    pub next: Arc<Compiled>,
    /// The kinds of what is found: the time of deletion, then the key.
    pub kinds: Vec<Kind>,
}
