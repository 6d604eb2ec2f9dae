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
pub(super) const MAX_CONNECTIONS: u16 = 256;

/// How long one is kept on which nothing is asked, in seconds.
const KEEP_ALIVE_SECONDS: u64 = 5;

/// The settings of a listener, made those of one that nobody stays at.
pub(super) fn small(config: ServerConfig) -> ServerConfig {
    ServerConfig {
        max_connections: config.max_connections.min(MAX_CONNECTIONS.into()),
        max_connections_per_peer: config.max_connections_per_peer.min((MAX_CONNECTIONS / 4).into()),
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
                let fault = Fault::new(Reason::PermissionDenied).message("this port serves nothing; use https://");
                fault.into_http().map(|json| Body::new(Full::new(json)))
            }
        }
    }

    /// Where a request should have gone; nothing where its host is none of ours and there is no public URL.
    fn location(&self, request: &Request<Body>) -> Option<HeaderValue> {
        let target = request.uri().authority().cloned();
        let asked = target.or_else(|| request.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok());
        let asked = asked.as_ref().map(Authority::host);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::TlsConfig;

    fn redirect(public_url: Option<&str>, port: u16) -> Redirect {
        let folder = tempfile::tempdir().unwrap();
        let names = ["shop.example.org", "*.example.net"].map(ToOwned::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let (cert_file, key_file) = (folder.path().join("cert"), folder.path().join("key"));
        std::fs::write(&cert_file, made.cert.pem()).unwrap();
        std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
        let certificates = Certificates::load(&TlsConfig::new(cert_file, key_file)).unwrap();
        Redirect { certificates, public_url: public_url.map(|url| url.parse().unwrap()), port }
    }

    /// Where a request is led to; its status where it is led nowhere.
    fn led(redirect: &Redirect, request: http::request::Builder) -> Result<String, u16> {
        let answer = redirect.answer(&request.body(Body::empty()).unwrap());
        match answer.headers().get(LOCATION) {
            Some(location) => {
                assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
                Ok(location.to_str().unwrap().to_owned())
            }
            None => Err(answer.status().as_u16()),
        }
    }

    fn get(host: &str, path: &str) -> http::request::Builder {
        Request::get(path).header(HOST, host)
    }

    #[test]
    fn a_reader_is_led_to_the_same_path_of_a_host_of_ours() {
        let plain = redirect(None, 443);
        for (host, path, location) in [
            ("shop.example.org", "/", "https://shop.example.org/"),
            ("Shop.example.org:80", "/a/b?c=%2F", "https://Shop.example.org/a/b?c=%2F"),
            ("any.example.net", "/a", "https://any.example.net/a"),
            ("shop.example.org", "//evil.example/a", "https://shop.example.org//evil.example/a"),
        ] {
            assert_eq!(led(&plain, get(host, path)).as_deref(), Ok(location));
        }
        let absolute = Request::get("http://shop.example.org/a").header(HOST, "shop.example.org");
        assert_eq!(led(&plain, absolute).as_deref(), Ok("https://shop.example.org/a"));
        let elsewhere = redirect(None, 8443);
        assert_eq!(led(&elsewhere, get("shop.example.org", "/a")).as_deref(), Ok("https://shop.example.org:8443/a"));
        for host in ["evil.example", "127.0.0.1", "example.net"] {
            assert_eq!(led(&plain, get(host, "/a")), Err(403), "{host}");
        }
    }

    #[test]
    fn the_public_url_stands_for_hosts_that_are_not_ours_and_knows_its_port() {
        let public = redirect(Some("https://shop.example.org/shop"), 8443);
        for host in ["shop.example.org", "SHOP.example.org:8080", "evil.example", "127.0.0.1"] {
            assert_eq!(led(&public, get(host, "/a")).as_deref(), Ok("https://shop.example.org/a"), "{host}");
        }
        assert_eq!(led(&public, get("any.example.net", "/a")).as_deref(), Ok("https://any.example.net:8443/a"));
        assert_eq!(led(&redirect(Some("http://localhost:8080"), 443), get("evil.example", "/a")), Err(403));
    }

    #[test]
    fn what_was_to_be_secret_is_not_helped_on() {
        let plain = redirect(None, 443);
        let host = "shop.example.org";
        assert_eq!(led(&plain, get(host, "/a").header(AUTHORIZATION, "Bearer x")), Err(403));
        assert_eq!(led(&plain, Request::post("/a").header(HOST, host)), Err(403));
        assert!(led(&plain, Request::head("/a").header(HOST, host)).is_ok());
    }
}
