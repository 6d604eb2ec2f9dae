//! What clients get: access tokens (RFC 9068) and ID tokens (OpenID Connect Core 1.0, section 2).

use mainstay_identity::TOKEN_TYPE as ACCESS_TOKEN_TYPE;
use mainstay_proto::auth::v1 as pb;
use serde::Serialize;
use uuid::Uuid;

use super::failed::Failed;
use super::provider::{audience, issuer};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::scope::{Scope, Scopes};
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::seconds;
use crate::handlers::credentials::TOKEN_TYPE;

/// The type of an ID token.
pub(super) const ID_TOKEN_TYPE: &str = "JWT";

/// The claims of an access token. `client_id` is what keeps every service of the platform from taking it.
#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    aud: String,
    sub: String,
    client_id: String,
    scope: String,
    /// The authorisation: it is good as long as that is.
    sid: String,
    iat: i64,
    exp: i64,
    jti: String,
    auth_time: i64,
    acr: &'static str,
    amr: Vec<&'static str>,
}

/// The claims of an ID token.
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    sid: String,
    auth_time: i64,
    acr: &'static str,
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce: &'a str,
}

/// Gives the tokens of an authorisation that was agreed to. `scopes`: what the access token is good for, of what was agreed to.
pub(super) fn issued(
    core: &Core,
    (grant, account): (&Grant, AccountId),
    scopes: &Scopes,
    refresh: Option<&RefreshToken>,
    is_first: bool,
) -> Result<pb::IssueTokenResponse, Failed> {
    let issuer = issuer(core)?;
    let iat = core.clock.now_seconds();
    let exp = iat.saturating_add(core.signer.lifetime_seconds().into()).min(seconds(grant.end_time)).max(iat + 1);
    let (auth_time, acr, amr) =
        (seconds(grant.authentication.time), grant.authentication.level(), grant.authentication.words());
    let access = AccessClaims {
        iss: issuer,
        aud: audience(issuer),
        sub: account.to_string(),
        client_id: grant.client.to_string(),
        scope: scopes.to_text(),
        sid: grant.id.to_string(),
        iat,
        exp,
        jti: Uuid::now_v7().to_string(),
        auth_time,
        acr,
        amr: amr.clone(),
    };
    let id = IdClaims {
        iss: issuer,
        sub: account.to_string(),
        aud: grant.client.to_string(),
        iat,
        exp,
        sid: grant.id.to_string(),
        auth_time,
        acr,
        amr,
        // One that is renewed says nothing of the request that is long over (OpenID Connect Core 1.0, section 12.2).
        nonce: if is_first { &grant.nonce } else { "" },
    };
    let id_token = if scopes.has(Scope::OpenId) { core.signer.sign_as(ID_TOKEN_TYPE, &id)? } else { String::new() };
    Ok(pb::IssueTokenResponse {
        error: None,
        access_token: core.signer.sign_as(ACCESS_TOKEN_TYPE, &access)?,
        token_type: TOKEN_TYPE.to_owned(),
        expires_in: i32::try_from(exp - iat).unwrap_or(i32::MAX),
        refresh_token: refresh.map(RefreshToken::to_text).unwrap_or_default(),
        id_token,
        scope: scopes.to_text(),
    })
}
