//! Connect: a unary call is a plain HTTP exchange, a stream is framed and ends with its status (connectrpc.com/docs/protocol).
//!
//! ```text
//!   unary    POST /pkg.Service/Method    application/json, application/proto      message -> message
//!   get      GET  /pkg.Service/Method?connect=v1&encoding=json&message=…          of methods that change nothing
//!   stream   POST /pkg.Service/Method    application/connect+json, …+proto        message in an envelope -> envelopes, the end
//! ```

mod get;
mod manner;

pub use get::no_message;
pub use manner::Manner;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{self, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_runtime::channel::{Input, Reply};
use mainstay_wire::JsonOptions;
use tonic::Status;

use super::compressed::Coding;
use super::conditions::{Conditions, Verdict};
use super::content::Content;
use super::envelope::{self, Encoding};
use super::gzip::Compression;
use super::kept::{etag, keeping, tag, unchanged};
use super::read_mask::{Cut, ReadMask};
use super::{Asked, Found, NOSNIFF, Spoken, Unread, body, grpc, plain_json};
use crate::config::Config;
use crate::transcode::{self, Defective, Text};

const VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
const CONTENT_ENCODING: &str = "content-encoding";
const STREAM_ENCODING: &str = "connect-content-encoding";
const STREAM_ACCEPTED: HeaderName = HeaderName::from_static("connect-accept-encoding");

/// The protocol of Connect.
pub struct Connect;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Json,
    Proto,
}

/// What an answer has to know of its request.
#[derive(Debug)]
pub struct Form {
    manner: Manner,
    codec: Codec,
    cut: Option<Cut>,
    /// How the answer, or each message of a stream, is compressed if it is worth it.
    coding: Option<Coding>,
    /// Of a call by GET.
    conditions: Conditions,
}

impl Spoken for Connect {
    type Told = (Manner, Option<Coding>);
    type Form = Form;

    async fn decode(
        config: &Config,
        found: &Found,
        (manner, coding): (Manner, Option<Coding>),
        request: Request<Body>,
    ) -> Result<(Asked, Form), Unread> {
        let (parts, body) = request.into_parts();
        check_version(&parts.headers)?;
        let (codec, message) = match manner {
            Manner::Get => get::message(parts.uri.query().unwrap_or_default(), config.max_request_bytes)?,
            Manner::Unary(codec) => (codec, unary(config, &parts, body).await?),
            Manner::Stream(codec) => (codec, streamed(config, &parts, body).await?),
        };
        let (input, read) = match codec {
            Codec::Json => plain_json::read(found, &message),
            Codec::Proto => (message, Ok(())),
        };
        let said =
            read.and_then(|()| Ok((conditions(manner, &parts.headers)?, ReadMask::of_rpc(found, &parts.headers)?)));
        match said {
            Ok((conditions, ReadMask { cut, forwarded })) => {
                let asked = Asked { input: Input::Message(input), fields: forwarded };
                Ok((asked, Form { manner, codec, cut, coding, conditions }))
            }
            Err(fault) => Err(Defective { fault, legible: input }.into()),
        }
    }

    async fn encode(config: &Config, found: &Found, form: Form, reply: Reply) -> Result<Response<Body>, Fault> {
        let Form { manner, codec, cut, coding, conditions } = form;
        let options = JsonOptions { emit_defaults: config.emit_defaults };
        if let Manner::Stream(_) = manner {
            let (plans, method) = (found.snapshot.plans.clone(), found.method().clone());
            let write = move |message: Bytes| match (codec, &cut) {
                (Codec::Proto, None) => Ok(message),
                (Codec::Proto, Some(cut)) => cut.of(&message),
                (Codec::Json, cut) => {
                    let fields = cut.as_ref().map(|cut| &cut.fields);
                    transcode::json(&plans, &method, options, fields, &message).map(Bytes::from)
                }
            };
            let messages = reply.stream()?.map(move |message| message.and_then(&write));
            let Some(coding) = coding else {
                let body = grpc::framed(messages.map(|message| message.map_err(Status::from)), false);
                return Ok(labelled(manner, codec, Response::new(body)));
            };
            let mut response = labelled(manner, codec, Response::new(envelope::answers(messages, coding)));
            response.headers_mut().insert(STREAM_ENCODING, coding.name());
            return Ok(response);
        }
        let message = reply.message()?;
        // What is asked by POST is no representation that a client keeps.
        let etag = if manner == Manner::Get { etag(found.method(), &message) } else { None };
        match if manner == Manner::Get { conditions.of_read(etag) } else { Verdict::Kept } {
            Verdict::Kept => {}
            Verdict::Unchanged { weak } => return Ok(unchanged(found.method(), etag, weak)),
            Verdict::Failed => return Err(conditions.told(Fault::new(Reason::EtagMismatch))),
        }
        let text = match codec {
            Codec::Json => {
                let fields = cut.as_ref().map(|cut| &cut.fields);
                transcode::text(&found.snapshot.plans, found.method(), options, fields, message.clone())?
            }
            Codec::Proto => Text::Whole(cut.as_ref().map_or(Ok(message.clone()), |cut| cut.of(&message))?),
        };
        let content = Content::of(coding, text).await?;
        let coding = content.coding;
        let mut response = labelled(manner, codec, content.into_response());
        let headers = response.headers_mut();
        headers.extend(coding.map(|coding| (header::CONTENT_ENCODING, coding.name())));
        headers.extend(etag.and_then(|etag| tag(etag, coding.is_some())).map(|tag| (ETAG, tag)));
        keeping(found.method(), manner == Manner::Get, headers);
        Ok(response)
    }
}

/// The conditions of a call: HTTP has them for what is asked by GET.
fn conditions(manner: Manner, headers: &HeaderMap) -> Result<Conditions, Fault> {
    if manner == Manner::Get { Conditions::of(headers) } else { Conditions::none(headers) }
}

fn labelled(manner: Manner, codec: Codec, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONTENT_TYPE, manner.kind(codec));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// There is one version; who names none means that.
fn check_version(headers: &HeaderMap) -> Result<(), Fault> {
    match headers.get(VERSION) {
        Some(version) if version != "1" => Err(Fault::new(Reason::InvalidArgument)
            .message("the version that connect-protocol-version names is not spoken here; it is 1")
            .meta("header", VERSION.as_str())),
        _ => Ok(()),
    }
}

/// The message of a unary call: the body.
async fn unary(config: &Config, parts: &Parts, body: Body) -> Result<Bytes, Fault> {
    let limit = config.max_request_bytes;
    let body = body::read(body, limit).await?;
    Compression::named(&parts.headers, CONTENT_ENCODING)?.undone(body, limit)
}

/// The one message of a call that is answered with a stream.
async fn streamed(config: &Config, parts: &Parts, body: Body) -> Result<Bytes, Fault> {
    let limit = config.max_request_bytes;
    let compression = Compression::named(&parts.headers, STREAM_ENCODING)?;
    let body = envelope::whole(body, limit, 1).await?;
    envelope::one(body, Encoding { compression, header: STREAM_ENCODING }, limit)
}
