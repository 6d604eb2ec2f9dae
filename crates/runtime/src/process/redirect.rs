//! The port that speaks plain HTTP only to say where HTTPS is.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, HOST, LOCATION};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;

use super::PublicUrl;
use crate::ServerConfig;
use crate::server::Certificates;

/// Most connections of the port at a time: each is over with one answer.
const MAX_CONNECTIONS: usize = 256;

/// How long one is kept on which nothing is asked, in seconds.
const KEEP_ALIVE_SECONDS: u64 = 5;

/// The settings of a listener, made those of one that nobody stays at.
pub(super) fn small(config: ServerConfig) -> ServerConfig {
    ServerConfig {
        max_connections: config.max_connections.min(MAX_CONNECTIONS),
        max_connections_per_peer: config.max_connections_per_peer.min(MAX_CONNECTIONS / 4),
        keep_alive_seconds: KEEP_ALIVE_SECONDS,
        http2_idle_seconds: KEEP_ALIVE_SECONDS,
        drain_seconds: 1,
        ..config
    }
}

/// Sends who reads (GET, HEAD) to the same path over HTTPS, of a host that there is a certificate for, or of the public URL.
/// Whatever else is asked is refused, and so is what carries a token: it was in the clear already, and a client that is helped on
/// would never learn of it.
#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub(super) certificates: Certificates,
    pub(super) public_url: Option<PublicUrl>,
    /// The port of HTTPS.
    pub(super) port: u16,
}

impl Redirect {
    fn answer(&self, request: &Request<Body>) -> Response<Body> {
        let headers = request.headers();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match self.location(request) {
            Some(location) if reads && !headers.contains_key(AUTHORIZATION) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, location);
                response
            }
            _ => {
                let fault = Fault::new(Reason::MalformedRequest).message("this port serves nothing; use https://");
                fault.http(StatusCode::FORBIDDEN).into_http().map(|json| Body::new(Full::new(json)))
            }
        }
    }

    /// Where a request should have gone; nothing where its host is none of ours and there is no public URL.
    fn location(&self, request: &Request<Body>) -> Option<HeaderValue> {
        let target = request.uri().authority().cloned();
        let asked = target.or_else(|| request.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok());
        let asked = asked.as_ref().map(Authority::host);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        // A path with two slashes first would be another host's to some readers.
        let path = if path.starts_with('/') && !path.starts_with("//") { path } else { "/" };
        let public = self.public_url.as_ref().filter(|url| url.is_https());
        let of_asked = asked.filter(|host| self.certificates.has(host)).map(|host| match self.port {
            443 => format!("https://{host}{path}"),
            port => format!("https://{host}:{port}{path}"),
        });
        let of_public = public.map(|url| url.origin().to_owned() + path);
        // The public URL knows the port that people reach, which may be another one than ours.
        let is_public = public.is_some_and(|url| asked.is_some_and(|host| host.eq_ignore_ascii_case(url.host())));
        let location = if is_public { of_public } else { of_asked.or(of_public) };
        HeaderValue::try_from(location?).ok()
    }
}

impl tower::Service<Request<Body>> for Redirect {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}
