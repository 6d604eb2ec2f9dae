//! The statements that follow a reference from row to row.

use std::sync::Arc;

use mainstay_contract::Reference;
use mainstay_sql::{above, below};

use super::chains::{Chain, MAX_DEPTH};
use super::compiled::Compiled;
use super::resource::ResourcePlan;

impl ResourcePlan {
    /// How rows are found along a reference; nothing for one that may come back.
    pub fn chain(&self, reference: &Reference) -> Option<&Chain> {
        self.chains.iter().find(|chain| reference.acyclic && chain.columns == reference.key)
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
