//! A real receiver: what leaves the process, and that nothing is lost at the end.

use http::HeaderMap;
use mainstay_telemetry::{Config, Identity, Outcome, SPAN_TARGET, TraceContext, init, inject_current, join, rename};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Clone, Default)]
struct Receiver {
    spans: Arc<Mutex<Vec<Span>>>,
    metrics: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_spans);
        self.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let resources = request.into_inner().resource_metrics;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_metrics);
        self.metrics.lock().unwrap().extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

async fn receiver() -> (Receiver, String) {
    let receiver = Receiver::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(receiver.clone()))
        .add_service(MetricsServiceServer::new(receiver.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (receiver, endpoint)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One test, since a process has one subscriber. On one thread, like a server on one core.
#[tokio::test]
async fn spans_and_metrics_reach_a_receiver_as_parts_of_their_callers_trace() {
    let (receiver, endpoint) = receiver().await;
    let config = Config { otlp_endpoint: Some(endpoint), ..Config::default() };
    let telemetry = init(&config, Identity { service: "mainstay-test", version: "0" }).unwrap();
    let outcome = Outcome::new(&http::Method::GET, http::StatusCode::OK, None);
    telemetry.metrics().route("/a.B/C").record(&outcome, Duration::from_millis(1));

    let mut headers = HeaderMap::new();
    headers.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap());
    let received = TraceContext::from_headers(&headers);
    assert!(telemetry.spans().records(&received));
    let mut sent = HeaderMap::new();
    {
        let span = tracing::debug_span!(target: SPAN_TARGET, "request", otel.kind = "server");
        join(&span, &received);
        let _entered = span.enter();
        rename(&span, "/a.B/C");
        let inner = tracing::info_span!(target: "mainstay_data", "work");
        inner.in_scope(|| inject_current(&received, &mut sent));
        drop(tracing::info_span!(target: "h2::client", "noise"));
    }
    telemetry.shutdown().await;

    let spans = receiver.spans.lock().unwrap();
    let mut names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["/a.B/C", "work"], "ours, and nothing of the transport");
    let (request, work) = match spans[0].name.as_str() {
        "work" => (&spans[1], &spans[0]),
        _ => (&spans[0], &spans[1]),
    };
    assert_eq!(hex(&request.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&request.parent_span_id), "b7ad6b7169203331");
    assert_eq!(work.parent_span_id, request.span_id);
    let traceparent = format!("00-{}-{}-01", hex(&work.trace_id), hex(&work.span_id));
    assert_eq!(sent["traceparent"], traceparent, "the next process becomes a part of the same trace");
    assert!(receiver.metrics.lock().unwrap().contains(&"http.server.request.duration".to_owned()));
}
