//! The order of the layers. This is the only place that knows it.

use crate::answering::{Answering, Handling, panicked};
use crate::observe::{Counted, Observation};
use crate::shed::Permit;
use crate::{
    Body, Context, Endpoint, Exchange, Peer, Policies, Protocol, RateLimit, Resolved, RoutesEndpoint, Shed, Timeouts,
    identity_headers, request_id, slow_body, trace,
};
use http::Request;
use http::header::AUTHORIZATION;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Authenticator, Principal};
use mainstay_telemetry::{Metrics, SpanPolicy, TraceContext};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tonic::service::Routes;

/// What the layers of a listener are made of.
#[derive(Clone)]
pub struct Guards {
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Whether a request gets a span.
    pub spans: SpanPolicy,
    /// Who a request comes from.
    pub authenticator: Authenticator,
    /// How many requests are worked on at a time.
    pub shed: Shed,
    /// How long a call may take.
    pub timeouts: Timeouts,
    /// How often a caller may call.
    pub rate_limit: Option<Arc<dyn RateLimit>>,
}

/// Everything a request passes on a port that clients reach, around the gateway's endpoint.
pub fn edge<E: Endpoint>(endpoint: E, guards: Guards) -> Stack<E> {
    Stack::new(endpoint, guards, Place::Listener)
}

/// Everything a request passes on a service's own port, around routes whose frame tonic generates.
pub fn listener(routes: Routes, policies: Policies, guards: Guards) -> Stack<RoutesEndpoint> {
    edge(RoutesEndpoint::new(routes, policies), guards)
}

/// What a call in memory passes: span, deadline, principal, policy. The request that it serves was counted at the edge,
/// and its caller was verified there: a typed principal is believed, since nothing from a network can carry one.
pub fn inner(routes: Routes, policies: Policies, guards: Guards) -> Stack<RoutesEndpoint> {
    Stack::new(RoutesEndpoint::new(routes, policies), guards, Place::InMemory)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Listener,
    InMemory,
}

/// An endpoint behind its layers: a tower service that never fails. Cheap to clone.
pub struct Stack<E>(Arc<Inner<E>>);

struct Inner<E> {
    endpoint: E,
    guards: Guards,
    place: Place,
}

impl<E: Endpoint> Stack<E> {
    fn new(endpoint: E, guards: Guards, place: Place) -> Stack<E> {
        Stack(Arc::new(Inner { endpoint, guards, place }))
    }

    /// Returns the endpoint inside.
    pub fn endpoint(&self) -> &E {
        &self.0.endpoint
    }

    /// Sends a request through the layers, outermost first.
    fn pass(&self, request: Request<Body>) -> Answering {
        let (mut parts, body) = request.into_parts();
        let request_id = request_id::take_or_make(&parts.headers);
        let trace = TraceContext::from_headers(&parts.headers);
        let mut observation = self.0.observe(&parts, &trace, request_id.clone());
        let span = observation.span.clone();
        let entered = span.enter();
        // The resolver runs here and not in the future: its panics have to be caught here.
        let admitted = catch_unwind(AssertUnwindSafe(|| self.0.admit(&mut parts, &mut observation)))
            .unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        drop(entered);
        let Admitted { mut permit, resolved, deadline, principal } = match admitted {
            Ok(admitted) => admitted,
            Err(fault) => return Answering::refused(fault, observation),
        };
        // Only a call from a listener has a permit; one in memory has its body.
        let body = match &mut permit {
            Some(permit) => slow_body::awaited(body, permit, resolved.streams),
            None => body,
        };
        let ticket = Ticket { request: Request::from_parts(parts, body), request_id, trace, deadline, resolved };
        let handling = match principal {
            Some(principal) => match self.0.let_in(ticket, principal) {
                Ok(exchange) => self.handle(exchange),
                Err(fault) => return Answering::refused(fault, observation),
            },
            None => self.fetch_keys_and_handle(ticket),
        };
        Answering::handling(handling, observation, deadline, permit)
    }

    fn handle(&self, exchange: Exchange<E::Target>) -> Handling {
        let inner = self.0.clone();
        Box::pin(async move { inner.endpoint.handle(exchange).await })
    }

    /// The rare way: the token's key is not known yet and has to be fetched.
    fn fetch_keys_and_handle(&self, ticket: Ticket<E::Target>) -> Handling {
        let inner = self.0.clone();
        Box::pin(async move {
            let principal = inner.guards.authenticator.authenticate(ticket.request.headers()).await?;
            let exchange = inner.let_in(ticket, principal)?;
            inner.endpoint.handle(exchange).await
        })
    }
}

/// A request that passed everything which does not depend on its caller.
struct Admitted<T> {
    permit: Option<Permit>,
    resolved: Resolved<T>,
    deadline: Option<Instant>,
    principal: Option<Principal>,
}

/// The same with its body and its ids.
struct Ticket<T> {
    request: Request<Body>,
    request_id: http::HeaderValue,
    trace: TraceContext,
    deadline: Option<Instant>,
    resolved: Resolved<T>,
}

impl<E: Endpoint> Inner<E> {
    /// Trace, metrics, access log: they see every end that a request can have.
    fn observe(&self, parts: &http::request::Parts, trace: &TraceContext, id: http::HeaderValue) -> Observation {
        let metrics = &self.guards.metrics;
        let (span, counted) = match self.place {
            Place::Listener => {
                let counted = Counted { route: metrics.unresolved().clone(), _active: metrics.begin() };
                (trace::span(self.guards.spans, trace, parts, &id), Some(counted))
            }
            Place::InMemory => (trace::inner_span(&id), None),
        };
        let logged = tracing::enabled!(target: "mainstay::access", tracing::Level::DEBUG);
        Observation {
            started: Instant::now(),
            protocol: Protocol::of(&parts.headers),
            method: parts.method.clone(),
            path: logged.then(|| parts.uri.path().into()),
            request_id: id,
            span,
            counted,
            finished: false,
        }
    }

    /// Shed, strip, resolve, deadline, authenticate.
    fn admit(
        &self,
        parts: &mut http::request::Parts,
        observation: &mut Observation,
    ) -> Result<Admitted<E::Target>, Fault> {
        // First of all: what is too much must cost nothing. A call in memory was admitted with its request.
        let permit = match self.place {
            Place::Listener => Some(self.guards.shed.enter()?),
            Place::InMemory => None,
        };
        // Before anybody reads a header.
        identity_headers::strip(&mut parts.headers);
        // Once; everything below decides by what comes out of it.
        let resolved = self.endpoint.resolve(parts)?;
        observation.resolved(&resolved.route);
        // Before anything that may wait.
        let deadline = self.guards.timeouts.deadline(&parts.headers, resolved.streams, observation.started)?;
        if deadline.is_some_and(|deadline| deadline <= observation.started) {
            return Err(Fault::new(Reason::DeadlineExceeded));
        }
        let principal = self.authenticate(parts)?;
        Ok(Admitted { permit, resolved, deadline, principal })
    }

    /// Finds the caller without waiting; `None` where keys have to be fetched first.
    fn authenticate(&self, parts: &mut http::request::Parts) -> Result<Option<Principal>, Fault> {
        if self.place == Place::InMemory
            && let Some(principal) = parts.extensions.remove::<Principal>()
        {
            return Ok(Some(principal));
        }
        self.guards.authenticator.try_authenticate(&parts.headers).transpose().map_err(Fault::from)
    }

    /// Authorise, rate limit: what needs the caller.
    fn let_in(&self, ticket: Ticket<E::Target>, principal: Principal) -> Result<Exchange<E::Target>, Fault> {
        let Ticket { request, request_id, trace, deadline, resolved } = ticket;
        resolved.access.check(&principal)?;
        let context = Context {
            principal,
            token: request.headers().get(AUTHORIZATION).cloned(),
            request_id,
            deadline,
            trace,
            peer: request.extensions().get::<Peer>().map(|peer| peer.0),
        };
        if let Some(limit) = &self.guards.rate_limit {
            limit.admit(&context, &resolved.route)?;
        }
        Ok(Exchange { request, context, target: resolved.target })
    }
}

impl<E> Clone for Stack<E> {
    fn clone(&self) -> Stack<E> {
        Stack(self.0.clone())
    }
}

impl<E: Endpoint> tower::Service<Request<Body>> for Stack<E> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        self.pass(request)
    }
}
