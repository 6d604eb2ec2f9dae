//! Names that people are known by, and sign in with in the place of their address.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

use super::email::{is_invisible, is_mark};

/// Fewest and most characters of a name.
pub const USER_NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=32;

/// Longest text that is looked at, in bytes.
pub const MAX_USER_NAME_BYTES: usize = 256;

/// Names by which somebody could pass for whoever runs the place. What merely looks like one of them is not given either.
const RESERVED: [&str; 32] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "auth",
    "billing",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "mailer-daemon",
    "mainstay",
    "moderator",
    "news",
    "no-reply",
    "nobody",
    "noreply",
    "null",
    "operator",
    "owner",
    "postmaster",
    "root",
    "security",
    "service",
    "staff",
    "support",
    "sysadmin",
    "system",
    "undefined",
    "webmaster",
    "www",
];

/// A name in its one form: in full case folding and NFKC (Unicode section 3.13, the characters that nobody sees refused). All
/// spellings of a name are this one, and this one is what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

/// Says what is wrong with a name, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    #[error("has fewer than {} or more than {} characters", USER_NAME_CHARACTERS.start(), USER_NAME_CHARACTERS.end())]
    Length,
    #[error("has a character that cannot be seen, U+{:04X}; write the name without it", u32::from(*.0))]
    Invisible(char),
    #[error(
        "has a character that names are not made of, `{0}`; letters, digits, and `-`, `_` and `.` between them are"
    )]
    Character(char),
    #[error("has letters of several scripts, of which some look like others")]
    MixedScripts,
    #[error("begins or ends with a sign, or has two signs beside one another")]
    Signs,
    #[error("is kept for whoever runs this installation")]
    Reserved,
}

impl UserName {
    /// Takes a name that somebody chooses.
    pub fn parse(text: &str) -> Result<UserName, UserNameError> {
        let name = UserName::claimed(text)?;
        let look = name.look();
        if RESERVED.iter().any(|reserved| look == look_of(reserved)) { Err(UserNameError::Reserved) } else { Ok(name) }
    }

    /// Takes a name that somebody claims to have. Whether it would be given today does not matter.
    pub fn claimed(text: &str) -> Result<UserName, UserNameError> {
        let text = text.trim();
        if text.len() > MAX_USER_NAME_BYTES {
            return Err(UserNameError::Length);
        }
        if let Some(invisible) = text.chars().find(|c| is_invisible(*c)) {
            return Err(UserNameError::Invisible(invisible));
        }
        let name = folded(text);
        if !USER_NAME_CHARACTERS.contains(&name.chars().count()) {
            return Err(UserNameError::Length);
        }
        if let Some(other) = name.chars().find(|c| !(is_sign(*c) || is_of_a_name(*c))) {
            return Err(UserNameError::Character(other));
        }
        let parts_are_whole = name.split(is_sign).all(|part| part.chars().next().is_some_and(|first| !is_mark(first)));
        if !parts_are_whole {
            return Err(UserNameError::Signs);
        }
        // What looks alike is of several scripts, or collides by its look (UTS #39 sections 4 and 5.1).
        if !name.as_str().is_single_script() {
            return Err(UserNameError::MixedScripts);
        }
        Ok(UserName(name))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives what all names share that look like this one (the skeleton of UTS #39 section 4, in lower case). No two accounts
    /// have names of one look.
    pub fn look(&self) -> String {
        look_of(&self.0)
    }

    /// Names the account for what is counted, whether there is one or not. No address is like that.
    pub fn identity(&self) -> String {
        format!("name {}", self.0)
    }
}

/// NFKC_Casefold without what that leaves out: folding may compose anew, and so is done until nothing changes.
fn folded(text: &str) -> String {
    let mut name: String = text.nfkc().collect();
    for _ in 0..4 {
        let next: String = CaseMapper::new().fold_string(&name).nfkc().collect();
        if next == name {
            break;
        }
        name = next;
    }
    name
}

fn look_of(name: &str) -> String {
    let skeleton: String = skeleton(name).collect();
    skeleton.to_lowercase()
}

fn is_sign(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

/// Letters, marks and digits of scripts that are in use (UTS #39 section 3.1).
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && (c.is_alphanumeric() || is_mark(c)) && c.identifier_allowed())
}
