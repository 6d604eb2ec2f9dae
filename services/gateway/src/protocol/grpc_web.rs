//! gRPC-Web: gRPC for clients that cannot read HTTP's trailers, which no page can (`PROTOCOL-WEB.md` of gRPC).
//!
//! The frames are gRPC's. The trailers come as the last frame of the body, and as text everything is base64, piece by piece.

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::StreamExt as _;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, essence, refuse_grpc, unknown_compression};
use mainstay_runtime::channel::{Input, Reply};
use tonic::Status;

use super::envelope::{self, Encoding};
use super::gzip::Compression;
use super::read_mask::{Cut, ReadMask};
use super::unread::no_client_streams;
use super::weight::{Wish, wishes};
use super::{Asked, Found, Spoken, Unread, grpc};
use crate::config::Config;
use crate::transcode::Defective;

/// The protocol of gRPC-Web.
pub struct GrpcWeb;

/// How the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    Binary,
    Text,
}

const GRPC_ENCODING: &str = "grpc-encoding";

/// The flag of the frame with the trailers.
const TRAILERS: u8 = 0x80;

/// The trailers of a call that went well.
const WELL: &[u8] = b"grpc-status: 0\r\n";

impl Writing {
    /// How a request is written; nothing for another protocol. The messages are protobuf.
    pub fn of(headers: &HeaderMap) -> Option<Writing> {
        Writing::named(essence(headers))
    }

    /// The writing that the answer is wanted in: what `Accept` names and wants most, the first of several, else the request's
    /// own.
    pub fn wanted(self, headers: &HeaderMap) -> Writing {
        let named = |Wish { named, weight }: Wish<'_>| Some((Writing::named(named.as_bytes())?, weight));
        let wanted = wishes(headers, &ACCEPT).filter_map(named).filter(|(_, weight)| *weight > 0);
        let most = wanted.reduce(|best, next| if next.1 > best.1 { next } else { best });
        most.map_or(self, |(writing, _)| writing)
    }

    fn named(kind: &[u8]) -> Option<Writing> {
        const NAMES: [(&[u8], Writing); 4] = [
            (b"application/grpc-web", Writing::Binary),
            (b"application/grpc-web+proto", Writing::Binary),
            (b"application/grpc-web-text", Writing::Text),
            (b"application/grpc-web-text+proto", Writing::Text),
        ];
        NAMES.iter().find(|(name, _)| kind.eq_ignore_ascii_case(name)).map(|(_, writing)| *writing)
    }

    fn kind(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Writing::Binary => "application/grpc-web+proto",
            Writing::Text => "application/grpc-web-text+proto",
        })
    }

    /// Tells a fault: in the head alone, since nothing came before it.
    pub fn fault(self, fault: Fault) -> Response<Body> {
        self.labelled(refuse_grpc(fault))
    }

    /// gRPC's trailers as the last frame of the body.
    pub fn end(self, trailers: &HeaderMap) -> Frame<Bytes> {
        let mut block = Vec::with_capacity(64);
        for (name, value) in trailers {
            block.extend_from_slice(name.as_str().as_bytes());
            block.extend_from_slice(b": ");
            block.extend_from_slice(value.as_bytes());
            block.extend_from_slice(b"\r\n");
        }
        let mut frame = Vec::with_capacity(block.len() + envelope::HEAD_BYTES);
        envelope::put(TRAILERS, &block, &mut frame);
        Frame::data(self.written(frame.into()))
    }

    /// Reads a whole body. Text may have been cut anywhere on its way, and padded wherever its writer ended a piece.
    async fn read(self, body: Body, limit: usize) -> Result<Bytes, Fault> {
        match self {
            Writing::Binary => envelope::whole(body, limit, 1).await,
            // Four characters stand for three bytes or, where a piece ends, for fewer.
            Writing::Text => plain(&envelope::whole(body, limit, 4).await?),
        }
    }

    /// Bytes as they are written. Each piece is padded, so that a client can read it before the next one comes.
    fn written(self, bytes: Bytes) -> Bytes {
        match self {
            Writing::Binary => bytes,
            Writing::Text => BASE64.encode(&bytes).into(),
        }
    }

    fn labelled(self, mut response: Response<Body>) -> Response<Body> {
        response.headers_mut().insert(CONTENT_TYPE, self.kind());
        response
    }

    /// Makes a request of gRPC of one of gRPC-Web, for methods that tonic serves.
    pub async fn to_grpc(self, request: Request<Body>, limit: usize) -> Result<Request<Body>, Fault> {
        let writing = Writing::of(request.headers()).unwrap_or(self);
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(CONTENT_TYPE, grpc::KIND);
        let body = match writing {
            Writing::Binary => body,
            Writing::Text => Body::new(Full::new(writing.read(body, limit).await?)),
        };
        Ok(Request::from_parts(parts, body))
    }

    /// Makes an answer of gRPC-Web of one of gRPC. Its trailers stay what they are until the stack has seen them.
    pub fn of_grpc(self, response: Response<Body>) -> Response<Body> {
        let response = self.labelled(response);
        match self {
            Writing::Binary => response,
            Writing::Text => {
                response.map(|body| Body::new(body.map_frame(move |frame| frame.map_data(|data| self.written(data)))))
            }
        }
    }
}

fn plain(text: &[u8]) -> Result<Bytes, Fault> {
    BASE64.decode(text).map(Bytes::from).map_err(|error| {
        Fault::new(Reason::MalformedRequest).message(format!(
            "the body is not base64 at character {}: groups of four, the last of a piece padded with `=`",
            error.position + 1
        ))
    })
}

impl Spoken for GrpcWeb {
    type Told = Writing;
    type Form = (Writing, Option<Cut>);

    async fn decode(
        config: &Config,
        found: &Found,
        wanted: Writing,
        request: Request<Body>,
    ) -> Result<(Asked, (Writing, Option<Cut>)), Unread> {
        let (parts, body) = request.into_parts();
        let (headers, limit) = (&parts.headers, config.max_request_bytes);
        let writing = Writing::of(headers).unwrap_or(wanted);
        if found.method().client_streaming {
            return Err(no_client_streams(found.method()).into());
        }
        let compression = Compression::named(headers, GRPC_ENCODING).map_err(|_| unknown_compression(grpc::TAKEN))?;
        let body = writing.read(body, limit).await?;
        let message = envelope::one(body, Encoding { compression, header: GRPC_ENCODING }, limit)?;
        match ReadMask::of_rpc(found, headers) {
            Ok(ReadMask { cut, forwarded }) => {
                Ok((Asked { input: Input::Message(message), fields: forwarded }, (wanted, cut)))
            }
            Err(fault) => Err(Defective { fault, legible: message }.into()),
        }
    }

    async fn encode(
        _: &Config,
        _: &Found,
        (writing, cut): (Writing, Option<Cut>),
        reply: Reply,
    ) -> Result<Response<Body>, Fault> {
        let cut = move |message: Bytes| cut.as_ref().map_or(Ok(message.clone()), |cut| cut.of(&message));
        match reply {
            Reply::Stream(messages) => {
                let messages = messages.map(move |message| message.and_then(&cut).map_err(Status::from));
                Ok(writing.of_grpc(Response::new(grpc::framed(messages, false))))
            }
            one => {
                let message = cut(one.message()?)?;
                let mut whole = Vec::with_capacity(message.len() + WELL.len() + 2 * envelope::HEAD_BYTES);
                envelope::put(0, &message, &mut whole);
                envelope::put(TRAILERS, WELL, &mut whole);
                Ok(writing.labelled(Response::new(Body::new(Full::new(writing.written(whole.into()))))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_base64_is_named_with_its_place() {
        for (text, place) in
            [("AAAA!AAA", "5:"), ("AA A", "3:"), ("AA-_", "3:"), ("AAAAA", ""), ("A===", ""), ("=AAA", "")]
        {
            let fault = plain(text.as_bytes()).unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::MalformedRequest), "{text}");
            assert!(fault.text().contains(&format!("at character {place}")), "{text}: {}", fault.text());
        }
        assert_eq!(plain(b"TQ==Ug==AAAA").unwrap(), &b"MR\0\0\0"[..]);
        assert!(plain(b"").unwrap().is_empty());
    }
}
