use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::claims::Claims;
use super::user_name::UserName;

/// What the name of every account begins with.
pub const ACCOUNTS: &str = "accounts/";

/// The id of an account: a UUIDv7. It says when the account was made and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(Uuid);

impl AccountId {
    /// Makes an id that no account has had.
    pub fn generate() -> AccountId {
        AccountId(Uuid::now_v7())
    }

    /// Gives it as authenticators keep it beside a passkey.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

/// Says that a text is not a UUID in lower-case hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in lower-case hyphenated form")]
pub struct NotAnAccountId;

impl FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| NotAnAccountId)?;
        // One account, one name: other spellings of the same UUID are not accepted.
        if uuid.as_hyphenated().to_string() == text { Ok(AccountId(uuid)) } else { Err(NotAnAccountId) }
    }
}

/// Somebody who can sign in. The password is not part of it: it stays in the store and in the hasher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// Empty where it is anonymous.
    pub email: String,
    pub email_verified: bool,
    /// Whether nobody is known behind it yet.
    pub is_anonymous: bool,
    /// The address that it shall have, until its owner has proved it.
    pub pending_email: Option<String>,
    /// The language that the owner wants to be written in, or nothing.
    pub locale: String,
    /// What it can be signed in to with in the place of the address.
    pub user_name: Option<UserName>,
    /// What its owner wants to be called, or nothing.
    pub display_name: String,
    /// Where a picture of its owner is, or nothing.
    pub picture_uri: String,
    /// What administrators have its tokens say.
    pub claims: Claims,
    /// Sorted, without repetition.
    pub roles: Vec<String>,
    /// Microseconds since the Unix epoch.
    pub create_time: i64,
    /// Microseconds since the Unix epoch.
    pub update_time: i64,
    pub revision: Revision,
    /// Since when nobody signs in, microseconds since the Unix epoch.
    pub disable_time: Option<i64>,
    /// Grows whenever what older tokens say is not so any more.
    pub token_epoch: i64,
}

/// Counts the changes of a row. Starts at the time of creation in microseconds, so that it never repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(pub i64);

impl Revision {
    /// Gives the revision after this one, for a change at `now` (microseconds).
    pub fn next(self, now: i64) -> Revision {
        Revision(now.max(self.0.saturating_add(1)))
    }

    /// Writes the revision as an etag (AIP-154): 16 hexadecimal digits.
    pub fn etag(self) -> String {
        format!("{:016x}", self.0)
    }
}
