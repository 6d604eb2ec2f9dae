//! Accounts that act together, and what each may do there.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use mainstay_identity::roles::{MANAGER, OWNER, RESERVED_PREFIX};
use mainstay_record::role::{MAX_ROLE_BYTES, is_role};
use uuid::Uuid;

use super::account::{AccountId, Revision};
use super::role::MAX_ROLES;

/// What the name of every organisation begins with.
pub const ORGANISATIONS: &str = "organisations/";

/// What stands between an organisation and a member in a name.
pub const MEMBERS: &str = "/members/";

/// What stands between an organisation and an invitation in a name.
pub const INVITATIONS: &str = "/invitations/";

/// How many organisations an account may own.
pub const MAX_OWNED: i64 = 100;

/// How many characters the name that people know has at most.
pub const MAX_DISPLAY_NAME: usize = 100;

/// The id of an organisation: a UUIDv7. It says when the organisation was made and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationId(Uuid);

impl OrganisationId {
    /// Makes an id that no organisation has had.
    pub fn generate() -> OrganisationId {
        OrganisationId(Uuid::now_v7())
    }
}

impl fmt::Display for OrganisationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

/// Says that a text is not a UUID in lower-case hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in lower-case hyphenated form")]
pub struct NotAnOrganisationId;

impl FromStr for OrganisationId {
    type Err = NotAnOrganisationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| NotAnOrganisationId)?;
        // One organisation, one name: other spellings of the same UUID are not accepted.
        if uuid.as_hyphenated().to_string() == text { Ok(OrganisationId(uuid)) } else { Err(NotAnOrganisationId) }
    }
}

/// An organisation. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    pub id: OrganisationId,
    pub display_name: String,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: Revision,
    /// Since when nobody acts in it.
    pub disable_time: Option<i64>,
}

/// An account's membership. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub organisation: OrganisationId,
    pub account: AccountId,
    /// Sorted, without repetition.
    pub roles: Vec<String>,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: Revision,
}

impl Member {
    /// `organisations/{uid}/members/{uid}`
    pub fn name(&self) -> String {
        member_name(self.organisation, self.account)
    }

    /// Whether the member owns the organisation.
    pub fn owns(&self) -> bool {
        owns(&self.roles)
    }

    /// Whether the member administers the organisation.
    pub fn manages(&self) -> bool {
        self.owns() || self.roles.iter().any(|role| role == MANAGER)
    }
}

/// What an access token says of the organisation that its session acts in: as it was when the token was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    pub organisation: OrganisationId,
    /// Sorted.
    pub roles: Vec<String>,
}

/// Writes the name of an organisation.
pub fn organisation_name(organisation: OrganisationId) -> String {
    format!("{ORGANISATIONS}{organisation}")
}

/// Writes the name of a membership.
pub fn member_name(organisation: OrganisationId, account: AccountId) -> String {
    format!("{ORGANISATIONS}{organisation}{MEMBERS}{account}")
}

/// Whether one of the roles is the owner's.
pub fn owns(roles: &[String]) -> bool {
    roles.iter().any(|role| role == OWNER)
}

/// Whether one of the roles is worth something to the platform itself: who has it administers the organisation.
pub fn administers(roles: &[String]) -> bool {
    roles.iter().any(|role| role == OWNER || role == MANAGER)
}

/// Who somebody is in an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They administer the installation.
    Platform,
    /// They are a member with these roles.
    Member(Vec<String>),
}

impl Standing {
    /// Whether they may do all that there is to do.
    pub fn owns(&self) -> bool {
        match self {
            Standing::Platform => true,
            Standing::Member(roles) => owns(roles),
        }
    }

    /// Whether they administer it.
    pub fn manages(&self) -> bool {
        match self {
            Standing::Platform => true,
            Standing::Member(roles) => administers(roles),
        }
    }

    /// Whether they may give these roles to somebody who has none.
    pub fn may_give(&self, roles: &[String]) -> bool {
        self.owns() || self.manages() && !administers(roles)
    }

    /// Whether they may replace a member's roles. Managers leave owners alone, and decide about no one who administers.
    pub fn may_replace(&self, held: &[String], wanted: &[String]) -> bool {
        let keeps = |role: &str| held.iter().any(|one| one == role) == wanted.iter().any(|one| one == role);
        self.owns() || self.manages() && !owns(held) && keeps(MANAGER) && !owns(wanted)
    }

    /// Whether they may end the membership of another.
    pub fn may_remove(&self, held: &[String]) -> bool {
        self.owns() || self.manages() && !administers(held)
    }
}

/// Says what is wrong with a role in an organisation or a list of them, as a clause after the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    #[error(
        "is not a role: use 1 to {MAX_ROLE_BYTES} lower-case letters, digits, `-`, `_` and single dots between them"
    )]
    Shape,
    #[error(
        "is reserved for the platform; of the roles that begin with `{RESERVED_PREFIX}` only `{OWNER}` and `{MANAGER}` can be given in an organisation"
    )]
    Reserved,
    #[error("has more than {MAX_ROLES} entries")]
    TooMany,
}

/// Checks all roles of a member and gives them sorted, each once. On failure gives every entry's problem by its index; without
/// an index, that of the list.
pub fn check_roles(given: &[String]) -> Result<Vec<String>, Vec<(Option<usize>, RoleError)>> {
    if given.len() > MAX_ROLES {
        return Err(vec![(None, RoleError::TooMany)]);
    }
    let problems: Vec<_> = given
        .iter()
        .enumerate()
        .filter_map(|(index, role)| check_role(role).err().map(|problem| (Some(index), problem)))
        .collect();
    if problems.is_empty() {
        Ok(given.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect())
    } else {
        Err(problems)
    }
}

fn check_role(role: &str) -> Result<(), RoleError> {
    if !is_role(role) {
        return Err(RoleError::Shape);
    }
    let is_reserved = role.starts_with(RESERVED_PREFIX) || role == RESERVED_PREFIX.trim_end_matches('.');
    if is_reserved && role != OWNER && role != MANAGER { Err(RoleError::Reserved) } else { Ok(()) }
}

/// Says what is wrong with the name that people know, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    #[error("is required")]
    Empty,
    #[error("must have at most {MAX_DISPLAY_NAME} characters")]
    TooLong,
    #[error("must be one line, without control characters, and without blanks at its ends")]
    Characters,
}

/// Checks the name that people know.
pub fn check_display_name(name: &str) -> Result<(), DisplayNameError> {
    if name.is_empty() {
        return Err(DisplayNameError::Empty);
    }
    // Bytes first: the rest looks at each character.
    if name.len() > 4 * MAX_DISPLAY_NAME || name.chars().count() > MAX_DISPLAY_NAME {
        return Err(DisplayNameError::TooLong);
    }
    let breaks = |sign: char| {
        sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if name.trim() != name || name.chars().any(breaks) { Err(DisplayNameError::Characters) } else { Ok(()) }
}
