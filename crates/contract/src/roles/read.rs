//! Reads `(mainstay.v1.roles)` of all files.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_expr::suggest;
use mainstay_record::role::is_role;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::{DeclaredRole, ORGANISATION_ROLES, RoleScope, Roles};
use crate::file::{Spot, tag};
use crate::options::{items, message_option, text};
use crate::report::Report;
use crate::text::Step;

/// How many roles a contract declares at most.
pub const MAX_ROLES: usize = 256;
/// How many permissions a role grants at most by itself, and how many roles it includes.
pub const MAX_GRANTS: usize = 256;

const ROLES: &str = "mainstay.v1.roles";

/// What the names of platform roles begin with.
const OF_PLATFORM: &str = "mainstay.";

/// A role as it is written.
struct Written {
    title: String,
    scope: RoleScope,
    permissions: BTreeSet<String>,
    includes: Vec<(String, Spot)>,
    spot: Spot,
}

/// Reads the roles. What is wrong is reported.
pub(crate) fn read(report: &mut Report<'_>, pool: &DescriptorPool) -> Roles {
    let mut all: BTreeMap<String, Written> = BTreeMap::new();
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        let Some(option) = message_option(pool, &file.options(), ROLES) else { continue };
        for (position, value) in items(&option, "role").iter().enumerate() {
            let Some(message) = value.as_message() else { continue };
            one(report, &Said { file: file.name(), position, message }, &mut all);
        }
    }
    for (name, written) in &all {
        included(report, name, written, &all);
    }
    let closed: BTreeMap<&String, BTreeSet<String>> = all.keys().map(|name| (name, closure(name, &all).1)).collect();
    for (name, written) in &all {
        if closure(name, &all).0 {
            report
                .error(&written.spot, format!("the role '{name}' includes itself"))
                .because("what it includes includes it again")
                .help("take one of the `includes` on the way out");
        }
    }
    let declared = closed.into_iter().map(|(name, permissions)| {
        let Written { title, scope, spot, .. } = &all[name];
        let place = report.files.place(spot);
        (name.clone(), DeclaredRole { title: title.clone(), scope: *scope, permissions, place })
    });
    Roles { declared: declared.collect() }
}

/// Whether a role comes back to itself, and what it grants with all that it includes.
fn closure(name: &str, all: &BTreeMap<String, Written>) -> (bool, BTreeSet<String>) {
    let (mut circle, mut permissions) = (false, BTreeSet::new());
    let (mut pending, mut seen) = (vec![name], BTreeSet::new());
    while let Some(next) = pending.pop() {
        let Some(written) = all.get(next) else { continue };
        permissions.extend(written.permissions.iter().cloned());
        for (other, _) in &written.includes {
            circle |= other == name;
            if seen.insert(other.as_str()) {
                pending.push(other);
            }
        }
    }
    (circle, permissions)
}

/// One statement `role {…}`.
struct Said<'a> {
    file: &'a str,
    position: usize,
    message: &'a DynamicMessage,
}

impl Said<'_> {
    fn spot(&self, report: &Report<'_>, step: Option<Step<'_>>) -> Spot {
        let steps: Vec<Step<'_>> = [Step::Item("role", self.position)].into_iter().chain(step).collect();
        report.option(self.file, &[], tag::FILE_OPTIONS, ROLES, &steps)
    }

    fn texts(&self, field: &str) -> Vec<String> {
        items(self.message, field).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}

fn one(report: &mut Report<'_>, said: &Said<'_>, all: &mut BTreeMap<String, Written>) {
    let name = text(said.message, "name");
    let spot = said.spot(report, Some(Step::Field("name")));
    if !is_role(&name) {
        report
            .error(&spot, format!("`{name}` is no name for a role"))
            .because("it has lower-case letters, digits, `-`, `_` and single dots between them, 64 bytes at most")
            .help("for example role {name: \"support\" permissions: \"orders.read\"}");
        return;
    }
    if name.starts_with(OF_PLATFORM) && !ORGANISATION_ROLES.contains(&name.as_str()) {
        report
            .error(&spot, format!("the role '{name}' is the platform's"))
            .because("roles `mainstay.*` say who administers the platform; of them an organisation gives mainstay.owner and mainstay.manager, which may be declared to grant permissions")
            .help("declare a role of your own, and give it to whoever administers");
        return;
    }
    if all.len() == MAX_ROLES {
        report
            .error(&spot, format!("more than {MAX_ROLES} roles"))
            .help("declare what people are, and grant what they may do by `permissions`");
        return;
    }
    let (scope, permissions) = (scope(report, said, &name), permissions(report, said));
    let includes = said.texts("includes").into_iter().enumerate();
    let includes: Vec<(String, Spot)> =
        includes.map(|(i, name)| (name, said.spot(report, Some(Step::Item("includes", i))))).collect();
    if includes.len() > MAX_GRANTS {
        report.error(&includes[MAX_GRANTS].1, format!("more than {MAX_GRANTS} included roles")).help("include fewer");
    }
    if let Some(other) = all.get(&name) {
        let place = report.files.place(&other.spot);
        report
            .error(&spot, format!("the role '{name}' is declared twice"))
            .because(format!("it stands at {place}, too"))
            .help("say all of it at one place, or give one of them another name");
        return;
    }
    all.insert(name, Written { title: text(said.message, "title"), scope, permissions, includes, spot });
}

fn scope(report: &mut Report<'_>, said: &Said<'_>, name: &str) -> RoleScope {
    let number = said.message.get_field_by_name("scope").and_then(|value| value.as_enum_number()).unwrap_or_default();
    let is_platforms = ORGANISATION_ROLES.contains(&name);
    match number {
        0 | 1 if number == 0 && is_platforms => RoleScope::Organisation,
        2 => RoleScope::Organisation,
        0 | 1 => {
            if is_platforms {
                let spot = said.spot(report, Some(Step::Field("scope")));
                report
                    .error(&spot, format!("'{name}' is a role in an organisation"))
                    .because("whoever founds an organisation is given it")
                    .help("write scope: ORGANISATION, or leave the scope out");
            }
            RoleScope::Account
        }
        other => {
            let spot = said.spot(report, Some(Step::Field("scope")));
            report.error(&spot, format!("{other} is no scope of a role")).help("write ACCOUNT or ORGANISATION");
            RoleScope::Account
        }
    }
}

fn permissions(report: &mut Report<'_>, said: &Said<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (i, name) in said.texts("permissions").into_iter().enumerate() {
        let spot = said.spot(report, Some(Step::Item("permissions", i)));
        if i == MAX_GRANTS {
            report
                .error(&spot, format!("more than {MAX_GRANTS} permissions of one role"))
                .help("grant them by several roles that it includes");
            break;
        }
        if is_role(&name) {
            found.insert(name);
            continue;
        }
        report
            .error(&spot, format!("`{name}` is no name for a permission"))
            .because("it has lower-case letters, digits, `-`, `_` and single dots between them, 64 bytes at most")
            .help("for example permissions: \"orders.read\"");
    }
    found
}

/// Checks that what a role includes is declared.
fn included(report: &mut Report<'_>, name: &str, written: &Written, all: &BTreeMap<String, Written>) {
    for (other, spot) in written.includes.iter().filter(|(other, _)| !all.contains_key(other)) {
        let known = all.keys().map(String::as_str).filter(|known| *known != name);
        let draft = report.error(spot, format!("no role is called '{other}'")).because(format!("'{name}' includes it"));
        if let Some(help) = suggest(other, known, "the roles that are declared are") {
            draft.help(help);
        }
    }
}
