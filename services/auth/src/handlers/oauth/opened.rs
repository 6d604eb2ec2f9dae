//! What a token of a client is worth: it is ours, and the authorisation that it came of is still there.

use mainstay_db::Lane;
use mainstay_identity::{KeySet, TOKEN_TYPE, verify_signed};
use serde::Deserialize;

use super::failed::Failed;
use super::provider::{audience, issuer};
use super::tokens::ID_TOKEN_TYPE;
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::domain::oauth::client::OAuthClientId;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::scope::Scopes;
use crate::domain::refresh_token::RefreshToken;
use crate::handlers::whose::with_roles;
use crate::store::accounts;
use crate::store::oauth::grants;
use uuid::Uuid;

/// What is read of an access token.
#[derive(Debug, Deserialize)]
pub(super) struct Access {
    iss: String,
    aud: String,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    sid: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
}

impl Access {
    pub(super) fn scopes(&self) -> Scopes {
        Scopes::read(&self.scope)
    }
}

/// An authorisation whose tokens are good, and whose it is.
pub(super) struct Live {
    pub(super) grant: Grant,
    pub(super) account: Account,
}

fn keys(core: &Core) -> KeySet {
    KeySet::new(core.signer.published_keys()).unwrap_or_default()
}

/// Reads an access token that is ours and not over. Whether its authorisation still is there it does not say.
pub(super) fn access(core: &Core, text: &str) -> Result<Option<Access>, Failed> {
    let issuer = issuer(core)?;
    let read = verify_signed::<Access>(text, &[TOKEN_TYPE], &keys(core)).ok();
    let now = core.clock.now_seconds();
    Ok(read.filter(|access| access.iss == issuer && access.aud == audience(issuer) && access.exp > now))
}

/// Finds the authorisation of an access token.
pub(super) async fn live_by_access(core: &Core, access: &Access) -> Result<Option<Live>, Failed> {
    let Some(id) = Uuid::try_parse(&access.sid).ok() else { return Ok(None) };
    let found = live(core, id).await?;
    Ok(found.filter(|live| live.grant.client.to_string() == access.client_id))
}

/// Finds the authorisation of a refresh token that can be exchanged now.
pub(super) async fn live_by_refresh(core: &Core, text: &str) -> Result<Option<Live>, Failed> {
    let Some(token) = RefreshToken::parse(text) else { return Ok(None) };
    let found = live(core, token.session()).await?;
    let is_newest = |live: &Live| live.grant.family.as_ref().is_some_and(|family| family.current == token.hash());
    Ok(found.filter(is_newest))
}

async fn live(core: &Core, id: Uuid) -> Result<Option<Live>, Failed> {
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            let Some(row) = grants::find(conn, id).await? else { return Ok(None) };
            let grant = Grant::try_from(row)?;
            let Some(account) = grant.account.filter(|_| grant.is_live(now, &timeouts)) else { return Ok(None) };
            let row = accounts::find(conn, account).await?.filter(|row| row.disable_time.is_none());
            if row.is_none() {
                return Ok(None);
            }
            let account = with_roles(conn, row).await?;
            Ok::<_, Failed>(Some(Live { grant, account }))
        })
    });
    found.await
}

/// Finds the authorisation that a token is of, however old the token is: who has it may end it.
pub(super) async fn of_whatever(core: &Core, client: OAuthClientId, text: &str) -> Result<Option<Uuid>, Failed> {
    let (id, family) = match RefreshToken::parse(text) {
        Some(token) => (token.session(), Some(token.family_hash())),
        None => {
            let read = verify_signed::<Access>(text, &[TOKEN_TYPE], &keys(core)).ok();
            let Some(id) = read.and_then(|access| Uuid::try_parse(&access.sid).ok()) else { return Ok(None) };
            (id, None)
        }
    };
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            let grant = grants::find(conn, id).await?.map(Grant::try_from).transpose()?;
            let is_its = |grant: &Grant| {
                let is_family = |given| grant.family.as_ref().is_some_and(|family| family.family == given);
                grant.client == client && family.is_none_or(is_family)
            };
            Ok::<_, Failed>(grant.filter(is_its).map(|grant| grant.id))
        })
    });
    found.await
}

/// What an ID token says that comes back as a hint.
#[derive(Debug, Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
}

/// Reads an ID token of ours that comes back; it may be over (OpenID Connect RP-Initiated Logout 1.0, section 4). Gives whose it is
/// and whom it was for.
pub(super) fn hint(core: &Core, text: &str) -> Result<Option<(AccountId, OAuthClientId)>, Failed> {
    let issuer = issuer(core)?;
    let read = verify_signed::<Hint>(text, &[ID_TOKEN_TYPE], &keys(core)).ok().filter(|hint| hint.iss == issuer);
    Ok(read.and_then(|hint| hint.sub.parse().ok().zip(hint.aud.parse().ok())))
}
