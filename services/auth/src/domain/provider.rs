//! What a provider of identities says of its user, and what that is worth here.
//!
//! ```text
//! the user is known ───────────────────────────────────────────────────────────────▶ their account
//! is not known, and the provider
//!   gives no address, or does not vouch for it ──────────────────────────────────────▶ a new account without an address
//!   vouches for an address that no account has ──────────────────────────────────────▶ a new account with it
//!   vouches for an address of an account, and
//!     is trusted for its domain, and the account's owner has shown that it is theirs ▶ linked with that account
//!     is trusted for its domain, and nobody has shown that ──────────────────────────▶ the account is taken from whoever made it
//!     is not trusted for its domain ─────────────────────────────────────────────────▶ its owner has to sign in and agree
//! ```

use serde_json::{Map, Value};

use super::email::Email;

/// Longest name of a user that a provider may give (OpenID Connect Core section 2), in bytes.
pub const MAX_SUBJECT_BYTES: usize = 255;

/// Most identities that an account has.
pub const MOST_IDENTITIES: usize = 10;

/// What a provider says of its user. Nothing in it is believed because it looks well.
#[derive(Clone, Debug, PartialEq)]
pub struct Asserted {
    /// What the settings call the provider.
    pub provider: String,
    /// What it calls itself.
    pub issuer: String,
    /// What it knows the user by, and nobody else there ever.
    pub subject: String,
    pub address: Option<Address>,
    /// Something to show, or nothing.
    pub display_name: String,
    pub picture_uri: String,
    pub locale: String,
    /// What tokens shall say of the account, by the names that the settings give it; `null` for what the provider does not say.
    pub claims: Map<String, Value>,
    /// When the user has shown there who they are, in seconds since the Unix epoch; nothing where that is not said.
    pub auth_time: Option<i64>,
}

/// An address that a provider gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    pub email: Email,
    /// Whether the provider says, with a boolean, that it is its user's.
    pub verified: bool,
    /// Whether what it says of this domain is believed.
    pub trusted: bool,
}

/// What there is of an address here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// No account has it.
    None,
    /// An account has it, and nobody has shown that it is theirs.
    Unverified,
    /// An account has it, and its owner has shown so.
    Verified,
}

/// What becomes of a user of a provider who is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new account without an address: whatever address was given is as good as none.
    MakeWithoutAddress,
    /// A new account with the address; whether it is verified.
    Make { verified: bool },
    /// The account with the address is theirs.
    Link,
    /// The address is theirs, and the account was somebody else's: everything by which that one comes in goes first.
    Reclaim,
    /// Whoever has the account has to say so, signed in.
    Ask,
}

/// Decides what becomes of a user who is not known yet.
pub fn decide(address: Option<&Address>, local: Local) -> Decision {
    let Some(address) = address.filter(|address| address.verified) else { return Decision::MakeWithoutAddress };
    match (local, address.trusted) {
        (Local::None, trusted) => Decision::Make { verified: trusted },
        (Local::Verified, true) => Decision::Link,
        (Local::Unverified, true) => Decision::Reclaim,
        (Local::Verified | Local::Unverified, false) => Decision::Ask,
    }
}

/// The domains for whose addresses a provider is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedDomains {
    all: bool,
    domains: Vec<String>,
}

/// Says that a text is no domain, as a clause after the setting's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has {0:?}, which is no domain; write example.org, or * for all")]
pub struct NotADomain(String);

impl TrustedDomains {
    /// Reads domains in any script; `*` is all of them.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<TrustedDomains, NotADomain> {
        let mut trusted = TrustedDomains::default();
        for text in texts {
            match text {
                "*" => trusted.all = true,
                text => {
                    let email = Email::parse(&format!("a@{text}")).map_err(|_| NotADomain(text.to_owned()))?;
                    trusted.domains.push(domain(&email).to_owned());
                }
            }
        }
        Ok(trusted)
    }

    /// Whether the provider is believed for the domain of an address, and for no domain above or below it.
    pub fn include(&self, email: &Email) -> bool {
        self.all || self.domains.iter().any(|trusted| trusted == domain(email))
    }
}

/// The domain of an address, in the ASCII form of UTS #46.
pub fn domain(email: &Email) -> &str {
    email.key().rsplit_once('@').map_or("", |(_, domain)| domain)
}
