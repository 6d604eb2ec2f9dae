//! What the stack asks of the thing behind it.

use crate::{Access, Again, Body, Cookies, Effect, Exchange, Messages, Protocol};
use mainstay_fault::Fault;
use mainstay_telemetry::Route;
use std::future::Future;
use std::sync::Arc;

/// The inside of a stack: resolves a request once, and handles it after everything that decides by method has agreed.
pub trait Endpoint: Send + Sync + 'static {
    /// What is spoken on its port.
    type Protocol: Protocol;

    /// What a path resolves to, handed on to [`Endpoint::handle`] so that nothing is looked up twice.
    type Target: Send + 'static;

    /// Whether a session that a browser keeps in cookies may stand for the caller.
    const TAKES_COOKIES: bool = false;

    /// Tells it, once, where it stands: what a request brings with it that is a call of its own goes through `again`.
    fn placed(&mut self, again: Again) {
        drop(again);
    }

    /// Finds what the request is about, from its method, path and headers. Synchronous and quick: tables only.
    fn resolve(&self, parts: &http::request::Parts, protocol: Self::Protocol) -> Result<Resolved<Self::Target>, Fault>;

    /// Answers a request that was let in. A fault is rendered by the stack, in the caller's protocol.
    fn handle(
        &self,
        exchange: Exchange<Self::Target>,
    ) -> impl Future<Output = Result<http::Response<Body>, Fault>> + Send;
}

/// What the stack has to know about a method before it lets a request in.
#[derive(Debug)]
pub struct Resolved<T> {
    /// Handed to the handler.
    pub target: T,
    /// Who may call.
    pub access: Access,
    /// What a call may do.
    pub effect: Effect,
    /// How many messages the request is: what is one has to come in time.
    pub takes: Messages,
    /// What a session in cookies is to the method.
    pub cookies: Cookies,
    /// Whether the answer is a stream: such a call has no deadline unless its caller gives one.
    pub streams: bool,
    /// Where the call is counted.
    pub route: Arc<Route>,
}
