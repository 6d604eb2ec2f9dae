//! A connection, or one stream of it, that its client wants to speak another protocol on: `Upgrade` of HTTP/1.1 (RFC 9110,
//! section 7.8) and extended CONNECT of HTTP/2 (RFC 8441).

use super::impatient::Impatient;
use super::limits::{MAX_TUNNELS, WRITE_STALL_TIMEOUT};
use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Answers, Body, rarely};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What comes and goes once the protocol has changed.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<I: AsyncRead + AsyncWrite + Send + Unpin> Duplex for I {}

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the requests of one connection that ask for another protocol are served further.
#[derive(Clone)]
pub(super) struct Tunnels {
    /// What serves an HTTP/1.1 connection after its last request.
    next: Arc<Mutex<Option<Serving>>>,
    tasks: TaskTracker,
    draining: CancellationToken,
    cut: CancellationToken,
    answers: Answers,
    /// How many streams of the connection speak another protocol.
    open: Arc<AtomicUsize>,
}

/// One of them.
struct OpenTunnel(Arc<AtomicUsize>);

impl Drop for OpenTunnel {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tunnels {
    pub(super) fn new(
        tasks: TaskTracker,
        (draining, cut): (CancellationToken, CancellationToken),
        answers: Answers,
    ) -> Tunnels {
        Tunnels { next: Arc::default(), tasks, draining, cut, answers, open: Arc::default() }
    }

    /// A place for one more; nothing where there are as many as one connection may have.
    fn enter(&self) -> Option<OpenTunnel> {
        let place = OpenTunnel(self.open.clone());
        (self.open.fetch_add(1, Ordering::Relaxed) < MAX_TUNNELS).then_some(place)
    }

    /// Has a request that asks for another protocol bring along what it is asked for with.
    pub(super) fn attach<B>(&self, request: &mut Request<B>) {
        let many = request.version() == Version::HTTP_2;
        let named = match request.version() {
            Version::HTTP_2 if request.method() == Method::CONNECT => {
                request.extensions().get::<hyper::ext::Protocol>().map(|named| named.as_str().to_owned())
            }
            Version::HTTP_11 => {
                rarely(request.headers(), &UPGRADE).and_then(|named| named.to_str().ok()).map(str::to_owned)
            }
            _ => None,
        };
        let Some(protocol) = named else { return };
        let upgrade = hyper::upgrade::on(&mut *request);
        request.extensions_mut().insert(Tunnel { protocol, many, upgrade, on: self.clone() });
    }

    /// What serves the connection on, now that HTTP is over on it.
    pub(super) fn take(&self) -> Option<Serving> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What a request asks for that wants another protocol, in its extensions.
#[derive(Clone)]
pub struct Tunnel {
    protocol: String,
    many: bool,
    upgrade: OnUpgrade,
    on: Tunnels,
}

impl Tunnel {
    /// The name of the protocol that is asked for.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Whether it is asked for one stream of a connection alone, as HTTP/2 has it.
    pub fn is_of_a_stream(&self) -> bool {
        self.many
    }

    /// Where what waits to be sent is counted: with the answers of the connection.
    pub fn answers(&self) -> &Answers {
        &self.on.answers
    }

    /// Agrees: has what comes after the answer served, which is given the bytes, and told when the port closes. It counts as the
    /// connection that it is, and ends with it. Fails where as many streams of the connection as may be speak another protocol.
    pub fn open<S>(
        self,
        serve: impl FnOnce(Box<dyn Duplex>, CancellationToken) -> S + Send + 'static,
    ) -> Result<Response<Body>, Fault>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let Some(place) = self.on.enter() else {
            let what = format!(
                "{MAX_TUNNELS} streams of this connection speak another protocol, which is all that there may be"
            );
            return Err(Fault::new(Reason::RateLimited).message(what));
        };
        let Tunnel { protocol, many, upgrade, on: Tunnels { next, tasks, draining, cut, .. } } = self;
        let serving: Serving = Box::pin(async move {
            let _place = place;
            match upgrade.await {
                Ok(upgraded) => {
                    let io = Impatient::later(TokioIo::new(upgraded), WRITE_STALL_TIMEOUT);
                    serve(Box::new(io), draining).await;
                }
                Err(error) => tracing::debug!(%error, "a connection ended before its protocol changed"),
            }
        });
        let mut response = Response::new(Body::empty());
        if many {
            tasks.spawn(async move {
                tokio::select! { () = serving => {} () = cut.cancelled() => {} }
            });
            return Ok(response);
        }
        *next.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.extend(HeaderValue::from_maybe_shared(Bytes::from(protocol)).ok().map(|named| (UPGRADE, named)));
        Ok(response)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("protocol", &self.protocol).field("many", &self.many).finish_non_exhaustive()
    }
}
