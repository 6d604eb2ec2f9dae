use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::{Kind, Principal, Revocations, ServiceKeys, TokenError, Verifier, Watched};

/// Finds out who sent a request, from its `authorization` header.
#[derive(Clone)]
pub struct Authenticator {
    verifier: Verifier,
    services: Arc<ServiceKeys>,
    revocations: Revocations,
}

impl Authenticator {
    /// Accepts the tokens that `verifier` accepts and the service accounts of `services`. Nothing is ever revoked, unless
    /// [`Authenticator::judging_by`] says where that is known.
    pub fn new(verifier: Verifier, services: Arc<ServiceKeys>) -> Authenticator {
        Authenticator { verifier, services, revocations: Revocations::none() }
    }

    /// Refuses what was revoked.
    #[must_use]
    pub fn judging_by(self, revocations: Revocations) -> Authenticator {
        Authenticator { revocations, ..self }
    }

    /// Begins to wait until what a caller has shown is revoked, for a stream; nothing where it cannot be.
    pub fn watch(&self, principal: &Principal) -> Option<Watched> {
        (principal.kind() == Kind::User).then(|| self.revocations.watch(principal.clone()))
    }

    fn judged(&self, verified: Result<Principal, TokenError>) -> Result<Principal, TokenError> {
        let principal = verified?;
        self.revocations.judge(&principal)?;
        Ok(principal)
    }

    /// Says whether this is the credential of a service account.
    pub fn is_service(&self, credential: &str) -> bool {
        self.services.authenticate(credential).is_ok()
    }

    /// How long what a caller has shown is still worth something; nothing where that does not end.
    pub fn remaining(&self, principal: &Principal) -> Option<Duration> {
        principal.expires_at().map(|at| self.verifier.until(at))
    }

    /// Answers at once when it can, which is nearly always: `None` means that keys have to be fetched first and
    /// [`Authenticator::authenticate`] must be awaited.
    pub fn try_authenticate(&self, headers: &HeaderMap) -> Option<Result<Principal, TokenError>> {
        match bearer(headers) {
            Err(error) => Some(Err(error)),
            Ok(None) => Some(Ok(Principal::anonymous())),
            Ok(Some(bearer)) if ServiceKeys::is_service_credential(bearer) => Some(self.services.authenticate(bearer)),
            Ok(Some(bearer)) => self.verifier.try_verify(bearer).map(|verified| self.judged(verified)),
        }
    }

    /// Finds the caller. No header is the anonymous principal; a credential that is not valid is an error, never anonymous.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, TokenError> {
        match bearer(headers)? {
            None => Ok(Principal::anonymous()),
            Some(bearer) if ServiceKeys::is_service_credential(bearer) => self.services.authenticate(bearer),
            Some(bearer) => self.judged(self.verifier.verify(bearer).await),
        }
    }
}

/// Reads the one `Bearer` credential (RFC 6750, scheme in any case). Two headers are refused: two readers might choose
/// differently.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TokenError::Header);
    }
    let (scheme, credential) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(TokenError::Header)?;
    let credential = credential.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || credential.is_empty() {
        return Err(TokenError::Header);
    }
    Ok(Some(credential))
}
