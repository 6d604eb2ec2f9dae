//! Who may call the methods of the application's own services.

use std::collections::BTreeMap;

use mainstay_contract::{Callers, Contract};

use super::effect::Severity;
use super::planner::Planner;
use super::{Change, Safety, Step};

/// The methods of a contract that upstreams answer, as the ledger remembers them.
pub(crate) fn entries(contract: &Contract) -> BTreeMap<String, Callers> {
    let own = contract.methods.iter().filter(|method| method.upstream.is_some());
    own.map(|method| (method.path.trim_start_matches('/').to_owned(), method.callers.clone())).collect()
}

impl Planner<'_> {
    /// Compares who may call methods with who might. A method that is new lets in whom it says: nobody relied on its being closed.
    pub(super) fn callers(&mut self) {
        let now = entries(self.contract);
        let was = std::mem::replace(&mut self.ledger.callers, now.clone());
        for (method, callers) in now {
            let Some(before) = was.get(&method).filter(|before| **before != callers) else { continue };
            let (change, safety) = changed(before, &callers);
            self.steps.push(Step {
                resource: method,
                change,
                safety,
                schema: Vec::new(),
                note: None,
                place: None,
                path: None,
            });
        }
    }
}

fn changed(was: &Callers, now: &Callers) -> (Change, Safety) {
    let (severity, why) = match (now.includes(was), was.includes(now)) {
        (true, _) => (Severity::Widened, Some("it lets in who was kept out until now")),
        (false, true) => (Severity::Narrowed, None),
        (false, false) => (Severity::Changed, Some("it lets in others than before")),
    };
    let safety = why.map_or(Safety::Safe, |why| Safety::Reviewed {
        why: why.to_owned(),
        remedy: "look at who may call it from now on, then accept".to_owned(),
    });
    (Change::ChangeCallers { from: was.to_string(), to: now.to_string(), severity }, safety)
}
