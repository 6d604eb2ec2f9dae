//! One port: HTTP/1.1, HTTP/2 without TLS by prior knowledge, and both over TLS.

mod address;
mod connection;
mod frames;
mod framing;
mod impatient;
mod leaving;
mod limits;
mod lingering;
mod patient;
mod peers;
mod proxied;
mod seldom;
mod tls;
mod tunnel;
mod wellformed;

pub use address::{AddressError, ListenAddress};
pub use limits::{
    ACCEPT_PAUSE, DEFAULT_DRAIN_TIMEOUT, DEFAULT_HTTP2_IDLE, DEFAULT_KEEP_ALIVE, DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_CONNECTIONS_PER_PEER, HEAD_TIMEOUT, HTTP2_KEEPALIVE_INTERVAL, HTTP2_KEEPALIVE_TIMEOUT, LINGER_BYTES,
    LINGER_TIMEOUT, MAX_CONCURRENT_STREAMS, MAX_HEAD_BYTES, MAX_HEADERS, MAX_KEEP_ALIVE, MAX_LOCAL_RESETS,
    MAX_PENDING_RESETS, MIN_ANSWER_BYTES_PER_SECOND, PROXY_HEADER_TIMEOUT, QUIET_FRAMES, RESERVED_DESCRIPTORS, RESETS,
    SMALL_REST_TIMEOUT, TLS_HANDSHAKE_TIMEOUT, WRITE_STALL_TIMEOUT,
};
pub use peers::peer;
pub use tls::{Certificates, ClientAuth, DEFAULT_HSTS_SECONDS, Expiry, PairConfig, Reloaded, TlsConfig, TlsError};
pub use tunnel::{Duplex, Tunnel};

use crate::Shutdown;
use connection::Connections;
use http::{Request, Response};
use mainstay_layers::{Body, DEFAULT_MAX_UNSENT_BYTES, TrustedProxies};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// "Address family not supported", which `std` has no name for.
const EAFNOSUPPORT: i32 = 97;

/// Connections that wait for [`Server::serve`] to take them.
const BACKLOG: u32 = 1024;

/// The settings of one listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where to listen, for example `127.0.0.1:8080` or `localhost:8080`; port 0 lets the system choose.
    pub listen: ListenAddress,
    /// Certificates and keys for TLS; without them the port speaks plain text.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// Most connections that are open at a time; further ones wait to be accepted.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
    /// How long calls in flight may take to finish when the process ends, in seconds.
    #[serde(default = "default_drain_seconds")]
    pub drain_seconds: u64,
    /// How long an HTTP/1.1 connection is kept on which nothing is asked, in seconds.
    #[serde(default = "default_keep_alive_seconds")]
    pub keep_alive_seconds: u64,
    /// How long an HTTP/2 connection is kept on which nothing is asked, in seconds.
    #[serde(default = "default_http2_idle_seconds")]
    pub http2_idle_seconds: u64,
    /// Most connections that one peer has open at a time; further ones are closed.
    #[serde(default = "default_max_connections_per_peer")]
    pub max_connections_per_peer: usize,
    /// Whose connections are those of others, who are behind it: as many as it likes.
    #[serde(default)]
    pub trusted_proxies: TrustedProxies,
    /// Whether these say by the PROXY protocol where each connection comes from. They have to then.
    #[serde(default)]
    pub proxy_protocol: bool,
    /// What answers may take in memory that their clients have not taken yet, in bytes.
    #[serde(default = "default_max_unsent_bytes")]
    pub max_unsent_bytes: usize,
}

fn default_max_connections() -> usize {
    DEFAULT_MAX_CONNECTIONS
}

fn default_max_connections_per_peer() -> usize {
    DEFAULT_MAX_CONNECTIONS_PER_PEER
}

fn default_max_unsent_bytes() -> usize {
    DEFAULT_MAX_UNSENT_BYTES
}

fn default_http2_idle_seconds() -> u64 {
    DEFAULT_HTTP2_IDLE.as_secs()
}

fn default_drain_seconds() -> u64 {
    DEFAULT_DRAIN_TIMEOUT.as_secs()
}

fn default_keep_alive_seconds() -> u64 {
    DEFAULT_KEEP_ALIVE.as_secs()
}

impl ServerConfig {
    /// Makes the settings of a plain listener with the usual limits.
    pub fn at(listen: SocketAddr) -> ServerConfig {
        ServerConfig::on(listen.into())
    }

    /// Makes the settings of a plain listener with the usual limits, on every address of a host.
    pub fn on(listen: ListenAddress) -> ServerConfig {
        ServerConfig {
            listen,
            tls: None,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            drain_seconds: DEFAULT_DRAIN_TIMEOUT.as_secs(),
            keep_alive_seconds: DEFAULT_KEEP_ALIVE.as_secs(),
            http2_idle_seconds: DEFAULT_HTTP2_IDLE.as_secs(),
            max_connections_per_peer: DEFAULT_MAX_CONNECTIONS_PER_PEER,
            trusted_proxies: TrustedProxies::default(),
            proxy_protocol: false,
            max_unsent_bytes: DEFAULT_MAX_UNSENT_BYTES,
        }
    }
}

/// Says why a port cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error(
        "port {} is in use on {}; stop the process that holds it, or choose another one",
        address.port(), address.ip()
    )]
    InUse {
        /// What was configured.
        address: SocketAddr,
    },
    /// The system does not let this user listen there.
    #[error("this user may not listen on {address}; choose a port above 1023 or grant CAP_NET_BIND_SERVICE")]
    Denied {
        /// What was configured.
        address: SocketAddr,
    },
    /// No interface of this machine has the address.
    #[error("no interface of this machine has the address {}; 127.0.0.1 and 0.0.0.0 always work", address.ip())]
    NoSuchAddress {
        /// What was configured.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {address}")]
    Other {
        /// What was configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate or the key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open when the time was over, and were closed.
    pub cut: usize,
}

/// A bound port that is not served yet: clients may connect and wait.
#[derive(Debug)]
pub struct Server {
    /// At least one; several where the host has several addresses.
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    certificates: Option<Certificates>,
    config: ServerConfig,
}

impl Server {
    /// Binds the port and reads the certificate, so that everything which can be wrong is known before anything starts.
    pub fn bind(config: &ServerConfig) -> Result<Server, BindError> {
        let certificates = config.tls.as_ref().map(Certificates::load).transpose()?;
        let (listeners, address) = listen_on_all(&config.listen)?;
        Ok(Server { listeners, address, certificates, config: config.clone() })
    }

    /// Returns where the server listens; with the port that the system chose, where it did.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.certificates.is_some() { "https" } else { "http" }, self.address)
    }

    /// Returns the certificates of a TLS port, to reload them while it is served.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Serves until the shutdown begins, then drains: open calls may finish until the time is over or the end is forced.
    ///
    /// The service must always be ready, as a [`Stack`](mainstay_layers::Stack) and tonic's routes are. An error of one
    /// connection, or of accepting one, never ends the server.
    pub async fn serve<S>(self, service: S, shutdown: Shutdown) -> Drained
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        let connections = Connections::new(&self.config, self.certificates.as_ref());
        let slots = std::sync::Arc::new(Semaphore::new(self.config.max_connections));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.begun() => break,
                accepted = accept(&self.listeners, &slots) => accepted,
            };
            if let Some((stream, peer, slot)) = accepted
                && let Some(slot) = connections.admit(peer, slot)
            {
                connections.spawn(stream, peer, slot, service.clone());
            }
        }
        // Refuses new connections at once, instead of leaving them in the queue.
        drop(self.listeners);
        connections.drain(Duration::from_secs(self.config.drain_seconds), &shutdown).await
    }
}

/// Accepts one connection once there is room for it; nothing where the system could not.
async fn accept(
    listeners: &[TcpListener],
    slots: &std::sync::Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    let next = std::future::poll_fn(|cx| {
        let ready = listeners.iter().map(|listener| listener.poll_accept(cx)).find(Poll::is_ready);
        ready.unwrap_or(Poll::Pending)
    });
    match next.await {
        Ok((stream, peer)) => Some((stream, peer, slot)),
        Err(error) if is_of_one_connection(&error) => None,
        Err(error) => {
            // Most often no file descriptors are left. They come back when connections close; until then, wait.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Tells whether only the connection that was about to be accepted is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Listens on every address of a host, on one port, and returns the first address. Where a name has addresses of a family
/// that this machine has not, the others do.
fn listen_on_all(host: &ListenAddress) -> Result<(Vec<TcpListener>, SocketAddr), BindError> {
    let mut listeners = Vec::new();
    let mut first: Option<SocketAddr> = None;
    let mut missing = None;
    for address in host.addresses() {
        let address = first.map_or(*address, |first| SocketAddr::new(address.ip(), first.port()));
        match listen(address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok((bound, listener)) => {
                first.get_or_insert(bound);
                listeners.push(listener);
            }
            Err(error) if is_of_the_family(&error) && host.addresses().len() > 1 => {
                missing = Some(bind_error(address, error));
            }
            Err(error) => return Err(bind_error(address, error)),
        }
    }
    match (first, missing) {
        (Some(first), _) => Ok((listeners, first)),
        (None, Some(missing)) => Err(missing),
        (None, None) => Err(BindError::NoSuchAddress { address: SocketAddr::from(([0, 0, 0, 0], host.port())) }),
    }
}

/// Whether an address cannot be had since this machine has none of its kind.
fn is_of_the_family(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server may take the port of its predecessor, whose connections are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_error(address: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        io::ErrorKind::PermissionDenied => BindError::Denied { address },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address },
        _ => BindError::Other { address, source },
    }
}
