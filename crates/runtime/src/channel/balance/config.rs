//! Where a service is, as it is configured.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::super::remote;
use crate::config::Texts;

/// Most addresses that one service is written down with. A name may resolve to several.
pub const MAX_ENDPOINTS: usize = 64;

/// Longest that a unary call may be configured to take.
pub const MAX_TIMEOUT_SECONDS: u32 = 300;

/// One of the application's own services: where it is, and how it is called.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// `http://host:port`, or `https://host:port` for TLS; several for several replicas. A name that resolves to several addresses
    /// stands for all of them, and is resolved again every few seconds.
    #[schemars(with = "Vec<String>")]
    pub urls: Texts,
    /// PEM file with the authorities that may vouch for it; the public ones where absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file with the certificate that is shown to it (mTLS), and with those between that and an authority.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// PEM file with the key of that certificate.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Longest that a unary call takes, in seconds, 1 to 300. A caller who names no time gets 30 of them at most.
    #[serde(default = "UpstreamConfig::usual_timeout")]
    pub timeout_seconds: u32,
    /// Most calls at once, over all addresses; what is more gets UNAVAILABLE (`OVERLOADED`).
    #[serde(default = "UpstreamConfig::usual_requests")]
    pub max_requests: usize,
    /// Whether its addresses are asked by `grpc.health.v1.Health` whether they serve. One without that service serves.
    #[serde(default = "UpstreamConfig::usual_health")]
    pub health: bool,
}

impl UpstreamConfig {
    /// With the usual limits.
    pub fn at(urls: Vec<String>) -> UpstreamConfig {
        UpstreamConfig {
            urls: Texts(urls),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            timeout_seconds: UpstreamConfig::usual_timeout(),
            max_requests: UpstreamConfig::usual_requests(),
            health: UpstreamConfig::usual_health(),
        }
    }

    fn usual_timeout() -> u32 {
        30
    }

    fn usual_requests() -> usize {
        1_024
    }

    fn usual_health() -> bool {
        true
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    /// Finds everything that is wrong, each as its path below the service and what it has to be.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.urls.0.is_empty() || self.urls.0.len() > MAX_ENDPOINTS {
            problems.push(("urls", format!("must have 1 to {MAX_ENDPOINTS} entries, such as http://127.0.0.1:50051")));
        }
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&self.timeout_seconds) {
            problems.push(("timeout_seconds", format!("must be 1 to {MAX_TIMEOUT_SECONDS}")));
        }
        if self.max_requests == 0 {
            problems.push(("max_requests", "must be at least 1".to_owned()));
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            problems.push(("certificate_file", "and key_file must be given together".to_owned()));
        }
        problems.extend(self.sites().err().map(|error| ("urls", error.remedy())));
        problems
    }

    /// Reads what is configured, the files of TLS among it.
    pub(super) fn sites(&self) -> Result<Vec<Site>, UpstreamError> {
        self.urls.iter().map(|url| self.site(url)).collect()
    }

    fn site(&self, url: &str) -> Result<Site, UpstreamError> {
        let bad = || UpstreamError::Url { url: url.to_owned() };
        let uri: http::Uri = url.parse().map_err(|_| bad())?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad()),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        // With TLS, which is no part of the connection that is timed by itself.
        let endpoint = remote::tuned(Endpoint::from(uri)).connect_timeout(3 * remote::CONNECT_TIMEOUT);
        let endpoint = if is_secure {
            let tls = self.tls()?;
            endpoint.tls_config(tls).map_err(|source| UpstreamError::Tls { url: url.to_owned(), source })?
        } else {
            endpoint
        };
        Ok(Site { literal: host.parse().ok(), host, port, endpoint })
    }

    fn tls(&self) -> Result<ClientTlsConfig, UpstreamError> {
        let tls = match &self.ca_file {
            Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
            None => ClientTlsConfig::new().trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        };
        match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Ok(tls.identity(Identity::from_pem(read(certificate)?, read(key)?))),
            _ => Ok(tls),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, UpstreamError> {
    std::fs::read(path).map_err(|source| UpstreamError::File { path: path.to_owned(), source })
}

/// One address as it is written down: what it is called, and how it is connected to.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) host: String,
    /// The address, where that is what is written.
    pub(super) literal: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) endpoint: Endpoint,
}

/// Why a service cannot be called as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The address is no `http://` or `https://` URL without a path.
    #[error("{url:?} is not the address of a service; write http://host:port or https://host:port")]
    Url {
        /// What was configured.
        url: String,
    },
    /// A file of TLS cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// What was configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The TLS settings do not fit together.
    #[error("TLS to {url} cannot be set up")]
    Tls {
        /// What was configured.
        url: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
}

impl UpstreamError {
    /// What is wrong, with its cause, in one line.
    fn remedy(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("cannot be used: {self}: {source}"),
            None => format!("cannot be used: {self}"),
        }
    }
}
