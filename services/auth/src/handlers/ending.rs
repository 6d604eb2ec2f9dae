//! Ends sessions, has it noted, and tells it to whoever checks tokens.

use mainstay_db::Atomic;
use uuid::Uuid;

use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::refresh_token::Hash;
use crate::error::Error;
use crate::revoking::{end_session, end_sessions};
use crate::store::sessions;

/// What stands between an account and a session in a name.
pub(super) const SESSIONS: &str = "/sessions/";

/// Writes the name of a session.
pub(super) fn session_name_of(account: AccountId, id: Uuid) -> String {
    format!("{ACCOUNTS}{account}{SESSIONS}{}", sessions::text(id))
}

/// Ends a session and tells it, `by` somebody where that is noted. Says whether there was one; only if its current token still
/// has the hash `current`, where that is given.
pub(super) async fn end(
    core: &Core,
    (account, id): (AccountId, Uuid),
    current: Option<Hash>,
    by: Option<(Trail, Action)>,
) -> Result<bool, Error> {
    let (moment, now) = (core.moment(), core.clock.now_micros());
    let ended = core.database.write(Atomic::Locked, move |conn| {
        let by = by.clone();
        Box::pin(async move {
            let ended = end_session(conn, moment, account, id, current).await?;
            if let Some((trail, action)) = by.filter(|_| ended.is_some()) {
                trail.note(conn, now, action, account, Told::of(session_name_of(account, id))).await?;
            }
            Ok::<_, Error>(ended)
        })
    });
    let revocation = ended.await?;
    let there_was = revocation.is_some();
    core.tell(revocation);
    Ok(there_was)
}

/// Ends all sessions of an account, or all but one, and tells it. Says how many there were.
pub(crate) async fn end_all(
    core: &Core,
    trail: Trail,
    account: AccountId,
    except: Option<Uuid>,
) -> Result<usize, Error> {
    let (moment, now) = (core.moment(), core.clock.now_micros());
    let ended = core.database.write(Atomic::Transaction, move |conn| {
        let trail = trail.clone();
        Box::pin(async move {
            let told = match except {
                Some(kept) => Told::default().with("kept", session_name_of(account, kept)),
                None => Told::default(),
            };
            trail.note(conn, now, Action::RevokeAllSessions, account, told).await?;
            end_sessions(conn, moment, account, except).await
        })
    });
    let (ended, revocation) = ended.await?;
    core.tell([revocation]);
    Ok(ended)
}
