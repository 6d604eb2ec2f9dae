use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use mainstay_fault::Fault;

use crate::exchange::Exchanged;
use crate::revocations::is_by_token;
use crate::{KeyExchange, Principal, Revocations, ServiceKeys, TokenError, Verifier, Watched};

/// Finds out who sent a request, from its `authorization` header.
#[derive(Clone)]
pub struct Authenticator {
    verifier: Verifier,
    services: Arc<ServiceKeys>,
    revocations: Revocations,
    /// Nothing where keys of service accounts are not taken.
    keys: Option<Arc<Exchanged>>,
}

impl Authenticator {
    /// Accepts the tokens that `verifier` accepts and the service accounts of `services`. Nothing is ever revoked, unless
    /// [`Authenticator::judging_by`] says where that is known.
    pub fn new(verifier: Verifier, services: Arc<ServiceKeys>) -> Authenticator {
        Authenticator { verifier, services, revocations: Revocations::none(), keys: None }
    }

    /// Refuses what was revoked.
    #[must_use]
    pub fn judging_by(self, revocations: Revocations) -> Authenticator {
        Authenticator { revocations, ..self }
    }

    /// Takes keys of service accounts, too, which are exchanged for tokens by `exchange`.
    #[must_use]
    pub fn exchanging(self, exchange: Arc<dyn KeyExchange>) -> Authenticator {
        Authenticator { keys: Some(Arc::new(Exchanged::new(exchange))), ..self }
    }

    /// Gives the key that a request shows, where keys are taken.
    pub fn key<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.keys.as_ref()?;
        bearer(headers).ok().flatten().filter(|credential| Exchanged::is_key(credential))
    }

    /// Finds whose a key is, and gives the `authorization` that stands for it from here on. `peer`: from where it is shown. Fails as
    /// whoever knows keys does; what is no key is refused as every other credential that is not good.
    pub async fn exchange(&self, key: &str, peer: Option<IpAddr>) -> Result<(Principal, HeaderValue), Fault> {
        let Some(keys) = &self.keys else { return Err(TokenError::UnknownService.into()) };
        if let Some(token) = keys.known(key, peer) {
            match self.judged(self.verifier.verify(&token).await) {
                Err(TokenError::Expired | TokenError::SessionEnded | TokenError::Outdated) => keys.forget(key, peer),
                known => return Ok((known?, authorization(&token)?)),
            }
        }
        let token = keys.fetch(key, peer).await?;
        Ok((self.judged(self.verifier.verify(&token).await)?, authorization(&token)?))
    }

    /// Begins to wait until what a caller has shown is revoked, for a stream; nothing where it cannot be.
    pub fn watch(&self, principal: &Principal) -> Option<Watched> {
        is_by_token(principal).then(|| self.revocations.watch(principal.clone()))
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

fn authorization(token: &str) -> Result<HeaderValue, TokenError> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TokenError::Header)?;
    value.set_sensitive(true);
    Ok(value)
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
