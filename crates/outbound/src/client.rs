//! One request, one connection, one answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::address::{innermost, is_public, never};
use crate::config::OutboundConfig;
use crate::error::{Error, TlsError};
use crate::networks::Networks;

/// Most bytes of all headers of an answer.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// How long it may take until there is a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls addresses outside. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
    private: Arc<Networks>,
    timeout: Duration,
}

/// What was answered.
pub type Answer = Response<Bytes>;

/// Where a request goes.
struct Target {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Client {
    /// Makes a client. Fails where the authorities cannot be read.
    pub fn new(config: &OutboundConfig) -> Result<Client, TlsError> {
        let tls = crate::tls::connector(config.ca_file.as_deref())?;
        let timeout = Duration::from_secs(config.timeout_seconds.into());
        Ok(Client { tls, private: Arc::new(config.private_networks.clone()), timeout })
    }

    /// Sends a request, and gives the answer with at most `most` bytes of a body, whatever its status. Its address is an absolute
    /// one.
    pub async fn send(&self, request: Request<Vec<u8>>, most: usize) -> Result<Answer, Error> {
        let target = Target::of(request.uri())?;
        let host = target.host.clone();
        let answered = tokio::time::timeout(self.timeout, Box::pin(self.exchange(target, request, most)));
        answered.await.unwrap_or(Err(Error::TooSlow(host)))
    }

    async fn exchange(&self, target: Target, request: Request<Vec<u8>>, most: usize) -> Result<Answer, Error> {
        let addresses = self.addresses(&target).await?;
        let socket = connect(&target.host, &addresses).await?;
        if !target.is_tls {
            return over(socket, target.host, request, most).await;
        }
        let name = ServerName::try_from(target.host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Error::NotAnAddress(target.host.clone()))?;
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await;
        over(secured.map_err(|error| Error::Tls(target.host.clone(), error))?, target.host, request, most).await
    }

    /// All addresses of the host, of which every one may be called.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let host = target.host.trim_matches(['[', ']']);
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, target.port)],
            Err(_) => {
                let found = tokio::net::lookup_host((host, target.port)).await;
                found.map_err(|error| Error::Unknown(target.host.clone(), error))?.collect()
            }
        };
        if addresses.is_empty() {
            return Err(Error::Unknown(target.host.clone(), std::io::ErrorKind::NotFound.into()));
        }
        if !addresses.iter().all(|address| self.may_call(address.ip())) {
            return Err(Error::Private(target.host.clone()));
        }
        // What is not encrypted stays inside the machine.
        if !target.is_tls && !addresses.iter().all(|address| innermost(address.ip()).is_loopback()) {
            return Err(Error::Plain(target.host.clone()));
        }
        Ok(addresses)
    }

    fn may_call(&self, address: IpAddr) -> bool {
        may_call(&self.private, address)
    }
}

fn may_call(private: &Networks, address: IpAddr) -> bool {
    let inner = innermost(address);
    never(address).is_none() && (is_public(address) || private.contains(inner) || private.contains(address))
}

impl OutboundConfig {
    /// Says why an address is not called, as far as that shows without a look-up: for settings, which are told of at the start.
    pub fn check(&self, uri: &Uri) -> Result<(), Error> {
        let target = Target::of(uri)?;
        let literal = target.host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if literal.is_some_and(|address| !may_call(&self.private_networks, address)) {
            return Err(Error::Private(target.host));
        }
        let is_here = literal.map_or(target.host == "localhost", |address| innermost(address).is_loopback());
        if target.is_tls || is_here { Ok(()) } else { Err(Error::Plain(target.host)) }
    }
}

impl Target {
    fn of(uri: &Uri) -> Result<Target, Error> {
        let refused = || Error::NotAnAddress(uri.host().unwrap_or_default().to_owned());
        let authority = uri.authority().ok_or_else(refused)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused()),
        };
        if authority.as_str().contains('@') || authority.host().is_empty() || !is_host(authority.host()) {
            return Err(refused());
        }
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Target { host: authority.host().to_ascii_lowercase(), port, is_tls })
    }
}

/// A name, or an address as it is written today. What the system's resolver takes for an address beside that (`127.1`, `0x7f.1`,
/// `2130706433`) is none.
fn is_host(host: &str) -> bool {
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return true;
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    !is_number && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Connects to the first address that lets us.
async fn connect(host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut last = std::io::Error::from(std::io::ErrorKind::TimedOut);
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => last = error,
            Err(_) => {}
        }
    }
    Err(Error::Unreachable(host.to_owned(), last))
}

/// Speaks HTTP/1.1 over a connection, once.
async fn over<S>(socket: S, host: String, request: Request<Vec<u8>>, most: usize) -> Result<Answer, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error| Error::Http(host.clone(), error);
    let handshake = http1::Builder::new().max_buf_size(MAX_HEADER_BYTES).handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = handshake.map_err(broken)?;
    let speaking = AbortOnDrop(tokio::spawn(async move {
        // What breaks is told by the answer that does not come.
        let _ = connection.await;
    }));
    let response = sender.send_request(in_origin_form(request, &host)?).await.map_err(broken)?;
    let (parts, body) = response.into_parts();
    let bytes = match Limited::new(body, most).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Error::TooLarge(host, most)),
        Err(error) => {
            let cut = |error: Box<dyn std::error::Error + Send + Sync>| std::io::Error::other(error);
            return Err(Error::Unreachable(host, cut(error)));
        }
    };
    drop(speaking);
    Ok(Response::from_parts(parts, bytes))
}

/// The connection goes with the call, also where that is given up.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes the path alone, and the host beside it (RFC 9112 section 3.2.1).
fn in_origin_form(request: Request<Vec<u8>>, host: &str) -> Result<Request<Full<Bytes>>, Error> {
    let refused = || Error::NotAnAddress(host.to_owned());
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or_else(refused)?;
    parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(|_| refused())?);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse().map_err(|_| refused())?;
    Ok(Request::from_parts(parts, Full::new(Bytes::from(body))))
}

/// Says whether an answer went well and is JSON by its own word.
pub trait IsJson {
    /// Gives its body then.
    fn json(&self) -> Option<&[u8]>;
}

impl IsJson for Answer {
    fn json(&self) -> Option<&[u8]> {
        let kind = self.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = kind.split(';').next()?.trim().to_ascii_lowercase();
        let is_json =
            essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
        (self.status() == StatusCode::OK && is_json).then_some(self.body())
    }
}
