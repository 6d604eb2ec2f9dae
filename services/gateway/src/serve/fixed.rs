//! What the gateway answers itself: probes over HTTP, health and reflection over gRPC.

use http::{Method as HttpMethod, Request, Response};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_runtime::operations::{HEALTHZ, READYZ, probe};
use tower::ServiceExt as _;

use super::endpoint::Edge;

/// The methods of health and reflection, and whether they answer with a stream.
const OWN_METHODS: [(&str, bool); 4] = [
    ("/grpc.health.v1.Health/Check", false),
    ("/grpc.health.v1.Health/Watch", true),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true),
];

/// Whether a path is a probe's. GET and HEAD are taken, other methods are told so.
pub fn is_probe(path: &str) -> bool {
    matches!(path, HEALTHZ | READYZ)
}

/// The methods that probes take.
pub const PROBE_METHODS: [HttpMethod; 2] = [HttpMethod::GET, HttpMethod::HEAD];

/// Finds a gRPC method of the gateway's own: whether it answers with a stream.
pub fn own_method(path: &str) -> Option<bool> {
    OWN_METHODS.iter().find(|(own, _)| *own == path).map(|(_, streams)| *streams)
}

/// Answers `/healthz` and `/readyz`.
pub fn serve_probe(edge: &Edge, request: &Request<Body>) -> Result<Response<Body>, Fault> {
    probe(&edge.readiness, request.method(), request.uri().path()).ok_or_else(|| Fault::new(Reason::RouteNotFound))
}

/// Answers calls of health and reflection.
pub async fn serve_own(edge: &Edge, request: Request<Body>) -> Result<Response<Body>, Fault> {
    match edge.own.clone().oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}
