//! TLS of a listener: what it shows, to whom, and of whom it wants to be shown something.

mod certificates;
mod clients;
mod pair;

pub use certificates::{Certificates, Expiry, Reloaded};

use super::ListenAddress;
use rustls::pki_types::pem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How long browsers keep to HTTPS after each answer, unless configured: a year, in seconds.
pub const DEFAULT_HSTS_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Which certificates a listener has, and what it wants of its clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate, followed by those that vouch for it. It is shown to clients that ask for no name, or for one
    /// that none of `tls.certificates` has. Files that change are read again within seconds.
    pub cert_file: PathBuf,
    /// PEM file with the private key.
    pub key_file: PathBuf,
    /// Further certificates, each with its key: `[{cert_file = "shop.pem", key_file = "shop.key"}]`. A client is shown the one that
    /// has the name it asks for; where two have it (one with an elliptic key and one with RSA), the first that it understands.
    #[serde(default)]
    pub certificates: Vec<PairConfig>,
    /// PEM file with the authorities that vouch for clients, which then are asked for a certificate. Absent: they are not.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client has to have a certificate of `tls.client_ca_file`; absent: `required`.
    #[serde(default)]
    pub client_auth: Option<ClientAuth>,
    /// For how long browsers are told to reach this host over HTTPS alone (`strict-transport-security`), seconds; 0: they are
    /// not. Development never says it: a browser keeps to it for every port of `localhost`.
    #[serde(default = "usual_hsts")]
    pub hsts_seconds: u32,
    /// A further port that speaks plain HTTP, and answers with the way to the one of `listen`: `0.0.0.0:80`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub redirect_http: Option<ListenAddress>,
}

fn usual_hsts() -> u32 {
    DEFAULT_HSTS_SECONDS
}

/// One certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairConfig {
    /// PEM file with the certificate, followed by those that vouch for it.
    pub cert_file: PathBuf,
    /// PEM file with the private key.
    pub key_file: PathBuf,
}

/// Whether clients have to have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// One that is shown has to be good; one need not be shown.
    Optional,
    /// Without a good one there is no connection.
    Required,
}

impl TlsConfig {
    /// One certificate, and nothing wanted of clients.
    pub fn new(cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> TlsConfig {
        TlsConfig {
            cert_file: cert_file.into(),
            key_file: key_file.into(),
            certificates: Vec::new(),
            client_ca_file: None,
            client_auth: None,
            hsts_seconds: DEFAULT_HSTS_SECONDS,
            redirect_http: None,
        }
    }

    /// Every certificate with its key and the setting that names them; the first is what is shown where no other fits.
    pub fn pairs(&self) -> impl Iterator<Item = (String, PairConfig)> {
        let first = PairConfig { cert_file: self.cert_file.clone(), key_file: self.key_file.clone() };
        let further = self.certificates.iter().cloned().enumerate();
        let further = further.map(|(index, pair)| (format!("tls.certificates.{index}"), pair));
        std::iter::once(("tls".to_owned(), first)).chain(further)
    }

    /// Whether a client without a certificate gets no connection.
    pub fn wants_certificates(&self) -> bool {
        self.client_ca_file.is_some() && self.client_auth != Some(ClientAuth::Optional)
    }

    /// Finds every file that cannot be used, each with its setting.
    pub fn problems(&self) -> Vec<(String, TlsError)> {
        let mut problems = Vec::new();
        for (place, pair) in self.pairs() {
            let read = pair::Pair::read(&pair).and_then(|read| read.named(place == "tls"));
            problems.extend(read.err().map(|error| (format!("{place}.{}", error.field()), error)));
        }
        let clients = self.client_ca_file.as_ref().and_then(|path| clients::authorities(path).err());
        problems.extend(clients.map(|error| ("tls.client_ca_file".to_owned(), error)));
        problems
    }
}

/// Says why a certificate or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds nothing of the kind.
    #[error("{} holds no usable {what} in PEM format", path.display())]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// The key is of a kind that is not supported, or belongs to another certificate.
    #[error("the key in {} does not fit the certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Nobody can ask for the certificate.
    #[error("the certificate in {} has no DNS name, so it would be shown to nobody; make it that of tls.cert_file", cert.display())]
    Nameless {
        /// The certificate's file.
        cert: PathBuf,
    },
    /// What is to vouch for clients is no authority.
    #[error("{} holds a certificate that cannot vouch for clients", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Clients cannot be asked for certificates.
    #[error("clients cannot be asked for certificates of the authorities in {}", path.display())]
    Clients {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
}

impl TlsError {
    /// The setting of a pair that is wrong.
    fn field(&self) -> &'static str {
        match self {
            TlsError::Pem { what: pair::CERTIFICATE, .. } | TlsError::Nameless { .. } => "cert_file",
            TlsError::Pem { .. } | TlsError::Mismatch { .. } => "key_file",
            TlsError::Authority { .. } | TlsError::Clients { .. } => "client_ca_file",
        }
    }
}
