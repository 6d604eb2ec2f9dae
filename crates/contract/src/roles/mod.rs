//! The roles that a contract declares, and what they are worth: `(mainstay.v1.roles)`.
//!
//! They are resolved where a rule is judged, by the contract that is served then: no token holds a permission, and a role that
//! loses one loses it for everybody at once.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use mainstay_expr::{AuthName, Program};

use crate::Place;
use crate::rule::named;

pub(crate) use read::read;
pub use read::{MAX_GRANTS, MAX_ROLES};

/// Roles that the platform gives within an organisation: those who founded it, and those who administer it beside them. They are
/// declared without being written.
pub const ORGANISATION_ROLES: [&str; 2] = ["mainstay.manager", "mainstay.owner"];

/// All roles that a contract declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    declared: BTreeMap<String, DeclaredRole>,
}

/// One role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRole {
    pub title: String,
    pub scope: RoleScope,
    /// What it grants, by itself and by the roles that it includes.
    pub permissions: BTreeSet<String>,
    pub place: Place,
}

/// Who has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoleScope {
    /// An account, wherever it acts.
    #[default]
    Account,
    /// A member of an organisation, while acting in it.
    Organisation,
}

/// What a caller may rest on, as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// `auth.roles`
    pub roles: Vec<String>,
    /// `auth.permissions`, in their order.
    pub permissions: Vec<String>,
}

impl Roles {
    /// Says whether the contract declares none.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    /// All of them, by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DeclaredRole)> {
        self.declared.iter().map(|(name, role)| (name.as_str(), role))
    }

    /// Finds a role.
    pub fn get(&self, name: &str) -> Option<&DeclaredRole> {
        self.declared.get(name)
    }

    /// Everything that some role grants.
    pub fn permissions(&self) -> BTreeSet<&str> {
        self.declared.values().flat_map(|role| &role.permissions).map(String::as_str).collect()
    }

    /// The names of the roles that grant this.
    pub fn granting<'r>(&'r self, permission: &'r str) -> impl Iterator<Item = &'r str> {
        self.iter().filter(move |(_, role)| role.permissions.contains(permission)).map(|(name, _)| name)
    }

    /// The permissions that a rule asks for by their names, each with the roles that grant it.
    pub fn asked(&self, program: &Program) -> Vec<(String, Vec<&str>)> {
        let mut names = BTreeSet::new();
        named(AuthName::Permissions, &program.root, &mut names);
        let granting = |name: &str| {
            self.iter().filter(|(_, role)| role.permissions.contains(name)).map(|(role, _)| role).collect()
        };
        names.into_iter().map(|name| (name.clone(), granting(&name))).collect()
    }

    /// Who has the role of this name. One that is not declared is an account's.
    pub fn scope(&self, name: &str) -> RoleScope {
        match self.get(name) {
            Some(role) => role.scope,
            None if ORGANISATION_ROLES.contains(&name) => RoleScope::Organisation,
            None => RoleScope::Account,
        }
    }

    /// What a caller may rest on who has these roles as an account, and these in the organisation acted in. What an
    /// organisation's owner gives away is worth something only where the contract says that the role is one of organisations:
    /// no account role, and no name that nobody declared, comes from there.
    pub fn granted(&self, account: &[String], organisation: &[String]) -> Granted {
        let of_account = account.iter().filter(|role| self.scope(role) == RoleScope::Account);
        let of_organisation = organisation.iter().filter(|role| self.scope(role) == RoleScope::Organisation);
        let mut granted = Granted::default();
        for role in of_account.chain(of_organisation) {
            if !granted.roles.contains(role) {
                granted.roles.push(role.clone());
            }
        }
        let held = granted.roles.iter().filter_map(|role| self.get(role));
        let permissions: BTreeSet<&String> = held.flat_map(|role| &role.permissions).collect();
        granted.permissions = permissions.into_iter().cloned().collect();
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(scope: RoleScope, permissions: &[&str]) -> DeclaredRole {
        let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        DeclaredRole { title: String::new(), scope, permissions, place: Place::default() }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn roles() -> Roles {
        let declared = [
            ("support", role(RoleScope::Account, &["orders.read", "orders.cancel"])),
            ("editor", role(RoleScope::Organisation, &["pages.write", "orders.read"])),
        ];
        Roles { declared: declared.into_iter().map(|(name, role)| (name.to_owned(), role)).collect() }
    }

    #[test]
    fn an_organisation_gives_nothing_but_what_is_declared_as_its_own() {
        for (account, organisation, held, permissions) in [
            (vec![], vec![], vec![], vec![]),
            (vec!["support"], vec![], vec!["support"], vec!["orders.cancel", "orders.read"]),
            (vec![], vec!["support"], vec![], vec![]),
            (vec![], vec!["editor"], vec!["editor"], vec!["orders.read", "pages.write"]),
            (vec!["editor"], vec![], vec![], vec![]),
            (vec!["editor"], vec!["editor"], vec!["editor"], vec!["orders.read", "pages.write"]),
            (vec!["stranger"], vec!["stranger", "mainstay.admin"], vec!["stranger"], vec![]),
            (vec!["mainstay.owner"], vec![], vec![], vec![]),
            (vec!["mainstay.admin"], vec!["mainstay.owner"], vec!["mainstay.admin", "mainstay.owner"], vec![]),
            (
                vec!["support"],
                vec!["editor"],
                vec!["support", "editor"],
                vec!["orders.cancel", "orders.read", "pages.write"],
            ),
        ] {
            let granted = roles().granted(&names(&account), &names(&organisation));
            assert_eq!(granted.roles, names(&held), "{account:?} {organisation:?}");
            assert_eq!(granted.permissions, names(&permissions), "{account:?} {organisation:?}");
        }
    }

    #[test]
    fn two_roles_are_worth_what_each_is() {
        let (roles, all) = (roles(), ["support", "editor", "stranger", "mainstay.owner"]);
        for one in all {
            for other in all {
                for in_organisation in [false, true] {
                    let alone = roles.granted(&names(&[one]), &[]);
                    let (more, there) =
                        if in_organisation { (vec![one], vec![other]) } else { (vec![one, other], vec![]) };
                    let both = roles.granted(&names(&more), &names(&there));
                    assert!(alone.roles.iter().all(|role| both.roles.contains(role)), "{one} {other}");
                    assert!(alone.permissions.iter().all(|name| both.permissions.contains(name)), "{one} {other}");
                }
            }
        }
    }
}
