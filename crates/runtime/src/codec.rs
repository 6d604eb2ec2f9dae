//! A gRPC codec that leaves messages as bytes, and what is said to a message that cannot be read.

use bytes::{Buf as _, BufMut as _, Bytes};
use http::Response;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

/// How tonic speaks of a message that says it is compressed, although the request names no compression.
const NO_ENCODING: &str = "compressed-flag";

/// Passes messages through undecoded: framing, compression and limits are tonic's, the bytes are the caller's.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawCodec;

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = RawCodec;
    type Decoder = RawCodec;

    fn encoder(&mut self) -> RawCodec {
        *self
    }

    fn decoder(&mut self) -> RawCodec {
        *self
    }
}

/// A request that is larger than what is accepted, over REST and gRPC alike.
pub fn too_large(limit: usize) -> Fault {
    Fault::new(Reason::PayloadTooLarge)
        .message(format!("the request is larger than this server accepts: {limit} bytes"))
        .meta("limit_bytes", limit.to_string())
}

/// Gives a reason to what tonic answers by itself, without having called the method: to a message above `limit` bytes,
/// also one that only grows above it when it is decompressed, and to one that cannot be read. An answer that says more than
/// a code and a message is not tonic's, and stays.
///
/// A compression that is not known stays tonic's answer, whose header says which are. So does a message that is marked as
/// compressed in a request that names no compression, which has to be INTERNAL (gRPC's `compression.md`).
pub fn with_reason(refused: Response<Body>, limit: usize) -> Result<Response<Body>, Fault> {
    let Some(status) = Status::from_header_map(refused.headers()) else { return Ok(refused) };
    match status.code() {
        _ if !status.details().is_empty() => Ok(refused),
        Code::OutOfRange | Code::ResourceExhausted => Err(too_large(limit)),
        Code::DeadlineExceeded => Err(Fault::new(Reason::RequestTimeout).message(status.message().to_owned())),
        Code::Internal if !status.message().contains(NO_ENCODING) => {
            Err(Fault::new(Reason::MalformedRequest).message(format!(
                "the message could not be read: {}; send it whole, and plain or as valid gzip with `grpc-encoding: gzip`",
                plain(status.message())
            )))
        }
        _ => Ok(refused),
    }
}

/// Takes away what tonic adds for whoever made the call.
fn plain(message: &str) -> &str {
    let message = message.trim_start_matches("protocol error: ").trim_start_matches("Error decompressing: ");
    let end = message.rfind(" while sending request").unwrap_or(message.len());
    message[..end].trim_end_matches([',', '.'])
}
