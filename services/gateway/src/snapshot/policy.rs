//! Who may call a method at all, from its `(mainstay.v1.auth)` option.

use mainstay_layers::Access;

use super::annotations::AuthRule;

/// The policy of a platform method: what its option says, and nobody where it says nothing.
pub fn platform(rule: Option<AuthRule>) -> Option<Access> {
    rule.and_then(written)
}

/// The policy of an application's method: everyone comes as far as the data service, which applies the resource's rules
/// to whoever it is. An option asks for more.
pub fn application(rule: Option<AuthRule>) -> Option<Access> {
    rule.map_or(Some(Access::Anyone), written)
}

/// Exactly one of the option's three fields is set; what says less or more is a mistake, and lets nobody in.
fn written(rule: AuthRule) -> Option<Access> {
    match (rule.public, rule.authenticated, rule.roles.is_empty()) {
        (true, false, true) => Some(Access::Anyone),
        (false, true, true) => Some(Access::SignedIn),
        (false, false, false) => Some(Access::roles(rule.roles)),
        _ => None,
    }
}
