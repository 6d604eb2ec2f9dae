//! What clients are told of tokens and of accounts, and how a token ends.

use mainstay_db::Atomic;
use mainstay_layers::context;
use mainstay_proto::auth::v1 as pb;
use serde_json::{Map, Value, json};
use tonic::Request;

use super::failed::{Failed, answer};
use super::opened::{Live, access, live_by_access, live_by_refresh, of_whatever};
use super::proof::{client_of, find, signed_by, unknown};
use super::{machines, provider};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::oauth::client::Authentication;
use crate::domain::oauth::refusal::Word;
use crate::domain::oauth::scope::{Scope, Scopes};
use crate::domain::session::seconds;
use crate::error::Error;
use crate::handlers::origin;
use crate::store::oauth::grants;

pub(super) async fn user_info(
    core: &Core,
    request: Request<pb::GetUserInfoRequest>,
) -> Result<pb::GetUserInfoResponse, Error> {
    let refused = |error| pb::GetUserInfoResponse { error: Some(error), claims: String::new() };
    answer(about_user(core, &request.get_ref().client_token).await, refused)
}

async fn about_user(core: &Core, token: &str) -> Result<pb::GetUserInfoResponse, Failed> {
    let not_good = || Failed::new(Word::InvalidToken, "the access token is not good, or not any more");
    let access = access(core, token)?.ok_or_else(not_good)?;
    let Live { account, .. } = live_by_access(core, &access).await?.ok_or_else(not_good)?;
    let scopes = access.scopes();
    if !scopes.has(Scope::OpenId) {
        return Err(Failed::new(Word::InsufficientScope, "openid was not agreed to"));
    }
    let claims = Value::Object(claims_of(&account, &scopes));
    Ok(pb::GetUserInfoResponse { error: None, claims: claims.to_string() })
}

/// What an account's owner is known by, as far as was agreed to (OpenID Connect Core 1.0, sections 5.1 and 5.4). What there is not
/// is left out.
fn claims_of(account: &Account, scopes: &Scopes) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(account.id.to_string()));
    let mut tell = |name: &str, value: &str| {
        if !value.is_empty() {
            claims.insert(name.to_owned(), json!(value));
        }
    };
    if scopes.has(Scope::Profile) {
        tell("name", &account.display_name);
        tell("preferred_username", account.user_name.as_ref().map(|name| name.as_str()).unwrap_or_default());
        tell("picture", &account.picture_uri);
        tell("locale", &account.locale);
    }
    if scopes.has(Scope::Email) {
        tell("email", &account.email);
    }
    if scopes.has(Scope::Profile) {
        claims.insert("updated_at".to_owned(), json!(seconds(account.update_time)));
    }
    if scopes.has(Scope::Email) && !account.email.is_empty() {
        claims.insert("email_verified".to_owned(), json!(account.email_verified));
    }
    claims
}

pub(super) async fn introspect(
    core: &Core,
    request: Request<pb::IntrospectTokenRequest>,
) -> Result<pb::IntrospectTokenResponse, Error> {
    let refused = |error| pb::IntrospectTokenResponse { error: Some(error), claims: String::new() };
    answer(looked_into(core, request).await, refused)
}

/// Whose tokens somebody may look into.
enum Reader {
    Client(String),
    Everybodys,
}

impl Reader {
    fn may(&self, client: &str) -> bool {
        match self {
            Reader::Client(own) => own == client,
            Reader::Everybodys => true,
        }
    }
}

async fn looked_into(
    core: &Core,
    request: Request<pb::IntrospectTokenRequest>,
) -> Result<pb::IntrospectTokenResponse, Failed> {
    let reader = reader(core, &request).await?;
    let token = request.get_ref().token.as_str();
    if token.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "token is required"));
    }
    let issuer = provider::issuer(core)?;
    let claims = match access(core, token)? {
        Some(access) => live_by_access(core, &access).await?.map(|_| {
            let told = json!({
                "active": true, "token_type": "Bearer", "client_id": access.client_id, "scope": access.scope,
                "sub": access.sub, "iss": issuer, "aud": provider::audience(issuer), "iat": access.iat, "exp": access.exp,
                "jti": access.jti,
            });
            (access.client_id, told)
        }),
        // Who asks for others is a resource server, and a refresh token opens nothing there: were it told that one is good, it could
        // take it for what does.
        None if matches!(reader, Reader::Everybodys) => None,
        None => live_by_refresh(core, token).await?.map(|Live { grant, account }| {
            let client = grant.client.to_string();
            let told = json!({
                "active": true, "client_id": client, "scope": grant.scopes.to_text(), "sub": account.id.to_string(),
                "iss": issuer, "iat": seconds(grant.refresh_time), "exp": seconds(grant.end_time),
            });
            (client, told)
        }),
    };
    // Of what somebody may not know, the same is told as of what there is not (RFC 7662, section 2.2).
    let claims =
        claims.filter(|(client, _)| reader.may(client)).map_or_else(|| json!({"active": false}), |(_, told)| told);
    Ok(pb::IntrospectTokenResponse { error: None, claims: claims.to_string() })
}

async fn reader(core: &Core, request: &Request<pb::IntrospectTokenRequest>) -> Result<Reader, Failed> {
    let origin = origin(request)?;
    let proof = request.get_ref().client.clone().unwrap_or_default();
    let named = signed_by(&proof)?.unwrap_or_else(|| proof.client_id.clone());
    if find(core, &named).await?.is_none() {
        let attempt = core.limits.token(origin).map_err(Error::from)?;
        let peer = context(request).map_err(Error::Stack)?.peer;
        let (account, _) = machines::shown(core, &proof, peer).await?;
        attempt.succeeded();
        return if account.organisation.is_none() { Ok(Reader::Everybodys) } else { Err(unknown()) };
    }
    let client = client_of(core, origin, Some(&proof)).await?;
    match client.authentication {
        // Who keeps no secret could be anybody (RFC 7662, section 2.1).
        Authentication::None => Err(unknown()),
        Authentication::Secret | Authentication::PrivateKey => Ok(Reader::Client(client.id.to_string())),
    }
}

pub(super) async fn revoke(
    core: &Core,
    request: Request<pb::RevokeTokenRequest>,
) -> Result<pb::RevokeTokenResponse, Error> {
    answer(ended(core, request).await, |error| pb::RevokeTokenResponse { error: Some(error) })
}

async fn ended(core: &Core, request: Request<pb::RevokeTokenRequest>) -> Result<pb::RevokeTokenResponse, Failed> {
    provider::issuer(core)?;
    let origin = origin(&request)?;
    let request = request.into_inner();
    let client = client_of(core, origin, request.client.as_ref()).await?;
    if request.token.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "token is required"));
    }
    if let Some(id) = of_whatever(core, client.id, &request.token).await? {
        let ended = core.database.write(Atomic::Statement, move |conn| {
            Box::pin(async move { Ok::<_, Failed>(grants::remove(conn, id).await?) })
        });
        ended.await?;
    }
    Ok(pb::RevokeTokenResponse { error: None })
}
