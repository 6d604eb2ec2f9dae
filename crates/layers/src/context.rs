//! What the stack knows about a call once it has let it in.

use crate::{Answers, Body, Browser, Place, Requests};
use http::HeaderValue;
use mainstay_identity::{Principal, Watched};
use mainstay_telemetry::TraceContext;
use std::net::IpAddr;
use std::time::Instant;

/// Who calls, until when, and under which ids.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who is calling; anonymous where no credential came.
    pub principal: Principal,
    /// The caller's own `authorization` header, forwarded to services that verify it themselves.
    pub token: Option<HeaderValue>,
    /// The id under which the logs know this request; visible ASCII.
    pub request_id: HeaderValue,
    /// When the caller stops waiting. `None` only for streams whose caller gave no deadline.
    pub deadline: Option<Instant>,
    /// When the token that let the caller in is worth nothing any more. Only streams ask: `None` for other calls, and for
    /// callers who show none.
    pub expires: Option<Instant>,
    /// Waits until what let the caller in is revoked. Only streams ask, as above.
    pub watched: Option<Watched>,
    /// The trace that the caller belongs to.
    pub trace: TraceContext,
    /// The browser that keeps a session, or wants to, where the endpoint takes its cookies.
    pub browser: Option<Box<Browser>>,
    /// The address that the call comes from, behind proxies that are trusted; `None` for work of the process's own.
    pub peer: Option<IpAddr>,
}

/// A request that was resolved, authenticated and authorised, on its way to its handler.
#[derive(Debug)]
pub struct Exchange<T> {
    /// The request as it came, its body unread, without the headers that only we may set.
    pub request: http::Request<Body>,
    /// Who calls, until when, and under which ids.
    pub context: Context,
    /// What the path resolved to.
    pub target: T,
    /// The place of a call that is answered with a stream, among those that are worked on.
    pub place: Option<Place>,
}

/// Where a call comes from, in its extensions: put there by the listener for a connection, and by the channel for a call in
/// memory.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The address.
    pub address: IpAddr,
    /// What else of it is worked on.
    pub requests: Requests,
    /// Where the answers of its connection are counted; nowhere for a call in memory.
    pub answers: Option<Answers>,
}

impl Peer {
    /// One whose requests nobody counts.
    pub fn at(address: IpAddr) -> Peer {
        Peer { address, requests: Requests::default(), answers: None }
    }
}
