//! gRPC: messages pass undecoded.

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{
    ACCEPT_ENCODING, Body, ENCODING, Held, Messages, SMALL_ANSWER_BYTES, arriving, explain, refuse_grpc,
    unknown_compression,
};
use mainstay_runtime::RawCodec;
use mainstay_runtime::channel::{Input, Reply};
use tonic::Status;
use tonic::codec::{CompressionEncoding, EncodeBody, SingleMessageCompressionOverride, Streaming};

use super::read_mask::{Cut, ReadMask};
use super::{Asked, Found, Spoken, Unread};
use crate::config::Config;
use crate::transcode::Defective;

pub const KIND: HeaderValue = HeaderValue::from_static("application/grpc");
const GZIP: &str = "gzip";

/// What is taken, as gRPC lists it.
pub const TAKEN: &str = "gzip,identity";

/// The protocol of gRPC.
pub struct Grpc;

/// What an answer has to know of its request.
#[derive(Debug)]
pub struct Form {
    gzip: bool,
    cut: Option<Cut>,
}

impl Spoken for Grpc {
    type Told = ();
    type Form = Form;

    async fn decode(config: &Config, found: &Found, (): (), request: Request<Body>) -> Result<(Asked, Form), Unread> {
        let method = found.method();
        let messages = if method.client_streaming { Messages::Many } else { Messages::One };
        let (parts, body) = arriving(request, messages).into_parts();
        let compression = compression(&parts.headers)?;
        let gzip = compression.is_some() && reads_gzip(&parts.headers);
        let mask = ReadMask::of_rpc(found, &parts.headers);
        drop(parts);
        let messages = Streaming::new_request(RawCodec, body, compression, Some(config.max_request_bytes));
        let input = match method.client_streaming {
            true => Input::Stream(messages.map(|message| message.map_err(told)).boxed()),
            false => Input::Message(one(messages).await.map_err(told)?),
        };
        match (mask, input) {
            (Ok(ReadMask { cut, forwarded }), input) => Ok((Asked { input, fields: forwarded }, Form { gzip, cut })),
            (Err(fault), Input::Message(legible)) => Err(Defective { fault, legible }.into()),
            // Nothing of it was read, and its method's policy has let the caller in: there are no rules for one with a stream.
            (Err(fault), Input::Stream(_)) => Err(fault.into()),
        }
    }

    async fn encode(_: &Config, _: &Found, form: Form, reply: Reply) -> Result<Response<Body>, Fault> {
        let Form { gzip, cut } = form;
        let cut = move |message: Bytes| cut.as_ref().map_or(Ok(message.clone()), |cut| cut.of(&message));
        let (body, held) = match reply {
            Reply::Stream(messages) => {
                (framed(messages.map(move |message| message.and_then(&cut).map_err(Status::from)), gzip), 0)
            }
            one => {
                let message = cut(one.message()?)?;
                let held = message.len();
                (framed(stream::iter([Ok(message)]), gzip), held)
            }
        };
        let mut response = Response::new(body);
        // The frame is made when it is sent; until then the message is held.
        if held > SMALL_ANSWER_BYTES {
            response.extensions_mut().insert(Held(held));
        }
        response.headers_mut().insert(CONTENT_TYPE, KIND);
        if gzip {
            response.headers_mut().insert(ENCODING, HeaderValue::from_static(GZIP));
        }
        Ok(response)
    }
}

impl Grpc {
    /// Tells a fault.
    pub fn fault(fault: Fault) -> Response<Body> {
        refuse_grpc(fault)
    }
}

/// The one message of a call. What follows it is looked at, too: there may be nothing.
async fn one(mut messages: Streaming<Bytes>) -> Result<Bytes, Status> {
    let message = messages.message().await?.ok_or_else(|| Status::internal("there is no message"))?;
    messages.trailers().await?;
    Ok(message)
}

/// Frames an answer's messages. They are compressed for callers who compress what they ask: who merely can read gzip is better
/// served by an answer that costs nothing to make.
pub fn framed(messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static, gzip: bool) -> Body {
    let compression = gzip.then_some(CompressionEncoding::Gzip);
    let inherit = SingleMessageCompressionOverride::Inherit;
    Body::new(EncodeBody::new_server(RawCodec, messages, compression, inherit, Some(usize::MAX)))
}

/// How the messages of a request are compressed.
fn compression(headers: &HeaderMap) -> Result<Option<CompressionEncoding>, Fault> {
    match headers.get(ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(None),
        Some(encoding) if encoding == GZIP.as_bytes() => Ok(Some(CompressionEncoding::Gzip)),
        Some(_) => Err(unknown_compression(TAKEN)),
    }
}

fn reads_gzip(headers: &HeaderMap) -> bool {
    let read = headers.get(ACCEPT_ENCODING).and_then(|read| read.to_str().ok()).unwrap_or_default();
    read.split(',').any(|encoding| encoding.trim() == GZIP)
}

/// What a caller is told of messages that cannot be read.
fn told(status: Status) -> Fault {
    explain(&status).unwrap_or_else(|| Fault::from_status(status))
}
