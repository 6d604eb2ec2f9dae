//! What roles are worth.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_contract::{Place, RoleScope, Roles};

use super::effect::Severity;
use super::planner::Planner;
use super::{Change, Safety, Step};
use crate::RoleEntry;

/// The roles of a contract as the ledger remembers them.
pub(crate) fn entries(roles: &Roles) -> BTreeMap<String, RoleEntry> {
    let entry = |role: &mainstay_contract::DeclaredRole| RoleEntry {
        organisation: role.scope == RoleScope::Organisation,
        permissions: role.permissions.clone(),
    };
    roles.iter().map(|(name, role)| (name.to_owned(), entry(role))).collect()
}

impl Planner<'_> {
    /// Compares what roles grant with what they did. Before anything is applied nobody has any.
    pub(super) fn roles(&mut self) {
        let now = entries(&self.contract.roles);
        let was = std::mem::replace(&mut self.ledger.roles, now.clone());
        if self.before.is_empty() {
            return;
        }
        let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
        for name in names {
            let Some((change, safety)) = changed(was.get(name), now.get(name)) else { continue };
            let place = self.contract.roles.get(name).map(|role| role.place.clone());
            self.steps.push(step(name, change, safety, place));
        }
    }
}

fn step(name: &str, change: Change, safety: Safety, place: Option<Place>) -> Step {
    Step { resource: name.to_owned(), change, safety, schema: Vec::new(), note: None, place, path: None }
}

/// How a role changed; nothing where it is what it was. One that is not declared is an account's, and grants nothing.
fn changed(was: Option<&RoleEntry>, now: Option<&RoleEntry>) -> Option<(Change, Safety)> {
    let undeclared = RoleEntry::default();
    let declared = (was.is_some(), now.is_some());
    let (was, now) = (was.unwrap_or(&undeclared), now.unwrap_or(&undeclared));
    let only = |of: &RoleEntry, other: &RoleEntry| of.permissions.difference(&other.permissions).cloned().collect();
    let (more, less): (Vec<String>, Vec<String>) = (only(now, was), only(was, now));
    let moved = (was.organisation != now.organisation).then_some(if now.organisation {
        "members of organisations have it"
    } else {
        "accounts have it"
    });
    let severity = match (moved.is_some(), more.is_empty(), less.is_empty()) {
        (false, true, true) if declared == (true, true) => return None,
        (false, true, true) => {
            let severity = if declared.1 { Severity::Widened } else { Severity::Narrowed };
            let change = Change::ChangeRole { more, less, moved: None, severity };
            return Some((change, Safety::Safe));
        }
        (false, false, true) => Severity::Widened,
        (false, true, false) => Severity::Narrowed,
        _ => Severity::Changed,
    };
    let safety = match severity {
        Severity::Narrowed => Safety::Safe,
        Severity::Widened => reviewed("whoever has the role may do more from now on than before"),
        Severity::Changed => reviewed("others have the role from now on, or it lets them do something else"),
    };
    Some((Change::ChangeRole { more, less, moved: moved.map(str::to_owned), severity }, safety))
}

fn reviewed(why: &str) -> Safety {
    let remedy = "look at who has the role and at what the rules ask for, then accept".to_owned();
    Safety::Reviewed { why: why.to_owned(), remedy }
}
