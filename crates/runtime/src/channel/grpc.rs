//! A channel over any gRPC service that tower knows.

use super::credential::ServiceCredential;
use super::sending::{path_of, send};
use super::{CONTRACT_REVISION, Call, Channel, Input, Reply};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Kind;
use mainstay_layers::{Body, PEER_ADDRESS, PEER_AGENT, PEER_VOUCHER, Peer, PeerAgent, REQUEST_ID, put_defects};
use mainstay_telemetry::inject_current;
use std::time::{Duration, Instant};
use tonic::client::GrpcService;
use tonic::metadata::MetadataMap;

/// How long a unary call without a deadline may take.
pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls a gRPC service, either in this process or over the network.
#[derive(Debug, Clone)]
pub struct GrpcChannel<S> {
    service: S,
    identity: Identity,
}

/// How the other side learns who is calling.
#[derive(Debug, Clone)]
pub(super) enum Identity {
    /// The typed principal travels in the request's extensions; there is nothing to verify.
    InMemory,
    /// The caller's own token travels; our own calls carry our own credential, if we have one.
    Remote(Option<ServiceCredential>),
    /// The same, and our credential vouches for the address that the caller's request came from.
    Vouching(ServiceCredential),
}

impl Identity {
    fn credential(&self) -> Option<&ServiceCredential> {
        match self {
            Identity::InMemory => None,
            Identity::Remote(credential) => credential.as_ref(),
            Identity::Vouching(credential) => Some(credential),
        }
    }
}

impl<S> GrpcChannel<S> {
    /// Calls a service in this process: [`stack::inner`](mainstay_layers::stack::inner) around its routes, which finds the
    /// principal in the request's extensions.
    pub fn in_memory(service: S) -> GrpcChannel<S> {
        GrpcChannel { service, identity: Identity::InMemory }
    }

    /// Calls a service over the network, presenting `credential` for calls that a service account makes.
    pub(super) fn remote(service: S, credential: Option<ServiceCredential>) -> GrpcChannel<S> {
        GrpcChannel { service, identity: Identity::Remote(credential) }
    }

    /// Tells the other side where each call comes from, with our credential for a voucher. For a service that treats callers
    /// by their address; without a credential nobody would believe it.
    #[must_use]
    pub fn vouching(self) -> GrpcChannel<S> {
        let identity = match self.identity {
            Identity::Remote(Some(credential)) => Identity::Vouching(credential),
            other => other,
        };
        GrpcChannel { identity, ..self }
    }
}

impl<S> Channel for GrpcChannel<S>
where
    S: GrpcService<Body> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let service = self.service.clone();
        let identity = self.identity.clone();
        Box::pin(async move {
            let deadline = call.deadline.or_else(|| call.is_unary().then(|| Instant::now() + DEFAULT_CALL_TIMEOUT));
            let answer = perform(service, &identity, call, deadline);
            match deadline {
                None => answer.await,
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
                    .await
                    .unwrap_or_else(|_| Err(Fault::new(Reason::DeadlineExceeded))),
            }
        })
    }
}

async fn perform<S>(service: S, identity: &Identity, call: Call, deadline: Option<Instant>) -> Result<Reply, Fault>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = path_of(&call.target.method)?;
    let streams = call.target.streams;
    let (request, input) = request(identity, call, deadline)?;
    Ok(send(service, (path, request), input, streams).await?)
}

/// Puts the call's circumstances where the other side's inner stack looks for them.
fn request(
    identity: &Identity,
    mut call: Call,
    deadline: Option<Instant>,
) -> Result<(tonic::Request<()>, Input), Fault> {
    let mut request = tonic::Request::new(());
    *request.metadata_mut() = MetadataMap::from_headers(headers(identity, &mut call)?);
    if let Some(deadline) = deadline {
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
    }
    if matches!(identity, Identity::InMemory) {
        request.extensions_mut().insert(call.principal);
        if let Some(peer) = call.peer {
            request.extensions_mut().insert(Peer::at(peer));
        }
        call.agent.map(|agent| request.extensions_mut().insert(PeerAgent(agent)));
    }
    Ok((request, call.input))
}

/// The headers of a call to one of the platform's services.
pub(super) fn headers(identity: &Identity, call: &mut Call) -> Result<HeaderMap, Fault> {
    let mut headers = std::mem::take(&mut call.metadata);
    match identity {
        Identity::InMemory => {}
        Identity::Remote(_) | Identity::Vouching(_) => {
            headers.remove(AUTHORIZATION);
            if let Some(token) = authorization(identity.credential(), call.principal.kind(), call.token.take())? {
                headers.insert(AUTHORIZATION, token);
            }
        }
    }
    if let (Identity::Vouching(credential), Some(peer)) = (identity, call.peer) {
        call.agent.clone().map(|agent| headers.insert(PEER_AGENT, agent));
        headers.insert(PEER_ADDRESS, HeaderValue::try_from(peer.to_string()).map_err(Fault::internal)?);
        headers.insert(PEER_VOUCHER, credential.voucher());
    }
    if let Some(id) = call.request_id.take() {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(defects) = call.defects.take() {
        put_defects(defects, &mut headers);
    }
    if let Some(revision) = call.target.contract {
        headers.insert(CONTRACT_REVISION, HeaderValue::from(revision));
    }
    inject_current(&call.trace, &mut headers);
    Ok(headers)
}

/// Chooses the credential of a remote call.
///
/// Our own one is presented only for calls that we make as ourselves: a caller without a token must stay anonymous.
/// The system principal never goes over a wire.
fn authorization(
    credential: Option<&ServiceCredential>,
    kind: Kind,
    token: Option<HeaderValue>,
) -> Result<Option<HeaderValue>, Fault> {
    match (kind, token) {
        (Kind::System, _) => Err(Fault::internal("the system principal cannot call another process")),
        (_, Some(token)) => Ok(Some(token)),
        (Kind::Service, None) => Ok(credential.map(ServiceCredential::header)),
        (Kind::Anonymous | Kind::User, None) => Ok(None),
    }
}
