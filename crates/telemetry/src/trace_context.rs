//! W3C trace context as it travels in headers.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Header of the W3C trace context: version, trace id, parent id, flags.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Header of the W3C trace context's vendor data.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Longest `tracestate` that is passed on (the recommendation asks for at least 512 characters).
pub const MAX_TRACESTATE_BYTES: usize = 512;

/// What a caller said about the trace that this request belongs to.
///
/// Kept as it came, so that a request which this process does not record still belongs to its trace further on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: Option<HeaderValue>,
    tracestate: Option<HeaderValue>,
}

impl TraceContext {
    /// Reads the two headers; a `traceparent` that is not of version 00's form counts as absent, and so does the rest.
    pub fn from_headers(headers: &HeaderMap) -> TraceContext {
        // Most requests have few headers and not this one: to look through their names takes less than to look it up.
        if !headers.keys().any(|name| *name == TRACEPARENT) {
            return TraceContext::default();
        }
        let Some(traceparent) = headers.get(TRACEPARENT).filter(|value| is_traceparent(value.as_bytes())) else {
            return TraceContext::default();
        };
        let tracestate = headers.get(TRACESTATE).filter(|value| value.len() <= MAX_TRACESTATE_BYTES).cloned();
        TraceContext { traceparent: Some(traceparent.clone()), tracestate }
    }

    /// Tells whether the request belongs to no trace yet.
    pub fn is_empty(&self) -> bool {
        self.traceparent.is_none()
    }

    /// Tells whether the caller records this trace.
    pub fn is_sampled(&self) -> bool {
        self.traceparent.as_ref().is_some_and(|value| flags(value.as_bytes()) & 1 == 1)
    }

    /// Writes the headers of an outgoing call, replacing what is there.
    pub fn inject(&self, headers: &mut HeaderMap) {
        if let Some(traceparent) = &self.traceparent {
            headers.insert(TRACEPARENT, traceparent.clone());
            match &self.tracestate {
                Some(state) => headers.insert(TRACESTATE, state.clone()),
                None => headers.remove(TRACESTATE),
            };
        }
    }
}

/// Checks `00-<32 hex>-<16 hex>-<2 hex>` with neither id zero.
fn is_traceparent(value: &[u8]) -> bool {
    let hex = |bytes: &[u8]| bytes.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let zero = |bytes: &[u8]| bytes.iter().all(|b| *b == b'0');
    value.len() == 55
        && value.starts_with(b"00-")
        && (value[35], value[52]) == (b'-', b'-')
        && hex(&value[3..35])
        && !zero(&value[3..35])
        && hex(&value[36..52])
        && !zero(&value[36..52])
        && hex(&value[53..])
}

/// The flags of a well-formed `traceparent`. Only the last digit matters: bit 0 is "sampled".
fn flags(value: &[u8]) -> u8 {
    value.last().map_or(0, |digit| if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 })
}

/// Writes the headers of an outgoing call: of the current span where this process records one, else what the caller sent.
pub fn inject_current(received: &TraceContext, headers: &mut HeaderMap) {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    let span = tracing::Span::current();
    if span.is_disabled() {
        return received.inject(headers);
    }
    let context = span.context();
    let current = context.span().span_context().clone();
    if !current.is_valid() {
        return received.inject(headers);
    }
    let traceparent =
        format!("00-{}-{}-{:02x}", current.trace_id(), current.span_id(), current.trace_flags().to_u8() & 1);
    let Ok(traceparent) = HeaderValue::try_from(traceparent) else { return };
    TraceContext { traceparent: Some(traceparent), tracestate: received.tracestate.clone() }.inject(headers);
}

/// Makes `span` a part of the trace that the caller sent. Must run before the span is entered.
pub fn join(span: &tracing::Span, received: &TraceContext) {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    let Some(remote) = received.span_context() else { return };
    // Fails where no exporter listens; then there is no trace to join.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

impl TraceContext {
    fn span_context(&self) -> Option<opentelemetry::trace::SpanContext> {
        use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
        let text = self.traceparent.as_ref()?.to_str().ok()?;
        let trace = TraceId::from_hex(text.get(3..35)?).ok()?;
        let span = SpanId::from_hex(text.get(36..52)?).ok()?;
        let state = self.tracestate.as_ref().and_then(|state| state.to_str().ok());
        let state = state.and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
        Some(SpanContext::new(trace, span, TraceFlags::new(flags(text.as_bytes()) & 1), true, state))
    }
}

/// Names a span, also one that was entered already: what a request is about is only known once it was resolved.
pub fn rename(span: &tracing::Span, name: &str) {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    if !span.is_disabled() {
        span.context().span().update_name(name.to_owned());
    }
}
