//! The lines in the clear: what the file is, and how its key is found.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Error;
use crate::secret::{COST, Cost, Secret};

/// The version of the format. A file of a newer one is refused, never misread.
pub const FORMAT: u32 = 1;

/// How the first line begins.
const MAGIC: &str = "mainstay backup ";

/// The longest line in the clear, bytes.
const MAX_LINE: u64 = 4 << 10;

/// What 32 random bytes of salt are.
const SALT_BYTES: usize = 32;

/// What everybody may read of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The version of the program that made it.
    pub version: String,
    /// When it was begun, RFC 3339.
    pub made: String,
    /// What stretching its passphrase costs; nothing where a key file opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase: Option<Cost>,
    salt: String,
}

/// The key of one backup.
pub(crate) struct Keys {
    pub seal: Zeroizing<[u8; 32]>,
    check: String,
}

impl Header {
    /// Makes the header of a new backup.
    pub(crate) fn new(version: &str, made: &str, secret: &Secret) -> Result<Header, Error> {
        let salt = mainstay_keys::random::<SALT_BYTES>()?;
        let passphrase = matches!(secret, Secret::Passphrase(_)).then_some(COST);
        Ok(Header { version: version.to_owned(), made: made.to_owned(), passphrase, salt: BASE64.encode(&salt) })
    }

    /// Reads what everybody may read of a file; nothing where it is no backup, or one of a newer format.
    pub fn peek(path: &Path) -> Option<Header> {
        let mut reader = BufReader::new(File::open(path).ok()?);
        let version: u32 = line(&mut reader, path).ok()?.strip_prefix(MAGIC)?.parse().ok()?;
        let header = line(&mut reader, path).ok()?;
        serde_json::from_str(&header).ok().filter(|_| version <= FORMAT)
    }

    /// Writes the lines, and gives the key.
    pub(crate) fn seal(&self, secret: &Secret) -> Result<(String, Keys), Error> {
        let line = serde_json::to_string(self).expect("a header has only text keys");
        let clear = format!("{MAGIC}{FORMAT}\n{line}\n");
        let salt = BASE64.decode(self.salt.as_bytes()).unwrap_or_default();
        let keys = Keys::derive(secret, &salt, self.passphrase, clear.as_bytes())?;
        Ok((format!("{clear}{}\n", keys.check), keys))
    }

    /// Reads the lines of a file, and finds its key. Says, too, how many bytes the lines are.
    pub(crate) fn open(reader: &mut impl BufRead, secret: &Secret, path: &Path) -> Result<(Header, Keys, u64), Error> {
        let no_backup = || Error::NoBackup { path: path.to_owned() };
        let first = line(reader, path)?;
        let version =
            first.strip_prefix(MAGIC).and_then(|version| version.parse::<u32>().ok()).ok_or_else(no_backup)?;
        if version > FORMAT {
            return Err(Error::NewerFormat { path: path.to_owned(), found: version, known: FORMAT });
        }
        let second = line(reader, path)?;
        let check = line(reader, path)?;
        let header: Header = serde_json::from_str(&second).map_err(|_| no_backup())?;
        match (secret, header.passphrase) {
            (Secret::Passphrase(_), None) => return Err(Error::WantsKeyFile { path: path.to_owned() }),
            (Secret::Key(_), Some(_)) => return Err(Error::WantsPassphrase { path: path.to_owned() }),
            (_, Some(cost)) if !cost.is_bearable() => return Err(no_backup()),
            _ => {}
        }
        let salt = BASE64.decode(header.salt.as_bytes()).map_err(|_| no_backup())?;
        if version == 0 || salt.len() != SALT_BYTES {
            return Err(no_backup());
        }
        let clear = format!("{first}\n{second}\n");
        let keys = Keys::derive(secret, &salt, header.passphrase, clear.as_bytes())?;
        if keys.check != check {
            return Err(Error::AnotherSecret { path: path.to_owned(), secret: secret.kind() });
        }
        let length = (clear.len() + check.len() + 1) as u64;
        Ok((header, keys, length))
    }
}

impl Keys {
    /// The context of both keys is what stands in the clear: a line that was changed leads to others.
    fn derive(secret: &Secret, salt: &[u8], cost: Option<Cost>, clear: &[u8]) -> Result<Keys, Error> {
        let material = secret.material(salt, cost)?;
        let keys = Salt::new(HKDF_SHA256, salt).extract(material.as_slice());
        let (seal, check) = (expand(&keys, b"seal", clear)?, expand(&keys, b"check", clear)?);
        Ok(Keys { seal, check: HEXLOWER.encode(check.as_slice()) })
    }
}

fn expand(keys: &Prk, purpose: &[u8], clear: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut out = Zeroizing::new([0; 32]);
    let filled = keys.expand(&[purpose, clear], HKDF_SHA256).and_then(|key| key.fill(out.as_mut_slice()));
    filled.map_err(|_| mainstay_keys::Error::NoRandomness)?;
    Ok(out)
}

/// A line without its end.
fn line(reader: &mut impl BufRead, path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes).map_err(Error::file("read", path))?;
    let text = String::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n').map(str::to_owned));
    text.ok_or_else(|| Error::NoBackup { path: path.to_owned() })
}
