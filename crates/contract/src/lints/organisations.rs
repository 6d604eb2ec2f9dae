//! A rule that opens rows to roles of organisations, and does not ask whose the rows are.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, Expr};

use super::Linted;
use super::roles::spot;
use crate::report::Report;
use crate::rule::named;
use crate::{RoleScope, Rule};

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    // Where rows belong to organisations every rule is asked within one.
    if linted.resource.layout.is_tenant() {
        return;
    }
    let rules: Vec<_> = linted.all_rules().into_iter().chain(linted.field_rules()).collect();
    for (stands, rule) in rules {
        let asks_which = rule.program.root.any_node(&mut |node| *node == Expr::Auth(AuthName::Org));
        let Some((name, role)) = opening(linted, rule).filter(|_| !asks_which) else { continue };
        let spot = spot(report, linted, (stands, rule), &name);
        let message = linted.resource.short_name();
        report
            .warning(&spot, format!("{stands} lets in who has the role '{role}' in any organisation"))
            .because(format!(
                "everybody can found an organisation and have that role there, and the rule does not ask which organisation the \
                 {message} is of"
            ))
            .help("compare with auth.org: `resource.org == auth.org && …`; or give the role scope: ACCOUNT");
        // Once is enough: what holds for one verb is seen at the others.
        return;
    }
}

/// What a rule looks for that a role of organisations gives, and that role.
fn opening(linted: &Linted<'_>, rule: &Rule) -> Option<(String, String)> {
    let (mut roles, mut permissions) = (BTreeSet::new(), BTreeSet::new());
    named(AuthName::Roles, &rule.program.root, &mut roles);
    named(AuthName::Permissions, &rule.program.root, &mut permissions);
    let of_organisation = |role: &str| linted.roles.scope(role) == RoleScope::Organisation;
    let by_role = roles.iter().find(|role| of_organisation(role)).map(|role| (role.clone(), role.clone()));
    by_role.or_else(|| {
        permissions.iter().find_map(|name| {
            let role = linted.roles.granting(name).find(|role| of_organisation(role))?;
            Some((name.clone(), role.to_owned()))
        })
    })
}
