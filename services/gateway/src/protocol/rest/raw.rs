//! Answers that are no JSON: the bytes of a `google.api.HttpBody`, of the content type that it says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Response};
use http_body::Frame;
use mainstay_fault::Fault;
use mainstay_layers::Body;
use mainstay_runtime::channel::Messages;
use tonic::Status;

use crate::protocol::NOSNIFF;
use crate::protocol::compressed::Coding;
use crate::protocol::content::Content;
use crate::protocol::kept::keeping;
use crate::snapshot::{Binding, RawAnswer};
use crate::transcode::{RawBody, Text, raw};

/// What a browser shows of an answer stands on the gateway's origin: what could run there, runs nowhere.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox");

/// Answers one message.
pub async fn answer(
    (binding, answer, is_read): (&Binding, RawAnswer, bool),
    coding: Option<Coding>,
    message: &Bytes,
) -> Result<Response<Body>, Fault> {
    let RawBody { content_type, data } = raw(answer, message)?;
    // What is no text is as small as it gets, as pictures and archives are.
    let coding = coding.filter(|_| is_text(&content_type));
    let content = Content::of(coding, Text::Whole(data)).await?;
    let coding = content.coding;
    let mut response = content.into_response();
    let headers = response.headers_mut();
    head(content_type, headers);
    headers.extend(coding.map(|coding| (CONTENT_ENCODING, coding.name())));
    keeping(&binding.method, is_read, headers);
    Ok(response)
}

/// Answers a stream: the bytes of all of its messages, of the content type of the first.
pub async fn stream(
    (binding, answer, is_read): (&Binding, RawAnswer, bool),
    mut messages: Messages,
) -> Result<Response<Body>, Fault> {
    // What the body is, nobody knows before.
    let (first, content_type) = match messages.next().await.transpose()? {
        None => (None, HeaderValue::from_static("application/octet-stream")),
        Some(message) => {
            let RawBody { content_type, data } = raw(answer, &message)?;
            (Some(data), content_type)
        }
    };
    let mut response = Response::new(Body::new(Pieces { answer, messages, first, is_over: false }));
    head(content_type, response.headers_mut());
    keeping(&binding.method, is_read, response.headers_mut());
    Ok(response)
}

fn head(content_type: HeaderValue, headers: &mut HeaderMap) {
    if is_active(&content_type) {
        headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    }
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// The essence of a content type (RFC 9110, section 8.3.1).
fn essence(content_type: &HeaderValue) -> String {
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_text(content_type: &HeaderValue) -> bool {
    let kind = essence(content_type);
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || ["application/json", "application/xml", "application/javascript", "application/x-ndjson"].contains(&&*kind)
}

/// Whether a browser that shows it would run what is in it.
fn is_active(content_type: &HeaderValue) -> bool {
    let kind = essence(content_type);
    kind.ends_with("+xml") || ["text/html", "text/xml", "application/xml"].contains(&&*kind)
}

/// The bytes of a stream's messages.
struct Pieces {
    answer: RawAnswer,
    messages: Messages,
    first: Option<Bytes>,
    is_over: bool,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        loop {
            let piece = match this.first.take() {
                Some(first) => Ok(first),
                None if this.is_over => return Poll::Ready(None),
                None => match ready!(this.messages.poll_next_unpin(cx)) {
                    None => return Poll::Ready(None),
                    Some(message) => message.and_then(|message| raw(this.answer, &message)).map(|body| body.data),
                },
            };
            match piece {
                // A piece of no bytes would end an answer of HTTP/1.1.
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                // There is no place in the bytes to tell of a fault: the answer breaks off, which its client sees.
                Err(mut fault) => {
                    fault.log();
                    this.is_over = true;
                    return Poll::Ready(Some(Err(fault.into())));
                }
            }
        }
    }
}
