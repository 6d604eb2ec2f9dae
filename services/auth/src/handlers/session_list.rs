//! Sessions as their owner and administrators see and end them.

use mainstay_db::Lane;
use mainstay_identity::Principal;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::ending::{SESSIONS, end, end_all, session_name_of};
use super::pages::page_size;
use super::whose::{account_id_of, require_sight};
use super::{timestamp, trail};
use crate::audit::Action;
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::organisation::organisation_name;
use crate::domain::page_token;
use crate::domain::session::Session;
use crate::error::Error;
use crate::store::{accounts, sessions};

pub(super) async fn get(core: &Core, request: Request<pb::GetSessionRequest>) -> Result<pb::Session, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (account, id) = session_name(&caller, &request.get_ref().name)?;
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { Ok::<_, Error>(sessions::find(conn, id).await?.map(Session::try_from).transpose()?) })
    });
    let is_it =
        |session: &Session| session.account == account && !session.is_over(core.clock.now_micros(), &core.timeouts);
    let session = found.await?.filter(is_it).ok_or(Error::SessionNotFound)?;
    Ok(session_to_pb(core, &caller, &session))
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListSessionsRequest>,
) -> Result<pb::ListSessionsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let account = parent(&caller, &request.parent)?;
    let size = page_size(request.page_size)?;
    let reader = format!("{} sessions of {account}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<Uuid>(&core.key_encryption_key, &reader, token, now)?.to_string(),
    };
    let mut found = read_page(core, account, after, size + 1).await?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|session| session.id);
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let sessions = found.iter().map(|session| session_to_pb(core, &caller, session)).collect();
    Ok(pb::ListSessionsResponse { sessions, next_page_token })
}

async fn read_page(core: &Core, account: AccountId, after: String, limit: usize) -> Result<Vec<Session>, Error> {
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    core.database
        .read(Lane::Heavy, move |conn| {
            let after = after.clone();
            Box::pin(async move {
                // An administrator is told of an account that does not exist.
                accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
                let uid = account.to_string();
                let rows = sessions::page(conn, (&uid, &after), now, timeouts, limit).await?;
                Ok(rows.into_iter().map(Session::try_from).collect::<Result<_, _>>()?)
            })
        })
        .await
}

pub(super) async fn revoke(core: &Core, request: Request<pb::RevokeSessionRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (account, id) = session_name(&caller, &request.get_ref().name)?;
    let by = Some((trail(&request)?, Action::RevokeSession));
    if end(core, (account, id), None, by).await? { Ok(()) } else { Err(Error::SessionNotFound) }
}

pub(super) async fn revoke_all(
    core: &Core,
    request: Request<pb::RevokeAllSessionsRequest>,
) -> Result<pb::RevokeAllSessionsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.get_ref();
    let account = parent(&caller, &request.parent)?;
    let except = if request.keep_current { Some(current(&caller, account)?) } else { None };
    let ended = end_all(core, trail, account, except).await?;
    Ok(pb::RevokeAllSessionsResponse { revoked_sessions: i32::try_from(ended).unwrap_or(i32::MAX) })
}

/// The session that the call belongs to, which has to be one of the account's.
fn current(caller: &Principal, account: AccountId) -> Result<Uuid, Error> {
    let is_own = caller.uid() == Some(account.to_string().as_str());
    let session = caller.session_id().filter(|_| is_own).and_then(|session| session.parse().ok());
    session.ok_or_else(|| {
        let problem = "can only be set for the account that the call is made with";
        Error::Violations(vec![Violation::new("keep_current", problem)])
    })
}

/// Reads the name of an account of which the caller may know.
fn parent(caller: &Principal, name: &str) -> Result<AccountId, Error> {
    let id = account_id_of(caller, ("parent", name))?;
    require_sight(caller, id, Error::AccountNotFound)?;
    Ok(id)
}

/// Reads the name of a session of which the caller may know.
fn session_name(caller: &Principal, name: &str) -> Result<(AccountId, Uuid), Error> {
    let malformed = || {
        let problem = "is not `accounts/me/sessions/` or `accounts/` with a UUID and `/sessions/`, and a UUID in lower-case \
                       hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (account, session) = name.split_once(SESSIONS).ok_or_else(malformed)?;
    let account = account_id_of(caller, ("name", account))?;
    let id = Uuid::try_parse(session).ok().filter(|id| sessions::text(*id) == session).ok_or_else(malformed)?;
    require_sight(caller, account, Error::SessionNotFound)?;
    Ok((account, id))
}

pub(super) fn session_to_pb(core: &Core, caller: &Principal, session: &Session) -> pb::Session {
    let id = sessions::text(session.id);
    pb::Session {
        name: session_name_of(session.account, session.id),
        create_time: Some(timestamp(session.create_time)),
        refresh_time: Some(timestamp(session.refresh_time)),
        expire_time: Some(timestamp(session.expires(&core.timeouts))),
        user_agent: session.client.user_agent.clone(),
        network: session.client.network.clone(),
        current: caller.session_id() == Some(id.as_str()),
        organisation: session.organisation.map(organisation_name).unwrap_or_default(),
        actor: session.acted_by.map(|by| format!("{ACCOUNTS}{}", by.account)).unwrap_or_default(),
        writes: session.acted_by.is_some_and(|by| by.writes),
    }
}
