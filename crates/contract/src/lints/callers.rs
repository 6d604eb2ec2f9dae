//! Callers that stand for all others, and what a rule comes to for them.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, AuthView, Expr, Program};

use crate::Roles;
use crate::model::Rule;
use crate::rule::named;

/// The id of whoever is signed in.
pub(super) const CALLER: &str = "somebody";

/// The organisation that they act in.
const ORGANISATION: &str = "somewhere";

/// One who calls.
pub(crate) struct Caller {
    /// As the subject of a sentence.
    pub who: String,
    signed_in: bool,
    roles: Vec<String>,
    permissions: Vec<String>,
}

impl Caller {
    /// Nobody is signed in.
    pub fn nobody() -> Caller {
        Caller { who: "who is not signed in".into(), signed_in: false, roles: Vec::new(), permissions: Vec::new() }
    }

    /// Somebody without any role.
    pub fn somebody() -> Caller {
        Caller { who: "who is signed in".into(), signed_in: true, roles: Vec::new(), permissions: Vec::new() }
    }

    /// Somebody with this role alone, and what it grants.
    pub fn with_role(roles: &Roles, role: &str) -> Caller {
        let permissions = roles.get(role).map(|role| role.permissions.iter().cloned().collect()).unwrap_or_default();
        Caller { who: format!("who has the role '{role}'"), signed_in: true, roles: vec![role.to_owned()], permissions }
    }

    /// Nobody, somebody, and one for each role that the rules name, or that grants a permission which they name.
    pub fn all<'r>(declared: &Roles, rules: impl IntoIterator<Item = &'r Rule>) -> Vec<Caller> {
        let (mut roles, mut permissions) = (BTreeSet::new(), BTreeSet::new());
        for rule in rules {
            named(AuthName::Roles, &rule.program.root, &mut roles);
            named(AuthName::Permissions, &rule.program.root, &mut permissions);
        }
        roles.extend(permissions.iter().flat_map(|name| declared.granting(name)).map(str::to_owned));
        let with_roles = roles.iter().map(|role| Caller::with_role(declared, role));
        [Caller::nobody(), Caller::somebody()].into_iter().chain(with_roles).collect()
    }

    /// The caller, as rules see them.
    pub fn auth(&self) -> AuthView<'_> {
        AuthView {
            uid: self.signed_in.then_some(CALLER),
            email: self.signed_in.then_some("somebody@example.com"),
            email_verified: self.signed_in,
            roles: &self.roles,
            permissions: &self.permissions,
            amr: &[],
            // Whoever is signed in may come to show all that there is.
            aal: if self.signed_in { 3 } else { 0 },
            // And may found an organisation, and show it once more.
            org: self.signed_in.then_some(ORGANISATION),
            fresh: self.signed_in.then_some(0),
            kind: self.signed_in.then_some("user"),
            claims: None,
        }
    }

    /// What is left of a rule for this caller: a constant, where the caller alone decides. True where the rule is.
    pub fn asks(&self, program: &Program) -> Expr {
        let split = program.split();
        split.residual_for(split.decide(&self.auth()))
    }
}
