//! The inside of the edge stack: what a request is about, and who answers it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::request::Parts;
use http::{Method as HttpMethod, Request, Response};
use mainstay_contract::http::RESERVED_ROOTS;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Access, Body, Context, Endpoint, Exchange, GRPC_TYPES, Messages, Protocol, Resolved, essence};
use mainstay_runtime::Readiness;
use mainstay_runtime::channel::Channel;
use mainstay_telemetry::Route;
use tonic::service::Routes;

use super::fixed;
use super::grpc::{self, GrpcCall};
use super::known::Known;
use super::rest::{self, RestRequest};
use crate::config::Config;
use crate::route::Lookup;
use crate::snapshot::{Backend, Snapshot};

/// The ways to the services that answer.
#[derive(Clone)]
pub struct Backends {
    pub auth: Arc<dyn Channel>,
    pub data: Arc<dyn Channel>,
}

/// Answers everything that comes in on the gateway's port. All clones are one.
#[derive(Clone)]
pub struct Edge {
    pub(crate) config: Config,
    pub(crate) live: Arc<ArcSwap<Snapshot>>,
    pub(crate) known: Known,
    pub(crate) backends: Backends,
    pub(crate) readiness: Readiness,
    /// Health and reflection.
    pub(crate) own: Routes,
    /// Where requests are counted that no service answers.
    pub(crate) route: Arc<Route>,
}

/// What a request is about.
#[derive(Debug)]
pub enum Target {
    Rest(RestRequest),
    Grpc(GrpcCall),
    /// `/healthz`, `/readyz`.
    Probe,
    /// Health and reflection, which this process answers.
    Own(Messages),
    /// Nothing is served there, and another contract is being loaded.
    Awaited,
    /// The path is known; these are its methods.
    WrongMethod(Vec<HttpMethod>),
}

impl Edge {
    pub(crate) fn channel(&self, backend: Backend) -> &dyn Channel {
        match backend {
            Backend::Auth => self.backends.auth.as_ref(),
            Backend::Data => self.backends.data.as_ref(),
        }
    }

    fn resolve_grpc(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        if parts.method != HttpMethod::POST {
            return Err(Fault::new(Reason::MethodNotAllowed).message("a gRPC call is a POST"));
        }
        if let Some((streams, messages)) = fixed::own_method(path) {
            return Ok(Resolved { streams, ..self.open(Target::Own(messages)) });
        }
        let snapshot = self.live.load_full();
        let Some(method) = snapshot.method(path).cloned() else {
            let what = format!("there is no method `{}`", shown(path));
            return self.missing(&snapshot, Reason::MethodNotFound, what);
        };
        let access = method.access.clone().ok_or_else(|| Fault::new(Reason::PermissionDenied))?;
        let route = method.route.clone();
        let streams = method.server_streaming;
        Ok(Resolved { target: Target::Grpc(GrpcCall { snapshot, method }), access, streams, route })
    }

    fn resolve_rest(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        let path = parts.uri.path();
        if fixed::is_probe(path) {
            let reads = fixed::PROBE_METHODS.contains(&parts.method);
            let refused = || Target::WrongMethod(fixed::PROBE_METHODS.to_vec());
            return Ok(self.open(if reads { Target::Probe } else { refused() }));
        }
        let snapshot = self.live.load_full();
        match snapshot.route(path, &parts.method) {
            Lookup::Found { route: binding, segments } => {
                let method = &snapshot.bindings()[binding].method;
                let access = method.access.clone().ok_or_else(|| Fault::new(Reason::PermissionDenied))?;
                let route = method.route.clone();
                let target = Target::Rest(RestRequest { snapshot, binding, segments });
                Ok(Resolved { target, access, streams: false, route })
            }
            Lookup::WrongMethod { allow } => Ok(self.open(Target::WrongMethod(allow))),
            Lookup::Unknown if fixed::own_method(path).is_some() || snapshot.method(path).is_some() => {
                self.other_protocol(parts)
            }
            Lookup::Unknown => {
                let what = format!("nothing is served at `{}`", shown(path));
                let platforms = path.split('/').nth(1).is_some_and(|root| RESERVED_ROOTS.contains(&root));
                match platforms {
                    true => Err(Fault::new(Reason::RouteNotFound).message(what)),
                    false => self.missing(&snapshot, Reason::RouteNotFound, what),
                }
            }
        }
    }

    /// What is not served, unless a contract that serves it is being loaded at this moment.
    fn missing(&self, snapshot: &Snapshot, reason: Reason, what: String) -> Result<Resolved<Target>, Fault> {
        match self.known.is_changing(snapshot.revision) {
            true => Ok(self.open(Target::Awaited)),
            false => Err(self.known.missing(reason, what)),
        }
    }

    /// A gRPC method's path, and no gRPC call.
    fn other_protocol(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        if parts.method == HttpMethod::POST {
            return Err(unsupported(parts));
        }
        Ok(self.open(Target::WrongMethod(vec![HttpMethod::POST])))
    }

    /// What everybody may ask and no service answers.
    fn open(&self, target: Target) -> Resolved<Target> {
        Resolved { target, access: Access::Anyone, streams: false, route: self.route.clone() }
    }

    /// Answers a request that came while a contract was being loaded: once that is served, as if it had come then.
    async fn serve_later(&self, request: Request<Body>, context: Context) -> Result<Response<Body>, Fault> {
        self.known.settled().await;
        let (parts, body) = request.into_parts();
        let Resolved { target, access, .. } = self.resolve(&parts)?;
        access.check(&context.principal)?;
        match target {
            Target::Awaited => Err(Fault::new(Reason::Unavailable).message("the contract is being changed; try again")),
            target => self.serve(target, Request::from_parts(parts, body), context).await,
        }
    }

    async fn serve(&self, target: Target, request: Request<Body>, context: Context) -> Result<Response<Body>, Fault> {
        match target {
            // Boxed one by one: a future is as large as the largest thing in it, and is moved when it is made.
            Target::Rest(target) => Box::pin(rest::serve(self, target, request, context)).await,
            Target::Grpc(target) => Box::pin(grpc::serve(self, target, request, context)).await,
            Target::Probe => fixed::serve_probe(self, &request),
            Target::Own(messages) => fixed::serve_own(self, messages, request).await,
            Target::WrongMethod(allow) => Err(rest::wrong_method(&allow, &request)),
            Target::Awaited => Box::pin(self.serve_later(request, context)).await,
        }
    }
}

impl Endpoint for Edge {
    type Target = Target;

    fn resolve(&self, parts: &Parts) -> Result<Resolved<Target>, Fault> {
        match Protocol::of(&parts.headers) {
            Protocol::Grpc => self.resolve_grpc(parts),
            Protocol::Http if is_other_rpc(parts) => Err(unsupported(parts)),
            Protocol::Http => self.resolve_rest(parts),
        }
    }

    async fn handle(&self, exchange: Exchange<Target>) -> Result<Response<Body>, Fault> {
        let Exchange { request, context, target } = exchange;
        self.serve(target, request, context).await
    }
}

/// Whether a content type belongs to a protocol that is not served: gRPC-Web, Connect, or protobuf without a frame. A body
/// that says so is no JSON, wherever it is sent.
fn is_other_rpc(parts: &Parts) -> bool {
    const BEGINNINGS: [&[u8]; 5] = [
        b"application/grpc",
        b"application/connect",
        b"application/proto",
        b"application/x-proto",
        b"application/vnd.google.proto",
    ];
    let kind = essence(&parts.headers);
    BEGINNINGS.iter().any(|begin| kind.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)))
}

/// Answers 415, naming what is served.
fn unsupported(parts: &Parts) -> Fault {
    let kind = shown(std::str::from_utf8(essence(&parts.headers)).unwrap_or_default());
    let sent = if kind.is_empty() { "a request without a content type".to_owned() } else { format!("`{kind}`") };
    let taken = "gRPC methods take `application/grpc`, REST paths take `application/json`";
    Fault::new(Reason::UnsupportedMediaType)
        .message(format!("{sent} is not served at `{}`; {taken}", shown(parts.uri.path())))
        .meta("accept", format!("{}, application/json", GRPC_TYPES.join(", ")))
}

/// A path as a message shows it.
fn shown(path: &str) -> &str {
    const SHOWN: usize = 200;
    path.get(..SHOWN).unwrap_or(path)
}
