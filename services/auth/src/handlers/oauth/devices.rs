//! Devices that cannot show a page: somebody decides on another one (RFC 8628).

use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::deciding::{Owner, owner, standing};
use super::failed::{Failed, answer};
use super::holds::{is_enabled, may, not_good};
use super::proof::client_of;
use super::provider;
use super::tokens::issued;
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::authentication::Authentication;
use crate::domain::oauth::client::{GrantType, OAuthClient};
use crate::domain::oauth::grant::{DEVICE_INTERVAL, DEVICE_LASTS, Decision, Grant};
use crate::domain::oauth::refusal::Word;
use crate::domain::oauth::request::wanted;
use crate::domain::oauth::secrets::{Code, CodeKind, UserCode};
use crate::domain::one_time_secret::HashKey;
use crate::domain::session::{SECOND, micros};
use crate::error::Error;
use crate::handlers::{origin, trail};
use crate::store::oauth::{clients, consents, grants};

pub(super) async fn begin(
    core: &Core,
    request: Request<pb::BeginDeviceAuthorizationRequest>,
) -> Result<pb::BeginDeviceAuthorizationResponse, Error> {
    let refused = |error| pb::BeginDeviceAuthorizationResponse { error: Some(error), ..Default::default() };
    answer(begun(core, request).await, refused)
}

async fn begun(
    core: &Core,
    request: Request<pb::BeginDeviceAuthorizationRequest>,
) -> Result<pb::BeginDeviceAuthorizationResponse, Failed> {
    provider::issuer(core)?;
    let origin = origin(&request)?;
    let request = request.into_inner();
    let client = client_of(core, origin, request.client.as_ref()).await?;
    may(&client, GrantType::Device)?;
    let scopes = wanted(&client, &request.scope)?;
    // Whoever knows the name of one that keeps no secret can have something stored.
    core.limits.challenge(origin).map_err(Error::from)?;
    let (id, now) = (Uuid::now_v7(), core.clock.now_micros());
    let (code, user_code) = (Code::of(CodeKind::Device, id)?, UserCode::generate()?);
    let expire_time = now.saturating_add(micros(DEVICE_LASTS));
    let grant = Grant {
        id,
        client: client.id,
        account: None,
        session: None,
        kind: CodeKind::Device,
        decision: Decision::Open,
        secret_hash: code.hash().0.to_vec(),
        user_code_hash: Some(hashed(&core.hash_key, &user_code)),
        redirect_uri: String::new(),
        scopes,
        nonce: String::new(),
        code_challenge: String::new(),
        authentication: Authentication::of_nobody(now),
        create_time: now,
        expire_time,
        poll_time: None,
        use_time: None,
        family: None,
        refresh_time: now,
        // A device that is late is told so.
        end_time: expire_time.saturating_add(micros(DEVICE_LASTS)),
    };
    let stored = core.database.write(Atomic::Statement, move |conn| {
        let grant = grant.clone();
        Box::pin(async move { Ok::<_, Failed>(grants::insert(conn, &grant).await?) })
    });
    stored.await?;
    let whole = |seconds: u64| i32::try_from(seconds).unwrap_or(i32::MAX);
    Ok(pb::BeginDeviceAuthorizationResponse {
        error: None,
        device_code: code.to_text(),
        user_code: user_code.to_text(),
        expires_in: whole(DEVICE_LASTS.as_secs()),
        interval: whole(DEVICE_INTERVAL.as_secs()),
    })
}

fn hashed(key: &HashKey, code: &UserCode) -> Vec<u8> {
    key.user_code(code.as_str()).0.to_vec()
}

/// Finds what waits with a code that somebody has typed, and whose client it is. Who guesses is slowed down.
async fn waiting(core: &Core, origin: crate::limits::Origin, text: &str) -> Result<(Grant, OAuthClient), Error> {
    provider::issuer(core)?;
    let attempt = core.limits.token(origin)?;
    let code = UserCode::parse(text).ok_or(Error::WrongCode)?;
    let (hash, now) = (hashed(&core.hash_key, &code), core.clock.now_micros());
    let found = core.database.read(Lane::Inline, move |conn| {
        let hash = hash.clone();
        Box::pin(async move {
            let Some(row) = grants::find_waiting(conn, &hash, now).await? else { return Ok(None) };
            let grant = Grant::try_from(row)?;
            let client = clients::find(conn, grant.client).await?.map(OAuthClient::try_from).transpose()?;
            Ok::<_, Error>(client.map(|client| (grant, client)))
        })
    });
    let found = found.await?.ok_or(Error::WrongCode)?;
    attempt.succeeded();
    Ok(found)
}

pub(super) async fn show(
    core: &Core,
    request: Request<pb::GetDeviceAuthorizationRequest>,
) -> Result<pb::OAuthQuestion, Error> {
    let (caller, origin) = (caller(&request).map_err(Error::Stack)?, origin(&request)?);
    let Owner { account, .. } = owner(core, &caller).await?;
    let (grant, client) = waiting(core, origin, &request.get_ref().user_code).await?;
    Ok(pb::OAuthQuestion {
        client: client.display_name,
        client_uri: client.client_uri,
        scopes: grant.scopes.words(),
        email: account.email,
        ..Default::default()
    })
}

pub(super) async fn decide(core: &Core, request: Request<pb::DecideDeviceAuthorizationRequest>) -> Result<(), Error> {
    let (caller, origin, trail) = (caller(&request).map_err(Error::Stack)?, origin(&request)?, trail(&request)?);
    let Owner { account, session } = owner(core, &caller).await?;
    let pb::DecideDeviceAuthorizationRequest { user_code, allow } = request.into_inner();
    let (grant, client) = waiting(core, origin, &user_code).await?;
    let decided = Grant {
        account: Some(account.id),
        session: Some(session.id).filter(|_| !grant.is_offline()),
        decision: if allow { Decision::Allowed } else { Decision::Denied },
        authentication: session.authentication,
        ..grant
    };
    let (now, timeouts, signed_in) = (core.clock.now_micros(), core.timeouts, (account.id, session.id));
    let written = core.database.write(Atomic::Transaction, move |conn| {
        let (decided, trail, name) = (decided.clone(), trail.clone(), client.id.name());
        Box::pin(async move {
            standing(conn, signed_in, (now, timeouts)).await?.ok_or(Error::SessionEnded)?;
            if !grants::decide(conn, &decided).await? {
                return Err(Error::WrongCode);
            }
            if decided.decision == Decision::Allowed {
                consents::add(conn, account.id, decided.client, &decided.scopes, now).await?;
                let told = Told::of(name).with("scopes", decided.scopes.to_text());
                trail.note(conn, now, Action::AllowOAuthClient, account.id, told).await?;
            }
            Ok::<_, Error>(())
        })
    });
    written.await
}

/// What becomes of the code of a device.
enum Asked {
    Decided(Box<Grant>),
    TooSoon,
    Waits,
    Denied,
    Over,
    Not,
}

/// Gives tokens to a device once somebody has agreed (RFC 8628, section 3.5).
pub(super) async fn issue(
    core: &Core,
    client: &OAuthClient,
    request: &pb::IssueTokenRequest,
) -> Result<pb::IssueTokenResponse, Failed> {
    may(client, GrantType::Device)?;
    if request.device_code.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "device_code is required"));
    }
    let code = Arc::new(Code::parse(CodeKind::Device, &request.device_code).ok_or_else(not_good)?);
    let (now, client_id) = (core.clock.now_micros(), client.id);
    let asked = core.database.write(Atomic::Transaction, move |conn| {
        let code = Arc::clone(&code);
        Box::pin(async move {
            let Some(row) = grants::find(conn, code.id()).await? else { return Ok(Asked::Not) };
            let grant = Grant::try_from(row)?;
            let is_its =
                grant.client == client_id && grant.kind == CodeKind::Device && code.hash().is(&grant.secret_hash);
            // Tokens of a device's code that comes again are left alone: a device asks again until it has heard.
            if !is_its || grant.use_time.is_some() {
                return Ok(Asked::Not);
            }
            if now >= grant.expire_time {
                return Ok(Asked::Over);
            }
            // A second is given: clocks are read before and after.
            let since = now.saturating_sub(micros(DEVICE_INTERVAL)).saturating_add(SECOND);
            if !grants::poll(conn, grant.id, since, now).await? {
                return Ok(Asked::TooSoon);
            }
            Ok::<_, Failed>(match grant.decision {
                Decision::Open => Asked::Waits,
                Decision::Denied => Asked::Denied,
                Decision::Allowed => Asked::Decided(Box::new(Grant { poll_time: Some(now), ..grant })),
            })
        })
    });
    let refused = |word, says| Err(Failed::new(word, says));
    match asked.await? {
        Asked::Decided(grant) => exchange(core, *grant).await,
        Asked::TooSoon => refused(Word::SlowDown, "the device asks more often than every five seconds"),
        Asked::Waits => refused(Word::AuthorizationPending, "nobody has decided yet"),
        Asked::Denied => refused(Word::AccessDenied, "somebody has decided that the device may not"),
        Asked::Over => refused(Word::ExpiredToken, "nobody has decided in time"),
        Asked::Not => Err(not_good()),
    }
}

async fn exchange(core: &Core, grant: Grant) -> Result<pb::IssueTokenResponse, Failed> {
    let (exchanged, token) =
        grant.exchanged(core.clock.now_micros(), core.signer.lifetime_seconds(), &core.timeouts)?;
    let account = exchanged.account.ok_or_else(not_good)?;
    let stored = exchanged.clone();
    let used = core.database.write(Atomic::Transaction, move |conn| {
        let stored = stored.clone();
        Box::pin(
            async move { Ok::<_, Failed>(is_enabled(conn, account).await? && grants::use_up(conn, &stored).await?) },
        )
    });
    if !used.await? {
        return Err(not_good());
    }
    issued(core, (&exchanged, account), &exchanged.scopes, token.as_ref(), true)
}
