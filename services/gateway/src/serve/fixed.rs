//! What the gateway answers itself: probes over HTTP, health and reflection over gRPC.

use http::{Method as HttpMethod, Request, Response};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, End, Messages, ended, framed};
use mainstay_runtime::operations::{HEALTHZ, READYZ, probe};
use mainstay_runtime::policies::STANDARD;
use tower::ServiceExt as _;

use super::edge::Edge;
use crate::protocol::{Protocol, shown};

/// Whether a path is a probe's. GET and HEAD are taken, other methods are told so.
pub fn is_probe(path: &str) -> bool {
    matches!(path, HEALTHZ | READYZ)
}

/// The methods that probes take.
pub const PROBE_METHODS: [HttpMethod; 2] = [HttpMethod::GET, HttpMethod::HEAD];

/// Finds a gRPC method of the gateway's own: whether it answers with a stream, and what it takes.
pub fn own_method(path: &str) -> Option<(bool, Messages)> {
    STANDARD.iter().find(|(own, ..)| *own == path).map(|(_, streams, messages)| (*streams, *messages))
}

/// Refuses another protocol for a method of the gateway's own, naming what it is served over.
pub fn not_over(protocol: &str, path: &str) -> Fault {
    const TAKEN: &str = "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto";
    Fault::new(Reason::Unimplemented)
        .message(format!(
            "`{}` is served over gRPC and gRPC-Web, not over {protocol}; `/healthz` and `/readyz` answer over plain HTTP",
            shown(path)
        ))
        .meta("accept", TAKEN)
}

/// Answers `/healthz` and `/readyz`.
pub fn serve_probe(edge: &Edge, request: &Request<Body>) -> Result<Response<Body>, Fault> {
    probe(&edge.readiness, request.method(), request.uri().path()).ok_or_else(|| Fault::new(Reason::RouteNotFound))
}

/// Answers calls of health and reflection.
pub async fn serve_own(
    edge: &Edge,
    protocol: Protocol,
    messages: Messages,
    request: Request<Body>,
    end: Option<End>,
) -> Result<Response<Body>, Fault> {
    let serve = async |request| match edge.own.clone().oneshot(request).await {
        Ok(response) => response.map(|body| ended(body, end)),
        Err(never) => match never {},
    };
    let Protocol::GrpcWeb(coding) = protocol else { return framed(request, messages, serve).await };
    let request = coding.to_grpc(request, edge.config.max_request_bytes).await?;
    framed(request, messages, serve).await.map(|response| coding.of_grpc(response))
}
