//! One request over two ports is one trace.

use crate::echo::{Running, any_port, guards, policies, routes};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mainstay_fault::Fault;
use mainstay_layers::{
    Access, Body, Cookies, Cors, Effect, Endpoint, Exchange, Guards, Messages, Native, Resolved, stack,
};
use mainstay_runtime::channel::{Call, Channel, GrpcChannel, RemoteConfig};
use mainstay_runtime::{ServerConfig, Shutdown};
use mainstay_telemetry::{Config, Identity, Telemetry, init};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

/// No other test's.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319d";

/// Passes every call on to another port.
struct Front(Box<dyn Channel>, Guards);

impl Endpoint for Front {
    type Protocol = Native;
    type Target = ();

    fn resolve(&self, _: &Parts, _: Native) -> Result<Resolved<()>, Fault> {
        Ok(Resolved {
            target: (),
            access: Access::Anyone,
            effect: Effect::Reads,
            takes: Messages::One,
            cookies: Cookies::Ignored,
            streams: false,
            route: self.1.metrics.route("/t.Front/Pass"),
        })
    }

    async fn handle(&self, exchange: Exchange<()>) -> Result<Response<Body>, Fault> {
        let call = Call::of(exchange.context, "/t.Echo/Say", bytes::Bytes::new());
        let heard = self.0.call(call).await?.message()?;
        Ok(Response::new(Body::new(Full::new(heard))))
    }
}

#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    /// The span of this name in our trace: its own id and its parent's.
    fn span(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let spans = self.0.lock().unwrap();
        let ours = |span: &&Span| span.name == name && hex(&span.trace_id) == TRACE;
        let span = spans.iter().find(ours).unwrap_or_else(|| panic!("no span {name} in {spans:?}"));
        (span.span_id.clone(), span.parent_span_id.clone())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traced(telemetry: &Telemetry) -> Guards {
    Guards { spans: telemetry.spans(), ..guards() }
}

#[tokio::test]
async fn a_request_over_two_ports_is_one_trace() {
    let receiver = Receiver::default();
    let collector = tonic::service::Routes::new(TraceServiceServer::new(receiver.clone())).prepare();
    let collector = Running::serve(&ServerConfig::at(any_port()), collector, Shutdown::new());
    let config = Config { otlp_endpoint: Some(collector.url()), ..Config::default() };
    let telemetry = init(&config, Identity { service: "mainstay-test", version: "0" }).unwrap();

    let guards = traced(&telemetry);
    let back = stack::listener(routes(), policies(&guards.metrics), guards);
    let back = Running::serve(&ServerConfig::at(any_port()), back, Shutdown::new());
    let channel = GrpcChannel::connect(&RemoteConfig { url: back.url(), ..RemoteConfig::default() }, None).unwrap();
    let front = stack::edge(Front(Box::new(channel), traced(&telemetry)), traced(&telemetry), Cors::none());

    let request = Request::get("/").header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"));
    let response = front.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let heard = response.into_body().collect().await.unwrap().to_bytes();
    telemetry.shutdown().await;

    let (front, parent) = receiver.span("/t.Front/Pass");
    assert_eq!(hex(&parent), "b7ad6b7169203331", "the client's span is its parent");
    let (_, parent) = receiver.span("/t.Echo/Say");
    assert_eq!(parent, front, "the first port's span is the second one's parent");
    let heard: serde_json::Value = serde_json::from_slice(&heard).unwrap();
    assert_eq!(heard["traceparent"], format!("00-{TRACE}-{}-01", hex(&front)));
    back.shutdown.force();
    collector.shutdown.force();
}
