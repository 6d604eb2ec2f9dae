//! How a call of Connect is made, told by the head of its request; and how its end is told.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method as HttpMethod, Response};
use http_body::Frame;
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, EndCode};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Codec, STREAM_ACCEPTED, VERSION};
use crate::protocol::compressed::{Coding, told};
use crate::protocol::envelope;
use crate::protocol::unread::no_client_streams;
use crate::snapshot::Method;

/// The flag of the envelope that ends a stream.
const END: u8 = 2;

/// The three ways to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A message for a message, by POST.
    Unary(Codec),
    /// A message in the query, by GET.
    Get,
    /// Envelopes: the answer is a stream.
    Stream(Codec),
}

impl Manner {
    /// Tells a call of Connect: a POST to an RPC's path by its content type, a GET, which has none, by a query that speaks of a
    /// message. `kind` is the content type. The path of a service without a package is that of a collection as well; there the version has to be named.
    pub fn of(head: &Parts, kind: &[u8]) -> Option<Manner> {
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        let is_rpc = || match rpc(head.uri.path()) {
            Some(Packaged::Yes) => true,
            Some(Packaged::No) => head.headers.contains_key(VERSION),
            None => false,
        };
        match head.method {
            HttpMethod::POST if is("application/connect+json") && is_rpc() => Some(Manner::Stream(Codec::Json)),
            HttpMethod::POST if is("application/connect+proto") && is_rpc() => Some(Manner::Stream(Codec::Proto)),
            HttpMethod::POST if is("application/proto") && is_rpc() => Some(Manner::Unary(Codec::Proto)),
            HttpMethod::POST if is("application/json") && is_rpc() => Some(Manner::Unary(Codec::Json)),
            HttpMethod::GET | HttpMethod::HEAD
                if rpc(head.uri.path()) == Some(Packaged::Yes) && asks(head.uri.query()) =>
            {
                Some(Manner::Get)
            }
            _ => None,
        }
    }

    /// How what is answered to such a call is compressed if it is worth it: the body, or each message of a stream.
    pub fn coding(self, headers: &HeaderMap) -> Option<Coding> {
        match self {
            Manner::Stream(_) => Coding::named(headers, &STREAM_ACCEPTED),
            Manner::Unary(_) | Manner::Get => Coding::of(headers),
        }
    }

    /// Checks that a method's messages can be sent so.
    pub fn check(self, method: &Method) -> Result<(), Fault> {
        if method.client_streaming {
            return Err(no_client_streams(method));
        }
        let streams = method.server_streaming;
        let other = |kinds: &str| {
            let what = if streams { "is answered with a stream" } else { "is answered with one message" };
            Fault::new(Reason::UnsupportedMediaType)
                .message(format!("`{}` {what}; over Connect it takes {kinds}", method.path))
                .meta("accept", kinds)
        };
        match self {
            Manner::Stream(_) if !streams => Err(other("application/json, application/proto")),
            Manner::Unary(_) if streams => Err(other("application/connect+json, application/connect+proto")),
            _ => Ok(()),
        }
    }

    /// The content type of an answer.
    pub fn kind(self, codec: Codec) -> HeaderValue {
        HeaderValue::from_static(match (self, codec) {
            (Manner::Stream(_), Codec::Json) => "application/connect+json",
            (Manner::Stream(_), Codec::Proto) => "application/connect+proto",
            (_, Codec::Json) => "application/json",
            (_, Codec::Proto) => "application/proto",
        })
    }

    /// Tells a fault: as an HTTP answer, or as the end of a stream that had no message. That something else is to be sent is
    /// told by HTTP in any case.
    pub fn fault(self, mut fault: Fault, coding: Option<Coding>) -> Response<Body> {
        let codec = match self {
            Manner::Stream(codec) if fault.reason() != Some(Reason::UnsupportedMediaType) => codec,
            // What is read of a stream's messages is not said of a body.
            Manner::Stream(_) => return told(None, fault.into_connect()),
            Manner::Unary(_) | Manner::Get => return told(coding, fault.into_connect()),
        };
        fault.log();
        let code = EndCode(fault.code());
        let mut response = Response::new(Body::new(Full::new(end(&json!({ "error": fault.to_connect() })))));
        response.headers_mut().insert(CONTENT_TYPE, self.kind(codec));
        response.extensions_mut().insert(code);
        response
    }

    /// gRPC's trailers as the end of a stream.
    pub fn end(trailers: &HeaderMap) -> Frame<Bytes> {
        Frame::data(match Status::from_header_map(trailers) {
            Some(status) if status.code() != Code::Ok => {
                end(&json!({ "error": Fault::from_status(status).to_connect() }))
            }
            _ => end(&json!({})),
        })
    }
}

/// The last envelope of a stream.
fn end(status: &Value) -> Bytes {
    let json = status.to_string();
    let mut envelope = Vec::with_capacity(json.len() + envelope::HEAD_BYTES);
    envelope::put(END, json.as_bytes(), &mut envelope);
    envelope.into()
}

/// Whether a query has one of the parameters that only Connect has.
fn asks(query: Option<&str>) -> bool {
    let names = query.unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    names.into_iter().any(|name| matches!(name, "connect" | "encoding" | "message"))
}

/// Whether the service of an RPC is in a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packaged {
    Yes,
    No,
}

/// Whether a path can be that of an RPC: `/shop.v1.ProductService/GetProduct`.
fn rpc(path: &str) -> Option<Packaged> {
    let is_name = |name: &str| {
        let mut signs = name.bytes();
        signs.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && signs.all(|sign| sign.is_ascii_alphanumeric() || sign == b'_')
    };
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let packaged = if service.contains('.') { Packaged::Yes } else { Packaged::No };
    (is_name(method) && service.split('.').all(is_name)).then_some(packaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn of(method: &str, path: &str, kind: &str, version: bool) -> Option<Manner> {
        let mut request = Request::builder().method(method).uri(path);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        if version {
            request = request.header("connect-protocol-version", "1");
        }
        let head = request.body(()).expect("a request").into_parts().0;
        Manner::of(&head, mainstay_layers::essence(&head.headers))
    }

    #[test]
    fn a_call_of_connect_is_told_from_rest_by_its_head() {
        const RPC: &str = "/shop.v1.ProductService/GetProduct";
        const REST: &str = "/shop/v1/products";
        for (method, path, kind, version, manner) in [
            ("POST", RPC, "application/json", false, Some(Manner::Unary(Codec::Json))),
            ("POST", RPC, "Application/JSON; charset=utf-8", false, Some(Manner::Unary(Codec::Json))),
            ("POST", RPC, "application/proto", false, Some(Manner::Unary(Codec::Proto))),
            ("POST", RPC, "application/connect+json", false, Some(Manner::Stream(Codec::Json))),
            ("POST", RPC, "application/connect+proto", true, Some(Manner::Stream(Codec::Proto))),
            ("GET", "/shop.v1.ProductService/GetProduct?connect=v1", "", false, Some(Manner::Get)),
            ("GET", "/shop.v1.ProductService/GetProduct?message=%7B%7D", "application/json", false, Some(Manner::Get)),
            ("GET", RPC, "application/json", false, None),
            ("POST", "/ProductService/GetProduct", "application/json", true, Some(Manner::Unary(Codec::Json))),
            ("POST", "/ProductService/GetProduct", "application/proto", false, None),
            ("POST", REST, "application/json", false, None),
            ("POST", REST, "application/json", true, None),
            ("POST", REST, "application/proto", true, None),
            ("POST", REST, "application/connect+json", true, None),
            ("POST", "/v1/things", "application/json", false, None),
            ("DELETE", REST, "application/connect+json", false, None),
            ("GET", RPC, "application/proto", true, None),
            ("GET", RPC, "application/connect+json", true, None),
            ("HEAD", RPC, "application/proto", true, None),
            ("OPTIONS", RPC, "application/proto", true, None),
            ("PUT", RPC, "application/json", true, None),
            ("TRACE", RPC, "application/connect+proto", true, None),
            ("POST", RPC, "", false, None),
            ("POST", RPC, "text/plain", false, None),
            ("POST", RPC, "application/connect+yaml", false, None),
            ("PATCH", RPC, "application/json", false, None),
            ("GET", REST, "", false, None),
            ("GET", "/v1.2/things", "", false, None),
            ("GET", "/v1.2/things?message=a", "", false, None),
            ("GET", "/shop.v1./GetProduct?message=a", "", false, None),
            ("GET", "/shop.v1.ProductService/products:search?message=a", "", false, None),
            ("GET", "/shop.v1.ProductService/Get/Product?message=a", "", false, None),
        ] {
            assert_eq!(of(method, path, kind, version), manner, "{method} {path} {kind}");
        }
    }
}
