//! Who may call the methods of the application's own services.

use std::collections::BTreeMap;
use std::fmt;

use mainstay_contract::Contract;

use super::effect::Severity;
use super::planner::Planner;
use super::{Change, Safety, Step};
use crate::OwnMethod;

/// The methods of a contract that upstreams answer, as the ledger remembers them.
fn entries(contract: &Contract) -> BTreeMap<String, OwnMethod> {
    let own = contract.methods.iter().filter_map(|method| {
        let upstream = method.upstream.clone()?;
        let entry = OwnMethod { upstream, callers: method.callers.clone(), reads: !method.side_effects };
        Some((method.path.trim_start_matches('/').to_owned(), entry))
    });
    own.collect()
}

impl Planner<'_> {
    /// Compares who may call methods with who might. A method that is new lets in whom it says: nobody relied on its being closed. One
    /// that is gone is remembered, so that it does not come back as new.
    pub(super) fn callers(&mut self) {
        for (method, now) in entries(self.contract) {
            let before = self.ledger.own_methods.insert(method.clone(), now.clone());
            let Some(before) = before.filter(|before| *before != now) else { continue };
            let (change, safety) = changed(&before, &now);
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

fn changed(was: &OwnMethod, now: &OwnMethod) -> (Change, Safety) {
    // Who only reads may call what says that it changes nothing.
    let includes = |one: &OwnMethod, other: &OwnMethod| {
        one.callers.includes(&other.callers) && (one.reads || !other.reads) && one.upstream == other.upstream
    };
    let (severity, why) = match (includes(now, was), includes(was, now)) {
        (true, _) => (Severity::Widened, Some("it lets in who was kept out until now")),
        (false, true) => (Severity::Narrowed, None),
        (false, false) => (Severity::Changed, Some("it lets in others than before, or others are told who calls")),
    };
    let safety = why.map_or(Safety::Safe, |why| Safety::Reviewed {
        why: why.to_owned(),
        remedy: "look at who may call it from now on, and who is told, then accept".to_owned(),
    });
    (Change::ChangeCallers { from: was.to_string(), to: now.to_string(), severity }, safety)
}

/// `who is signed in; it reads; the upstream `pricing` answers`.
impl fmt::Display for OwnMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.reads { "it reads" } else { "it may change something" };
        write!(f, "{}; {effect}; the upstream `{}` answers", self.callers, self.upstream)
    }
}
