//! Acting as somebody else.
//!
//! Whoever does so gets nothing that they could not have: each role that the account holds is one that they hold themselves, or one
//! that the installation lets be acted as; the roles of the platform are none of those.

use mainstay_identity::roles::RESERVED_PREFIX;
use uuid::Uuid;

use super::account::AccountId;

/// Most characters of what somebody gives as the reason.
pub const MAX_REASON: usize = 500;

/// Who acts in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActedBy {
    pub account: AccountId,
    /// The session in which they are signed in as themselves: what ends it ends the other.
    pub session: Uuid,
    /// Whether they may change something.
    pub writes: bool,
}

/// Says that a reason is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_REASON} characters, none of them a control character")]
pub struct ReasonError;

/// Reads why somebody acts as somebody else.
pub fn reason(text: &str) -> Result<String, ReasonError> {
    let reason = text.trim();
    let is_reason = !reason.is_empty() && reason.chars().count() <= MAX_REASON && !reason.chars().any(char::is_control);
    if is_reason { Ok(reason.to_owned()) } else { Err(ReasonError) }
}

/// Says whether somebody who holds `own` roles may act as an account that holds `theirs`, where `others` may be acted as by everybody.
pub fn may_act_as(own: &[String], theirs: &[String], others: &[String]) -> bool {
    let is_within = |role: &String| !role.starts_with(RESERVED_PREFIX) && (own.contains(role) || others.contains(role));
    theirs.iter().all(is_within)
}
