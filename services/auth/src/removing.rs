//! Removes accounts, and everything that is theirs.

use mainstay_db::{Atomic, Conn, Lane};

use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::error::{Error, StartError};
use crate::store::{factors, recovery_codes, removing as store};

/// How many accounts that nobody is known behind one transaction removes, so that it does not hold up other writes.
const AT_ONCE: i64 = 50;

/// Removes an account in a transaction, and notes it: what is left of it are events of the audit log by its uid, without the
/// networks that they came from. Says whether there was one.
pub(crate) async fn remove(
    conn: &mut Conn<'_>,
    trail: &Trail,
    id: AccountId,
    action: Action,
    now: i64,
) -> Result<bool, Error> {
    let uid = id.to_string();
    if !store::remove(conn, &uid).await? {
        return Ok(false);
    }
    trail.note(conn, now, action, id, Told::default()).await?;
    store::forget_networks(conn, &uid).await?;
    Ok(true)
}

/// Removes everything that may be shown of an account beside its password or in its place, whoever has enrolled it. Says how many factors there were. Stands in a transaction with what ends the account's sessions.
pub(crate) async fn remove_factors(conn: &mut Conn<'_>, id: AccountId) -> Result<usize, Error> {
    let uid = id.to_string();
    let removed = factors::remove_all(conn, &uid).await?;
    recovery_codes::remove_all(conn, &uid).await?;
    Ok(removed)
}

/// Removes accounts without an address that are old enough and have no session any more: nobody can come back to them.
pub(crate) async fn purge_anonymous(core: &Core) -> Result<(), StartError> {
    let Some(kept) = core.anonymous_kept else { return Ok(()) };
    let now = core.clock.now_micros();
    let then = now.saturating_sub(i64::try_from(kept.as_micros()).unwrap_or(i64::MAX));
    loop {
        let old = core.database.read(Lane::Heavy, move |conn| Box::pin(store::abandoned(conn, then, AT_ONCE))).await?;
        if old.is_empty() {
            return Ok(());
        }
        let removed = core.database.write(Atomic::Transaction, move |conn| {
            let old = old.clone();
            Box::pin(async move {
                // One that was given an address meanwhile, or a session, is none of them any more.
                for uid in store::still_abandoned(conn, &old).await? {
                    let Ok(id) = uid.parse::<AccountId>() else { continue };
                    remove(conn, &Trail::of_process(), id, Action::PurgeAccount, now).await?;
                }
                Ok::<_, Error>(())
            })
        });
        removed.await.map_err(StartError::Purge)?;
    }
}
