//! gRPC's frame around messages: what it refuses by itself is refused with a reason, in one place for every method of every
//! port.

use crate::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use mainstay_fault::{Fault, Reason};
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::{Code, Status};

/// How a call's messages are compressed, and what its caller reads.
pub const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// How tonic speaks of a message that says it is compressed, although the request names no compression.
const NO_ENCODING: &str = "compressed-flag";

/// How tonic begins to speak of a message that is whole and is not of the method's type.
const NOT_OF_THE_TYPE: &str = "failed to decode Protobuf message";

/// What stands before each message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;

/// How many messages a call begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messages {
    /// Exactly one: unary calls, and calls that are answered with a stream.
    One,
    /// As many as the caller likes.
    Many,
}

/// Serves a call by a service whose frame tonic generates.
pub async fn framed<Serving>(
    request: Request<Body>,
    messages: Messages,
    serve: impl FnOnce(Request<Body>) -> Serving,
) -> Result<Response<Body>, Fault>
where
    Serving: Future<Output = Response<Body>>,
{
    with_reason(serve(arriving(request, messages)).await)
}

/// Looks after a call on its way to tonic: a second message is refused where there may be one, instead of being thrown away.
/// The name of a compression is read in capitals too, as HTTP has it.
pub fn arriving(mut request: Request<Body>, messages: Messages) -> Request<Body> {
    lower_case(request.headers_mut());
    if messages == Messages::Many || request.body().is_end_stream() {
        return request;
    }
    request.map(|inner| Body::new(Single { inner, head: [0; HEAD_BYTES], read: 0, left: 0 }))
}

/// Gives a reason to what tonic answers by itself, without having called the method: to a message above the limit, also one
/// that only grows above it when it is decompressed, to one that cannot be read, and to a compression that is not known. An
/// answer that says more than a code and a message is not tonic's, and stays.
pub fn with_reason(response: Response<Body>) -> Result<Response<Body>, Fault> {
    let Some(status) = Status::from_header_map(response.headers()) else { return Ok(response) };
    match response.headers().get(ACCEPT_ENCODING) {
        Some(taken) if status.code() == Code::Unimplemented && status.details().is_empty() => {
            Err(unknown_compression(taken.to_str().unwrap_or("identity")))
        }
        _ => explain(&status).map_or(Ok(response), Err),
    }
}

/// The fault for what tonic says of a message that it refuses; nothing where it says something else.
///
/// A message that is marked as compressed in a request that names no compression has to be INTERNAL (gRPC's
/// `compression.md`).
pub fn explain(status: &Status) -> Option<Fault> {
    let message = status.message();
    match status.code() {
        _ if !status.details().is_empty() => None,
        Code::OutOfRange | Code::ResourceExhausted => Some(too_large(limit_in(message))),
        Code::DeadlineExceeded => Some(Fault::new(Reason::RequestTimeout).message(message.to_owned())),
        Code::Internal if message.contains(NO_ENCODING) => Some(Fault::new(Reason::Internal).message(
            "the message is marked as compressed, and the request does not say how; name it in `grpc-encoding`",
        )),
        Code::Internal if message.starts_with(NOT_OF_THE_TYPE) => Some(
            Fault::new(Reason::MalformedRequest)
                .message("the message could not be read: it is not of the method's request type"),
        ),
        Code::Internal => Some(Fault::new(Reason::MalformedRequest).message(format!(
            "the message could not be read: {}; send it whole, and plain or as valid gzip with `grpc-encoding: gzip`",
            plain(message)
        ))),
        _ => None,
    }
}

/// A request that is larger than what is accepted, over REST and gRPC alike.
pub fn too_large(limit: Option<usize>) -> Fault {
    let fault = Fault::new(Reason::PayloadTooLarge);
    let Some(limit) = limit else { return fault };
    fault
        .message(format!("the request is larger than this server accepts: {limit} bytes"))
        .meta("limit_bytes", limit.to_string())
}

/// The limit that tonic names.
fn limit_in(message: &str) -> Option<usize> {
    let (_, after) = message.split_once("limit")?;
    after.split(|sign: char| !sign.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
}

/// Takes away what tonic adds for whoever made the call.
fn plain(message: &str) -> &str {
    let message = message.trim_start_matches("protocol error: ").trim_start_matches("Error decompressing: ");
    let end = message.rfind(" while sending request").unwrap_or(message.len());
    message[..end].trim_end_matches([',', '.'])
}

/// The metadata that names the compressions which are taken, and the header that gRPC has for it.
const TAKEN: &str = "grpc_accept_encoding";

/// The fault for a compression that is not known; `taken` lists those that are.
pub fn unknown_compression(taken: &str) -> Fault {
    Fault::new(Reason::Unimplemented)
        .message(format!("the compression that `grpc-encoding` names is not supported; taken here: {taken}"))
        .meta(TAKEN, taken)
}

/// Ends a gRPC call with a fault, in the head of the answer.
pub fn refuse_grpc(fault: Fault) -> Response<Body> {
    let taken = fault.metadata(TAKEN).and_then(|taken| HeaderValue::from_str(taken).ok());
    let mut response = Status::from(fault).into_http();
    if let Some(taken) = taken {
        response.headers_mut().insert(ACCEPT_ENCODING, taken);
    }
    response
}

fn lower_case(headers: &mut HeaderMap) {
    let Some(encoding) = headers.get_mut(ENCODING) else { return };
    if encoding.as_bytes().iter().any(u8::is_ascii_uppercase)
        && let Ok(lower) = HeaderValue::from_bytes(&encoding.as_bytes().to_ascii_lowercase())
    {
        *encoding = lower;
    }
}

/// The body of a call that has one message; a second one is an error.
///
/// gRPC's `statuscodes.md` has UNIMPLEMENTED for it: the caller takes the method for one with a stream.
struct Single {
    inner: Body,
    head: [u8; HEAD_BYTES],
    /// How much of the head has come.
    read: usize,
    /// How much of the message is still to come.
    left: usize,
}

impl Single {
    /// Follows the frame. Says whether something comes after the message.
    fn exceeds(&mut self, mut data: &[u8]) -> bool {
        if self.read < HEAD_BYTES {
            let taken = data.len().min(HEAD_BYTES - self.read);
            self.head[self.read..self.read + taken].copy_from_slice(&data[..taken]);
            self.read += taken;
            data = &data[taken..];
            if self.read == HEAD_BYTES {
                let [_, length @ ..] = self.head;
                self.left = u32::from_be_bytes(length) as usize;
            }
        }
        let more = data.len() > self.left;
        self.left = self.left.saturating_sub(data.len());
        more
    }
}

impl http_body::Body for Single {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some_and(|data| self.exceeds(data)) => {
                Poll::Ready(Some(Err(second().into())))
            }
            _ => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn second() -> Fault {
    Fault::new(Reason::Unimplemented).message("this method takes one message, and more came; make a call for each")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeds(pieces: &[&[u8]]) -> bool {
        let mut single = Single { inner: Body::empty(), head: [0; HEAD_BYTES], read: 0, left: 0 };
        pieces.iter().any(|piece| single.exceeds(piece))
    }

    #[test]
    fn one_message_is_one_however_it_is_cut() {
        let message = [0, 0, 0, 0, 3, 1, 2, 3];
        for cut in 0..message.len() {
            let (first, rest) = message.split_at(cut);
            assert!(!exceeds(&[first, rest]), "{cut}");
            assert!(exceeds(&[first, rest, &[0]]), "{cut}");
            assert!(exceeds(&[first, &[rest, &message].concat()]), "{cut}");
        }
        assert!(!exceeds(&[&[0, 0, 0, 0, 0]]), "an empty message");
        assert!(exceeds(&[&[0, 0, 0, 0, 0], &[0, 0, 0, 0, 0]]), "two empty messages");
        assert!(!exceeds(&[&message[..6]]), "a message that ends early is somebody else's finding");
    }

    #[test]
    fn the_limit_is_found_in_either_of_tonics_sentences() {
        for (sentence, limit) in [
            ("Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes", Some(4)),
            ("Error decompressing: size limit, of 1000 bytes, exceeded while decompressing message", Some(1000)),
            ("too much", None),
        ] {
            assert_eq!(limit_in(sentence), limit);
        }
    }
}
