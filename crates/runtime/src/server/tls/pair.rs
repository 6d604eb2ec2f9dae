//! A certificate and its key, as they are in their files.

use super::{PairConfig, TlsError};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What is looked for in `cert_file`.
pub(super) const CERTIFICATE: &str = "certificate";

/// A certificate that can be shown.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) cert_file: PathBuf,
    pub(super) key: Arc<CertifiedKey>,
    /// The DNS names that it has, in lower case: `shop.example.org`, `*.example.org`.
    pub(super) names: Vec<String>,
    /// When it is over; nothing where it does not say so in a form that can be read.
    pub(super) not_after: Option<SystemTime>,
}

/// What files held, to tell whether they have changed. Nothing of a key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(Option<u64>);

impl Mark {
    /// Of what cannot be read.
    pub(super) const UNREADABLE: Mark = Mark(None);

    pub(super) fn of_file(path: &Path) -> Mark {
        std::fs::read(path).map_or(Mark::UNREADABLE, |contents| Mark::of(&contents))
    }

    fn of(contents: &impl Hash) -> Mark {
        let mut hasher = DefaultHasher::new();
        contents.hash(&mut hasher);
        Mark(Some(hasher.finish()))
    }
}

/// The contents of the two files of a pair.
pub(super) struct Contents {
    config: PairConfig,
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Contents {
    pub(super) fn read(config: &PairConfig) -> Result<Contents, TlsError> {
        let cert = contents(CERTIFICATE, &config.cert_file)?;
        Ok(Contents { config: config.clone(), cert, key: contents("private key", &config.key_file)? })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark::of(&(&self.cert, &self.key))
    }

    /// Takes the contents apart. Fails where the key is not that of the certificate, as while the two are being replaced.
    pub(super) fn pair(&self) -> Result<Pair, TlsError> {
        let PairConfig { cert_file, key_file } = &self.config;
        let chain = chain(CERTIFICATE, &self.cert, cert_file)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(bad("private key", key_file))?;
        let (names, not_after) = chain.first().map(|leaf| described(leaf)).unwrap_or_default();
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|source| TlsError::Mismatch { cert: cert_file.clone(), key: key_file.clone(), source })?;
        Ok(Pair { cert_file: cert_file.clone(), key: Arc::new(key), names, not_after })
    }
}

impl Pair {
    pub(super) fn read(config: &PairConfig) -> Result<Pair, TlsError> {
        Contents::read(config)?.pair()
    }

    /// Refuses a certificate without a name, which is of use only where it is what everybody is shown.
    pub(super) fn named(self, is_first: bool) -> Result<Pair, TlsError> {
        if is_first || !self.names.is_empty() { Ok(self) } else { Err(TlsError::Nameless { cert: self.cert_file }) }
    }
}

/// The certificates in a file, at least one.
pub(super) fn chain(what: &'static str, pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(bad(what, path))?;
    if all.is_empty() { Err(bad(what, path)(pem::Error::NoItemsFound)) } else { Ok(all) }
}

pub(super) fn contents(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| bad(what, path)(pem::Error::Io(error)))
}

fn bad(what: &'static str, path: &Path) -> impl FnOnce(pem::Error) -> TlsError + use<> {
    let path = path.to_owned();
    move |source| TlsError::Pem { what, path, source }
}

/// The names that a certificate has and when it is over, as far as it can be read: what clients make of it is theirs to say.
fn described(leaf: &CertificateDer<'_>) -> (Vec<String>, Option<SystemTime>) {
    let certificate = match x509_cert::Certificate::from_der(leaf) {
        Ok(certificate) => certificate,
        Err(error) => {
            tracing::warn!(%error, "a certificate cannot be taken apart: its names and its end are not known");
            return Default::default();
        }
    };
    let certificate = certificate.tbs_certificate;
    let not_after = UNIX_EPOCH.checked_add(certificate.validity.not_after.to_unix_duration());
    let names = match certificate.get::<SubjectAltName>() {
        Ok(Some((_, SubjectAltName(names)))) => names,
        Ok(None) | Err(_) => Vec::new(),
    };
    let names = names.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    });
    (names.collect(), not_after)
}
