//! What gRPC and Connect put around a message: a byte of flags, the length, the message.

use std::future::ready;

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, too_large};
use tonic::Status;

use super::body;
use super::compressed::Coding;
use super::gzip::Compression;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What comes before each message.
pub const HEAD_BYTES: usize = 5;

const COMPRESSED: u8 = 1;

/// How a call's messages may be compressed, and the header that says so.
#[derive(Debug, Clone, Copy)]
pub struct Encoding {
    pub compression: Compression,
    pub header: &'static str,
}

/// Reads a body that holds one envelope, written in up to `times` as many bytes. What is said of one that is too large is the
/// limit of the message.
pub async fn whole(body: Body, limit: usize, times: usize) -> Result<Bytes, Fault> {
    let most = limit.saturating_add(HEAD_BYTES).saturating_mul(times);
    body::read(body, most).await.map_err(|fault| match fault.reason() {
        Some(Reason::PayloadTooLarge) => too_large(Some(limit)),
        _ => fault,
    })
}

/// Takes the one message of a call out of its envelope. Fails where there is none, or another one.
pub fn one(mut body: Bytes, encoding: Encoding, limit: usize) -> Result<Bytes, Fault> {
    if body.len() < HEAD_BYTES {
        let what = if body.is_empty() { "there is no message" } else { "the body ends in the middle of an envelope" };
        return Err(malformed(format!("{what}: a message has a byte of flags and four of its length before it")));
    }
    let (flags, length) = (body.get_u8(), body.get_u32() as usize);
    if length > limit {
        return Err(too_large(Some(limit)));
    }
    if flags & !COMPRESSED != 0 {
        return Err(malformed(format!("the message's envelope has flags that a request cannot have: {flags:#04x}")));
    }
    if length > body.len() {
        return Err(malformed(format!("the message's envelope says {length} bytes, and {} came", body.len())));
    }
    let message = body.split_to(length);
    if !body.is_empty() {
        let second = "this method takes one message, and more came; make a call for each";
        return Err(Fault::new(Reason::Unimplemented).message(second));
    }
    match (flags, encoding.compression) {
        (0, _) => Ok(message),
        (_, Compression::None) => Err(Fault::new(Reason::Internal).message(format!(
            "the message is marked as compressed, and the request does not say how; name it in {}",
            encoding.header
        ))),
        (_, compression) => compression.undone(message, limit),
    }
}

/// The answer of a call whose messages may be compressed one by one: those that are worth it are.
pub fn answers(messages: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static, coding: Coding) -> Body {
    with_status(messages, move |message| coded(&message, coding))
}

/// An answer whose messages are written so. It ends with gRPC's trailers, which are each protocol's own to write.
pub fn with_status(
    messages: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static,
    write: impl Fn(Bytes) -> Result<Frame<Bytes>, Fault> + Send + 'static,
) -> Body {
    let frames = messages.map(Some).chain(stream::iter([None])).scan(false, move |over, message| {
        if *over {
            return ready(None);
        }
        let written = match message {
            Some(message) => message.and_then(&write),
            None => Ok(Frame::trailers(HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))]))),
        };
        *over = written.is_err();
        ready(Some(Ok::<_, Status>(written.unwrap_or_else(mainstay_layers::trailers))))
    });
    Body::new(StreamBody::new(frames))
}

fn coded(message: &[u8], coding: Coding) -> Result<Frame<Bytes>, Fault> {
    let mut envelope = Vec::with_capacity(message.len() + HEAD_BYTES);
    match coding.smaller(message)? {
        Some(smaller) => put(COMPRESSED, &smaller, &mut envelope),
        None => put(0, message, &mut envelope),
    }
    Ok(Frame::data(envelope.into()))
}

/// Puts a message into an envelope. It is shorter than four gigabytes: what a service answers is held in memory.
pub fn put(flags: u8, message: &[u8], out: &mut Vec<u8>) {
    out.put_u8(flags);
    out.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    out.put_slice(message);
}

fn malformed(message: String) -> Fault {
    Fault::new(Reason::MalformedRequest).message(message)
}
