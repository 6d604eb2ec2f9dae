//! The token endpoint (RFC 6749, section 3.2): what is exchanged, and a code for tokens (section 4.1.3).

use mainstay_db::Atomic;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::failed::{Failed, answer};
use super::holds::{is_enabled, may, not_good};
use super::proof::client_of;
use super::tokens::issued;
use super::{devices, machines, provider, renewing};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::oauth::client::{GrantType, OAuthClient};
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::pkce;
use crate::domain::oauth::refusal::Word;
use crate::domain::oauth::secrets::{Code, CodeKind};
use crate::domain::refresh_token::RefreshToken;
use crate::error::Error;
use crate::handlers::{origin, trail};
use crate::store::oauth::grants;

/// The name of a device's grant (RFC 8628, section 3.4).
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn issue(
    core: &Core,
    request: Request<pb::IssueTokenRequest>,
) -> Result<pb::IssueTokenResponse, Error> {
    let refused = |error| pb::IssueTokenResponse { error: Some(error), ..Default::default() };
    answer(exchange(core, request).await, refused)
}

async fn exchange(core: &Core, request: Request<pb::IssueTokenRequest>) -> Result<pb::IssueTokenResponse, Failed> {
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    // Of a service account it is told apart by what it shows: who it is, its key says.
    if request.get_ref().grant_type == "client_credentials" {
        return machines::issue(core, request).await;
    }
    provider::issuer(core)?;
    let request = request.into_inner();
    let known = ["authorization_code", "refresh_token", DEVICE_CODE];
    if !known.contains(&request.grant_type.as_str()) {
        let word = if request.grant_type.is_empty() { Word::InvalidRequest } else { Word::UnsupportedGrantType };
        return Err(Failed::new(word, "grant_type is none that is known here"));
    }
    let client = client_of(core, origin, request.client.as_ref()).await?;
    match request.grant_type.as_str() {
        "authorization_code" => by_code(core, &client, request, trail).await,
        "refresh_token" => renewing::issue(core, &client, request, trail).await,
        _ => devices::issue(core, &client, &request).await,
    }
}

/// What becomes of a code.
enum Used {
    Now(Box<(Grant, AccountId, Option<RefreshToken>)>),
    /// It was exchanged before: what came of it has ended (RFC 6749, section 4.1.2).
    Again,
    /// It is no code of the client's, or not as it was asked for.
    Not,
}

async fn by_code(
    core: &Core,
    client: &OAuthClient,
    request: pb::IssueTokenRequest,
    trail: Trail,
) -> Result<pb::IssueTokenResponse, Failed> {
    may(client, GrantType::Code)?;
    if request.code.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "code is required"));
    }
    let code = Code::parse(CodeKind::Answer, &request.code).ok_or_else(not_good)?;
    let (id, hash, client_id, now) = (code.id(), code.hash(), client.id, core.clock.now_micros());
    let (timeouts, access_seconds) = (core.timeouts, core.signer.lifetime_seconds());
    let used = core.database.write(Atomic::Transaction, move |conn| {
        let (request, trail) = (request.clone(), trail.clone());
        Box::pin(async move {
            let Some(row) = grants::find(conn, id).await? else { return Ok(Used::Not) };
            let grant = Grant::try_from(row)?;
            let is_its = grant.client == client_id && grant.kind == CodeKind::Answer && hash.is(&grant.secret_hash);
            let Some(account) = grant.account.filter(|_| is_its) else { return Ok(Used::Not) };
            if grant.use_time.is_some() {
                grants::remove(conn, id).await?;
                let told = Told::of(client_id.name());
                trail.note(conn, now, Action::OAuthCodeReused, account, told).await?;
                return Ok(Used::Again);
            }
            let is_asked_for = now < grant.expire_time
                && grant.redirect_uri == request.redirect_uri
                && pkce::proves(&request.code_verifier, &grant.code_challenge);
            if !is_asked_for || !is_enabled(conn, account).await? {
                return Ok(Used::Not);
            }
            let (exchanged, token) = grant.exchanged(now, access_seconds, &timeouts)?;
            if !grants::use_up(conn, &exchanged).await? {
                return Err(Failed::Error(Error::Contention));
            }
            Ok::<_, Failed>(Used::Now(Box::new((exchanged, account, token))))
        })
    });
    match used.await? {
        Used::Now(used) => issued(core, (&used.0, used.1), &used.0.scopes, used.2.as_ref(), true),
        Used::Again | Used::Not => Err(not_good()),
    }
}
