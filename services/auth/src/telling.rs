//! The job that tells the application's hook of accounts that were made.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mainstay_db::{Atomic, Conn, Lane};
use mainstay_proto::auth::hook::v1::AfterSignUpRequest;
use mainstay_runtime::{Failure, Work};
use tokio::time::timeout;

use crate::core::Core;
use crate::deliver::pause;
use crate::domain::account::Account;
use crate::domain::session::micros;
use crate::error::Error;
use crate::handlers::told_of;
use crate::hooks::chain;
use crate::store::sign_ups::{self, SignUpRow};

/// How often it is looked whether one is due that another replica has made, or whose next try has come.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many are told of at a time.
const AT_ONCE: usize = 4;

/// How many are read from the store at a time.
const BATCH: i64 = 32;

/// How long it is tried to tell of one.
pub(crate) const LASTS: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Tells of accounts as they are made.
pub(crate) struct Tell(pub(crate) Arc<Core>);

impl Work for Tell {
    /// Nothing is written as long as nothing is due, the lease neither.
    async fn due(&mut self) {
        // What fails here fails again in the round, where it is told.
        while let Ok(false) = is_due(&self.0).await {
            let _ = timeout(INTERVAL, self.0.hooks.woken()).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        tell(&self.0).await
    }
}

async fn is_due(core: &Core) -> Result<bool, mainstay_db::Error> {
    let now = core.clock.now_micros();
    let due = core.database.read(Lane::Inline, move |conn| Box::pin(sign_ups::due(conn, now, 1)));
    Ok(!due.await?.is_empty())
}

/// Tells of what is due, once. Each says by itself when it is tried again.
pub(crate) async fn tell(core: &Core) -> Result<(), Failure> {
    loop {
        let now = core.clock.now_micros();
        let due = core.database.read(Lane::Heavy, move |conn| {
            Box::pin(async move {
                Ok::<_, mainstay_db::Error>((sign_ups::due(conn, now, BATCH).await?, sign_ups::waiting(conn).await?))
            })
        });
        let (due, waiting) = due.await?;
        core.hooks.waiting(u64::try_from(waiting).unwrap_or_default());
        if due.is_empty() {
            return Ok(());
        }
        let told: Vec<_> =
            stream::iter(due.into_iter().map(|row| one(core, row))).buffer_unordered(AT_ONCE).collect().await;
        told.into_iter().collect::<Result<(), Error>>()?;
    }
}

/// Tells of one account.
async fn one(core: &Core, row: SignUpRow) -> Result<(), Error> {
    let now = core.clock.now_micros();
    if row.create_time < now.saturating_sub(micros(LASTS)) {
        tracing::warn!(
            account = row.account_uid,
            attempts = row.attempts,
            "the hook after_sign_up was not told of an account in time"
        );
        return give_up(core, row.uid).await;
    }
    // Noted before it is read and tried, as with mails: what cannot be read is not the first one again in each round.
    if !defer(core, &row, now.saturating_add(micros(pause(row.attempts)))).await? {
        // Another replica has it.
        return Ok(());
    }
    let request = match written(core, &row).await {
        Ok(Some(request)) => request,
        // The account is gone meanwhile, and this with it.
        Ok(None) => return Ok(()),
        Err(Error::Damaged(damaged)) => {
            let cause = chain(&damaged);
            tracing::error!(
                account = row.account_uid,
                cause,
                "an account cannot be told of as it is stored; it is given up"
            );
            return give_up(core, row.uid).await;
        }
        Err(error) => return Err(error),
    };
    match core.hooks.after_sign_up(request).await {
        Ok(()) => remove(core, row.uid).await,
        Err(error) => {
            tracing::debug!(
                account = row.account_uid,
                attempts = row.attempts + 1,
                cause = chain(&error),
                "a hook is told again"
            );
            Ok(())
        }
    }
}

/// Notes that a try begins, and when the next one is. False where another replica has it.
async fn defer(core: &Core, row: &SignUpRow, next: i64) -> Result<bool, Error> {
    let row = row.clone();
    let deferred = core.database.write(Atomic::Statement, move |conn| {
        let row = row.clone();
        Box::pin(async move { Ok::<_, Error>(sign_ups::defer(conn, &row, next).await?) })
    });
    deferred.await
}

/// Writes what is told. Nothing where there is no such account.
async fn written(core: &Core, row: &SignUpRow) -> Result<Option<AfterSignUpRequest>, Error> {
    let wanted = row.clone();
    let found = core.database.read(Lane::Heavy, move |conn| {
        let wanted = wanted.clone();
        Box::pin(async move { account(conn, &wanted).await })
    });
    Ok(found.await?.map(|account| told_of(row, &account)).transpose()?)
}

async fn account(conn: &mut Conn<'_>, row: &SignUpRow) -> Result<Option<Account>, Error> {
    let damaged = crate::store::DamagedRow { table: "sign_ups", column: "account_uid" };
    let id = row.account_uid.parse().map_err(|_| damaged)?;
    let Some(found) = crate::store::accounts::find(conn, id).await? else { return Ok(None) };
    let roles = crate::store::accounts::roles(conn, &found.uid).await?;
    Ok(Some(found.into_account(roles)?))
}

async fn give_up(core: &Core, uid: String) -> Result<(), Error> {
    core.hooks.given_up();
    remove(core, uid).await
}

async fn remove(core: &Core, uid: String) -> Result<(), Error> {
    let removed = core.database.write(Atomic::Statement, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(sign_ups::remove(conn, &uid).await?) })
    });
    removed.await
}
