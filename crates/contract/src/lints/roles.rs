//! A role that no account can have.

use std::collections::BTreeSet;

use mainstay_record::role::is_role;

use super::Linted;
use super::callers::named_roles;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    for (stands, rule) in linted.all_rules() {
        let mut roles = BTreeSet::new();
        named_roles(&rule.program.root, &mut roles);
        for role in roles.iter().filter(|role| !is_role(role)) {
            let spot = linted.spot(report, stands);
            let at = rule.source.find(role.as_str()).map(|start| start..start + role.len());
            let spot = at.map_or_else(|| spot.clone(), |range| report.files.within(&spot, range));
            report
                .warning(&spot, format!("nobody can have the role '{role}'"))
                .because("the name of a role has lower-case letters, digits, `-`, `_` and single dots between them, 64 at most")
                .help(format!("write '{}', or the role that is meant", role.to_lowercase().replace(' ', "-")));
        }
    }
}
