//! Which pages may call from a browser (the CORS protocol of the Fetch standard), and which may not make it send anything.
//!
//! ```text
//! a page of               asks first (preflight)      calls
//!   the server itself     never                       as anybody does
//!   an allowed origin     204, kept for a while       and may read the answer, errors included
//!   another origin        403                         may not read it; what a form could send is refused as well
//!   any origin, at a path that is open to all: 204    and may read the answer, for which it has sent no cookies
//!   any origin's form, at a path that takes them      may not read it; nobody is signed in by it
//! ```
//!
//! An origin is allowed because it is named, and is compared as a whole. Nothing here depends on who calls: a page that is let
//! in still needs a credential for what not everybody may do.

mod origins;
pub(crate) mod simple;

pub use origins::{NotAnOrigin, Origins};

use crate::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use mainstay_fault::{Fault, Reason};

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// With which no browser lets a page read what it has sent cookies for.
const ANY: HeaderValue = HeaderValue::from_static("*");

const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Every method that a path here can take.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// What a page may read of an answer beside what the standard lets it: the statuses of gRPC-Web, how Connect's answers are
/// compressed, the id of the request, and what the standard methods and errors say in headers.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, content-encoding, connect-content-encoding, \
     x-request-id, etag, location, retry-after, ratelimit, ratelimit-policy, allow, \
     www-authenticate",
);

const VARY_BY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const VARY_BY_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "origin, access-control-request-method, access-control-request-headers, access-control-request-private-network",
);

/// How many characters of an origin a refusal shows.
const SHOWN: usize = 200;

/// How long a browser keeps the answer to a preflight, unless configured otherwise, in seconds: as long as the usual browsers
/// keep one at most.
pub const DEFAULT_PREFLIGHT_SECONDS: u32 = 7_200;

/// Which pages may call.
#[derive(Debug, Clone)]
pub struct Cors {
    /// The origins that are let in.
    pub origins: Origins,
    /// Whether pages from the browser's own machine are let in as well.
    pub loopback: bool,
    /// Whether pages may send cookies, and what else a browser adds by itself.
    pub credentials: bool,
    /// How long a browser keeps the answer to a preflight, in seconds.
    pub preflight_seconds: u32,
    /// Paths that pages of every origin may ask, without what a browser adds by itself: whoever asks there shows what they have in
    /// the request.
    pub open: &'static [&'static str],
    /// Paths that forms of pages of every origin may be sent to: what comes so is nobody's, whatever session the browser keeps.
    pub forms: &'static [&'static str],
}

impl Cors {
    /// Lets no pages in but the server's own.
    pub fn none() -> Cors {
        Cors {
            origins: Origins::default(),
            loopback: false,
            credentials: false,
            preflight_seconds: DEFAULT_PREFLIGHT_SECONDS,
            open: &[],
            forms: &[],
        }
    }

    /// Finds out which page a request comes from, before anything else is done with it.
    pub(crate) fn page(&self, parts: &Parts) -> Page {
        let mut origins = parts.headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Page::None,
            (Some(origin), None) if self.allows(origin) => Page::Allowed(origin.clone()),
            _ if self.open.contains(&parts.uri.path()) => Page::Any,
            _ => Page::Foreign,
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.origins.contains(origin) || (self.loopback && origins::is_loopback(origin))
    }

    /// Answers a preflight; nothing where the request is none. Fails where a page asks, or makes its browser send what it may
    /// not.
    pub(crate) fn admit(&self, page: &Page, parts: &Parts) -> Result<Option<Response<Body>>, Fault> {
        let preflight = parts.method == Method::OPTIONS && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        match page {
            Page::Foreign if preflight => Err(foreign(&parts.headers)),
            Page::Foreign | Page::None if simple::is_forged(parts) && !self.takes_form(parts) => {
                Err(foreign(&parts.headers))
            }
            Page::Allowed(_) | Page::Any if preflight => self.preflight(&parts.headers).map(Some),
            Page::None | Page::Foreign | Page::Allowed(_) | Page::Any => Ok(None),
        }
    }

    /// Whether what a page of another origin sends is taken as nobody's where it would be refused.
    pub(crate) fn takes_form(&self, parts: &Parts) -> bool {
        parts.method == Method::POST && self.forms.contains(&parts.uri.path())
    }

    /// A page that is let in may send what it likes: what a header may do is decided where it is read.
    fn preflight(&self, asked: &HeaderMap) -> Result<Response<Body>, Fault> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            if !are_header_names(names) {
                return Err(Fault::new(Reason::MalformedRequest)
                    .message("access-control-request-headers is not a list of header names, separated by commas")
                    .meta("header", ACCESS_CONTROL_REQUEST_HEADERS.as_str()));
            }
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if asked.get(REQUEST_PRIVATE_NETWORK) == Some(&TRUE) {
            headers.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.preflight_seconds));
        headers.insert(VARY, VARY_BY_PREFLIGHT);
        Ok(response)
    }

    /// Says in an answer, whatever it is, whether the page may read it. Caches are told that this depends on the page.
    pub(crate) fn mark(&self, page: &Page, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        if let Page::Allowed(origin) = page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            if self.credentials {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
            }
        }
        if let Page::Any = page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        let depends = self.loopback || !self.origins.is_empty();
        if depends && !headers.contains_key(ACCESS_CONTROL_MAX_AGE) {
            headers.append(VARY, VARY_BY_ORIGIN);
        }
    }
}

/// The page that a request comes from.
#[derive(Debug)]
pub(crate) enum Page {
    /// No browser says that there is one: a program calls, or the server's own page reads.
    None,
    /// One of an allowed origin, which is this.
    Allowed(HeaderValue),
    /// Any, at a path that is open to all of them.
    Any,
    /// Another one; or the server's own, which need not be named to be let in.
    Foreign,
}

fn are_header_names(names: &HeaderValue) -> bool {
    names.as_bytes().split(|byte| *byte == b',').all(|name| HeaderName::from_bytes(name.trim_ascii()).is_ok())
}

fn foreign(headers: &HeaderMap) -> Fault {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let shown: String = origin.chars().take(SHOWN).collect();
    let remedy = match origins::is_loopback(origin) {
        true => "whoever runs it in development can set `cors.loopback`, or name the origin in `cors.origins`",
        false => "whoever runs it can name the origin in `cors.origins`",
    };
    Fault::new(Reason::OriginNotAllowed)
        .message(format!("pages of `{shown}` may not call this server; {remedy}"))
        .meta("origin", shown)
}
