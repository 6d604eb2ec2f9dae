//! Hashes of passwords that other systems have made, until their owners sign in for the first time.

use std::num::NonZeroU32;

use aes::Aes256;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ring::pbkdf2;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Base64 as PHC strings have it, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bounds of what checking one password may cost: a second or so, and the memory of a few of ours.
const MAX_BCRYPT_COST: u32 = 14;
const MAX_PBKDF2_ITERATIONS: u32 = 4_000_000;
const MAX_SCRYPT_BYTES: u64 = 128 << 20;
const MAX_SCRYPT_WORK: u64 = 1 << 21;

/// Longest salt, key and hash, in bytes.
const MAX_PART_BYTES: usize = 256;

/// Longest text that is read.
pub const MAX_HASH_TEXT: usize = 1024;

/// A hash with everything that is needed to make it again, but for the password.
#[derive(Clone, PartialEq, Eq)]
pub enum Foreign {
    /// As it was written: `$2b$12$…`.
    Bcrypt { text: String, cost: u32 },
    /// RFC 7914.
    Scrypt { cost: Scrypt, salt: Vec<u8>, hash: Vec<u8> },
    /// The variant of Firebase: the key that all its hashes share, encrypted with what scrypt makes of the password.
    Firebase { cost: Scrypt, signer_key: Vec<u8>, separator: Vec<u8>, salt: Vec<u8>, hash: Vec<u8> },
    /// RFC 8018 with an HMAC.
    Pbkdf2 { digest: Digest, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

/// What scrypt costs: `1 << log_n` blocks of `128 * r` bytes, `p` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrypt {
    pub log_n: u8,
    pub r: u32,
    pub p: u32,
}

/// The hash function of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// Says why a hash is not taken, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    #[error(
        "is no hash that is known here: argon2, bcrypt ($2a$, $2b$, $2y$), scrypt ($scrypt$) and PBKDF2 ($pbkdf2-sha256$, \
         pbkdf2_sha256$) are"
    )]
    Unknown,
    #[error("is damaged: a part of it cannot be read")]
    Damaged,
    #[error("costs more to check than this installation spends on a password")]
    TooCostly,
}

impl Foreign {
    /// Reads a hash as libraries write it; nothing where it is one of argon2.
    pub fn parse(text: &str) -> Result<Option<Foreign>, ForeignError> {
        if text.len() > MAX_HASH_TEXT {
            return Err(ForeignError::Damaged);
        }
        let parts: Vec<&str> = text.split('$').collect();
        let foreign = match parts.as_slice() {
            ["", "argon2id" | "argon2i" | "argon2d", ..] => return Ok(None),
            ["", "2a" | "2b" | "2y", cost, rest] => bcrypt(text, cost, rest)?,
            ["", "scrypt", params, salt, hash] => {
                Foreign::Scrypt { cost: scrypt_cost(params)?, salt: part(salt)?, hash: part(hash)? }
            }
            ["", "firebase-scrypt", params, separator, key, salt, hash] => Foreign::Firebase {
                cost: scrypt_cost(params)?,
                separator: part(separator)?,
                signer_key: part(key)?,
                salt: part(salt)?,
                hash: part(hash)?,
            },
            // passlib, and the PHC string format.
            ["", name, iterations, salt, hash] if name.starts_with("pbkdf2") => {
                let iterations = iterations.split(',').next().unwrap_or_default();
                pbkdf2_of(
                    name,
                    iterations.trim_start_matches("i="),
                    part(&salt.replace('.', "+"))?,
                    &hash.replace('.', "+"),
                )?
            }
            // Django: its salt is a text.
            [name, iterations, salt, hash] if name.starts_with("pbkdf2_") => {
                pbkdf2_of(&name.replace('_', "-"), iterations, salt.as_bytes().to_vec(), hash)?
            }
            _ => return Err(ForeignError::Unknown),
        };
        foreign.check_cost()?;
        Ok(Some(foreign))
    }

    /// Writes the hash as it is stored, and as [`Foreign::parse`] reads it.
    pub fn to_text(&self) -> String {
        let encode = |bytes: &[u8]| BASE64.encode(bytes);
        match self {
            Foreign::Bcrypt { text, .. } => text.clone(),
            Foreign::Scrypt { cost: Scrypt { log_n, r, p }, salt, hash } => {
                format!("$scrypt$ln={log_n},r={r},p={p}${}${}", encode(salt), encode(hash))
            }
            Foreign::Firebase { cost: Scrypt { log_n, r, p }, signer_key, separator, salt, hash } => format!(
                "$firebase-scrypt$ln={log_n},r={r},p={p}${}${}${}${}",
                encode(separator),
                encode(signer_key),
                encode(salt),
                encode(hash)
            ),
            Foreign::Pbkdf2 { digest, iterations, salt, hash } => {
                format!("${}$i={iterations}${}${}", digest.name(), encode(salt), encode(hash))
            }
        }
    }

    /// Refuses what would cost too much, or what no library can make again.
    pub fn check_cost(&self) -> Result<(), ForeignError> {
        let is_fine = match self {
            Foreign::Bcrypt { cost, .. } => *cost <= MAX_BCRYPT_COST,
            Foreign::Pbkdf2 { iterations, .. } => iterations.get() <= MAX_PBKDF2_ITERATIONS,
            Foreign::Scrypt { cost, .. } | Foreign::Firebase { cost, .. } => cost.is_fine(),
        };
        let sizes = match self {
            Foreign::Bcrypt { .. } => vec![],
            Foreign::Scrypt { salt, hash, .. } | Foreign::Pbkdf2 { salt, hash, .. } => vec![salt, hash],
            Foreign::Firebase { signer_key, salt, hash, .. } => vec![signer_key, salt, hash],
        };
        // A hash of a few bytes has many passwords.
        let is_long = match self {
            Foreign::Bcrypt { .. } => true,
            Foreign::Scrypt { hash, .. } | Foreign::Pbkdf2 { hash, .. } => hash.len() >= 16,
            Foreign::Firebase { hash, signer_key, .. } => hash.len() >= 16 && hash.len() == signer_key.len(),
        };
        if sizes.iter().any(|part| part.len() > MAX_PART_BYTES) || !is_long {
            return Err(ForeignError::Damaged);
        }
        if is_fine { Ok(()) } else { Err(ForeignError::TooCostly) }
    }

    /// Says what checking a password costs, in steps of its own.
    pub fn effort(&self) -> u64 {
        match self {
            Foreign::Bcrypt { cost, .. } => 1 << cost,
            Foreign::Pbkdf2 { iterations, .. } => iterations.get().into(),
            Foreign::Scrypt { cost, .. } | Foreign::Firebase { cost, .. } => cost.work(),
        }
    }

    /// Says whether it is the hash of a password, in a time that does not tell how much of it is the same. What cannot be made
    /// again is of none.
    pub fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Foreign::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Foreign::Scrypt { cost, salt, hash } => {
                let made = cost.make(password, salt, hash.len());
                made.is_some_and(|made| made.ct_eq(hash).into())
            }
            Foreign::Firebase { cost, signer_key, separator, salt, hash } => {
                let salt = [salt.as_slice(), separator].concat();
                let made = cost.make(password, &salt, 64).map(|key| encrypted(&key, signer_key));
                made.is_some_and(|made| made.ct_eq(hash).into())
            }
            Foreign::Pbkdf2 { digest, iterations, salt, hash } => {
                pbkdf2::verify(digest.algorithm(), *iterations, salt, password, hash).is_ok()
            }
        }
    }
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Foreign(***)")
    }
}

impl Scrypt {
    fn bytes(self) -> Option<u64> {
        1_u64.checked_shl(self.log_n.into())?.checked_mul(u64::from(self.r))?.checked_mul(128)
    }

    fn work(self) -> u64 {
        self.bytes().unwrap_or(u64::MAX).saturating_mul(self.p.into()) / 128
    }

    fn is_fine(self) -> bool {
        let is_small = self.log_n < 32 && self.bytes().is_some_and(|bytes| bytes <= MAX_SCRYPT_BYTES);
        is_small && self.work() <= MAX_SCRYPT_WORK && scrypt::Params::new(self.log_n, self.r, self.p).is_ok()
    }

    fn make(self, password: &[u8], salt: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let params = scrypt::Params::new(self.log_n, self.r, self.p).ok()?;
        let mut made = Zeroizing::new(vec![0; length]);
        scrypt::scrypt(password, salt, &params, &mut made).ok()?;
        Some(made)
    }
}

impl Digest {
    fn name(self) -> &'static str {
        match self {
            Digest::Sha1 => "pbkdf2",
            Digest::Sha256 => "pbkdf2-sha256",
            Digest::Sha512 => "pbkdf2-sha512",
        }
    }

    fn of_name(name: &str) -> Option<Digest> {
        match name {
            "pbkdf2" | "pbkdf2-sha1" => Some(Digest::Sha1),
            "pbkdf2-sha256" => Some(Digest::Sha256),
            "pbkdf2-sha512" => Some(Digest::Sha512),
            _ => None,
        }
    }

    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// Firebase's last step: its signer key under AES-256 in counter mode, from zero on, with the first half of what scrypt made.
fn encrypted(key: &[u8], signer_key: &[u8]) -> Vec<u8> {
    let mut made = signer_key.to_vec();
    if let Ok(mut cipher) = Ctr128BE::<Aes256>::new_from_slices(&key[..32], &[0; 16]) {
        cipher.apply_keystream(&mut made);
    }
    made
}

fn bcrypt(text: &str, cost: &str, rest: &str) -> Result<Foreign, ForeignError> {
    let is_radix64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    if cost.len() != 2 || rest.len() != 53 || !rest.bytes().all(is_radix64) {
        return Err(ForeignError::Damaged);
    }
    let cost = cost.parse().map_err(|_| ForeignError::Damaged)?;
    if cost < 4 { Err(ForeignError::Damaged) } else { Ok(Foreign::Bcrypt { text: text.to_owned(), cost }) }
}

fn scrypt_cost(params: &str) -> Result<Scrypt, ForeignError> {
    let number = |name: &str| {
        let given = params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
        given.and_then(|number| number.parse::<u32>().ok()).ok_or(ForeignError::Damaged)
    };
    let log_n = u8::try_from(number("ln")?).map_err(|_| ForeignError::TooCostly)?;
    Ok(Scrypt { log_n, r: number("r")?, p: number("p")? })
}

fn pbkdf2_of(name: &str, iterations: &str, salt: Vec<u8>, hash: &str) -> Result<Foreign, ForeignError> {
    let digest = Digest::of_name(name).ok_or(ForeignError::Unknown)?;
    let iterations = iterations.parse().map_err(|_| ForeignError::Damaged)?;
    Ok(Foreign::Pbkdf2 { digest, iterations, salt, hash: part(hash)? })
}

fn part(text: &str) -> Result<Vec<u8>, ForeignError> {
    BASE64.decode(text).map_err(|_| ForeignError::Damaged)
}
