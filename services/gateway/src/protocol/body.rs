//! Reads request bodies, as far as the limit.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, COOKIE};
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, essence, rarely, too_large};
use tonic::{Code, Status};

const JSON: &str = "application/json";

/// Reads a whole body. Fails with PAYLOAD_TOO_LARGE as soon as more than `limit` bytes are announced or have come; what
/// is left stays unread.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, Fault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(Some(limit)));
    }
    let first = next(&mut body).await?.unwrap_or_default();
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while whole.len() <= limit {
        match next(&mut body).await? {
            Some(data) => whole.extend_from_slice(&data),
            None => return Ok(whole.freeze()),
        }
    }
    Err(too_large(Some(limit)))
}

/// The next piece of data; trailers are passed over.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Fault> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken)?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A body that broke off, that is none, that did not come in time, or for which there was no place any more when it came.
fn broken(error: Status) -> Fault {
    match error.code() {
        Code::Unavailable | Code::InvalidArgument => Fault::from_status(error),
        Code::DeadlineExceeded => Fault::new(Reason::RequestTimeout).message(error.message().to_owned()),
        _ => Fault::new(Reason::Cancelled).message("the body broke off").with_source(error),
    }
}

/// Checks that a body may be read as JSON. Any content type will do, as `curl -d` sends a form's, unless the request
/// carries a cookie: then only `application/json` is taken, which a form of another site cannot send.
pub fn check_json(parts: &Parts) -> Result<(), Fault> {
    check_coding(parts)?;
    if rarely(&parts.headers, &COOKIE).is_some() && !essence(&parts.headers).eq_ignore_ascii_case(JSON.as_bytes()) {
        return Err(Fault::new(Reason::UnsupportedMediaType)
            .message("a request with a cookie and a body needs `content-type: application/json`")
            .meta("accept", JSON));
    }
    Ok(())
}

/// Checks that a body is not compressed.
pub fn check_coding(parts: &Parts) -> Result<(), Fault> {
    let headers = &parts.headers;
    let codings = rarely(headers, &CONTENT_ENCODING).into_iter().flat_map(|_| headers.get_all(CONTENT_ENCODING));
    let codings = codings.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    if codings.map(<[u8]>::trim_ascii).any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")) {
        return Err(Fault::new(Reason::UnsupportedMediaType)
            .message("a body is taken as it is, not compressed: leave `content-encoding` out, or set it to identity")
            .meta("accept_encoding", "identity"));
    }
    Ok(())
}
