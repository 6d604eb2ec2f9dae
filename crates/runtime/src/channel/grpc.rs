//! A channel over any gRPC service that tower knows.

use super::credential::ServiceCredential;
use super::identity::{Identity, headers};
use super::sending::{path_of, send};
use super::{Call, Channel, Input, Reply};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, Peer, PeerAgent};
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
