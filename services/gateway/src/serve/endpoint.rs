//! The inside of the edge stack: what a request is about, and who answers it.

use std::sync::Arc;

use http::request::Parts;
use http::{Method as HttpMethod, Request, Response};
use mainstay_contract::RESERVED_ROOTS;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Access, Again, Body, Context, Cookies, Effect, Endpoint, Exchange, Messages, Place, Resolved};
use mainstay_telemetry::Route;

use super::edge::Edge;
use super::exchange::exchange;
use super::fixed;
use crate::docs::{self, Doc};
use crate::oauth;
use crate::pages::{self, Page};
use crate::protocol::{
    Coding, Connect, Found, Grpc, GrpcWeb, Manner, Protocol, Rest, Socket, Way, methods, no_message, shown,
    unsupported, wrong_method,
};
use crate::route::Lookup;
use crate::site::Site;
use crate::snapshot::{Method, Snapshot};
use crate::socket;

/// What a request is about.
#[derive(Debug)]
pub enum Target {
    /// A method, called in this protocol.
    Method(Protocol, Found),
    /// `/healthz`, `/readyz`.
    Probe,
    /// A page for people.
    Page(Page),
    /// A file of the site.
    Site,
    /// What the gateway says of itself.
    Doc(Doc),
    /// What other applications ask.
    OAuth(oauth::Endpoint),
    /// A connection that many calls come over.
    Socket,
    /// Who it is that calls over one.
    Identity,
    /// Health and reflection, which this process answers.
    Own(Protocol, Messages),
    /// Nothing is served there, and another contract is being loaded.
    Awaited(Protocol),
    /// The path is known; these are its methods.
    WrongMethod(Vec<HttpMethod>),
    /// Nothing more is asked than that.
    Methods(Vec<HttpMethod>),
}

impl Edge {
    /// Finds the method of an RPC's path.
    fn resolve_rpc(&self, parts: &Parts, protocol: Protocol) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        if parts.method != HttpMethod::POST {
            return Err(Fault::new(Reason::MethodNotAllowed).message("a gRPC call is a POST"));
        }
        if let Some((streams, messages)) = fixed::own_method(path) {
            return Ok(Resolved { takes: messages, streams, ..self.open(Target::Own(protocol, messages)) });
        }
        let snapshot = self.live.load_full();
        match snapshot.method(path).cloned() {
            Some(method) => admitted(protocol, Found { snapshot, way: Way::Rpc(method) }),
            None => {
                let what = format!("there is no method `{}`", shown(path));
                self.missing(&snapshot, protocol, Reason::MethodNotFound, what)
            }
        }
    }

    /// Finds the method of an RPC's path, called by Connect.
    fn resolve_connect(
        &self,
        parts: &Parts,
        manner: Manner,
        coding: Option<Coding>,
    ) -> Result<Resolved<Target>, Fault> {
        let (path, protocol) = (parts.uri.path(), Protocol::Connect(manner, coding));
        let snapshot = self.live.load_full();
        let method = snapshot.method(path).cloned();
        let is_own = fixed::own_method(path).is_some();
        if manner == Manner::Get && (is_own || method.as_ref().is_some_and(|method| !method.is_read())) {
            return Ok(self.at_known_path(parts, rpc_methods(method.as_deref())));
        }
        if is_own {
            return Err(fixed::not_over("Connect", path));
        }
        if let Some(method) = method {
            manner.check(&method)?;
            return admitted(protocol, Found { snapshot, way: Way::Rpc(method) });
        }
        // The path of a rule may look like an RPC's.
        if !matches!(snapshot.route(path, &parts.method), Lookup::Unknown) {
            return self.resolve_rule(parts, Protocol::Rest(coding));
        }
        self.missing(&snapshot, protocol, Reason::MethodNotFound, format!("there is no method `{}`", shown(path)))
    }

    /// Finds the method of an HTTP rule.
    fn resolve_rule(&self, parts: &Parts, protocol: Protocol) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        if fixed::is_probe(path) {
            let reads = fixed::PROBE_METHODS.contains(&parts.method);
            return Ok(if reads {
                self.open(Target::Probe)
            } else {
                self.at_known_path(parts, fixed::PROBE_METHODS.to_vec())
            });
        }
        let snapshot = self.live.load_full();
        match snapshot.route(path, &parts.method) {
            Lookup::Found { route: binding, segments } => {
                admitted(protocol, Found { snapshot, way: Way::Rule { binding, segments } })
            }
            Lookup::WrongMethod { allow } => Ok(self.at_known_path(parts, allow)),
            Lookup::NoVerb { verbs } => {
                let what = format!("nothing is served at `{}`; it may end with :{}", shown(path), verbs.join(", :"));
                self.missing(&snapshot, protocol, Reason::RouteNotFound, what)
            }
            Lookup::Unknown if let Some(page) = self.page(path) => Ok(self.at_page(parts, page)),
            Lookup::Unknown if let Some(doc) = self.doc(path) => Ok(self.at_doc(parts, doc)),
            Lookup::Unknown if let Some(endpoint) = oauth::Endpoint::of(path) => Ok(self.at_oauth(parts, endpoint)),
            Lookup::Unknown if path == socket::PATH && self.sockets.is_some() => Ok(self.at_socket(parts)),
            Lookup::Unknown if fixed::own_method(path).is_some() || snapshot.method(path).is_some() => {
                self.other_protocol(parts, &snapshot)
            }
            Lookup::Unknown if self.is_of_site(parts, &snapshot) => Ok(self.at_site()),
            Lookup::Unknown => {
                let what = format!("nothing is served at `{}`", shown(path));
                let platforms = path.split('/').nth(1).is_some_and(|root| RESERVED_ROOTS.contains(&root));
                match platforms {
                    true => Err(Fault::new(Reason::RouteNotFound).message(what)),
                    false => self.missing(&snapshot, protocol, Reason::RouteNotFound, what),
                }
            }
        }
    }

    /// Finds the page at a path, where there are pages.
    fn page(&self, path: &str) -> Option<Page> {
        self.pages.as_ref().and(Page::of(path))
    }

    fn at_page(&self, parts: &Parts, page: Page) -> Resolved<Target> {
        if !page.methods().contains(&parts.method) {
            return self.at_known_path(parts, page.methods().to_vec());
        }
        let counted = self.pages.as_ref().map_or(&self.route, |(_, route)| route).clone();
        Resolved { cookies: Cookies::CountIfGood, route: counted, ..self.open(Target::Page(page)) }
    }

    /// Whether a request may be for a file of the site: no route is there, and none could be. As long as the contract is not known, or
    /// another one comes, that cannot be said.
    fn is_of_site(&self, parts: &Parts, snapshot: &Snapshot) -> bool {
        let is_free = |root: &str| !RESERVED_ROOTS.contains(&root) && !snapshot.has_root(root);
        self.site.is_some()
            && self.known.is_settled(snapshot.revision)
            && Site::root(parts).is_some_and(|root| is_free(&root))
    }

    fn at_site(&self) -> Resolved<Target> {
        let counted = self.site.as_ref().map_or(&self.route, |(_, route)| route).clone();
        Resolved { cookies: Cookies::Ignored, route: counted, ..self.open(Target::Site) }
    }

    async fn serve_site(&self, request: Request<Body>) -> Result<Response<Body>, Fault> {
        match &self.site {
            Some((site, _)) => site.serve(request).await,
            None => Err(Fault::new(Reason::RouteNotFound)),
        }
    }

    /// Finds what the gateway says of itself at a path, where it says anything.
    fn doc(&self, path: &str) -> Option<Doc> {
        self.docs.as_ref().and(Doc::of(path))
    }

    fn at_doc(&self, parts: &Parts, doc: Doc) -> Resolved<Target> {
        if !doc.methods().contains(&parts.method) {
            return self.at_known_path(parts, doc.methods().to_vec());
        }
        let counted = self.docs.as_ref().map_or(&self.route, |(_, route)| route).clone();
        Resolved { cookies: Cookies::CountIfGood, route: counted, ..self.open(Target::Doc(doc)) }
    }

    async fn serve_doc(&self, doc: Doc, request: Request<Body>, context: Context) -> Result<Response<Body>, Fault> {
        match &self.docs {
            Some((docs, _)) => docs::serve(docs, doc, self.live.load_full(), (request, context)).await,
            None => Err(Fault::new(Reason::RouteNotFound)),
        }
    }

    fn at_oauth(&self, parts: &Parts, endpoint: oauth::Endpoint) -> Resolved<Target> {
        if !endpoint.methods().contains(&parts.method) {
            return self.at_known_path(parts, endpoint.methods().to_vec());
        }
        // What a client shows is no credential of a caller's, and a browser's session is nothing to it.
        let (access, cookies) = (Access::Strangers, Cookies::Ignored);
        Resolved { access, cookies, route: self.oauth.clone(), ..self.open(Target::OAuth(endpoint)) }
    }

    fn at_socket(&self, parts: &Parts) -> Resolved<Target> {
        if !socket::METHODS.contains(&parts.method) {
            return self.at_known_path(parts, vec![HttpMethod::GET]);
        }
        // Whoever calls over it may be somebody else later on: who it is at first is found out in the same way.
        let (access, cookies) = (Access::Strangers, Cookies::Held);
        Resolved { access, cookies, route: self.socket_route(), ..self.open(Target::Socket) }
    }

    /// Finds what a WebSocket asks: who its caller is, or a method.
    fn resolve_socket(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        if path == socket::PATH {
            return Ok(Resolved { streams: true, route: self.socket_route(), ..self.open(Target::Identity) });
        }
        if fixed::own_method(path).is_some() {
            return Err(fixed::not_over("a WebSocket", path));
        }
        let snapshot = self.live.load_full();
        match snapshot.method(path).cloned() {
            Some(method) => admitted(Protocol::Socket, Found { snapshot, way: Way::Rpc(method) }),
            None => {
                let what = format!("there is no method `{}`", shown(path));
                self.missing(&snapshot, Protocol::Socket, Reason::MethodNotFound, what)
            }
        }
    }

    fn socket_route(&self) -> Arc<Route> {
        self.sockets.as_ref().map_or(&self.route, |sockets| &sockets.route).clone()
    }

    async fn serve_page(&self, page: Page, request: Request<Body>, context: Context) -> Result<Response<Body>, Fault> {
        match &self.pages {
            Some((pages, _)) => pages::serve(&self.backends, pages, page, (request, context)).await,
            None => Err(Fault::new(Reason::RouteNotFound)),
        }
    }

    /// What is not served, unless a contract that serves it is being loaded at this moment.
    fn missing(
        &self,
        snapshot: &Snapshot,
        protocol: Protocol,
        reason: Reason,
        what: String,
    ) -> Result<Resolved<Target>, Fault> {
        match self.known.is_changing(snapshot.revision) {
            true => Ok(self.open(Target::Awaited(protocol))),
            false => Err(self.known.missing(reason, what)),
        }
    }

    /// An RPC's path, and no call of a protocol that calls it.
    fn other_protocol(&self, parts: &Parts, snapshot: &Snapshot) -> Result<Resolved<Target>, Fault> {
        let allow = rpc_methods(snapshot.method(parts.uri.path()).map(|method| &**method));
        match parts.method {
            HttpMethod::POST => Err(unsupported(parts)),
            // One with a message would be Connect's.
            HttpMethod::GET | HttpMethod::HEAD if allow.contains(&parts.method) => Err(no_message()),
            _ => Ok(self.at_known_path(parts, allow)),
        }
    }

    /// A content type that nothing at this path takes. That an RPC is called by POST is told before what is sent to it.
    fn resolve_unserved(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        let snapshot = self.live.load_full();
        let path = parts.uri.path();
        if parts.method != HttpMethod::POST && (fixed::own_method(path).is_some() || snapshot.method(path).is_some()) {
            return self.other_protocol(parts, &snapshot);
        }
        Err(unsupported(parts))
    }

    /// A path that takes these methods, and not the request's.
    fn at_known_path(&self, parts: &Parts, allow: Vec<HttpMethod>) -> Resolved<Target> {
        let asks = parts.method == HttpMethod::OPTIONS;
        self.open(if asks { Target::Methods(allow) } else { Target::WrongMethod(allow) })
    }

    /// What everybody may ask and no service answers.
    fn open(&self, target: Target) -> Resolved<Target> {
        let route = self.route.clone();
        let (access, effect, takes, cookies) = (Access::Anyone, Effect::Reads, Messages::One, Cookies::Count);
        Resolved { target, access, effect, takes, cookies, streams: false, route }
    }

    /// Answers a request that came while a contract was being loaded: once that is served, as if it had come then.
    async fn serve_later(
        &self,
        protocol: Protocol,
        request: Request<Body>,
        (context, place): (Context, Option<Place>),
    ) -> Result<Response<Body>, Fault> {
        self.known.settled().await;
        let (parts, body) = request.into_parts();
        let Resolved { target, access, effect, .. } = self.resolve(&parts, protocol)?;
        access.check(&context.principal)?;
        effect.admit(&context.principal, &access)?;
        match target {
            Target::Awaited(_) => {
                Err(Fault::new(Reason::Unavailable).message("the contract is being changed; try again"))
            }
            target => self.serve(target, Request::from_parts(parts, body), (context, place)).await,
        }
    }

    async fn serve(
        &self,
        target: Target,
        request: Request<Body>,
        caller: (Context, Option<Place>),
    ) -> Result<Response<Body>, Fault> {
        match target {
            // Boxed one by one: a future is as large as the largest thing in it, and is moved when it is made.
            Target::Method(Protocol::Rest(coding), found) => {
                Box::pin(exchange::<Rest>(self, (found, coding), request, caller)).await
            }
            Target::Method(Protocol::Grpc, found) => {
                Box::pin(exchange::<Grpc>(self, (found, ()), request, caller)).await
            }
            Target::Method(Protocol::GrpcWeb(writing), found) => {
                Box::pin(exchange::<GrpcWeb>(self, (found, writing), request, caller)).await
            }
            Target::Method(Protocol::Connect(manner, coding), found) => {
                Box::pin(exchange::<Connect>(self, (found, (manner, coding)), request, caller)).await
            }
            Target::Method(Protocol::Socket, found) => {
                Box::pin(exchange::<Socket>(self, (found, ()), request, caller)).await
            }
            Target::Socket => Box::pin(socket::open(self, request, caller.0)).await,
            Target::Identity => Ok(socket::known(caller)),
            Target::Method(Protocol::Unserved(_), _) => Err(Fault::new(Reason::UnsupportedMediaType)),
            Target::Probe => fixed::serve_probe(self, &request),
            Target::Site => Box::pin(self.serve_site(request)).await,
            Target::OAuth(endpoint) => Box::pin(oauth::serve(self, endpoint, (request, caller.0))).await,
            Target::Doc(doc) => Box::pin(self.serve_doc(doc, request, caller.0)).await,
            Target::Page(page) => Box::pin(self.serve_page(page, request, caller.0)).await,
            Target::Own(protocol, messages) => {
                // Reflection tells some more than others.
                let mut request = request;
                request.extensions_mut().insert(caller.0.principal.clone());
                Box::pin(fixed::serve_own(self, protocol, messages, request, caller.0.end())).await
            }
            Target::WrongMethod(allow) => Err(wrong_method(&allow, &request)),
            Target::Methods(allow) => Ok(methods(&allow)),
            Target::Awaited(protocol) => Box::pin(self.serve_later(protocol, request, caller)).await,
        }
    }
}

/// What an RPC's path takes: POST, which every protocol has, and where the method only reads what Connect has beside it. Both
/// OPTIONS and 405 say so.
fn rpc_methods(method: Option<&Method>) -> Vec<HttpMethod> {
    match method {
        Some(method) if method.is_read() => vec![HttpMethod::POST, HttpMethod::GET, HttpMethod::HEAD],
        _ => vec![HttpMethod::POST],
    }
}

/// A method that was found, and who may call it.
fn admitted(protocol: Protocol, found: Found) -> Result<Resolved<Target>, Fault> {
    let method = found.method();
    let access = method.access.clone().ok_or_else(|| Fault::new(Reason::PermissionDenied))?;
    let takes = if method.client_streaming { Messages::Many } else { Messages::One };
    let (streams, route) = (method.client_streaming || method.server_streaming, method.route.clone());
    let (effect, cookies) = (method.effect(), method.cookies());
    Ok(Resolved { target: Target::Method(protocol, found), access, effect, takes, cookies, streams, route })
}

impl Endpoint for Edge {
    type Protocol = Protocol;
    type Target = Target;

    const TAKES_COOKIES: bool = true;

    fn resolve(&self, parts: &Parts, protocol: Protocol) -> Result<Resolved<Target>, Fault> {
        match protocol {
            Protocol::Grpc | Protocol::GrpcWeb(_) => self.resolve_rpc(parts, protocol),
            Protocol::Connect(manner, coding) => self.resolve_connect(parts, manner, coding),
            Protocol::Rest(_) => self.resolve_rule(parts, protocol),
            Protocol::Socket => self.resolve_socket(parts),
            Protocol::Unserved(_) => self.resolve_unserved(parts),
        }
    }

    fn placed(&mut self, again: Again) {
        self.again = Some(again);
    }

    async fn handle(&self, exchange: Exchange<Target>) -> Result<Response<Body>, Fault> {
        let Exchange { request, context, target, place } = exchange;
        self.serve(target, request, (context, place)).await
    }
}
