//! A gRPC service that tells what it was sent, behind the stack, on a port of its own.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use mainstay_fault::{Fault, Reason, reply};
use mainstay_identity::{Authenticator, FetchFuture, KeySet, KeySource, ServiceKeys, Verifier, VerifierConfig};
use mainstay_layers::{Access, Body, Guards, Policies, Shed, Timeouts, caller, context, stack};
use mainstay_runtime::server::Drained;
use mainstay_runtime::{RawCodec, Server, ServerConfig, Shutdown};
use mainstay_telemetry::{Metrics, Telemetry};
use secrecy::SecretString;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tonic::codec::Streaming;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

struct NoKeys;

impl KeySource for NoKeys {
    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async { Ok(KeySet::default()) })
    }
}

/// The bearer of the service account `gateway`.
pub fn credential() -> SecretString {
    ServiceKeys::credential("gateway", &SecretString::from(SECRET))
}

pub fn guards() -> Guards {
    let telemetry = Telemetry::quiet();
    let config = VerifierConfig { issuer: "https://issuer.test".into(), audience: "mainstay".into() };
    let services = ServiceKeys::new([("gateway".to_owned(), SecretString::from(SECRET))]).unwrap();
    Guards {
        metrics: telemetry.metrics().clone(),
        spans: telemetry.spans(),
        authenticator: Authenticator::new(Verifier::new(config, Arc::new(NoKeys)), Arc::new(services)),
        shed: Shed::new(100),
        timeouts: Timeouts::default(),
        trusted_proxies: mainstay_layers::TrustedProxies::default(),
    }
}

/// The routes of the echo service; whatever else a port serves goes on top.
pub fn routes() -> Routes {
    let service = tower::service_fn(|request: axum::extract::Request| async move {
        let request = request.map(Body::new);
        let mut grpc = tonic::server::Grpc::new(RawCodec);
        Ok::<_, std::convert::Infallible>(match request.uri().path() {
            "/t.Echo/Count" => grpc.server_streaming(tower::service_fn(count), request).await,
            "/t.Echo/Join" => grpc.client_streaming(tower::service_fn(join), request).await,
            "/t.Echo/Each" => grpc.streaming(tower::service_fn(each), request).await,
            path => {
                let path = path.to_owned();
                grpc.unary(tower::service_fn(move |request| unary(path.clone(), request)), request).await
            }
        })
    });
    Routes::from(axum::Router::new().fallback_service(service))
}

pub fn policies(metrics: &Metrics) -> Policies {
    ["/t.Echo/Say", "/t.Echo/Never", "/t.Echo/Fail", "/t.Echo/Panic"]
        .into_iter()
        .fold(mainstay_runtime::policies::standard(metrics), |policies, path| {
            policies.method(metrics, path, Access::Anyone, false)
        })
        .method(metrics, "/t.Echo/Members", Access::SignedIn, false)
        .method(metrics, "/t.Echo/Count", Access::Anyone, true)
        .conversation(metrics, "/t.Echo/Join", Access::Anyone)
        .conversation(metrics, "/t.Echo/Each", Access::Anyone)
}

async fn unary(path: String, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    match path.as_str() {
        "/t.Echo/Never" => std::future::pending().await,
        "/t.Echo/Panic" => panic!("the handler panicked"),
        "/t.Echo/Fail" => reply(Err(Fault::new(Reason::FieldViolation).violation("title", "must not be empty"))),
        _ => reply(describe(&request)),
    }
}

fn describe(request: &Request<Bytes>) -> Result<Bytes, Fault> {
    let principal = caller(request)?;
    let context = context(request)?;
    let header = |name| request.metadata().get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
    let description = json!({
        "message": String::from_utf8_lossy(request.get_ref()), "uid": principal.uid(), "kind": format!("{:?}", principal.kind()),
        "authorization": header("authorization").is_some(), "request_id": context.request_id.to_str().unwrap_or_default(),
        "traceparent": header("traceparent"), "deadline": header("grpc-timeout").is_some(), "mask": header("x-goog-fieldmask"),
        "peer": context.peer.map(|peer| peer.to_string()),
    });
    Ok(Bytes::from(description.to_string()))
}

async fn count(_: Request<Bytes>) -> Result<Response<BoxStream<'static, Result<Bytes, Status>>>, Status> {
    let numbers = futures_util::stream::iter(["1", "2", "3"]).map(|number| Ok(Bytes::from_static(number.as_bytes())));
    let failure = futures_util::stream::once(async { Err(Fault::new(Reason::SessionEnded).into()) });
    reply(Ok::<_, Fault>(numbers.chain(failure).boxed()))
}

async fn join(request: Request<Streaming<Bytes>>) -> Result<Response<Bytes>, Status> {
    let mut messages = request.into_inner();
    let mut joined = Vec::new();
    while let Some(message) = messages.message().await? {
        joined.extend_from_slice(&message);
    }
    Ok(Response::new(Bytes::from(joined)))
}

async fn each(
    request: Request<Streaming<Bytes>>,
) -> Result<Response<BoxStream<'static, Result<Bytes, Status>>>, Status> {
    Ok(Response::new(request.into_inner().boxed()))
}

/// A server in this process.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    task: JoinHandle<Drained>,
}

impl Running {
    /// Serves something on a free port.
    pub fn serve<S>(config: &ServerConfig, service: S, shutdown: Shutdown) -> Running
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        Running::of(Server::bind(config).unwrap(), service, shutdown)
    }

    /// Serves something on a port that is bound already.
    pub fn of<S>(server: Server, service: S, shutdown: Shutdown) -> Running
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let address = server.address();
        let task = tokio::spawn(server.serve(service, shutdown.clone()));
        Running { address, shutdown, task }
    }

    /// Serves the echo service, with `more` beside it.
    pub fn echo(address: SocketAddr, more: impl FnOnce(Routes) -> Routes) -> Running {
        let guards = guards();
        let stack = stack::listener(more(routes()), policies(&guards.metrics), guards);
        Running::serve(&ServerConfig::at(address), stack, Shutdown::new())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Shuts down and waits for the end.
    pub async fn stop(self) -> Drained {
        self.shutdown.begin();
        self.task.await.unwrap()
    }

    /// Waits for the end.
    pub async fn ended(self) -> Drained {
        self.task.await.unwrap()
    }
}

pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Answers every path with what the test wants.
pub fn answering(
    answer: impl Fn(&http::Request<Body>) -> http::Response<Body> + Clone + Send + 'static,
) -> impl tower::Service<
    http::Request<Body>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    tower::service_fn(move |request| std::future::ready(Ok(answer(&request))))
}
