//! What the plans of one resource know of the others: where references lead, and who may look there.

use std::collections::BTreeSet;
use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_expr::{AtomValues, Expr, RecordType};
use mainstay_sql::Tables;

use super::classes::Classes;
use super::guard::{Guard, Verdict};
use crate::rights::Caller;

/// All resources of a contract, by their numbers: what an expression may look at.
#[derive(Debug)]
pub struct Relations {
    pub tables: Tables,
    pub records: Vec<Arc<RecordType>>,
    /// Their read rules; none where nobody may read them.
    pub reads: Vec<Option<Arc<Guard>>>,
    /// Who may name their rows.
    pub names: Vec<Option<Arc<Guard>>>,
    /// The resources over whose rows rules quantify.
    pub watched: BTreeSet<usize>,
    /// Whether there are fields whose values are never said.
    pub keep_silent: bool,
}

impl Relations {
    /// Collects them.
    pub fn of(contract: &Contract) -> Relations {
        let resources = || contract.resources.iter();
        let guard = |rule: &mainstay_contract::Rule| Arc::new(Guard::new(vec![rule.clone()]));
        let reads: Vec<Option<Arc<Guard>>> =
            resources().map(|resource| resource.access.read.as_ref().map(guard)).collect();
        Relations {
            tables: mainstay_ledger::tables(contract),
            records: resources().map(|resource| Arc::clone(&resource.record)).collect(),
            names: resources()
                .zip(&reads)
                .map(|(resource, read)| resource.access.refer.as_ref().map(guard).or_else(|| read.clone()))
                .collect(),
            reads,
            keep_silent: resources().any(|resource| {
                let message = contract.pool.get_message_by_name(&resource.message);
                message.is_some_and(|message| Classes::of(&message).are_any())
            }),
            watched: resources().flat_map(|resource| resource.rules()).flat_map(watched).collect(),
        }
    }

    /// The caller-only parts of the read rule of a resource; nothing where it has none.
    pub fn atoms(&self, resource: usize, caller: &Caller) -> Option<AtomValues> {
        self.guard(resource).map(|guard| guard.atoms(caller))
    }

    /// What a row of a resource must satisfy to be seen by callers with this outcome; nothing where they see all of them.
    pub fn seen(&self, resource: usize, atoms: Option<AtomValues>) -> Option<Expr> {
        let verdict = self.guard(resource).zip(atoms).map(|(guard, atoms)| guard.verdict(atoms));
        match verdict {
            Some(Verdict::Always) => None,
            Some(Verdict::Depends(residual)) => Some(residual),
            Some(Verdict::Never) | None => Some(Expr::FALSE),
        }
    }

    fn guard(&self, resource: usize) -> Option<&Guard> {
        self.reads.get(resource)?.as_deref()
    }
}

/// The resources over whose rows a rule quantifies, with those that it looks at on the way.
fn watched(rule: &mainstay_contract::Rule) -> BTreeSet<usize> {
    rule.program.root.asks().into_iter().flat_map(mainstay_expr::Expr::tables).collect()
}
