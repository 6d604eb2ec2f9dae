//! Access tokens: the only place where one is made.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_identity::roles;
use mainstay_identity::{Clock, FetchFuture, KeySource, TOKEN_TYPE, VerifierConfig, VerifyingKey};
use serde::Serialize;
use uuid::Uuid;

use crate::config::Config;
use crate::domain::account::Account;
use crate::domain::session::{Session, seconds};
use crate::error::Error;
use crate::signing_keys::KeyRing;

/// Makes access tokens and says which public keys they can be verified with.
pub(crate) struct Signer {
    ring: ArcSwap<KeyRing>,
    tokens: VerifierConfig,
    lifetime_seconds: u32,
    /// Whether who has shown one factor administers.
    one_factor_administers: bool,
    clock: Arc<dyn Clock>,
}

/// The header of an access token (RFC 9068 §2.1).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// The claims of an access token (RFC 9068 §2.2 and ours).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    jti: String,
    email: &'a str,
    email_verified: bool,
    roles: Vec<&'a str>,
    epoch: i64,
    amr: Vec<&'static str>,
    acr: &'static str,
    auth_time: i64,
}

/// An access token, and for how many seconds it is valid from now.
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) seconds: i64,
}

impl Signer {
    pub(crate) fn new(ring: KeyRing, tokens: VerifierConfig, config: &Config, clock: Arc<dyn Clock>) -> Signer {
        Signer {
            ring: ArcSwap::from_pointee(ring),
            tokens,
            lifetime_seconds: config.access_token_seconds,
            one_factor_administers: !config.administrators_second_factor,
            clock,
        }
    }

    /// Uses these keys from now on.
    pub(crate) fn replace_keys(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }

    /// Gives for how many seconds a new token is valid at most.
    pub(crate) fn lifetime_seconds(&self) -> u32 {
        self.lifetime_seconds
    }

    /// Makes an access token for an account's session. It does not outlive the session.
    pub(crate) fn access_token(&self, account: &Account, session: &Session) -> Result<AccessToken, Error> {
        let iat = self.clock.now_seconds();
        let exp = iat.saturating_add(self.lifetime_seconds.into()).min(seconds(session.expire_time)).max(iat + 1);
        let claims = Claims {
            iss: &self.tokens.issuer,
            aud: &self.tokens.audience,
            sub: account.id.to_string(),
            sid: session.id.to_string(),
            iat,
            exp,
            jti: Uuid::now_v7().to_string(),
            email: &account.email,
            email_verified: account.email_verified,
            roles: self.roles(account, session),
            epoch: account.token_epoch,
            amr: session.authentication.words(),
            acr: session.authentication.level(),
            auth_time: seconds(session.authentication.time),
        };
        Ok(AccessToken { text: self.sign(&claims)?, seconds: exp - iat })
    }

    /// The roles that the session is worth.
    fn roles<'a>(&self, account: &'a Account, session: &Session) -> Vec<&'a str> {
        let administers = self.one_factor_administers || session.authentication.is_multiple();
        let roles = account.roles.iter().map(String::as_str);
        roles.filter(|role| administers || *role != roles::ADMIN).collect()
    }

    /// Writes a JSON Web Signature in compact form (RFC 7515 §7.1).
    fn sign(&self, claims: &Claims<'_>) -> Result<String, Error> {
        let ring = self.ring.load();
        let key = ring.signing(self.clock.now_micros()).ok_or(Error::NoSigningKey)?;
        let header = Header { alg: key.public.algorithm().name(), typ: TOKEN_TYPE, kid: key.public.key_id() };
        let mut token = String::with_capacity(512);
        encode(&header, &mut token)?;
        token.push('.');
        encode(claims, &mut token)?;
        let signature = key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Gives the public keys to publish now, the one that signs first.
    pub(crate) fn published_keys(&self) -> Vec<VerifyingKey> {
        self.ring.load().published(self.clock.now_micros()).into_iter().cloned().collect()
    }
}

impl KeySource for Signer {
    fn fetch(&self) -> FetchFuture<'_> {
        let keys = self.ring.load().key_set(self.clock.now_micros());
        Box::pin(std::future::ready(keys))
    }
}

fn encode(part: &impl Serialize, token: &mut String) -> Result<(), Error> {
    let json = serde_json::to_vec(part).map_err(Error::Encoding)?;
    URL_SAFE_NO_PAD.encode_string(json, token);
    Ok(())
}
