use std::path::PathBuf;

/// Why a call has no answer that counts. It names the host, and never what was answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0:?} is no address to call: it has to begin with https:// and a host, without a user")]
    NotAnAddress(String),
    #[error("{0} would be called without TLS, and is not on this machine")]
    Plain(String),
    #[error(
        "{0} is not called: it leads to an address that is not of the public internet, and `private_networks` does not name it"
    )]
    Private(String),
    #[error("{0} cannot be resolved")]
    Unknown(String, #[source] std::io::Error),
    #[error("{0} cannot be reached")]
    Unreachable(String, #[source] std::io::Error),
    #[error("{0} has no certificate or no TLS that is accepted")]
    Tls(String, #[source] std::io::Error),
    #[error("{0} does not speak HTTP")]
    Http(String, #[source] hyper::Error),
    #[error("{0} did not answer in time")]
    TooSlow(String),
    #[error("{0} answered with more than {1} bytes")]
    TooLarge(String, usize),
}

/// Why calls cannot be made as they are configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read as PEM certificates")]
    CaFile {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("TLS cannot be had")]
    Provider(#[source] rustls::Error),
}
