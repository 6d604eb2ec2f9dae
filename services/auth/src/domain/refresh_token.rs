//! Refresh tokens: what a client holds, and what is stored of it.
//!
//! ```text
//! token = "mrt_" base64url( session id (16 bytes) | family secret (16) | own secret (32) )
//! ```
//!
//! The own secret is drawn anew at every rotation. Only SHA-256 hashes are stored: a copy of the database holds no token.
//! The family secret stays the same within a session. It tells an old token of this session (whose own secret is not
//! known any more) from an invention of somebody who merely knows the session's id, which stands in every access token. So
//! a session needs one row, whatever its age, and cannot be ended by a guess.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::{KEY_BYTES, SealingKey, random};
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What every refresh token begins with, so that secret scanners and people recognise it.
pub const PREFIX: &str = "mrt_";

const ID: usize = 16;
const FAMILY: usize = 16;
const SECRET: usize = 32;

/// Longest text that is looked at.
pub const MAX_REFRESH_TOKEN_BYTES: usize = 128;

/// A refresh token. Wiped from memory when dropped; its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct RefreshToken(Zeroizing<[u8; ID + FAMILY + SECRET]>);

/// The SHA-256 of a token or of its family secret.
#[derive(Clone, Copy, Debug)]
pub struct Hash(pub [u8; 32]);

impl PartialEq for Hash {
    fn eq(&self, other: &Hash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash {
    /// Takes a hash from the store. Fails when it is not 32 bytes long.
    pub fn from_stored(bytes: &[u8]) -> Option<Hash> {
        <[u8; 32]>::try_from(bytes).ok().map(Hash)
    }

    fn of(parts: &[&[u8]]) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &Zeroizing::new(parts.concat())).as_ref());
        Hash(hash)
    }
}

impl RefreshToken {
    /// Makes the first token of a session.
    pub fn first_of(session: Uuid) -> Result<RefreshToken, mainstay_keys::Error> {
        let mut bytes = Zeroizing::new([0; ID + FAMILY + SECRET]);
        bytes[..ID].copy_from_slice(session.as_bytes());
        bytes[ID..].copy_from_slice(Zeroizing::new(random::<{ FAMILY + SECRET }>()?).as_slice());
        Ok(RefreshToken(bytes))
    }

    /// Makes the token that follows this one.
    pub fn successor(&self) -> Result<RefreshToken, mainstay_keys::Error> {
        let mut next = self.clone();
        next.0[ID + FAMILY..].copy_from_slice(Zeroizing::new(random::<SECRET>()?).as_slice());
        Ok(next)
    }

    /// Reads a token. `None` when the text is not one.
    pub fn parse(text: &str) -> Option<RefreshToken> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_REFRESH_TOKEN_BYTES)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(RefreshToken(Zeroizing::new(<[u8; ID + FAMILY + SECRET]>::try_from(bytes.as_slice()).ok()?)))
    }

    /// Writes the token for the client.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// Gives the session that the token says it belongs to.
    pub fn session(&self) -> Uuid {
        let mut id = [0; ID];
        id.copy_from_slice(&self.0[..ID]);
        Uuid::from_bytes(id)
    }

    /// Gives what is stored of the token.
    pub fn hash(&self) -> Hash {
        Hash::of(&[b"refresh token", self.0.as_slice()])
    }

    /// Gives what is stored of the family secret.
    pub fn family_hash(&self) -> Hash {
        Hash::of(&[b"refresh family", &self.0[..ID + FAMILY]])
    }

    /// Seals `successor` so that only who presents this token can open it. A client that repeats its request within the
    /// grace gets the same successor, and the store still holds nothing that a reader of the store could use.
    pub fn seal_successor(&self, successor: &RefreshToken) -> Result<Vec<u8>, mainstay_keys::Error> {
        self.sealing_key()?.seal(SEALED_SUCCESSOR, successor.0.as_slice())
    }

    /// Opens what [`RefreshToken::seal_successor`] made with the same token.
    pub fn open_successor(&self, sealed: &[u8]) -> Result<RefreshToken, mainstay_keys::Error> {
        let opened = Zeroizing::new(self.sealing_key()?.open(SEALED_SUCCESSOR, sealed)?);
        let bytes = opened.as_slice().try_into().map_err(|_| mainstay_keys::Error::NotSealedHere)?;
        Ok(RefreshToken(Zeroizing::new(bytes)))
    }

    /// The token's 256 bits of randomness, hashed with a label of their own: knowing the stored hash does not help.
    fn sealing_key(&self) -> Result<SealingKey, mainstay_keys::Error> {
        let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(Hash::of(&[b"seal successor", self.0.as_slice()]).0);
        SealingKey::from_bytes(key.as_slice())
    }
}

const SEALED_SUCCESSOR: &[u8] = b"mainstay auth refresh successor";

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RefreshToken(***)")
    }
}
