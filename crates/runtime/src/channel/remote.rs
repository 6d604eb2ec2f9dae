//! Connections to services in other processes.

use super::GrpcChannel;
use super::credential::ServiceCredential;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Certificate, Channel as Connection, ClientTlsConfig, Endpoint, Identity};

/// How long opening a connection may take before the call that wanted it gets UNAVAILABLE.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a connection is asked whether it still lives. A peer that vanished is noticed after this plus
/// [`KEEPALIVE_TIMEOUT`].
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// How long the peer may take to answer that.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// HTTP/2 windows: large enough for a page of records without waiting for an update.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// Where another service is and how it proves that it is the one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// `http://host:port`, or `https://host:port` for TLS; several with commas between them for several replicas. A name that
    /// resolves to several addresses stands for all of them.
    pub url: String,
    /// PEM file with the authorities that may vouch for the service; the public ones where absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file with the certificate that is shown to it (mTLS), and with those between that and an authority.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// PEM file with the key of that certificate.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

impl RemoteConfig {
    /// Checks everything that can be known without connecting.
    pub fn check(&self) -> Result<(), RemoteError> {
        let mut each = self.each().peekable();
        if each.peek().is_none() { endpoint(self).map(drop) } else { each.try_for_each(|one| endpoint(&one).map(drop)) }
    }

    /// Each replica by itself.
    pub fn each(&self) -> impl Iterator<Item = RemoteConfig> {
        self.replicas().map(|url| RemoteConfig { url: url.to_owned(), ..self.clone() })
    }

    /// The addresses of the replicas.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = &str> {
        self.url.split(',').map(str::trim).filter(|url| !url.is_empty())
    }

    /// Makes a connection for generated clients: of a service that is not of the platform and knows none of its principals.
    /// Nothing is connected yet, as in [`GrpcChannel::connect`]. Must be called inside a tokio runtime.
    pub fn connect(&self) -> Result<Connection, RemoteError> {
        Ok(endpoint(self)?.connect_lazy())
    }
}

/// Says why a remote channel cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is no `http://` or `https://` URL.
    #[error("{url:?} is not a service address; write http://host:port or https://host:port")]
    Url {
        /// What was configured.
        url: String,
    },
    /// A file of TLS cannot be read.
    #[error("cannot read {what} in {}", path.display())]
    File {
        /// The setting.
        field: &'static str,
        /// What is in it.
        what: &'static str,
        /// What was configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate without its key, or the other way round.
    #[error("certificate_file and key_file must be given together")]
    HalfIdentity,
    /// A certificate for a service that is called without TLS.
    #[error("certificate_file and key_file are shown over TLS alone; write https://host:port")]
    UnusedIdentity,
    /// The TLS settings do not fit together.
    #[error("TLS to {url} cannot be set up")]
    Tls {
        /// What was configured.
        url: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// The credential holds something that a header cannot carry.
    #[error("the service credential holds characters that a header cannot carry")]
    Credential,
}

impl RemoteError {
    /// The setting that is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            RemoteError::File { field, .. } => field,
            RemoteError::HalfIdentity | RemoteError::UnusedIdentity => "certificate_file",
            RemoteError::Url { .. } | RemoteError::Tls { .. } | RemoteError::Credential => "url",
        }
    }
}

impl GrpcChannel<Connection> {
    /// Makes a channel to another process. Nothing is connected yet: the first call does, and every call after a lost
    /// connection tries again.
    ///
    /// `bearer` is this process's own credential (`mainstay-service.<name>.<secret>`); it is presented only for calls
    /// that a service account makes. Must be called inside a tokio runtime.
    pub fn connect(
        config: &RemoteConfig,
        bearer: Option<&SecretString>,
    ) -> Result<GrpcChannel<Connection>, RemoteError> {
        let credential = bearer.map(ServiceCredential::new).transpose().map_err(|_| RemoteError::Credential)?;
        Ok(GrpcChannel::remote(endpoint(config)?.connect_lazy(), credential))
    }
}

fn endpoint(config: &RemoteConfig) -> Result<Endpoint, RemoteError> {
    let bad_url = || RemoteError::Url { url: config.url.clone() };
    let url: http::Uri = config.url.parse().map_err(|_| bad_url())?;
    let secure = match (url.scheme_str(), url.host()) {
        (Some("http"), Some(_)) => false,
        (Some("https"), Some(_)) => true,
        _ => return Err(bad_url()),
    };
    let endpoint = tuned(Endpoint::from(url)).connect_timeout(CONNECT_TIMEOUT);
    let identity = identity(config)?;
    if !secure {
        return if identity.is_none() { Ok(endpoint) } else { Err(RemoteError::UnusedIdentity) };
    }
    let tls = match &config.ca_file {
        Some(path) => {
            let pem = read("ca_file", "the certificate authorities", path)?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
        None => ClientTlsConfig::new().trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    };
    let tls = match identity {
        Some(identity) => tls.identity(identity),
        None => tls,
    };
    endpoint.tls_config(tls).map_err(|source| RemoteError::Tls { url: config.url.clone(), source })
}

/// Reads who we are to a service that asks for a certificate.
fn identity(config: &RemoteConfig) -> Result<Option<Identity>, RemoteError> {
    match (&config.certificate_file, &config.key_file) {
        (Some(certificate), Some(key)) => {
            let certificate = read("certificate_file", "the certificate", certificate)?;
            Ok(Some(Identity::from_pem(certificate, read("key_file", "the key", key)?)))
        }
        (None, None) => Ok(None),
        _ => Err(RemoteError::HalfIdentity),
    }
}

fn read(field: &'static str, what: &'static str, path: &Path) -> Result<Vec<u8>, RemoteError> {
    std::fs::read(path).map_err(|source| RemoteError::File { field, what, path: path.to_owned(), source })
}

/// Sets how connections to other processes are made and kept.
pub(super) fn tuned(endpoint: Endpoint) -> Endpoint {
    endpoint
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}
