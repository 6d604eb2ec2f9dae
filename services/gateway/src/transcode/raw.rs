//! Bodies that are no JSON: `google.api.HttpBody`.

use bytes::{BufMut, Bytes};
use http::HeaderValue;
use mainstay_fault::Fault;
use mainstay_wire::frame;

use crate::snapshot::RawAnswer;

/// `google.api.HttpBody.content_type`.
const CONTENT_TYPE: u32 = 1;
/// `google.api.HttpBody.data`.
const DATA: u32 = 2;

/// What a body is of which nothing is said (RFC 9110, section 8.3).
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A body, and what it is.
#[derive(Debug)]
pub struct RawBody {
    pub content_type: HeaderValue,
    pub data: Bytes,
}

/// The body that an answer holds. Fails only where a service answered with bytes that are no message of its type, or with a
/// content type that no header can have.
pub fn raw(answer: RawAnswer, message: &Bytes) -> Result<RawBody, Fault> {
    let inner = match answer {
        RawAnswer::Whole => message.clone(),
        RawAnswer::Field(number) => {
            let inner = frame::message(message, number).map_err(Fault::internal)?.unwrap_or_default();
            Bytes::copy_from_slice(&inner)
        }
    };
    let content_type = match frame::string(&inner, CONTENT_TYPE).map_err(Fault::internal)?.unwrap_or_default() {
        "" => BYTES,
        said => HeaderValue::try_from(said).map_err(Fault::internal)?,
    };
    let data = frame::bytes(&inner, DATA).map_err(Fault::internal)?.unwrap_or_default();
    Ok(RawBody { content_type, data: inner.slice_ref(data) })
}

/// Appends the fields of a `google.api.HttpBody`.
pub fn put_http_body(content_type: &str, data: &[u8], out: &mut impl BufMut) {
    for (number, value) in [(CONTENT_TYPE, content_type.as_bytes()), (DATA, data)] {
        if !value.is_empty() {
            frame::put_bytes(number, value, out);
        }
    }
}
