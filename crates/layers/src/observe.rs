//! Seeing how each request ends: its metrics, its access log, its span. One value per request, finished exactly once.

use crate::protocol::refuse;
use crate::{Body, Protocol, REQUEST_ID};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use mainstay_fault::Fault;
use mainstay_telemetry::{ActiveGuard, Outcome, Route, TraceContext, rename};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tonic::{Code, Status};
use tracing::Span;

/// How a request is counted whose caller went away before the answer: "client closed request".
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The trailer and header with gRPC's status code.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What is known of a request while it is being answered. Dropping it unfinished counts it as given up by its caller.
pub(crate) struct Observation<P: Protocol> {
    pub(crate) started: Instant,
    pub(crate) protocol: P,
    pub(crate) method: Method,
    /// For the log of requests that resolved to nothing; without the query, which may hold anything.
    pub(crate) path: Option<Box<str>>,
    pub(crate) request_id: HeaderValue,
    pub(crate) trace: TraceContext,
    pub(crate) span: Span,
    pub(crate) counted: Option<Counted>,
    pub(crate) finished: bool,
}

/// Where a request is counted; absent for calls in memory, whose request was counted at the edge.
pub(crate) struct Counted {
    pub(crate) route: Arc<Route>,
    pub(crate) _active: ActiveGuard,
}

impl<P: Protocol> Observation<P> {
    /// Remembers what the request resolved to.
    pub(crate) fn resolved(&mut self, route: &Arc<Route>) {
        rename(&self.span, route.name());
        if let Some(counted) = &mut self.counted {
            counted.route = route.clone();
        }
        self.path = None;
    }

    /// Makes the answer, a fault in the caller's protocol, and takes note of it. One that is complete is counted now, a
    /// stream when it ends.
    pub(crate) fn answered(mut self, result: Result<Response<Body>, Fault>) -> Response<Body> {
        let refused = |fault| self.span.in_scope(|| refuse(fault, self.protocol, &self.request_id));
        let mut response = result.unwrap_or_else(refused);
        response.headers_mut().insert(REQUEST_ID, self.request_id.clone());
        let status = response.status();
        let told = || response.extensions().get::<EndCode>().map(|EndCode(code)| *code as i32);
        let written = self.protocol.ends_with_a_code().then(|| grpc_code(response.headers())).flatten();
        let code = written.or_else(told);
        // An answer to HEAD is whole with its head: its body, a stream perhaps, is never sent.
        let whole = self.method == Method::HEAD || response.body().size_hint().exact().is_some();
        if code.is_some() || whole {
            // An answer that has its end in its body was written because the call went well.
            let well = whole && status == StatusCode::OK && self.protocol.ends_with_a_code();
            self.finish(status, code.or(well.then_some(Code::Ok as i32)));
            return response;
        }
        let (span, protocol, observation) = (self.span.clone(), self.protocol, self);
        response.map(|inner| Body::new(Observed { inner, span, protocol, status, observation: Some(observation) }))
    }

    fn finish(&mut self, status: StatusCode, code: Option<i32>) {
        self.finished = true;
        let elapsed = self.started.elapsed();
        let outcome = Outcome::new(&self.method, status, code);
        let Some(counted) = &self.counted else { return self.mark_span(&outcome) };
        counted.route.record(&outcome, elapsed);
        self.mark_span(&outcome);
        tracing::debug!(
            target: "mainstay::access",
            request_id = self.request_id.to_str().unwrap_or_default(),
            method = %self.method,
            route = counted.route.name(),
            path = self.path.as_deref(),
            status = status.as_u16(),
            grpc = code,
            elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }

    fn mark_span(&self, outcome: &Outcome) {
        if self.span.is_disabled() {
            return;
        }
        self.span.record("http.response.status_code", outcome.status().as_u16());
        if let Some(code) = outcome.grpc() {
            self.span.record("rpc.grpc.status_code", code);
        }
        let ours = [
            Code::Unknown,
            Code::DeadlineExceeded,
            Code::Unimplemented,
            Code::Internal,
            Code::Unavailable,
            Code::DataLoss,
        ];
        let failed =
            outcome.status().is_server_error() || outcome.grpc().is_some_and(|code| ours.contains(&code.into()));
        if failed {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl<P: Protocol> Drop for Observation<P> {
    fn drop(&mut self) {
        if !self.finished {
            let code = self.protocol.ends_with_a_code().then_some(Code::Cancelled as i32);
            self.finish(StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::BAD_REQUEST), code);
        }
    }
}

/// How a call ended whose end is in the body of its answer, for whoever counts it.
#[derive(Debug, Clone, Copy)]
pub struct EndCode(pub Code);

fn grpc_code(headers: &HeaderMap) -> Option<i32> {
    headers.get(&GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()) as i32)
}

/// A body whose end is the end of its request.
struct Observed<P: Protocol> {
    inner: Body,
    span: Span,
    protocol: P,
    status: StatusCode,
    observation: Option<Observation<P>>,
}

impl<P: Protocol> Observed<P> {
    fn finish(&mut self, status: StatusCode, code: Option<i32>) {
        if let Some(mut observation) = self.observation.take() {
            observation.finish(status, code);
        }
    }

    /// Ends a body whose source panicked: with what the protocol has for it, else broken off. The rest of the connection goes on.
    fn panicked(&mut self) -> Option<Result<Frame<Bytes>, Status>> {
        let mut fault = Fault::internal("a handler panicked while its answer was being written");
        fault.log();
        self.inner = Body::empty();
        self.finish(StatusCode::INTERNAL_SERVER_ERROR, Some(Code::Internal as i32));
        Some(self.protocol.break_off(fault).map(|last| self.passed(last)).ok_or_else(broken_off))
    }

    /// Takes note of a frame. Trailers are written as the protocol has them once they were seen.
    fn passed(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_trailers() {
            Ok(trailers) => {
                self.finish(self.status, grpc_code(&trailers));
                self.protocol.end(trailers)
            }
            Err(frame) => frame,
        }
    }
}

fn broken_off() -> Status {
    Status::internal("an internal error occurred")
}

impl<P: Protocol> http_body::Body for Observed<P> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = {
            let _entered = this.span.enter();
            catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(cx)))
        };
        match polled {
            Err(_) => Poll::Ready(this.panicked()),
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(frame)) => {
                match &frame {
                    None => this.finish(this.status, None),
                    Some(Err(error)) => this.finish(StatusCode::INTERNAL_SERVER_ERROR, Some(error.code() as i32)),
                    Some(Ok(_)) => {}
                }
                Poll::Ready(frame.map(|frame| frame.map(|frame| this.passed(frame))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
