//! Who this process, or its caller, is to a service of the platform.

use super::credential::ServiceCredential;
use super::{CONTRACT_REVISION, Call};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use mainstay_fault::Fault;
use mainstay_identity::Kind;
use mainstay_layers::{PEER_ADDRESS, PEER_AGENT, PEER_VOUCHER, REQUEST_ID, put_defects};
use mainstay_telemetry::inject_current;

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
