//! A role that no account can have, or that the contract does not declare among others.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, suggest};
use mainstay_record::role::is_role;

use super::{Linted, Stands};
use crate::file::Spot;
use crate::model::Rule;
use crate::report::Report;
use crate::rule::named;

/// What the names of platform roles begin with, which nobody declares.
const OF_PLATFORM: &str = "mainstay.";

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let rules: Vec<(Stands<'_>, &Rule)> = linted.all_rules().into_iter().chain(linted.field_rules()).collect();
    for (stands, rule) in rules {
        let mut roles = BTreeSet::new();
        named(AuthName::Roles, &rule.program.root, &mut roles);
        for role in &roles {
            if !is_role(role) {
                let spot = spot(report, linted, (stands, rule), role);
                report
                    .warning(&spot, format!("nobody can have the role '{role}'"))
                    .because("the name of a role has lower-case letters, digits, `-`, `_` and single dots between them, 64 at most")
                    .help(format!("write '{}', or the role that is meant", role.to_lowercase().replace(' ', "-")));
            } else if !linted.roles.is_empty() && linted.roles.get(role).is_none() && !role.starts_with(OF_PLATFORM) {
                let spot = spot(report, linted, (stands, rule), role);
                let known = linted.roles.iter().map(|(name, _)| name);
                let help = suggest(role, known, "those that are declared are");
                report
                    .warning(&spot, format!("the role '{role}' is not declared"))
                    .because("the contract declares its roles with (mainstay.v1.roles), and has none of this name")
                    .help(help.unwrap_or_else(|| "declare it".to_owned()));
            }
        }
    }
}

/// Where a role stands in a rule, else the rule.
pub(super) fn spot(report: &Report<'_>, linted: &Linted<'_>, (stands, rule): (Stands<'_>, &Rule), name: &str) -> Spot {
    let spot = linted.spot(report, stands);
    match rule.source.find(name) {
        Some(start) => report.files.within(&spot, start..start + name.len()),
        None => spot,
    }
}
