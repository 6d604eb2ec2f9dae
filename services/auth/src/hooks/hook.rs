//! One hook: where it is, and how it is called.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use mainstay_layers::REQUEST_ID;
use mainstay_proto::auth::hook::v1::hook_service_client::HookServiceClient;
use mainstay_runtime::channel::RemoteError;
use mainstay_telemetry::inject_current;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Extensions, Request, Response, Status};

use super::Kind;
use super::config::{OnFailure, Place};
use super::error::{HookError, Unusable};
use crate::audit::Trail;
use crate::signer::Signer;

/// How many calls of a hook are on their way at a time. Others wait, as a part of their deadline: an application that is slow is
/// not made slower.
const AT_ONCE: usize = 64;

/// Largest answer. Claims, which are all that takes room, have 4 KiB at most.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

pub(super) type Client = HookServiceClient<Channel>;

pub(super) struct Hook {
    pub(super) kind: Kind,
    pub(super) on_failure: OnFailure,
    client: Client,
    /// The address, as it is configured: whom an assertion is for.
    audience: String,
    deadline: Duration,
    places: Semaphore,
}

impl Hook {
    pub(super) fn new(place: &Place<'_>, on_failure: OnFailure) -> Result<Hook, RemoteError> {
        let remote = place.remote();
        Ok(Hook {
            kind: place.kind,
            on_failure,
            client: Client::new(remote.connect()?).max_decoding_message_size(MAX_ANSWER_BYTES),
            audience: remote.url,
            deadline: place.deadline(),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// Calls it once. The deadline is over all of it: waiting for others, the connection, and the answer.
    pub(super) async fn call<Q, A, F>(
        &self,
        signer: &Signer,
        trail: &Trail,
        message: Q,
        call: impl FnOnce(Client, Request<Q>) -> F,
    ) -> Result<A, HookError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let request = self.request(signer, trail, message)?;
        let called = timeout(self.deadline, async {
            // Nobody closes it.
            let _place = self.places.acquire().await;
            call(self.client.clone(), request).await
        });
        match Box::pin(called).await {
            Err(_) => Err(HookError::Late(self.kind.word())),
            Ok(Err(status)) => Err(self.failed(status)),
            Ok(Ok(answer)) => Ok(answer.into_inner()),
        }
    }

    /// Reads what was answered.
    pub(super) fn read<A, T>(
        &self,
        answered: Result<A, HookError>,
        read: impl FnOnce(A) -> Result<T, Unusable>,
    ) -> Result<T, HookError> {
        read(answered?).map_err(|source| HookError::Unusable { hook: self.kind.word(), source })
    }

    fn request<Q>(&self, signer: &Signer, trail: &Trail, message: Q) -> Result<Request<Q>, HookError> {
        let token = signer.hook_token(&self.audience, self.kind.method());
        let token = token.map_err(|error| HookError::NotSigned(self.kind.word(), Box::new(error)))?;
        let mut headers = HeaderMap::new();
        inject_current(trail.trace(), &mut headers);
        if let Ok(bearer) = HeaderValue::try_from(format!("Bearer {token}")) {
            headers.insert(AUTHORIZATION, bearer);
        }
        if let Some(id) = Some(trail.request_id()).filter(|id| !id.is_empty()).and_then(|id| id.parse().ok()) {
            headers.insert(REQUEST_ID, id);
        }
        let mut request = Request::from_parts(MetadataMap::from_headers(headers), Extensions::default(), message);
        request.set_timeout(self.deadline);
        Ok(request)
    }

    fn failed(&self, status: Status) -> HookError {
        let hook = self.kind.word();
        let code = status.code();
        // Servers and connections keep the deadline too, and some call that cancelled.
        if matches!(code, Code::DeadlineExceeded | Code::Cancelled) {
            return HookError::Late(hook);
        }
        // Where there is a cause, it is of the connection; otherwise the application speaks, of whom it likes.
        let is_ours = std::error::Error::source(&status).is_some();
        HookError::Failed { hook, code, source: is_ours.then(|| status.into()) }
    }
}

impl HookError {
    /// Which status it comes to.
    pub(crate) fn code(&self) -> Code {
        match self {
            HookError::Late(_) | HookError::Hurried(_) => Code::DeadlineExceeded,
            HookError::Failed { code, .. } => *code,
            HookError::Unusable { .. } | HookError::NotSigned(..) => Code::Internal,
        }
    }

    pub(super) fn none(kind: Kind) -> HookError {
        HookError::Failed { hook: kind.word(), code: Code::Unimplemented, source: None }
    }
}
