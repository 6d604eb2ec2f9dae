//! Connections, from accepted to closed.

use super::impatient::Impatient;
use super::leaving::Leaving;
use super::limits::{
    CONNECTION_WINDOW_BYTES, HEAD_TIMEOUT, HTTP2_KEEPALIVE_INTERVAL, HTTP2_KEEPALIVE_TIMEOUT, MAX_CONCURRENT_STREAMS,
    MAX_HEAD_BYTES, MAX_LOCAL_RESETS, MAX_PENDING_RESETS, MAX_SEND_BUFFER_BYTES, PROXY_HEADER_TIMEOUT,
    STREAM_WINDOW_BYTES, TLS_HANDSHAKE_TIMEOUT, WRITE_STALL_TIMEOUT,
};
use super::lingering::{Lingering, Progress};
use super::patient::Patient;
use super::peers::{Peers, Place};
use super::seldom::Seldom;
use super::tunnel::Tunnels;
use super::{Certificates, Drained, ServerConfig, proxied, wellformed};
use crate::Shutdown;
use futures_util::future::Either;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use mainstay_fault::Fault;
use mainstay_layers::{Answers, Body, Peer, Unsent};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The open connections of one server.
pub(super) struct Connections {
    port: Port,
    certificates: Option<Certificates>,
    peers: Peers,
    proxy_protocol: bool,
    unsent: Unsent,
    tasks: TaskTracker,
    cut: CancellationToken,
}

/// What the connections of one server have in common.
#[derive(Clone)]
struct Port {
    builder: Arc<auto::Builder<Patient>>,
    tasks: TaskTracker,
    draining: CancellationToken,
    cut: CancellationToken,
    keep_alive: Duration,
    http2_idle: Duration,
    /// What answers over TLS say of how this host is to be reached.
    hsts: Option<HeaderValue>,
}

/// What a connection of a peer takes.
pub(super) struct Slot {
    _any: OwnedSemaphorePermit,
    peers: Place,
}

impl Connections {
    pub(super) fn new(config: &ServerConfig, certificates: Option<&Certificates>) -> Connections {
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        let port = Port {
            builder: Arc::new(builder()),
            tasks: tasks.clone(),
            draining: CancellationToken::new(),
            cut: cut.clone(),
            keep_alive: Duration::from_secs(config.keep_alive_seconds),
            http2_idle: Duration::from_secs(config.http2_idle_seconds),
            hsts: config.tls.as_ref().and_then(|tls| hsts(tls.hsts_seconds)),
        };
        Connections {
            port,
            certificates: certificates.cloned(),
            peers: Peers::new(config.max_connections_per_peer, config.trusted_proxies.clone()),
            proxy_protocol: config.proxy_protocol,
            unsent: Unsent::new(config.max_unsent_bytes),
            tasks,
            cut,
        }
    }

    /// Lets a connection of a peer in; nothing where that has as many as it may have.
    pub(super) fn admit(&self, peer: SocketAddr, any: OwnedSemaphorePermit) -> Option<Slot> {
        let place = self.peers.enter(peer.ip());
        if place.is_none() {
            tracing::debug!(%peer, "a connection is closed: its peer has as many as one may have");
        }
        Some(Slot { _any: any, peers: place? })
    }

    /// Serves one connection in a task of its own. The slot is free again when it is closed.
    pub(super) fn spawn<S>(&self, stream: TcpStream, peer: SocketAddr, slot: Slot, service: S)
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        // Answers are small and written at once: waiting for more to send only adds latency.
        let _ = stream.set_nodelay(true);
        let (port, certificates, cut, open) =
            (self.port.clone(), self.certificates.clone(), self.cut.clone(), self.unsent.open());
        let (answers, said) = (open.answers().clone(), self.said_by(peer.ip()));
        self.tasks.spawn(async move {
            let serve = async move {
                let (mut stream, mut slot, mut address) = (stream, slot, peer.ip());
                if let Some(peers) = said {
                    let Some(behind) = source(&mut stream, &peers).await else { return };
                    if let Some((source, place)) = behind {
                        (address, slot.peers) = (source, place);
                    }
                }
                let peer = Peer { address, requests: slot.peers.requests(), answers: Some(answers.clone()) };
                let client = Client { peer, answers, hsts: port.hsts.clone() };
                let Some(certificates) = certificates else { return port.serve(stream, client, service).await };
                match timeout(TLS_HANDSHAKE_TIMEOUT, certificates.acceptor().accept(stream)).await {
                    Ok(Ok(stream)) => port.serve(stream, client, service).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            };
            let over = Seldom::new(async {
                tokio::select! { () = cut.cancelled() => {} () = open.must_close() => {} }
            });
            tokio::select! { biased; () = serve => {} () = over => {} }
        });
    }

    /// Where others are behind the other end of a connection, and it has to say who: whom their connections count for.
    fn said_by(&self, address: IpAddr) -> Option<Peers> {
        (self.proxy_protocol && self.peers.trusts(address)).then(|| self.peers.clone())
    }

    /// Asks every connection to end (GOAWAY; `connection: close`), waits, and cuts what is left.
    pub(super) async fn drain(self, within: Duration, shutdown: &Shutdown) -> Drained {
        self.tasks.close();
        self.port.draining.cancel();
        let finished = self.tasks.wait();
        let clean = tokio::select! {
            () = finished => true,
            () = tokio::time::sleep(within) => false,
            () = shutdown.forced() => false,
        };
        let cut = if clean { 0 } else { self.tasks.len() };
        if cut > 0 {
            tracing::warn!(connections = cut, "connections were still open at the end of the drain and are closed");
            self.cut.cancel();
            self.tasks.wait().await;
        }
        Drained { cut }
    }
}

/// Reads who is behind a trusted proxy: the address, and its place among the connections of its own. Inner nothing where it is the
/// proxy itself; nothing at all where the connection is to be closed.
async fn source(stream: &mut TcpStream, peers: &Peers) -> Option<Option<(IpAddr, Place)>> {
    let said = match timeout(PROXY_HEADER_TIMEOUT, proxied::source(stream)).await {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a trusted proxy's connection is closed");
            return None;
        }
        Err(_) => {
            tracing::debug!("a trusted proxy's connection is closed: it did not say whose it is");
            return None;
        }
    };
    let Some(address) = said else { return Some(None) };
    let place = peers.enter(address);
    if place.is_none() {
        tracing::debug!(peer = %address, "a connection is closed: its peer has as many as one may have");
    }
    Some(Some((address, place?)))
}

/// The header that keeps browsers to HTTPS (RFC 6797); nothing for 0 seconds, which would make them forget it.
fn hsts(seconds: u32) -> Option<HeaderValue> {
    let value = format!("max-age={seconds}");
    (seconds > 0).then(|| HeaderValue::try_from(value).ok()).flatten()
}

/// How often it is looked, in the time that an idle connection is kept, whether it is one.
const LOOKS: u32 = 2;

/// Where requests come from, and where their answers are counted.
struct Client {
    peer: Peer,
    answers: Answers,
    hsts: Option<HeaderValue>,
}

impl Port {
    /// Serves a connection to its end.
    async fn serve<I, S>(&self, io: I, client: Client, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        let progress = Progress::default();
        let io = Impatient::new(io, progress.clone(), HEAD_TIMEOUT, WRITE_STALL_TIMEOUT);
        let io = Lingering::new(io, progress.clone());
        let tunnels =
            Tunnels::new(self.tasks.clone(), (self.draining.clone(), self.cut.clone()), client.answers.clone());
        let (asked, further) = (progress.clone(), tunnels.clone());
        let answer = service_fn(move |mut request: Request<Incoming>| {
            further.attach(&mut request);
            answer(request, &asked, &client, service.clone())
        });
        let over = Seldom::new(async {
            tokio::select! { () = self.draining.cancelled() => {} () = self.idle(&progress) => {} }
        });
        // It is let go of before anything else is spoken: what it holds of a change that failed would be waited for.
        let ended = {
            let mut connection = pin!(self.builder.serve_connection_with_upgrades(TokioIo::new(io), answer));
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = over => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        };
        if let Err(error) = ended {
            // A client that broke the protocol or went away: its business, not the operator's.
            tracing::debug!(%error, "a connection ended early");
        }
        // In this task: it holds the place of the connection, and is what is waited for, and cut, when the port closes.
        if let Some(serving) = tunnels.take() {
            serving.await;
        }
    }

    /// Waits until nothing was asked on a connection for as long as one of its kind is kept, or a little longer: it looks now and
    /// then, which costs a request nothing.
    async fn idle(&self, progress: &Progress) {
        let pause = self.keep_alive.min(self.http2_idle) / LOOKS;
        let (mut before, mut quiet_for) = (None, Duration::ZERO);
        loop {
            tokio::time::sleep(pause).await;
            let quiet = progress.quiet_since();
            // The first look may have come right after the last request.
            quiet_for = if quiet.is_some() && quiet == before { quiet_for + pause } else { Duration::ZERO };
            before = quiet;
            let kept = if progress.is_single() { self.keep_alive } else { self.http2_idle };
            if quiet_for >= kept {
                return;
            }
        }
    }
}

/// Answers a request.
fn answer<S>(
    request: Request<Incoming>,
    progress: &Progress,
    client: &Client,
    mut service: S,
) -> impl Future<Output = Result<Response<Leaving>, Infallible>> + use<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (many, head) = (request.version() == Version::HTTP_2, request.method() == Method::HEAD);
    let open = many.then(|| progress.multiplexed());
    let mut request = if many {
        request.map(Body::new)
    } else {
        let may_be_waited_for = !request.headers().contains_key(EXPECT);
        request.map(|body| progress.watch(body, may_be_waited_for))
    };
    request.extensions_mut().insert(client.peer.clone());
    let answering = match wellformed::admit(&mut request, if many { None } else { progress.flaw_of_next() }) {
        Ok(()) => Either::Left(service.call(request)),
        Err(fault) => Either::Right(std::future::ready(Ok(refused(fault, many)))),
    };
    let (progress, answers, hsts) = (progress.clone(), client.answers.clone(), client.hsts.clone());
    async move {
        let mut response = progress.answered(answering.await?).await;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            progress.left_http();
        }
        if let Some(hsts) = hsts {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
        }
        let response = if head { without_body(response) } else { response };
        Ok(Leaving::of(response, &answers, open))
    }
}

/// Refuses what is no well-formed request: over HTTP, whatever it was meant to be. Where its end is, is not known either.
fn refused(fault: Fault, many: bool) -> Response<Body> {
    let mut response = fault.into_http().map(|json| Body::new(Full::new(json)));
    if !many {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Answers HEAD: what GET would answer, without the body (RFC 9110, section 9.3.2).
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    // What has no body by its status says nothing of a length: it would be that of another answer.
    let has_body = head.status != StatusCode::NOT_MODIFIED && head.status != StatusCode::NO_CONTENT;
    if let Some(length) = body.size_hint().exact().filter(|_| has_body) {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}

fn builder() -> auto::Builder<Patient> {
    let mut builder = auto::Builder::new(Patient);
    builder
        .http1()
        .writev(true)
        // A timer for each request, most of which come at once: the wait before a head is seen to by `Port::idle`, that for the
        // rest of one by `Impatient`.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_KEEPALIVE_INTERVAL)
        .keep_alive_timeout(HTTP2_KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .enable_connect_protocol()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    builder
}
