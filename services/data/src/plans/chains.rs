//! References that never come back to where they began: how rows are found along them.

use std::sync::{Arc, OnceLock};

use mainstay_contract::Resource;

use super::compiled::Compiled;

/// How many rows lie above one another at most, along one reference.
pub const MAX_DEPTH: usize = mainstay_expr::MAX_CLIMB;

/// One such reference of a resource to itself.
#[derive(Debug)]
pub struct Chain {
    /// Where its key lies in a row.
    pub columns: Vec<usize>,
    pub(super) above: OnceLock<Arc<Compiled>>,
    pub(super) below: OnceLock<Arc<Compiled>>,
}

impl Chain {
    /// Those of a resource.
    pub(super) fn of(resource: &Resource) -> Vec<Chain> {
        let acyclic = resource.references.iter().filter(|reference| reference.acyclic);
        acyclic
            .map(|reference| Chain { columns: reference.key.clone(), above: OnceLock::new(), below: OnceLock::new() })
            .collect()
    }
}
