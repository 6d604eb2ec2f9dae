//! One call on its way to a service, whoever makes it: what is sent, and why nothing came back.

use super::identity::{Identity, headers};
use super::outgoing::{BreakableCodec, Broken};
use super::{Call, Input, Reply};
use crate::RawCodec;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, REQUEST_ID};
use mainstay_telemetry::inject_current;
use std::error::Error;
use std::time::Instant;
use tonic::client::{Grpc, GrpcService};
use tonic::metadata::MetadataMap;
use tonic::{Code, ConnectError, Status};

/// Largest message that is read from another service: a contract with all that is derived from it.
const MAX_MESSAGE_BYTES: usize = 128 << 20;

/// The path of a method, as requests have it.
pub(super) fn path_of(method: &str) -> Result<PathAndQuery, Fault> {
    PathAndQuery::try_from(method).map_err(|_| Fault::new(Reason::MethodNotFound))
}

/// A call without its messages, which can be sent several times.
pub(super) struct Sending {
    path: PathAndQuery,
    headers: HeaderMap,
    deadline: Option<Instant>,
}

impl Sending {
    /// Takes what is to be sent from a call. To a service of the platform goes what `identity` says; to others who calls, as the call
    /// says it, and nothing of the platform's own.
    pub(super) fn of(identity: Option<&Identity>, mut call: Call, deadline: Option<Instant>) -> Result<Sending, Fault> {
        let path = path_of(&call.target.method)?;
        let headers = match identity {
            Some(identity) => headers(identity, &mut call)?,
            None => {
                let mut headers = call.metadata;
                headers.remove(AUTHORIZATION);
                headers.extend(call.token.map(|token| (AUTHORIZATION, token)));
                headers.extend(call.request_id.map(|id| (REQUEST_ID, id)));
                inject_current(&call.trace, &mut headers);
                headers
            }
        };
        Ok(Sending { path, headers, deadline })
    }

    /// A call of nobody's.
    pub(super) fn bare(method: &str, deadline: Instant) -> Result<Sending, Fault> {
        Ok(Sending { path: path_of(method)?, headers: HeaderMap::new(), deadline: Some(deadline) })
    }

    /// The request, once more.
    pub(super) fn request(&self) -> (PathAndQuery, tonic::Request<()>) {
        let mut request = tonic::Request::new(());
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        (self.path.clone(), request)
    }
}

/// Sends a call, and reads what comes back.
pub(super) async fn send<S>(
    service: S,
    (path, request): (PathAndQuery, tonic::Request<()>),
    input: Input,
    streams: bool,
) -> Result<Reply, Unanswered>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut client = Grpc::new(service).max_decoding_message_size(MAX_MESSAGE_BYTES);
    client.ready().await.map_err(|error| Unanswered::NotReady(error.into()))?;
    match (input, streams) {
        (Input::Message(message), false) => {
            let answer = client.unary(request.map(|()| message), path, RawCodec).await?;
            Ok(Reply::Message(answer.into_inner()))
        }
        (Input::Message(message), true) => {
            let answer = client.server_streaming(request.map(|()| message), path, RawCodec).await?;
            Ok(Reply::Stream(answer.into_inner().map(|item| item.map_err(Fault::from_status)).boxed()))
        }
        (Input::Stream(messages), streams) => {
            let broken = Broken::default();
            let request = request.map(|()| broken.watch(messages));
            // What the caller's messages broke off with says more than that the call was cancelled.
            let later = broken.clone();
            let why = move |status| later.take().unwrap_or_else(|| Fault::from_status(status));
            let unanswered = |status| match broken.take() {
                Some(fault) => Unanswered::Broken(fault),
                None => Unanswered::Status(status),
            };
            if streams {
                let answer = client.streaming(request, path, BreakableCodec).await.map_err(unanswered)?;
                Ok(Reply::Stream(answer.into_inner().map(move |item| item.map_err(&why)).boxed()))
            } else {
                let answer = client.client_streaming(request, path, BreakableCodec).await;
                Ok(Reply::Message(answer.map_err(unanswered)?.into_inner()))
            }
        }
    }
}

/// Why a call was not answered with what it asked for.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// There is no connection.
    NotReady(Box<dyn Error + Send + Sync>),
    /// This came back, or stands for that nothing did.
    Status(Status),
    /// The caller's own messages broke off.
    Broken(Fault),
}

impl From<Status> for Unanswered {
    fn from(status: Status) -> Unanswered {
        Unanswered::Status(status)
    }
}

impl From<Unanswered> for Fault {
    fn from(unanswered: Unanswered) -> Fault {
        match unanswered {
            Unanswered::NotReady(error) => Fault::unavailable(error),
            Unanswered::Status(status) => Fault::from_status(status),
            Unanswered::Broken(fault) => fault,
        }
    }
}

impl Unanswered {
    /// The code that came back; nothing where none did.
    pub(super) fn code(&self) -> Option<Code> {
        match self {
            Unanswered::Status(status) if status.source().is_none() => Some(status.code()),
            _ => None,
        }
    }

    /// Whether the service is away, or says that it cannot answer for now.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Unanswered::NotReady(_) => true,
            // What has a source never came over the wire.
            Unanswered::Status(status) if status.source().is_some() => !is_ours(status),
            Unanswered::Status(status) => status.code() == Code::Unavailable,
            // That is the caller's.
            Unanswered::Broken(_) => false,
        }
    }

    /// Whether it is sure that the service has not begun to work on it.
    pub(super) fn was_not_sent(&self) -> bool {
        match self {
            Unanswered::NotReady(_) => true,
            Unanswered::Status(status) => causes(status).any(was_not_sent),
            Unanswered::Broken(_) => false,
        }
    }
}

/// A message that is too large, or a time that is over: nothing that the service did.
fn is_ours(status: &Status) -> bool {
    matches!(status.code(), Code::ResourceExhausted | Code::OutOfRange | Code::DeadlineExceeded | Code::Cancelled)
        && !causes(status).any(was_not_sent)
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: Option<&(dyn Error + 'static)> = status.source();
    std::iter::successors(first, |error| (*error).source())
}

/// No connection; a stream that the other side refused (RFC 9113 section 8.7); one that was above the last that it takes before it
/// leaves (section 6.8); one that was still waiting for its turn.
fn was_not_sent(error: &(dyn Error + 'static)) -> bool {
    if error.is::<ConnectError>() {
        return true;
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        let is_leaving = error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
        return is_leaving || error.reason() == Some(h2::Reason::REFUSED_STREAM);
    }
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
}
