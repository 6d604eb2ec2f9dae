//! An endpoint whose methods do one thing each, behind the edge stack.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Authenticator, FetchFuture, KeySet, KeySource, ServiceKeys, Verifier, VerifierConfig};
use mainstay_layers::{
    Access, Again, Body, Context, Cookies, Cors, Effect, Endpoint, Exchange, Guards, Messages, Native, Resolved, Shed,
    Stack, Timeouts, TrustedProxies, stack,
};
use mainstay_telemetry::{Metrics, Telemetry};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The endpoint. What a method does is its name.
pub struct Desk {
    metrics: Metrics,
    again: Option<Again>,
}

impl Desk {
    fn new(metrics: &Metrics) -> Desk {
        Desk { metrics: metrics.clone(), again: None }
    }

    /// Makes the calls that a request names in its header `inside`. Says how each ended.
    async fn calls_inside(&self, headers: &HeaderMap) -> Result<Response<Body>, Fault> {
        let mut ends = Vec::new();
        let again = self.again.as_ref().expect("it stands behind a stack");
        for path in headers["inside"].to_str().unwrap().split(' ') {
            let inside = Request::builder().uri(path).header("x-request-id", &headers["x-request-id"]);
            let answer = again.send(inside.body(Body::empty()).unwrap()).await?;
            ends.push(answer.status().as_u16());
        }
        Ok(Response::new(Body::new(Full::new(json!(ends).to_string().into()))))
    }
}

impl Endpoint for Desk {
    type Protocol = Native;
    type Target = &'static str;

    const TAKES_COOKIES: bool = true;

    fn resolve(&self, parts: &Parts, _: Native) -> Result<Resolved<&'static str>, Fault> {
        let (target, access, streams) = match parts.uri.path() {
            "/t.S/Open" => ("open", Access::Anyone, false),
            "/t.S/Strangers" => ("open", Access::Strangers, false),
            "/t.S/Members" => ("open", Access::SignedIn, false),
            "/t.S/Admins" => ("open", Access::roles(["mainstay.admin"]), false),
            "/t.S/Services" => ("open", Access::roles(["mainstay.service"]), false),
            "/t.S/Nobody" => ("open", Access::roles(Vec::<Box<str>>::new()), false),
            "/t.S/Inside" => ("inside", Access::Anyone, false),
            "/t.S/Panic" => ("panic", Access::Anyone, false),
            "/t.S/Never" => ("never", Access::Anyone, false),
            "/t.S/Fault" => ("fault", Access::Anyone, false),
            "/t.S/Stream" => ("stream", Access::Anyone, true),
            "/t.S/Watch" => ("never", Access::Anyone, true),
            "/t.S/BrokenStream" => ("broken-stream", Access::Anyone, true),
            "/t.S/ResolvePanic" => panic!("the resolver panicked"),
            _ => return Err(Fault::new(Reason::RouteNotFound)),
        };
        let takes = if streams { Messages::Many } else { Messages::One };
        let cookies = match parts.uri.query() {
            Some("begins") => Cookies::Ignored,
            Some("page") => Cookies::CountIfGood,
            _ => Cookies::Count,
        };
        let effect = match parts.uri.query() {
            Some("changes") => Effect::Changes,
            _ if parts.method.is_safe() => Effect::Reads,
            _ => Effect::Changes,
        };
        Ok(Resolved { target, access, effect, takes, cookies, streams, route: self.metrics.route(parts.uri.path()) })
    }

    fn placed(&mut self, again: Again) {
        self.again = Some(again);
    }

    async fn handle(&self, exchange: Exchange<&'static str>) -> Result<Response<Body>, Fault> {
        match exchange.target {
            "inside" => self.calls_inside(&exchange.request.headers().clone()).await,
            "panic" => panic!("the handler panicked at /var/secret"),
            "never" => std::future::pending().await,
            "fault" => Err(Fault::internal("the disk at /var/secret is full")),
            "stream" => {
                Ok(stream(vec![Ok(Frame::data(Bytes::from_static(b"one"))), Ok(Frame::trailers(trailers("5")))]))
            }
            "broken-stream" => {
                let frames = tokio_stream::iter([0, 1]).map(|n| match n {
                    0 => Ok::<_, tonic::Status>(Frame::data(Bytes::from_static(b"one"))),
                    _ => panic!("the stream panicked"),
                });
                Ok(Response::new(Body::new(StreamBody::new(frames))))
            }
            _ => {
                refuse_the_loud(&exchange.context)?;
                Ok(Response::new(Body::new(Full::new(describe(&exchange)))))
            }
        }
    }
}

fn stream(frames: Vec<Result<Frame<Bytes>, tonic::Status>>) -> Response<Body> {
    Response::new(Body::new(StreamBody::new(tokio_stream::iter(frames))))
}

fn trailers(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())])
}

/// Says what the handler was given.
fn describe(exchange: &Exchange<&'static str>) -> Bytes {
    let Context { principal, request_id, deadline, token, .. } = &exchange.context;
    let headers: Vec<&str> = exchange.request.headers().keys().map(http::HeaderName::as_str).collect();
    let description = json!({
        "uid": principal.uid(), "request_id": request_id.to_str().unwrap(), "deadline": deadline.is_some(),
        "token": token.is_some(), "headers": headers, "peer": exchange.context.peer.map(|peer| peer.to_string()),
        "browser": exchange.context.browser.as_ref().map(|browser| json!([browser.has_session, browser.refresh])),
    });
    Bytes::from(description.to_string())
}

/// No user token is valid here; service accounts are.
struct NoKeys;

impl KeySource for NoKeys {
    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async { Ok(KeySet::default()) })
    }
}

/// Refuses whoever says that they are loud, and says more of it in a header.
fn refuse_the_loud(caller: &Context) -> Result<(), Fault> {
    let told = [(http::HeaderName::from_static("ratelimit"), http::HeaderValue::from_static("\"quiet\";r=0;t=1"))];
    match caller.request_id.to_str() {
        Ok("loud") => Err(Fault::new(Reason::RateLimited).headers(told.into_iter().collect())),
        _ => Ok(()),
    }
}

pub struct Bench {
    pub stack: Stack<Desk>,
    pub metrics: Metrics,
    pub guards: Guards,
}

/// Builds the edge with room for `limit` requests.
pub fn bench(limit: usize) -> Bench {
    let telemetry = Telemetry::quiet();
    let metrics = telemetry.metrics().clone();
    let config = VerifierConfig { issuer: "https://issuer.test".into(), audience: "mainstay".into() };
    let services = ServiceKeys::new([
        ("gateway".to_owned(), SecretString::from(SECRET)),
        ("operator".to_owned(), SecretString::from(SECRET)),
    ]);
    let guards = Guards {
        metrics: metrics.clone(),
        spans: telemetry.spans(),
        authenticator: Authenticator::new(Verifier::new(config, Arc::new(NoKeys)), Arc::new(services.unwrap())),
        shed: Shed::new(limit),
        timeouts: Timeouts::default(),
        trusted_proxies: TrustedProxies::default(),
    };
    Bench { stack: stack::edge(Desk::new(&metrics), guards.clone(), Cors::none()), metrics, guards }
}

pub fn credential(name: &str) -> String {
    format!("Bearer {}", ServiceKeys::credential(name, &SecretString::from(SECRET)).expose_secret())
}

pub fn get(path: &str) -> http::request::Builder {
    Request::builder().uri(path)
}

impl Bench {
    /// Takes these proxies' word about the address of a client.
    pub fn trust(&mut self, trusted_proxies: TrustedProxies) {
        self.guards.trusted_proxies = trusted_proxies;
        self.stack = stack::edge(Desk::new(&self.metrics), self.guards.clone(), Cors::none());
    }

    /// Lets pages call.
    pub fn let_in(&mut self, cors: Cors) {
        self.stack = stack::edge(Desk::new(&self.metrics), self.guards.clone(), cors);
    }

    /// Sends a request without a body and reads the whole answer.
    pub async fn send(&self, request: http::request::Builder) -> Response<Bytes> {
        let response = self.stack.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.map(|body| body.to_bytes()).unwrap_or_default())
    }

    pub async fn json(&self, request: http::request::Builder) -> Value {
        serde_json::from_slice(self.send(request).await.body()).unwrap()
    }

    /// Reads how often a route ended with an HTTP status.
    pub fn count(&self, route: &str, status: u16) -> u64 {
        let (route, status) = (format!("http_route=\"{route}\""), format!("http_response_status_code=\"{status}\""));
        let text = self.metrics.render();
        let lines = text.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
        let ours = lines.filter(|line| line.contains(&route) && line.contains(&status));
        ours.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

/// The `reason` of an error answer.
pub fn reason(response: &Response<Bytes>) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    body["error"]["details"][0]["reason"].as_str().unwrap().to_owned()
}
