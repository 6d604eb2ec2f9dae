//! Access tokens, and whatever else is signed with their keys: the only place where one is made.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_identity::{
    ASSERTION_TYPE, Clock, FetchFuture, KeySource, Principal, TOKEN_TYPE, VerifierConfig, VerifyingKey, roles,
};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::config::Config;
use crate::domain;
use crate::domain::account::Account;
use crate::domain::impersonation::ActedBy;
use crate::domain::organisation::Acting;
use crate::domain::service_account::ServiceAccount;
use crate::domain::session::{Session, seconds};
use crate::error::Error;
use crate::signing_keys::KeyRing;
use crate::store::service_accounts::KeyRow;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    roles: Vec<&'a str>,
    /// What of the account's roles the session is not worth yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<&'a str>,
    epoch: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_roles: Option<&'a [String]>,
    /// What administrators and the application have it say, by names of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a Map<String, Value>>,
    /// What kind of account it is, where it is no person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Who acts as the account (RFC 8693 section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    /// Whether they may change something.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    writes: bool,
}

/// What one of the application's own services is told of its caller: what the caller's token says, and whom it is told to.
#[derive(Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    /// The service, and where it may show the assertion.
    aud: [&'a str; 2],
    upstream: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    email_verified: bool,
    roles: &'a [String],
    epoch: i64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    org_roles: &'a [String],
    #[serde(skip_serializing_if = "Map::is_empty")]
    claims: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    writes: bool,
}

/// For how many seconds an assertion is good at most.
const ASSERTION_SECONDS: i64 = 60;

/// Whoever acts as somebody else, by their own account and session: what ends that ends the token.
#[derive(Serialize)]
struct Act {
    sub: String,
    sid: String,
    epoch: i64,
}

/// The type of what shows a hook who calls it. Nobody takes it for an access token.
const HOOK_TOKEN_TYPE: &str = "mainstay-hook+jwt";

/// How long that is good, seconds: long enough for clocks that differ.
const HOOK_TOKEN_SECONDS: i64 = 60;

/// The claims of what shows a hook who calls it.
#[derive(Serialize)]
struct HookClaims<'a> {
    iss: &'a str,
    /// The address of the hook, as it is configured.
    aud: &'a str,
    method: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
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

    /// Makes an access token for an account's session, and for what it is in the organisation that it acts in. It says `said` by
    /// names of the installation's own, and does not outlive the session.
    pub(crate) fn access_token(
        &self,
        (account, said): (&Account, &domain::claims::Claims),
        session: &Session,
        acting: Option<&Acting>,
    ) -> Result<AccessToken, Error> {
        let said = Some(said.as_map()).filter(|said| !said.is_empty());
        self.token_of(&Claims { claims: said, ..self.claims(account, session, acting) })
    }

    /// Makes an access token for a session in which somebody acts as the account, who is signed in with a session of their own. It
    /// says nothing of how sure it is who the account's owner is, who is not here; and none of the account's claims, of which nobody
    /// knows whether the actor could have them.
    pub(crate) fn acting_token(
        &self,
        account: &Account,
        session: &Session,
        (by, epoch): (ActedBy, i64),
    ) -> Result<AccessToken, Error> {
        let act = Act { sub: by.account.to_string(), sid: by.session.to_string(), epoch };
        self.token_of(&Claims {
            act: Some(act),
            writes: by.writes,
            auth_time: None,
            ..self.claims(account, session, None)
        })
    }

    fn token_of(&self, claims: &Claims<'_>) -> Result<AccessToken, Error> {
        Ok(AccessToken { text: self.sign(claims)?, seconds: claims.exp - claims.iat })
    }

    fn claims<'a>(&'a self, account: &'a Account, session: &Session, acting: Option<&'a Acting>) -> Claims<'a> {
        let iat = self.clock.now_seconds();
        let exp = iat.saturating_add(self.lifetime_seconds.into()).min(seconds(session.expire_time)).max(iat + 1);
        let (roles, withheld) = self.worth(account, session);
        Claims {
            iss: &self.tokens.issuer,
            aud: &self.tokens.audience,
            sub: account.id.to_string(),
            sid: session.id.to_string(),
            iat,
            exp,
            jti: Uuid::now_v7().to_string(),
            email: Some(account.email.as_str()).filter(|email| !email.is_empty()),
            email_verified: Some(account.email_verified),
            roles,
            withheld,
            epoch: account.token_epoch,
            amr: session.authentication.words(),
            acr: Some(session.authentication.level()),
            auth_time: Some(seconds(session.authentication.time)),
            org: acting.map(|acting| acting.organisation.to_string()),
            org_roles: acting.map(|acting| acting.roles.as_slice()),
            claims: None,
            kind: account.is_anonymous.then_some("anonymous"),
            act: None,
            writes: false,
        }
    }

    /// The account's roles: those that the session is worth, and those that it is not until more is shown in it.
    fn worth<'a>(&self, account: &'a Account, session: &Session) -> (Vec<&'a str>, Vec<&'a str>) {
        let administers = self.one_factor_administers || session.authentication.is_multiple();
        account
            .roles
            .iter()
            .map(String::as_str)
            .partition(|role| administers || !role.starts_with(roles::RESERVED_PREFIX))
    }

    /// Makes an access token for a service account that has shown a key: its session is the key. It does not outlive that.
    pub(crate) fn service_token(&self, account: &ServiceAccount, key: &KeyRow) -> Result<AccessToken, Error> {
        let iat = self.clock.now_seconds();
        let end = key.expire_time.map_or(i64::MAX, seconds);
        let exp = iat.saturating_add(self.lifetime_seconds.into()).min(end).max(iat + 1);
        let (own, acting) = match account.organisation {
            Some(organisation) => (&[] as &[String], Some((organisation.to_string(), account.roles.as_slice()))),
            None => (account.roles.as_slice(), None),
        };
        let claims = Claims {
            iss: &self.tokens.issuer,
            aud: &self.tokens.audience,
            sub: account.id.subject(),
            sid: key.uid.clone(),
            iat,
            exp,
            jti: Uuid::now_v7().to_string(),
            email: None,
            email_verified: None,
            roles: own.iter().map(String::as_str).collect(),
            withheld: Vec::new(),
            epoch: account.token_epoch,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            org: acting.as_ref().map(|(organisation, _)| organisation.clone()),
            org_roles: acting.map(|(_, roles)| roles),
            claims: None,
            kind: None,
            act: None,
            writes: false,
        };
        self.token_of(&claims)
    }

    /// Makes an assertion for one of the application's own services of who calls it. It does not outlive the token that says so.
    pub(crate) fn assertion(&self, subject: &Principal, upstream: &str) -> Result<AccessToken, Error> {
        let iat = self.clock.now_seconds();
        let end = subject.expires_at().unwrap_or(i64::MAX);
        let exp = iat.saturating_add(ASSERTION_SECONDS).min(end).max(iat + 1);
        let act = subject.actor().map(|actor| Act {
            sub: actor.uid.clone(),
            sid: actor.session_id.clone(),
            epoch: actor.epoch,
        });
        let claims = AssertionClaims {
            iss: &self.tokens.issuer,
            aud: [upstream, &self.tokens.audience],
            upstream,
            sub: subject.uid().unwrap_or_default(),
            sid: subject.session_id(),
            iat,
            exp,
            jti: Uuid::now_v7().to_string(),
            email: subject.email(),
            email_verified: subject.email_verified(),
            roles: subject.roles(),
            epoch: subject.epoch(),
            amr: subject.methods(),
            acr: level_name(subject.level()),
            auth_time: subject.authenticated_at(),
            org: subject.organisation(),
            org_roles: subject.organisation_roles(),
            claims: subject.claims(),
            kind: subject.is_unnamed().then_some("anonymous"),
            writes: act.is_some() && !subject.only_reads(),
            act,
        };
        Ok(AccessToken { text: self.sign_as(ASSERTION_TYPE, &claims)?, seconds: exp - iat })
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<String, Error> {
        self.sign_as(TOKEN_TYPE, claims)
    }

    /// Makes what shows the hook at `audience` that we call its `method`.
    pub(crate) fn hook_token(&self, audience: &str, method: &str) -> Result<String, Error> {
        let iat = self.clock.now_seconds();
        let claims = HookClaims {
            iss: &self.tokens.issuer,
            aud: audience,
            method,
            iat,
            exp: iat.saturating_add(HOOK_TOKEN_SECONDS),
            jti: Uuid::now_v7().to_string(),
        };
        self.sign_as(HOOK_TOKEN_TYPE, &claims)
    }

    /// Writes a JSON Web Signature of a type in compact form (RFC 7515 §7.1).
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
        let ring = self.ring.load();
        let key = ring.signing(self.clock.now_micros()).ok_or(Error::NoSigningKey)?;
        let header = Header { alg: key.public.algorithm().name(), typ, kid: key.public.key_id() };
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

fn level_name(level: u8) -> Option<&'static str> {
    ["aal1", "aal2", "aal3"].get(usize::from(level).checked_sub(1)?).copied()
}

fn encode(part: &impl Serialize, token: &mut String) -> Result<(), Error> {
    let json = serde_json::to_vec(part).map_err(Error::Encoding)?;
    URL_SAFE_NO_PAD.encode_string(json, token);
    Ok(())
}
