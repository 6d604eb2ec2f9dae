//! References that never come back to where they began: how rows are found along them.

use std::sync::{Arc, OnceLock};

use mainstay_contract::{Reference, Resource};
use mainstay_sql::{above, below};

use super::compiled::Compiled;
use super::resource::ResourcePlan;

/// How many rows lie above one another at most, along one reference.
pub const MAX_DEPTH: usize = mainstay_expr::MAX_CLIMB;

/// One such reference of a resource to itself.
#[derive(Debug)]
pub struct Chain {
    /// Where its key lies in a row.
    pub columns: Vec<usize>,
    above: OnceLock<Arc<Compiled>>,
    below: OnceLock<Arc<Compiled>>,
}

impl Chain {
    /// Those of a resource.
    pub(super) fn of(resource: &Resource) -> Vec<Chain> {
        let acyclic = resource.references.iter().filter(|reference| reference.acyclic);
        acyclic
            .map(|reference| Chain {
                columns: reference.columns.clone(),
                above: OnceLock::new(),
                below: OnceLock::new(),
            })
            .collect()
    }
}

impl ResourcePlan {
    /// How rows are found along a reference; nothing for one that may come back.
    pub fn chain(&self, reference: &Reference) -> Option<&Chain> {
        self.chains.iter().find(|chain| reference.acyclic && chain.columns == reference.columns)
    }

    /// The statement that finds the keys which a reference leads to, one after the other: of one row more than may be.
    /// Params: the first key.
    pub fn above<'p>(&'p self, chain: &'p Chain) -> &'p Arc<Compiled> {
        let make = || above(self.dialect, self.table(), &chain.columns, MAX_DEPTH + 1);
        chain.above.get_or_init(|| self.shapes().compile(make()))
    }

    /// The statement that finds a row if one is so many references below another. Params: the key, then how many.
    pub fn below<'p>(&'p self, chain: &'p Chain) -> &'p Arc<Compiled> {
        chain.below.get_or_init(|| self.shapes().compile(below(self.dialect, self.table(), &chain.columns)))
    }
}
