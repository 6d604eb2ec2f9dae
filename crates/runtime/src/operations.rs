//! What operators and their tools read over plain HTTP: probes on any port, metrics on one of their own.

use crate::server::{BindError, Drained, ListenAddress};
use crate::{Readiness, Server, ServerConfig, Shutdown};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, Native, Protocol as _};
use mainstay_telemetry::Metrics;
use serde_json::json;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Answers "is the process alive".
pub const HEALTHZ: &str = "/healthz";

/// Answers "should it get requests".
pub const READYZ: &str = "/readyz";

/// Answers with the metrics, on the operators' port only.
pub const METRICS: &str = "/metrics";

/// The type of Prometheus' text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers `/healthz` and `/readyz`; `None` for every other path. Says which checks fail, not why: anybody may ask.
pub fn probe(readiness: &Readiness, method: &Method, path: &str) -> Option<Response<Body>> {
    respond(readiness, method, path, false)
}

fn respond(readiness: &Readiness, method: &Method, path: &str, reasons: bool) -> Option<Response<Body>> {
    if !matches!(path, HEALTHZ | READYZ) {
        return None;
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let fault = Fault::new(Reason::MethodNotAllowed).meta("allow", "GET, HEAD");
        return Some(fault.into_http().map(|json| Body::new(Full::new(json))));
    }
    if path == HEALTHZ {
        return Some(text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n"));
    }
    let checks: Vec<_> = readiness
        .report()
        .into_iter()
        .map(|(name, reason)| match reason {
            None => json!({ "name": name, "ready": true }),
            Some(reason) if reasons => json!({ "name": name, "ready": false, "reason": reason }),
            Some(_) => json!({ "name": name, "ready": false }),
        })
        .collect();
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": ready, "checks": checks }).to_string();
    Some(text(status, "application/json", body))
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The operators' port, bound and not served yet. Keep it on a loopback or otherwise protected address.
#[derive(Debug)]
pub struct Operations {
    server: Server,
    service: OperationsService,
}

impl Operations {
    /// Binds the port.
    pub fn bind(
        address: impl Into<ListenAddress>,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Result<Operations, BindError> {
        let server = Server::bind(&ServerConfig { drain_seconds: 1, ..ServerConfig::on(address.into()) })?;
        Ok(Operations { server, service: OperationsService { metrics, readiness } })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Serves `/metrics`, `/healthz` and `/readyz` until the shutdown begins.
    pub async fn serve(self, shutdown: Shutdown) -> Drained {
        self.server.serve(self.service, shutdown).await
    }
}

#[derive(Debug, Clone)]
struct OperationsService {
    metrics: Metrics,
    readiness: Readiness,
}

impl OperationsService {
    fn answer(&self, request: &Request<Body>) -> Response<Body> {
        let (method, path) = (request.method(), request.uri().path());
        if path == METRICS && matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::OK, PROMETHEUS_TEXT, self.metrics.render());
        }
        respond(&self.readiness, method, path, true)
            .unwrap_or_else(|| Native::Http.refuse(Fault::new(Reason::RouteNotFound)))
    }
}

impl tower::Service<Request<Body>> for OperationsService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
