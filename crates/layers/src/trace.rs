//! The span of a request.

use http::{HeaderValue, Method};
use mainstay_telemetry::{SPAN_TARGET, SpanPolicy, TraceContext, join};
use tracing::Span;
use tracing::field::Empty;

/// Makes the span of a request that is recorded, as a part of its caller's trace; else one that costs nothing.
pub(crate) fn span(policy: SpanPolicy, received: &TraceContext, method: &Method, request_id: &HeaderValue) -> Span {
    if !policy.records(received) {
        return Span::none();
    }
    let span = tracing::debug_span!(
        target: SPAN_TARGET,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.response.status_code = Empty,
        rpc.grpc.status_code = Empty,
        request_id = request_id.to_str().unwrap_or_default(),
    );
    join(&span, received);
    span
}

/// Makes the span of a call in memory: a child of the span that makes the call, where there is one.
pub(crate) fn inner_span(request_id: &HeaderValue) -> Span {
    if Span::current().is_disabled() {
        return Span::none();
    }
    tracing::debug_span!(
        target: SPAN_TARGET,
        "call",
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.grpc.status_code = Empty,
        request_id = request_id.to_str().unwrap_or_default(),
    )
}
