//! Ends what is not to go on. What is done stands in one transaction with the entry that tells it to every replica; when that
//! is committed, this process knows it at once ([`Core::tell`]), the others when they read the store next.

use std::sync::atomic::Ordering;

use mainstay_db::{Conn, Lane};
use mainstay_identity::{MAX_CLOCK_SKEW, Revocation, Revoked};
use uuid::Uuid;

use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::organisation::OrganisationId;
use crate::domain::refresh_token::Hash;
use crate::domain::service_account::{ServiceAccount, ServiceAccountId};
use crate::domain::session::SECOND;
use crate::error::Error;
use crate::store::oauth::grants;
use crate::store::{accounts, challenges, revocations, sessions};

/// How many entries are read at once.
const READ_AT_ONCE: i64 = 1_000;

/// When something is revoked, and for how long that matters.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    at: i64,
    forget_at: i64,
}

impl Moment {
    fn revoking(self, account: AccountId, what: Revoked) -> Revocation {
        let Moment { at, forget_at } = self;
        Revocation { account: account.to_string().into(), what, at, forget_at }
    }
}

impl Core {
    /// Now, as the moment of a revocation.
    pub(crate) fn moment(&self) -> Moment {
        let at = self.clock.now_seconds();
        let longest = i64::from(self.signer.lifetime_seconds()) + MAX_CLOCK_SKEW.as_secs().cast_signed();
        Moment { at, forget_at: at.saturating_add(longest) }
    }

    /// Tells what was revoked to whoever follows this process.
    pub(crate) fn tell(&self, revocation: impl IntoIterator<Item = Revocation>) {
        self.revocations.add(revocation);
    }

    /// Reads what other replicas have revoked, and what this one did before it was started anew.
    pub(crate) async fn read_revocations(&self) -> Result<(), Error> {
        loop {
            let begun = self.clock.uptime();
            let after = self.revocations_read.load(Ordering::Acquire);
            let read = self.database.read(Lane::Inline, move |conn| {
                Box::pin(async move { Ok::<_, Error>(revocations::after(conn, after, READ_AT_ONCE).await?) })
            });
            let rows = read.await?;
            let last = rows.last().map(|row| row.sequence);
            let is_all = i64::try_from(rows.len()).is_ok_and(|read| read < READ_AT_ONCE);
            let entries = rows.into_iter().map(Revocation::try_from).collect::<Result<Vec<_>, _>>()?;
            self.tell(entries);
            self.revocations_read.fetch_max(last.unwrap_or(after), Ordering::AcqRel);
            if is_all {
                self.revocations.complete(self.clock.uptime().saturating_sub(begun));
                return Ok(());
            }
        }
    }
}

/// Ends one session of an account; nothing where there is none. `current`: only if its current token still has this hash.
pub(crate) async fn end_session(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: AccountId,
    session: Uuid,
    current: Option<Hash>,
) -> Result<Option<Revocation>, Error> {
    let uid = sessions::text(session);
    let ended = match current {
        Some(current) => sessions::end_unless_rotated(conn, session, current).await?,
        None => sessions::end(conn, &account.to_string(), &uid).await?,
    };
    if !ended {
        return Ok(None);
    }
    let revocation = moment.revoking(account, Revoked::Session(uid.into()));
    revocations::add(conn, &revocation).await?;
    Ok(Some(revocation))
}

/// Ends all sessions of an account, or all but one, and says how many. Tokens that were issued for them are refused, also those
/// of a sign-in that is not stored yet. Stands in a SERIALIZABLE transaction.
pub(crate) async fn end_sessions(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: AccountId,
    except: Option<Uuid>,
) -> Result<(usize, Revocation), Error> {
    let below = next_epoch(conn, account).await?;
    let except = except.map(sessions::text);
    let uid = account.to_string();
    let ended = sessions::end_all(conn, &uid, except.as_deref()).await?;
    // What other applications may do also when nobody is there was agreed to by whoever had the account then.
    grants::remove_all(conn, &uid).await?;
    // A sign-in that waits for a factor would begin another.
    challenges::use_up_all(conn, &uid, moment.at.saturating_mul(SECOND)).await?;
    let what = Revoked::Sessions { below, except: except.map(Box::from) };
    let revocation = moment.revoking(account, what);
    revocations::add(conn, &revocation).await?;
    Ok((ended, revocation))
}

/// Has an account's tokens refreshed: they say what is not so any more. Stands in a transaction with what makes it so.
pub(crate) async fn outdate_tokens(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: AccountId,
) -> Result<Revocation, Error> {
    let below = next_epoch(conn, account).await?;
    let revocation = moment.revoking(account, Revoked::Tokens { below });
    revocations::add(conn, &revocation).await?;
    Ok(revocation)
}

/// Has those of an account's tokens refreshed that act in an organisation: its others say what is so.
pub(crate) async fn outdate_acting(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: AccountId,
    organisation: OrganisationId,
) -> Result<Revocation, Error> {
    let below = next_epoch(conn, account).await?;
    let what = Revoked::Acting { organisation: organisation.to_string().into(), below };
    let revocation = moment.revoking(account, what);
    revocations::add(conn, &revocation).await?;
    Ok(revocation)
}

/// The same for all members of an organisation at once. It is for whoever does so to read it from the store.
pub(crate) async fn outdate_all_acting(
    conn: &mut Conn<'_>,
    moment: Moment,
    organisation: OrganisationId,
) -> Result<(), Error> {
    accounts::begin_epochs(conn, organisation).await?;
    Ok(revocations::add_acting(conn, organisation, (moment.at, moment.forget_at)).await?)
}

/// Ends a key of a service account: the session of the tokens that it was exchanged for.
pub(crate) async fn end_key(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: ServiceAccountId,
    key: &str,
) -> Result<Revocation, Error> {
    of_service_account(conn, moment, account, Revoked::Session(key.into())).await
}

/// Ends all keys of a service account.
pub(crate) async fn end_service_account(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: &ServiceAccount,
) -> Result<Revocation, Error> {
    let what = Revoked::Sessions { below: account.token_epoch + 1, except: None };
    of_service_account(conn, moment, account.id, what).await
}

/// Has the tokens of a service account fetched anew that are of an epoch before its own.
pub(crate) async fn outdate_service_account(
    conn: &mut Conn<'_>,
    moment: Moment,
    account: &ServiceAccount,
) -> Result<Revocation, Error> {
    of_service_account(conn, moment, account.id, Revoked::Tokens { below: account.token_epoch }).await
}

async fn of_service_account(
    conn: &mut Conn<'_>,
    Moment { at, forget_at }: Moment,
    account: ServiceAccountId,
    what: Revoked,
) -> Result<Revocation, Error> {
    let revocation = Revocation { account: account.subject().into(), what, at, forget_at };
    revocations::add(conn, &revocation).await?;
    Ok(revocation)
}

async fn next_epoch(conn: &mut Conn<'_>, account: AccountId) -> Result<i64, Error> {
    accounts::begin_epoch(conn, &account.to_string()).await?.ok_or(Error::AccountNotFound)
}
