//! One call through three processes is one trace.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use mainstay_identity::REFRESH_INTERVAL;
use mainstay_testkit::server::Launch;
use mainstay_testkit::wait::until;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::support::{Folder, PASSWORD, System};

/// A collector that keeps the spans that it gets, each with its service.
#[derive(Clone, Default)]
pub(super) struct Collector {
    spans: Arc<Mutex<Vec<(String, Span)>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans.lock().expect("no test panicked with the lock");
        for resource in request.into_inner().resource_spans {
            let service = service_name(resource.resource.as_ref());
            let all = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(all.map(|span| (service.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn service_name(resource: Option<&Resource>) -> String {
    let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
    let name = attributes.iter().find(|attribute| attribute.key == "service.name");
    match name.and_then(|name| name.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(name)) => name.clone(),
        other => panic!("a process without a name: {other:?}"),
    }
}

impl Collector {
    /// Listens on a free port. Returns the endpoint to send to.
    pub(super) async fn start() -> (Collector, String) {
        let collector = Collector::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port can be bound");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound port has an address"));
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, endpoint)
    }

    /// Waits until spans have come.
    pub(super) async fn some_spans(&self) {
        until("spans have come", || async {
            let spans = self.spans.lock().expect("no test panicked with the lock");
            (!spans.is_empty()).then_some(())
        })
        .await;
    }

    /// All that has come.
    pub(super) fn everything(&self) -> String {
        format!("{:?}", self.spans.lock().expect("no test panicked with the lock"))
    }

    /// The spans of a trace, by service.
    fn trace(&self, id: &str) -> BTreeMap<String, Vec<Span>> {
        let mut found: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        let spans = self.spans.lock().expect("no test panicked with the lock");
        for (service, span) in spans.iter().filter(|(_, span)| hex(&span.trace_id) == id) {
            found.entry(service.clone()).or_default().push(span.clone());
        }
        found
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives auth an empty store, and with it a signing key that nobody has seen.
async fn auth_begins_anew(system: &mut System) {
    system.auth().stop().await;
    // With the word that it has stored something, or that would be a loss.
    for file in ["auth.sqlite", "auth.sqlite-wal", "auth.sqlite-shm", "auth.key", "stores/auth"] {
        let _ = std::fs::remove_file(system.folder.path().join("data").join(file));
    }
    system.auth().restart().await;
}

#[tokio::test]
async fn one_rest_call_is_one_trace_with_spans_of_all_three_services() {
    let (collector, endpoint) = Collector::start().await;
    let folder = Folder::shop();
    let base = Launch::new(folder.path()).environment("MAINSTAY__TELEMETRY__OTLP_ENDPOINT", endpoint);
    let mut system = System::three_from(base, folder).await;
    let started = Instant::now();
    auth_begins_anew(&mut system).await;
    system.sign_up("ada@example.org").await;
    let session = json!({"email": "ada@example.org", "password": PASSWORD});
    let session = system.http().post("/auth/v1/sessions:signIn", session).await.ok();
    // Keys that were fetched at the start are not asked for again sooner.
    until("keys may be fetched again", || async { (started.elapsed() > REFRESH_INTERVAL).then_some(()) }).await;

    // Nobody knows the key of this token: each of the two processes that check it fetches the keys from auth.
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let caller = "b7ad6b7169203331";
    let http = system.http().with_token(session["accessToken"].as_str().expect("a session has a token"));
    let order = json!({"lines": [{"product": "products/cup", "quantity": 1}]});
    http.with_header("traceparent", &format!("00-{trace}-{caller}-01")).post("/shop/v1/orders", order).await.ok();

    let spans = until("spans of all three services have come", || async {
        let spans = collector.trace(trace);
        (["mainstay-auth", "mainstay-data", "mainstay-gateway"].iter().all(|name| spans.contains_key(*name)))
            .then_some(spans)
    })
    .await;
    let gateway = spans["mainstay-gateway"].iter().find(|span| hex(&span.parent_span_id) == caller);
    assert!(gateway.is_some(), "the gateway's span continues the caller's: {spans:?}");
    let keys = spans["mainstay-auth"].iter().all(|span| span.name.contains("GetJwks"));
    assert!(keys, "auth was asked for its keys only: {spans:?}");
    let data = spans["mainstay-data"].iter().find(|span| span.name.contains("CreateOrder"));
    let parent = hex(&data.expect("data has a span of the call").parent_span_id);
    let of_gateway = spans["mainstay-gateway"].iter().any(|span| hex(&span.span_id) == parent);
    assert!(of_gateway, "data's span continues the gateway's: {spans:?}");
}
