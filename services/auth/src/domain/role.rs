use std::collections::BTreeSet;

use mainstay_identity::roles;
use mainstay_record::role::{MAX_ROLE_BYTES, is_role};

/// Most roles that one account may have; they all travel in every access token.
pub const MAX_ROLES: usize = 32;

/// Says what is wrong with a role or a list of them, as a clause after the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    #[error(
        "is not a role: use 1 to {MAX_ROLE_BYTES} lower-case letters, digits, `-`, `_` and single dots between them"
    )]
    Shape,
    #[error("is reserved for the platform; of the roles that begin with `{prefix}` only `{}` and `{}` can be given", roles::ADMIN, roles::IMPERSONATOR, prefix = roles::RESERVED_PREFIX)]
    Reserved,
    #[error("has more than {MAX_ROLES} entries")]
    TooMany,
}

/// Checks one role that an administrator gives to an account.
pub fn check(role: &str) -> Result<(), RoleError> {
    if !is_role(role) {
        return Err(RoleError::Shape);
    }
    // `mainstay` itself too, so that no list of prefixes has to be precise about the dot.
    let is_reserved = role.starts_with(roles::RESERVED_PREFIX) || role == roles::RESERVED_PREFIX.trim_end_matches('.');
    if is_reserved && ![roles::ADMIN, roles::IMPERSONATOR].contains(&role) {
        return Err(RoleError::Reserved);
    }
    Ok(())
}

/// Checks all roles of an account and gives them sorted, each once. On failure gives every entry's problem by its index;
/// without an index, that of the list.
pub fn check_all(given: &[String]) -> Result<Vec<String>, Vec<(Option<usize>, RoleError)>> {
    if given.len() > MAX_ROLES {
        return Err(vec![(None, RoleError::TooMany)]);
    }
    let problems: Vec<_> = given
        .iter()
        .enumerate()
        .filter_map(|(index, role)| check(role).err().map(|problem| (Some(index), problem)))
        .collect();
    if problems.is_empty() {
        Ok(given.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect())
    } else {
        Err(problems)
    }
}

/// Adds one role to those that are held: sorted, each once.
pub fn with(held: &[String], added: &str) -> Vec<String> {
    let mut roles: BTreeSet<String> = held.iter().cloned().collect();
    roles.insert(added.to_owned());
    roles.into_iter().collect()
}

/// Takes one role from those that are held.
pub fn without(held: &[String], removed: &str) -> Vec<String> {
    held.iter().filter(|role| *role != removed).cloned().collect()
}
