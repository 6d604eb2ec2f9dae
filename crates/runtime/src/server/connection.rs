//! Connections, from accepted to closed.

use super::impatient::Impatient;
use super::limits::{
    CONNECTION_WINDOW_BYTES, HEAD_TIMEOUT, HTTP2_KEEPALIVE_INTERVAL, HTTP2_KEEPALIVE_TIMEOUT, MAX_CONCURRENT_STREAMS,
    MAX_HEAD_BYTES, MAX_LOCAL_RESETS, MAX_PENDING_RESETS, MAX_SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES,
    TLS_HANDSHAKE_TIMEOUT, WRITE_STALL_TIMEOUT,
};
use super::lingering::{Lingering, Progress};
use super::{Certificates, Drained, wellformed};
use crate::Shutdown;
use futures_util::future::Either;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use mainstay_fault::Fault;
use mainstay_layers::{Body, Peer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The open connections of one server.
pub(super) struct Connections {
    builder: Arc<auto::Builder<TokioExecutor>>,
    tls: Option<TlsAcceptor>,
    graceful: GracefulShutdown,
    tasks: TaskTracker,
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(certificates: Option<&Certificates>, keep_alive: Duration) -> Connections {
        Connections {
            builder: Arc::new(builder(keep_alive)),
            tls: certificates.map(Certificates::acceptor),
            graceful: GracefulShutdown::new(),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Serves one connection in a task of its own. The slot is free again when it is closed.
    pub(super) fn spawn<S>(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit, service: S)
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        // Answers are small and written at once: waiting for more to send only adds latency.
        let _ = stream.set_nodelay(true);
        let (builder, watcher, tls) = (self.builder.clone(), self.graceful.watcher(), self.tls.clone());
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            let serve = async move {
                let _slot = slot;
                let Some(tls) = tls else { return serve(&builder, stream, peer, service, watcher).await };
                match timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(&builder, stream, peer, service, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            };
            tokio::select! { () = serve => {} () = cut.cancelled() => {} }
        });
    }

    /// Asks every connection to end (GOAWAY; `connection: close`), waits, and cuts what is left.
    pub(super) async fn drain(self, within: Duration, shutdown: &Shutdown) -> Drained {
        self.tasks.close();
        let finished = async {
            self.graceful.shutdown().await;
            self.tasks.wait().await;
        };
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

async fn serve<I, S>(
    builder: &auto::Builder<TokioExecutor>,
    io: I,
    peer: SocketAddr,
    service: S,
    watcher: hyper_util::server::graceful::Watcher,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let progress = Progress::default();
    let io = Impatient::new(io, progress.clone(), HEAD_TIMEOUT, WRITE_STALL_TIMEOUT);
    let io = Lingering::new(io, progress.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (many, head) = (request.version() == Version::HTTP_2, request.method() == Method::HEAD);
        let mut request = if many {
            progress.multiplexed();
            request.map(Body::new)
        } else {
            request.map(|body| progress.watch(body))
        };
        request.extensions_mut().insert(Peer(peer.ip()));
        let answering = match wellformed::admit(&mut request, !many && progress.next_has_two_lengths()) {
            Ok(()) => Either::Left(service.clone().call(request)),
            Err(fault) => Either::Right(std::future::ready(Ok(refused(fault, many)))),
        };
        let progress = progress.clone();
        async move {
            let response = progress.answered(answering.await?);
            Ok::<_, Infallible>(if head { without_body(response) } else { response })
        }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(io), answer).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        // A client that broke the protocol or went away: its business, not the operator's.
        tracing::debug!(%error, "a connection ended early");
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

fn builder(keep_alive: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .writev(true)
        // The whole of the wait for a head: before it begins, and what `Impatient` leaves of it.
        .header_read_timeout(keep_alive)
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
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    builder
}
