//! The authorization endpoint (RFC 6749, section 3.1; OpenID Connect Core 1.0, section 3.1.2).
//!
//! ```text
//! no such client, or the address is none of its   nobody is led anywhere: the page says so
//! asked for as it should not be                   an error at the client's address
//! nobody is signed in, or not newly enough        they sign in, and it is asked again
//! not agreed to yet                               they are asked
//! else                                            a code at the client's address
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_db::Lane;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::deciding::{Agreed, Owner, TICKET, brought, refused_at, signed_in};
use super::failed::Failed;
use super::opened::hint;
use super::proof::find;
use super::provider::issuer;
use crate::core::Core;
use crate::domain::oauth::client::{Authentication, OAuthClient};
use crate::domain::oauth::refusal::{Refused, Word};
use crate::domain::oauth::request::{Asked, Parameters, TICKET_LASTS, Ticket};
use crate::domain::oauth::uris;
use crate::domain::session::{Session, seconds};
use crate::error::Error;
use crate::handlers::trail;
use crate::store::oauth::consents;

/// What the moment is sealed for since which somebody has to show again who they are.
const BEGAN: &[u8] = b"mainstay oauth confirmation";

/// Stands for a session that is still to begin.
const ANY_SESSION: &str = "-";

/// How much later a session's time may be than the clock says: two replicas' clocks.
const SKEW_SECONDS: i64 = 10;

pub(super) async fn begin(
    core: &Core,
    request: Request<pb::BeginAuthorizationRequest>,
) -> Result<pb::BeginAuthorizationResponse, Error> {
    let issuer = issuer(core)?;
    let (caller, trail) = (caller(&request).map_err(Error::Stack)?, trail(&request)?);
    let request = request.into_inner();
    let client = registered(core, &request).await?;
    let at = |refused| {
        let location = refused_at(issuer, &request.redirect_uri, &request.state, refused);
        Ok(pb::BeginAuthorizationResponse { location, ..Default::default() })
    };
    let asked = match Asked::read(&client, &parameters(&request)) {
        Ok(asked) => asked,
        Err(refused) => return at(refused),
    };
    let owner = match signed_in(core, &caller).await? {
        Some(owner) if owner.account.is_anonymous => {
            return at(Refused::new(Word::AccessDenied, "nobody is known behind the account"));
        }
        Some(owner) => owner,
        None if asked.silent => return at(Refused::new(Word::LoginRequired, "nobody is signed in")),
        None => {
            // Who signs in now has shown who they are.
            let confirm = if asked.login { began(core, None)? } else { String::new() };
            return Ok(pb::BeginAuthorizationResponse { sign_in: true, confirm, ..Default::default() });
        }
    };
    if !is_expected(core, &request.id_token_hint, &owner)? {
        return at(Refused::new(Word::LoginRequired, "somebody else is signed in"));
    }
    if !is_fresh(core, &asked, &owner.session, &request.began) {
        if asked.silent {
            return at(Refused::new(Word::LoginRequired, "it was shown too long ago who is signed in"));
        }
        let confirm = began(core, Some(&owner.session))?;
        return Ok(pb::BeginAuthorizationResponse { confirm, ..Default::default() });
    }
    if is_to_be_asked(core, &client, &asked, &request, &owner).await? {
        if asked.silent {
            return at(Refused::new(Word::ConsentRequired, "it was not agreed to yet"));
        }
        let question = question(core, &client, &asked, request, &owner)?;
        return Ok(pb::BeginAuthorizationResponse { question: Some(question), ..Default::default() });
    }
    let agreed = Agreed {
        client: client.id,
        redirect_uri: request.redirect_uri,
        scopes: asked.scopes,
        state: request.state,
        nonce: request.nonce,
        code_challenge: request.code_challenge,
    };
    let location = brought(core, owner, agreed, trail, false).await?;
    Ok(pb::BeginAuthorizationResponse { location, ..Default::default() })
}

/// Finds the client that asks, at one of its own addresses. Until both are known, nobody is led anywhere (RFC 9700, section 4.11).
async fn registered(core: &Core, request: &pb::BeginAuthorizationRequest) -> Result<OAuthClient, Error> {
    let wrong = |field: &str, problem: &str| Error::Violations(vec![Violation::new(field, problem)]);
    if matches!(request.repeated_parameter.as_str(), "client_id" | "redirect_uri") {
        return Err(wrong(&request.repeated_parameter, "is given more than once"));
    }
    let client = find(core, &request.client_id).await?;
    let client = client.ok_or_else(|| wrong("client_id", "is none of an application that is registered here"))?;
    if !uris::is_registered(&request.redirect_uri, &client.redirect_uris) {
        return Err(wrong("redirect_uri", "is none of the application's, letter for letter"));
    }
    Ok(client)
}

fn parameters(request: &pb::BeginAuthorizationRequest) -> Parameters<'_> {
    Parameters {
        response_type: &request.response_type,
        response_mode: &request.response_mode,
        scope: &request.scope,
        state: &request.state,
        nonce: &request.nonce,
        code_challenge: &request.code_challenge,
        code_challenge_method: &request.code_challenge_method,
        prompt: &request.prompt,
        max_age: &request.max_age,
        unsupported: &request.unsupported,
        repeated: &request.repeated_parameter,
    }
}

/// Whether whoever is signed in is who the client expects (OpenID Connect Core 1.0, section 3.1.2.1, `id_token_hint`).
fn is_expected(core: &Core, text: &str, owner: &Owner) -> Result<bool, Error> {
    if text.is_empty() {
        return Ok(true);
    }
    match hint(core, text) {
        Ok(hinted) => Ok(hinted.is_some_and(|(account, _)| account == owner.account.id)),
        Err(Failed::Error(error)) => Err(error),
        Err(Failed::Refused(_)) => Ok(false),
    }
}

/// Whether a session is as new as the client wants it, or its owner has shown since the request came who they are.
fn is_fresh(core: &Core, asked: &Asked, session: &Session, began: &str) -> bool {
    let shown = seconds(session.authentication.time);
    if since(core, session, began).is_some_and(|since| shown >= since) {
        return true;
    }
    let age = core.clock.now_seconds().saturating_sub(shown);
    !asked.login && asked.max_age.is_none_or(|most| age <= most)
}

/// Seals this moment for a session, or for whichever begins now: from now on its owner has to show who they are.
fn began(core: &Core, session: Option<&Session>) -> Result<String, Error> {
    let session = session.map(|session| session.id.to_string());
    let text = format!("{} {}", core.clock.now_seconds(), session.as_deref().unwrap_or(ANY_SESSION));
    Ok(URL_SAFE_NO_PAD.encode(core.key_encryption_key.seal(BEGAN, text.as_bytes())?))
}

/// Opens such a moment; nothing where it is another session's, or too long ago.
fn since(core: &Core, session: &Session, began: &str) -> Option<i64> {
    let opened = core.key_encryption_key.open(BEGAN, &URL_SAFE_NO_PAD.decode(began).ok()?).ok()?;
    let (time, id) = std::str::from_utf8(&opened).ok()?.split_once(' ')?;
    let time: i64 = time.parse().ok()?;
    let age = core.clock.now_seconds().saturating_sub(time);
    let is_good = (-SKEW_SECONDS..=TICKET_LASTS.as_secs().cast_signed()).contains(&age);
    let is_its = id == ANY_SESSION || id == session.id.to_string();
    (is_good && is_its).then_some(time)
}

/// Whether the owner of the account has to agree first. Of a program that anybody on a machine can pass for, each time (RFC 8252,
/// section 8.6).
async fn is_to_be_asked(
    core: &Core,
    client: &OAuthClient,
    asked: &Asked,
    request: &pb::BeginAuthorizationRequest,
    owner: &Owner,
) -> Result<bool, Error> {
    let is_known = client.authentication != Authentication::None || uris::is_proof(&request.redirect_uri);
    if asked.consent || !is_known {
        return Ok(true);
    }
    if client.trusted {
        return Ok(false);
    }
    let (account, client) = (owner.account.id, client.id);
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { Ok::<_, Error>(consents::find(conn, account, client).await?) })
    });
    Ok(!found.await?.cover(&asked.scopes))
}

fn question(
    core: &Core,
    client: &OAuthClient,
    asked: &Asked,
    request: pb::BeginAuthorizationRequest,
    owner: &Owner,
) -> Result<pb::OAuthQuestion, Error> {
    let leads_to = uris::origin(&request.redirect_uri).to_owned();
    let ticket = Ticket {
        session: owner.session.id.to_string(),
        time: core.clock.now_seconds(),
        client: client.id.to_string(),
        redirect_uri: request.redirect_uri,
        scope: asked.scopes.to_text(),
        state: request.state,
        nonce: request.nonce,
        code_challenge: request.code_challenge,
    };
    let sealed = core.key_encryption_key.seal(TICKET, &serde_json::to_vec(&ticket).map_err(Error::Encoding)?)?;
    Ok(pb::OAuthQuestion {
        ticket: URL_SAFE_NO_PAD.encode(sealed),
        client: client.display_name.clone(),
        client_uri: client.client_uri.clone(),
        leads_to,
        scopes: asked.scopes.words(),
        email: owner.account.email.clone(),
    })
}
