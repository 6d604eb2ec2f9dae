//! Who is signed in at a browser, and what is brought back when they have decided.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::{Kind, Principal};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::provider::issuer;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::domain::oauth::client::{OAuthClient, OAuthClientId};
use crate::domain::oauth::grant::{CODE_LASTS, Decision, Grant};
use crate::domain::oauth::refusal::{Refused, Word};
use crate::domain::oauth::request::Ticket;
use crate::domain::oauth::scope::Scopes;
use crate::domain::oauth::secrets::{Code, CodeKind};
use crate::domain::oauth::uris;
use crate::domain::session::{Session, Timeouts, micros};
use crate::error::Error;
use crate::handlers::trail;
use crate::handlers::whose::with_roles;
use crate::refusal::Refusal;
use crate::store::accounts::{self, AccountRow};
use crate::store::oauth::{clients, consents, grants};
use crate::store::sessions;

/// What tickets are sealed for.
pub(super) const TICKET: &[u8] = b"mainstay oauth ticket";

/// An account's owner, signed in.
pub(super) struct Owner {
    pub(super) account: Account,
    pub(super) session: Session,
}

/// Finds the account and the session of a caller. Nobody who has no address can agree to anything: nobody would know who they are.
pub(super) async fn owner(core: &Core, caller: &Principal) -> Result<Owner, Error> {
    let owner = signed_in(core, caller).await?.ok_or(Error::NotSignedIn)?;
    if owner.account.is_anonymous { Err(Error::Refused(Refusal::NobodyKnown)) } else { Ok(owner) }
}

/// The same; nothing where nobody is signed in, or the session has ended.
pub(super) async fn signed_in(core: &Core, caller: &Principal) -> Result<Option<Owner>, Error> {
    let own = caller.uid().filter(|_| caller.kind() == Kind::User).and_then(|uid| uid.parse::<AccountId>().ok());
    let session = caller.session_id().and_then(|id| Uuid::try_parse(id).ok());
    let Some((id, session)) = own.zip(session) else { return Ok(None) };
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            let Some((session, row)) = standing(conn, (id, session), (now, timeouts)).await? else { return Ok(None) };
            let account = with_roles(conn, Some(row)).await?;
            Ok::<_, Error>(Some(Owner { account, session }))
        })
    });
    found.await
}

/// Finds a session and its account, as long as the one is not over and the other not disabled. What is stored for whoever is signed
/// in is stored with another look: what ends a session ends what came of it, and must not be outrun.
pub(super) async fn standing(
    conn: &mut Conn<'_>,
    (account, session): (AccountId, Uuid),
    (now, timeouts): (i64, Timeouts),
) -> Result<Option<(Session, AccountRow)>, Error> {
    let session = sessions::find(conn, session).await?.map(Session::try_from).transpose()?;
    let session = session.filter(|session| session.account == account && !session.is_over(now, &timeouts));
    Ok(session.zip(accounts::find(conn, account).await?.filter(|row| row.disable_time.is_none())))
}

/// Brings an error to a client (RFC 6749, section 4.1.2.1), and says who does (RFC 9207).
pub(super) fn refused_at(issuer: &str, redirect_uri: &str, state: &str, refused: Refused) -> String {
    let Refused { word, says } = refused;
    let parameters = [("error", word.name()), ("error_description", says), ("state", state), ("iss", issuer)];
    uris::with(redirect_uri, &parameters)
}

/// What an answer is made of.
pub(super) struct Agreed {
    pub(super) client: OAuthClientId,
    pub(super) redirect_uri: String,
    pub(super) scopes: Scopes,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) code_challenge: String,
}

/// Makes a code and gives the address that it is brought to (RFC 6749, section 4.1.2; RFC 9207).
pub(super) async fn brought(
    core: &Core,
    Owner { account, session }: Owner,
    agreed: Agreed,
    trail: Trail,
    remember: bool,
) -> Result<String, Error> {
    let (id, now) = (Uuid::now_v7(), core.clock.now_micros());
    let code = Code::of(CodeKind::Answer, id)?;
    let expire_time = now.saturating_add(micros(CODE_LASTS));
    let grant = Grant {
        id,
        client: agreed.client,
        account: Some(account.id),
        session: None,
        kind: CodeKind::Answer,
        decision: Decision::Allowed,
        secret_hash: code.hash().0.to_vec(),
        user_code_hash: None,
        redirect_uri: agreed.redirect_uri.clone(),
        scopes: agreed.scopes,
        nonce: agreed.nonce,
        code_challenge: agreed.code_challenge,
        authentication: session.authentication,
        create_time: now,
        expire_time,
        poll_time: None,
        use_time: None,
        family: None,
        refresh_time: now,
        end_time: expire_time,
    };
    let grant = Grant { session: Some(session.id).filter(|_| !grant.is_offline()), ..grant };
    let (owner, timeouts) = ((account.id, session.id), core.timeouts);
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let (grant, trail) = (grant.clone(), trail.clone());
        Box::pin(async move {
            standing(conn, owner, (now, timeouts)).await?.ok_or(Error::SessionEnded)?;
            if remember {
                consents::add(conn, account.id, grant.client, &grant.scopes, now).await?;
            }
            grants::insert(conn, &grant).await?;
            let told = Told::of(grant.client.name()).with("scopes", grant.scopes.to_text());
            trail.note(conn, now, Action::AllowOAuthClient, account.id, told).await
        })
    });
    stored.await?;
    let code = code.to_text();
    let parameters = [("code", code.as_str()), ("state", &agreed.state), ("iss", issuer(core)?)];
    Ok(uris::with(&agreed.redirect_uri, &parameters))
}

/// Decides a question that was asked on a page.
pub(super) async fn decide(
    core: &Core,
    request: Request<pb::DecideAuthorizationRequest>,
) -> Result<pb::DecideAuthorizationResponse, Error> {
    let (caller, trail) = (caller(&request).map_err(Error::Stack)?, trail(&request)?);
    let pb::DecideAuthorizationRequest { ticket, allow } = request.into_inner();
    let ticket = opened(core, &ticket).filter(|ticket| ticket.is_good(caller.session_id(), core.clock.now_seconds()));
    let ticket = ticket.ok_or(Error::ChallengeOver)?;
    let owner = owner(core, &caller).await?;
    let client = registered(core, &ticket).await?.ok_or(Error::ChallengeOver)?;
    let issuer = issuer(core)?;
    if !allow {
        let refused = Refused::new(Word::AccessDenied, "the owner of the account does not want it");
        let location = refused_at(issuer, &ticket.redirect_uri, &ticket.state, refused);
        return Ok(pb::DecideAuthorizationResponse { location });
    }
    let agreed = Agreed {
        client: client.id,
        redirect_uri: ticket.redirect_uri,
        scopes: Scopes::read(&ticket.scope).within(&client.scopes),
        state: ticket.state,
        nonce: ticket.nonce,
        code_challenge: ticket.code_challenge,
    };
    let location = brought(core, owner, agreed, trail, true).await?;
    Ok(pb::DecideAuthorizationResponse { location })
}

/// Opens what a question was sealed in.
fn opened(core: &Core, ticket: &str) -> Option<Ticket> {
    use base64::Engine as _;
    let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(ticket).ok()?;
    serde_json::from_slice(&core.key_encryption_key.open(TICKET, &sealed).ok()?).ok()
}

/// Finds the client of a question, as long as the address is one of its.
async fn registered(core: &Core, ticket: &Ticket) -> Result<Option<OAuthClient>, Error> {
    let Ok(id) = ticket.client.parse::<OAuthClientId>() else { return Ok(None) };
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { Ok::<_, Error>(clients::find(conn, id).await?.map(OAuthClient::try_from).transpose()?) })
    });
    Ok(found.await?.filter(|client| uris::is_registered(&ticket.redirect_uri, &client.redirect_uris)))
}
