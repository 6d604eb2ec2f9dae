//! A call that comes in messages of a WebSocket, with many others: what [`socket`](crate::socket) makes of them is a request like
//! every other, whose body has one message of JSON in each of its frames, as has the answer's. Nothing from a network is one.

use std::future::ready;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, Held, SMALL_ANSWER_BYTES};
use mainstay_runtime::channel::{Input, Reply};
use mainstay_wire::JsonOptions;
use tonic::{Code, Status};

use super::read_mask::ReadMask;
use super::{Asked, Found, Spoken, Unread, envelope, plain_json};
use crate::config::Config;
use crate::transcode::{self, Defective};

/// What a call of a WebSocket is told by, together with [`Inside`].
pub const KIND: HeaderValue = HeaderValue::from_static("application/vnd.mainstay.socket");

/// Says that a request was made here, in its extensions.
#[derive(Debug, Clone, Copy)]
pub struct Inside;

/// The protocol of calls in a WebSocket.
pub struct Socket;

/// What an answer has to know of its request.
#[derive(Debug)]
pub struct Form {
    mask: ReadMask,
}

impl Socket {
    /// Tells such a call by its head. `kind` is the content type.
    pub fn is(head: &Parts, kind: &[u8]) -> bool {
        kind == KIND.as_bytes() && head.extensions.get::<Inside>().is_some()
    }
}

impl Spoken for Socket {
    type Told = ();
    type Form = Form;

    async fn decode(_: &Config, found: &Found, (): (), request: Request<Body>) -> Result<(Asked, Form), Unread> {
        let (parts, body) = request.into_parts();
        let mask = ReadMask::of_rpc(found, &parts.headers);
        let mut messages = messages(body);
        if found.method().client_streaming {
            // Nothing of it was read, and its method's policy has let the caller in: there are no rules for one with a stream.
            let (mask, found) = (mask?, found.clone());
            let read = move |text: Result<Bytes, Fault>| {
                let (message, read) = plain_json::read(&found, &text?);
                read.map(|()| message)
            };
            let fields = mask.forwarded.clone();
            return Ok((Asked { input: Input::Stream(messages.map(read).boxed()), fields }, Form { mask }));
        }
        let none = || Fault::new(Reason::MalformedRequest).message("the call ended without a message, and takes one");
        let text = messages.next().await.ok_or_else(none)??;
        let (legible, read) = plain_json::read(found, &text);
        match read.and(mask) {
            Ok(mask) => Ok((Asked { input: Input::Message(legible), fields: mask.forwarded.clone() }, Form { mask })),
            Err(fault) => Err(Defective { fault, legible }.into()),
        }
    }

    async fn encode(config: &Config, found: &Found, form: Form, reply: Reply) -> Result<Response<Body>, Fault> {
        let options = JsonOptions { emit_defaults: config.emit_defaults };
        let (plans, method) = (found.snapshot.plans.clone(), found.method().clone());
        let write = move |message: Bytes| {
            let fields = form.mask.cut.as_ref().map(|cut| &cut.fields);
            transcode::json(&plans, &method, options, fields, &message).map(Bytes::from)
        };
        let one = match reply {
            Reply::Stream(messages) => {
                return Ok(Response::new(answers(messages.map(move |message| message.and_then(&write)))));
            }
            one => write(one.message()?)?,
        };
        let held = one.len();
        let mut response = Response::new(answers(stream::once(ready(Ok(one)))));
        if held > SMALL_ANSWER_BYTES {
            response.extensions_mut().insert(Held(held));
        }
        Ok(response)
    }
}

/// The messages of a request.
fn messages(body: Body) -> BoxStream<'static, Result<Bytes, Fault>> {
    let frames = body.into_data_stream();
    frames.map(|data| data.map_err(broken)).boxed()
}

/// A message that did not come in time, or for which there was no place any more when it came.
fn broken(error: Status) -> Fault {
    match error.code() {
        Code::DeadlineExceeded => Fault::new(Reason::RequestTimeout).message(error.message().to_owned()),
        _ => Fault::from_status(error),
    }
}

fn answers(messages: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static) -> Body {
    envelope::with_status(messages, |message| Ok(Frame::data(message)))
}
