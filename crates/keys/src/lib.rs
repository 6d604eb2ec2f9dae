#![doc = include_str!("../README.md")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

mod encryption;

pub use encryption::{KeyEncryptionKey, KeySetting, SealedWithAnotherKey};

/// The length of a key in bytes (AES-256).
pub const KEY_BYTES: usize = 32;

/// Why a key could not be had, or sealed bytes not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a key is {KEY_BYTES} bytes in base64; make one with `openssl rand -base64 {KEY_BYTES}`")]
    Malformed,
    #[error("the key file {path} cannot be used")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the key file {path} can be read by others; run `chmod 600 {path}` after making sure that nobody has copied it"
    )]
    Exposed { path: PathBuf },
    #[error("the bytes were not sealed with this key for this purpose")]
    NotSealedHere,
    #[error("no key could be derived")]
    Derivation,
    #[error("the system's random number generator failed")]
    NoRandomness,
}

/// A symmetric key that seals bytes. Its `Debug` shows nothing of it.
pub struct SealingKey {
    seals: LessSafeKey,
    /// What further keys are made of.
    derives: Prk,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(***)")
    }
}

impl SealingKey {
    /// Takes the 32 bytes of a key.
    pub fn from_bytes(bytes: &[u8]) -> Result<SealingKey, Error> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::Malformed)?;
        let derives = Salt::new(HKDF_SHA256, b"mainstay derived keys").extract(bytes);
        Ok(SealingKey { seals: LessSafeKey::new(key), derives })
    }

    /// Takes a key as the configuration writes it: 32 bytes in standard base64.
    pub fn from_base64(text: &str) -> Result<SealingKey, Error> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| Error::Malformed)?);
        SealingKey::from_bytes(&bytes)
    }

    /// Reads the key in `path`, or makes one there with mode 0600. Two processes that make it at once agree on one.
    pub fn load_or_create(path: &Path) -> Result<SealingKey, Error> {
        let text = Zeroizing::new(secret_file(path, || {
            let bytes = Zeroizing::new(random::<KEY_BYTES>()?);
            Ok(STANDARD.encode(bytes.as_slice()))
        })?);
        SealingKey::from_base64(&text)
    }

    /// Seals `plain` for `purpose`: nonce, ciphertext and tag.
    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .seals
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| Error::NoRandomness)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`SealingKey::seal`] made for the same purpose.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::NotSealedHere)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::NotSealedHere)?;
        let mut body = body.to_vec();
        let plain = self.seals.open_in_place(nonce, Aad::from(purpose), &mut body).map_err(|_| Error::NotSealedHere)?;
        let length = plain.len();
        body.truncate(length);
        Ok(body)
    }

    /// Makes another key for a purpose (HKDF, RFC 5869): always the same one, and none that tells of this key or of those for
    /// other purposes.
    pub fn derive(&self, purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        let purposes = [purpose];
        let material = self.derives.expand(&purposes, HKDF_SHA256).map_err(|_| Error::Derivation)?;
        material.fill(derived.as_mut_slice()).map_err(|_| Error::Derivation)?;
        Ok(derived)
    }
}

/// Draws `N` bytes from the system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

/// Reads the secret in `path`, or writes the one that `make` gives there with mode 0600. Refuses a file that others may
/// read. Two processes that do so at once end with the same secret.
pub fn secret_file(path: &Path, make: impl FnOnce() -> Result<String, Error>) -> Result<String, Error> {
    let file_error = |source| Error::File { path: path.to_owned(), source };
    if !path.exists() {
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(file_error)?;
        // Written whole under another name and linked into place: a reader never sees half a secret, and the first wins.
        let draft = path.with_extension(format!("{}.{:016x}", std::process::id(), u64::from_be_bytes(random::<8>()?)));
        let secret = Zeroizing::new(make()?);
        let written = private(&draft).and_then(|mut file| {
            file.write_all(secret.as_bytes())?;
            file.sync_all()
        });
        let linked = written.and_then(|()| fs::hard_link(&draft, path));
        let _ = fs::remove_file(&draft);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(file_error(error)),
            _ => {}
        }
    }
    read_secret(path)
}

/// Reads the secret in `path`. Refuses a file that others may read.
pub fn read_secret(path: &Path) -> Result<String, Error> {
    refuse_exposed(path)?;
    let text = fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}

/// Makes the folder of a secret, and those above that are missing: nobody else may look which keys there are.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    if metadata.permissions().mode() & 0o077 == 0 { Ok(()) } else { Err(Error::Exposed { path: path.to_owned() }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_path: &Path) -> Result<(), Error> {
    Ok(())
}
