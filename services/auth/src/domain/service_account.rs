//! Programs that call by themselves, and the keys that they show.
//!
//! ```text
//! key = "mak_" base64url( id of the row (16 bytes) | secret (32) )
//! ```
//!
//! Of a key the SHA-256 is stored: 256 bits are not guessed. It is exchanged for a short access token, and that is what everybody
//! verifies: the token's session is the key, so that a key ends as a session does.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;
use mainstay_identity::{API_KEY_PREFIX, SERVICE_UID_PREFIX};
use mainstay_keys::random;
use ring::digest::{Context, SHA256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::Revision;
use super::organisation::OrganisationId;

/// What the name of every service account begins with.
pub const SERVICE_ACCOUNTS: &str = "serviceAccounts/";

/// What stands between a service account and a key in a name.
pub const KEYS: &str = "/keys/";

/// How many service accounts an organisation has at most.
pub const MAX_OF_ORGANISATION: i64 = 100;

/// How many keys a service account has at most.
pub const MAX_KEYS: usize = 10;

/// How many networks a key may be used from.
pub const MAX_NETWORKS: usize = 16;

/// For how long the key that another takes the place of stays good, where nobody says, and at most.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often it is noted that a key was used.
pub const NOTED_EVERY: Duration = Duration::from_secs(5 * 60);

/// The id of a service account: a UUIDv7. It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccountId(Uuid);

impl ServiceAccountId {
    /// Makes an id that no service account has had.
    pub fn generate() -> ServiceAccountId {
        ServiceAccountId(Uuid::now_v7())
    }

    /// What tokens and rules know it by (`sub`, `auth.uid`): no account can have such an id.
    pub fn subject(self) -> String {
        format!("{SERVICE_UID_PREFIX}{self}")
    }
}

impl fmt::Display for ServiceAccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

/// Says that a text is not a UUID in lower-case hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in lower-case hyphenated form")]
pub struct NotAServiceAccountId;

impl FromStr for ServiceAccountId {
    type Err = NotAServiceAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| NotAServiceAccountId)?;
        if uuid.as_hyphenated().to_string() == text { Ok(ServiceAccountId(uuid)) } else { Err(NotAServiceAccountId) }
    }
}

/// A program that calls by itself. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    pub id: ServiceAccountId,
    /// Nothing where it belongs to the installation.
    pub organisation: Option<OrganisationId>,
    pub display_name: String,
    /// Sorted, without repetition: in the organisation, or its own where it has none.
    pub roles: Vec<String>,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: Revision,
    /// Grows whenever what older tokens say is not so any more.
    pub token_epoch: i64,
}

/// The secret of a key. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct KeySecret(Zeroizing<[u8; ID + SECRET]>);

const ID: usize = 16;
const SECRET: usize = 32;

/// Longest text that is looked at.
const MAX_BYTES: usize = 128;

/// How much of a key is shown to recognise it by. It tells when the key was made, and nothing of the secret.
const SHOWN: usize = API_KEY_PREFIX.len() + 12;

impl KeySecret {
    /// Makes the secret of the row with this id.
    pub fn of(id: Uuid) -> Result<KeySecret, mainstay_keys::Error> {
        let mut bytes = Zeroizing::new([0; ID + SECRET]);
        bytes[..ID].copy_from_slice(id.as_bytes());
        bytes[ID..].copy_from_slice(Zeroizing::new(random::<SECRET>()?).as_slice());
        Ok(KeySecret(bytes))
    }

    /// Reads a key. `None` when the text is none.
    pub fn parse(text: &str) -> Option<KeySecret> {
        let encoded = text.strip_prefix(API_KEY_PREFIX).filter(|_| text.len() <= MAX_BYTES)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(KeySecret(Zeroizing::new(<[u8; ID + SECRET]>::try_from(bytes.as_slice()).ok()?)))
    }

    /// Writes it for whoever is to have it.
    pub fn to_text(&self) -> String {
        format!("{API_KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// How it begins.
    pub fn prefix(&self) -> String {
        self.to_text().chars().take(SHOWN).collect()
    }

    /// Gives the id of the row that it says it belongs to.
    pub fn id(&self) -> Uuid {
        let mut id = [0; ID];
        id.copy_from_slice(&self.0[..ID]);
        Uuid::from_bytes(id)
    }

    /// Gives what is stored of it.
    pub fn hash(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"mainstay service account key");
        context.update(self.0.as_slice());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    /// Whether it is the one of which this is stored; in a time that does not tell how much is the same.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.hash().ct_eq(stored).into()
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeySecret(***)")
    }
}

/// Reads a network, or one address. Bits behind the prefix are none of it.
pub fn network(text: &str) -> Option<IpNet> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.ok().map(|network| network.trunc())
}

/// Whether a key that is for these networks may be used from an address; from inside the installation every key may.
pub fn admits(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    let Some(address) = address.map(|address| address.to_canonical()) else { return true };
    networks.is_empty() || networks.iter().any(|network| network.contains(&address))
}
