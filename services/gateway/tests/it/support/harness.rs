//! A gateway in front of fakes, behind the real edge stack.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mainstay_db::Database;
use mainstay_gateway::{Backends, Config, Dependencies, Edge, Gateway, StoredContract};
use mainstay_identity::{Authenticator, FetchFuture, KeySet, KeySource, ServiceKeys, Verifier, VerifierConfig};
use mainstay_layers::{Body, Guards, Shed, Stack, Timeouts, stack};
use mainstay_runtime::{Health, Jobs, RawCodec, Readiness, Shutdown};
use mainstay_telemetry::{Metrics, Telemetry};
use secrecy::{ExposeSecret as _, SecretString};
use tonic::{Status, codec::Streaming};
use tower::ServiceExt as _;

use super::contract::library;
use super::fakes::{FakeChannel, FakeService};

const SECRET: &str = "a-secret-that-only-tests-know-of-0123456789";

/// A gateway and the services behind it.
pub struct Harness {
    pub auth: Arc<FakeService>,
    pub data: Arc<FakeService>,
    pub gateway: Gateway,
    pub jobs: Jobs,
    pub service: Stack<Edge>,
    pub metrics: Metrics,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answered {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The reason in the error's ErrorInfo.
    pub fn reason(&self) -> String {
        let json = self.json();
        let details = json["error"]["details"].as_array().cloned().unwrap_or_default();
        let reason = details.iter().find_map(|detail| detail["reason"].as_str()).map(str::to_owned);
        reason.unwrap_or_else(|| panic!("no reason in {json}"))
    }

    /// The reason of an error, `ok` otherwise.
    pub fn reason_or_ok(&self) -> String {
        if self.status == StatusCode::OK { "ok".to_owned() } else { self.reason() }
    }

    /// The fields that the error names.
    pub fn violations(&self) -> Vec<String> {
        let json = self.json();
        let details = json["error"]["details"].as_array().cloned().unwrap_or_default();
        let lists = details.iter().filter_map(|detail| detail["fieldViolations"].as_array());
        lists.flatten().filter_map(|violation| violation["field"].as_str().map(str::to_owned)).collect()
    }
}

impl Harness {
    /// Starts with the library's contract.
    pub async fn start() -> Harness {
        Harness::with(Config::default(), Some(library()), None).await
    }

    /// Starts with the library's contract and places for so many requests.
    pub async fn limited(places: usize) -> Harness {
        Harness::made(Config::default(), Some(library()), None, Shed::new(places)).await
    }

    /// Starts with a configuration, a contract (or none) and a database (or none).
    pub async fn with(config: Config, contract: Option<&[u8]>, database: Option<Database>) -> Harness {
        Harness::made(config, contract, database, Shed::new(1024)).await
    }

    async fn made(config: Config, contract: Option<&[u8]>, database: Option<Database>, shed: Shed) -> Harness {
        let data = Arc::new(FakeService::default());
        if let Some(contract) = contract {
            data.publish(1, contract);
        }
        Harness::beside(data, config, database, shed, true).await
    }

    /// Starts in production, with the library's contract, of which these methods are open to everybody.
    pub async fn in_production(open: &[&str], database: Option<Database>) -> Harness {
        let data = Arc::new(FakeService::default());
        data.publish_open(1, library(), open);
        Harness::before(data, Config::default(), database, false).await
    }

    /// Starts before a data service.
    pub async fn before(
        data: Arc<FakeService>,
        config: Config,
        database: Option<Database>,
        development: bool,
    ) -> Harness {
        Harness::beside(data, config, database, Shed::new(1024), development).await
    }

    async fn beside(
        data: Arc<FakeService>,
        config: Config,
        database: Option<Database>,
        shed: Shed,
        development: bool,
    ) -> Harness {
        let auth = Arc::new(FakeService::default());
        let telemetry = Telemetry::quiet();
        let backends = Backends::new(channel(&auth), channel(&data));
        let metrics = telemetry.metrics().clone();
        let shutdown = Shutdown::new();
        let health = Health::new(shutdown.clone());
        let readiness = Readiness::new(health.clone(), shutdown.clone());
        let jobs = Jobs::new(&metrics, &shutdown.token());
        let dependencies =
            Dependencies { backends, database, metrics, health, readiness, shutdown, development, jobs: jobs.clone() };
        let cors = config.cors.clone().into();
        let gateway = Gateway::start(config, dependencies).await.unwrap();
        let service = stack::edge(gateway.endpoint(), guards(&telemetry, shed), cors);
        Harness { auth, data, gateway, jobs, service, metrics: telemetry.metrics().clone() }
    }

    /// Sends any request.
    pub async fn send(&self, request: Request<Body>) -> Answered {
        let Ok(response) = self.service.clone().oneshot(request).await;
        answered(response).await
    }

    /// Sends a REST request as nobody.
    pub async fn rest(&self, method: Method, uri: &str, body: impl Into<Bytes>) -> Answered {
        self.send(Request::builder().method(method).uri(uri).body(full(body)).unwrap()).await
    }

    pub async fn get(&self, uri: &str) -> Answered {
        self.rest(Method::GET, uri, "").await
    }

    pub async fn post(&self, uri: &str, body: impl Into<Bytes>) -> Answered {
        self.rest(Method::POST, uri, body).await
    }

    /// A client that speaks gRPC.
    pub fn client(&self) -> tonic::client::Grpc<Stack<Edge>> {
        tonic::client::Grpc::new(self.service.clone())
    }

    /// Makes a unary gRPC call as nobody.
    pub async fn grpc(&self, path: &'static str, message: impl Into<Bytes>) -> Result<Bytes, Status> {
        self.grpc_with(path, tonic::Request::new(message.into())).await
    }

    pub async fn grpc_with(&self, path: &'static str, request: tonic::Request<Bytes>) -> Result<Bytes, Status> {
        let path = http::uri::PathAndQuery::from_static(path);
        self.client().unary(request, path, RawCodec).await.map(tonic::Response::into_inner)
    }

    pub async fn grpc_stream(&self, path: &'static str, message: impl Into<Bytes>) -> Result<Streaming<Bytes>, Status> {
        let path = http::uri::PathAndQuery::from_static(path);
        let request = tonic::Request::new(message.into());
        self.client().server_streaming(request, path, RawCodec).await.map(tonic::Response::into_inner)
    }

    /// Waits until a revision is stored.
    pub async fn stored(&self, database: &Database, revision: i64) {
        while StoredContract::load(database).await.unwrap().is_none_or(|stored| stored.revision != revision) {
            breathe().await;
        }
    }

    /// Waits until the gateway says that it is ready.
    pub async fn ready(&self) {
        while self.get("/readyz").await.status != StatusCode::OK {
            breathe().await;
        }
    }

    /// Waits until the data service has said anything of its contract.
    pub async fn announced(&self) {
        self.gateway.announced().wait_for(Option::is_some).await.unwrap();
    }

    /// Waits until the data service has announced a revision.
    pub async fn announced_at(&self, revision: i64) {
        self.gateway.announced().wait_for(|announced| *announced == Some(revision)).await.unwrap();
    }

    /// Waits until a revision is served.
    pub async fn serves(&self, revision: i64) {
        self.gateway.revision().wait_for(|served| *served == revision).await.unwrap();
    }
}

/// Lets the gateway's own tasks go on, also where the clock is paused and moves only when nothing else can.
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The credential of an administrator.
pub fn operator() -> String {
    bearer("operator")
}

/// The credential of a service of the platform.
pub fn service() -> String {
    bearer("gateway")
}

fn bearer(name: &str) -> String {
    format!("Bearer {}", ServiceKeys::credential(name, &SecretString::from(SECRET)).expose_secret())
}

/// A request as somebody.
pub fn signed_in(method: Method, uri: &str, credential: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder().method(method).uri(uri).header(AUTHORIZATION, credential).body(full(body)).unwrap()
}

pub fn full(body: impl Into<Bytes>) -> Body {
    Body::new(Full::new(body.into()))
}

pub async fn answered(response: Response<Body>) -> Answered {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answered { status: parts.status, headers: parts.headers, body }
}

/// The table of services for a snapshot that nobody is asked by.
pub fn backends() -> Backends {
    let nobody = Arc::new(FakeService::default());
    Backends::new(channel(&nobody), channel(&nobody))
}

fn channel(service: &Arc<FakeService>) -> Arc<dyn mainstay_runtime::channel::Channel> {
    Arc::new(FakeChannel(service.clone()))
}

/// Nobody signs in with a token here: users come with tests of the services themselves.
struct NoKeys;

impl KeySource for NoKeys {
    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async { KeySet::new([]) })
    }
}

fn guards(telemetry: &Telemetry, shed: Shed) -> Guards {
    let secrets = ["operator", "gateway"].map(|name| (name.to_owned(), SecretString::from(SECRET)));
    let services = Arc::new(ServiceKeys::new(secrets).unwrap());
    Guards {
        metrics: telemetry.metrics().clone(),
        spans: telemetry.spans(),
        authenticator: Authenticator::new(Verifier::new(VerifierConfig::default(), Arc::new(NoKeys)), services),
        shed,
        timeouts: Timeouts::default(),
        trusted_proxies: mainstay_layers::TrustedProxies::default(),
    }
}
