//! The order of the layers: [`Inner::pass`] is all of it, from the outside in. This is the only place that knows it; what a
//! layer does stands in the file of its name.

use crate::browser;
use crate::caught::caught;
use crate::cors::Page;
use crate::deadline::within;
use crate::observe::{Counted, Observation};
use crate::shed::Permit;
use crate::{
    Access, Again, Body, Browser, Context, Cors, End, Endpoint, Exchange, Peer, Policies, Protocol, Requests, Resolved,
    RoutesEndpoint, Shed, Timeouts, TrustedProxies, client, identity_headers, request_id, slow_body, trace,
};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Request, Response};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Authenticator, Principal};
use mainstay_telemetry::{Metrics, SpanPolicy, TraceContext};
use std::convert::Infallible;
use std::pin::{Pin, pin};
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
    /// Whose word about the address of a client is taken.
    pub trusted_proxies: TrustedProxies,
}

/// Everything a request passes on a port that clients reach, browsers among them, around the gateway's endpoint.
pub fn edge<E: Endpoint>(endpoint: E, guards: Guards, cors: Cors) -> Stack<E> {
    Stack::new(endpoint, guards, Place::Listener, cors)
}

/// Everything a request passes on a service's own port, around routes whose frame tonic generates.
pub fn listener(routes: Routes, policies: Policies, guards: Guards) -> Stack<RoutesEndpoint> {
    edge(RoutesEndpoint::new(routes, policies), guards, Cors::none())
}

/// What a call in memory passes: span, deadline, principal, policy. The request that it serves was counted at the edge,
/// and its caller was verified there: a typed principal is believed, since nothing from a network can carry one.
pub fn inner(routes: Routes, policies: Policies, guards: Guards) -> Stack<RoutesEndpoint> {
    Stack::new(RoutesEndpoint::new(routes, policies), guards, Place::InMemory, Cors::none())
}

/// An endpoint behind its layers: a tower service that never fails. Cheap to clone.
pub struct Stack<E>(Arc<Inner<E>>);

struct Inner<E> {
    endpoint: E,
    guards: Guards,
    place: Place,
    cors: Cors,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Listener,
    InMemory,
}

impl<E: Endpoint> Inner<E> {
    /// Sends a request through the layers.
    async fn pass(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        // Request id, trace, metrics, access log: they see every end that a request can have, so they stand outside of
        // everything that refuses.
        let (parts, body) = request.into_parts();
        let answers = parts.extensions.get::<Peer>().and_then(|peer| peer.answers.clone());
        let mut seen = self.observe(&parts);
        let span = seen.span.clone();
        // Outside of everything that refuses as well: a page that may call may also read why it was refused.
        let page = self.cors.page(&parts);
        // Around everything that runs code of ours: a panic is one request's answer, and never the connection's end.
        let answer = caught(&span, pin!(self.guard(parts, body, &page, &mut seen))).await;
        // After everything that makes an answer: one that is too large to wait for its client is refused like any other.
        let answer =
            answers.map_or(Ok(()), |answers| answer.as_ref().map_or(Ok(()), |made| answers.admit(made))).and(answer);
        let mut response = seen.answered(answer);
        self.cors.mark(&page, &mut response);
        Ok(response)
    }

    /// The layers that can refuse, and the handler behind them.
    async fn guard(
        &self,
        mut parts: Parts,
        body: Body,
        page: &Page,
        seen: &mut Observation<E::Protocol>,
    ) -> Result<Response<Body>, Fault> {
        // The global limit, first of all: what is too much must cost nothing.
        let mut permit = self.shed(&parts)?;
        // Before anything is looked up: a browser asks without a credential, and about no method.
        if let Some(preflight) = self.cors.admit(page, &parts)? {
            return Ok(preflight);
        }
        // Before the headers go that say where a request comes from.
        self.find_client(&mut parts);
        // Before anybody reads a header.
        identity_headers::strip(&mut parts.headers);
        // Once; everything below decides by the method that comes out of it, never by the path.
        let Resolved { target, access, effect, takes, cookies, streams, route } =
            self.endpoint.resolve(&parts, seen.protocol)?;
        seen.resolved(&route);
        // Before anybody asks who calls: whose page may have a browser say so is told by no credential.
        let browser = match E::TAKES_COOKIES {
            true => browser::settle(&mut parts, (cookies, effect), (page, &self.cors))?,
            false => None,
        };
        // Before anything that may wait.
        let deadline = self.guards.timeouts.deadline(&parts.headers, streams, seen.started)?;
        let handled = pin!(async {
            // What is shown to the endpoint alone is told to nobody else.
            let shown = if access == Access::Strangers { parts.headers.remove(AUTHORIZATION) } else { None };
            // Whoever shows a credential that is not good is refused also where everybody may call.
            let principal = match self.authenticate(&mut parts).await {
                Err(_) if browser.as_ref().is_some_and(|browser| browser.is_let_off) => nobody(&mut parts),
                known => known?,
            };
            // Before anything that a caller without the right could use up, or learn from.
            access.check(&principal)?;
            effect.admit(&principal, &access)?;
            let context = self.context(&parts, (principal, browser), (deadline, streams), seen);
            parts.headers.extend(shown.map(|shown| (AUTHORIZATION, shown)));
            // Half a request is not worked on: while the rest is waited for, others may have its place.
            let body = slow_body::awaited(body, permit.as_mut(), takes);
            let place = permit.as_mut().filter(|_| streams).map(Permit::place);
            let request = Request::from_parts(parts, body);
            // What is asked in a stream may take as long as the answer does.
            let end = if streams { context.expiry() } else { None };
            within(end, pin!(self.endpoint.handle(Exchange { request, context, target, place }))).await
        });
        within(deadline.map(|at| End::at(at, Reason::DeadlineExceeded)), handled).await
    }

    fn observe(&self, parts: &Parts) -> Observation<E::Protocol> {
        let (headers, metrics) = (&parts.headers, &self.guards.metrics);
        let id = request_id::take_or_make(headers);
        let trace = TraceContext::from_headers(headers);
        let (span, counted) = match self.place {
            Place::Listener => {
                let counted = Counted { route: metrics.unresolved().clone(), _active: metrics.begin() };
                (trace::span(self.guards.spans, &trace, &parts.method, &id), Some(counted))
            }
            // Its request was counted at the edge.
            Place::InMemory => (trace::inner_span(&id), None),
        };
        let logged = tracing::enabled!(target: "mainstay::access", tracing::Level::DEBUG);
        Observation {
            started: Instant::now(),
            protocol: E::Protocol::of(parts),
            method: parts.method.clone(),
            path: logged.then(|| parts.uri.path().into()),
            request_id: id,
            trace,
            span,
            counted,
            finished: false,
        }
    }

    /// A call in memory was let in with the request that makes it.
    fn shed(&self, parts: &Parts) -> Result<Option<Permit>, Fault> {
        match self.place {
            Place::Listener => {
                let nobody = Requests::default();
                let of = parts.extensions.get::<Peer>().map_or(&nobody, |peer| &peer.requests);
                self.guards.shed.enter(of).map(Some)
            }
            Place::InMemory => Ok(None),
        }
    }

    /// A call in memory comes with the address of its request.
    fn find_client(&self, parts: &mut Parts) {
        if self.place == Place::Listener {
            client::settle(parts, &self.guards.authenticator, &self.guards.trusted_proxies);
        }
    }

    async fn authenticate(&self, parts: &mut Parts) -> Result<Principal, Fault> {
        // Nothing from a network can carry a typed principal.
        if self.place == Place::InMemory
            && let Some(principal) = parts.extensions.remove::<Principal>()
        {
            return Ok(principal);
        }
        let authenticator = &self.guards.authenticator;
        if let Some(key) = authenticator.key(&parts.headers) {
            let peer = parts.extensions.get::<Peer>().map(|peer| peer.address);
            let (principal, token) = Box::pin(authenticator.exchange(key, peer)).await?;
            // Nobody behind sees the key.
            parts.headers.insert(AUTHORIZATION, token);
            return Ok(principal);
        }
        match authenticator.try_authenticate(&parts.headers) {
            Some(known) => Ok(known?),
            // Rarely the token's key is not known yet and has to be fetched.
            None => Ok(Box::pin(authenticator.authenticate(&parts.headers)).await?),
        }
    }

    /// When the caller's token is worth nothing any more.
    fn expiry(&self, principal: &Principal) -> Option<Instant> {
        Instant::now().checked_add(self.guards.authenticator.remaining(principal)?)
    }

    /// What the handler is told of the call.
    fn context(
        &self,
        parts: &Parts,
        (principal, browser): (Principal, Option<Box<Browser>>),
        (deadline, streams): (Option<Instant>, bool),
        seen: &Observation<E::Protocol>,
    ) -> Context {
        let (expires, watched) = match streams {
            true => (self.expiry(&principal), self.guards.authenticator.watch(&principal)),
            false => (None, None),
        };
        Context {
            principal,
            token: parts.headers.get(AUTHORIZATION).cloned(),
            request_id: seen.request_id.clone(),
            deadline,
            expires,
            watched,
            browser,
            trace: seen.trace.clone(),
            peer: parts.extensions.get::<Peer>().map(|peer| peer.address),
        }
    }
}

/// Takes whoever shows a credential that is not good for nobody.
fn nobody(parts: &mut Parts) -> Principal {
    parts.headers.remove(AUTHORIZATION);
    Principal::anonymous()
}

impl<E: Endpoint> Stack<E> {
    fn new(mut endpoint: E, guards: Guards, place: Place, cors: Cors) -> Stack<E> {
        Stack(Arc::new_cyclic(|stack| {
            // What stands behind the layers does not keep them.
            let stack = stack.clone();
            endpoint.placed(Again::new(move |request| {
                let stack: Arc<Inner<E>> = stack.upgrade()?;
                Some(Box::pin(async move {
                    match stack.pass(request).await {
                        Ok(response) => response,
                        Err(never) => match never {},
                    }
                }))
            }));
            Inner { endpoint, guards, place, cors }
        }))
    }

    /// Returns the endpoint inside.
    pub fn endpoint(&self) -> &E {
        &self.0.endpoint
    }
}

impl<E> Clone for Stack<E> {
    fn clone(&self) -> Stack<E> {
        Stack(self.0.clone())
    }
}

impl<E: Endpoint> tower::Service<Request<Body>> for Stack<E> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.clone().pass(request))
    }
}
