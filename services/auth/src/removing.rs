//! Removes accounts, and everything that is theirs.

use mainstay_db::{Atomic, Conn, Lane};

use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::email::Email;
use crate::domain::organisation::{MEMBERS, ORGANISATIONS};
use crate::error::{Error, StartError};
use crate::mail::Letter;
use crate::store::accounts::AccountRow;
use crate::store::invitations::{self, InvitationRow};
use crate::store::mails::{self, MailRow};
use crate::store::{factors, members, recovery_codes, removing as store};

/// How many accounts that nobody is known behind one transaction removes, so that it does not hold up other writes.
const AT_ONCE: i64 = 50;

/// How many mails are opened together to see where they go.
const MAILS_AT_ONCE: i64 = 100;

/// Removes an account in a transaction, and notes it: what is left of it are events of the audit log by its uid, without the
/// networks that they came from. Says whether there was one.
pub(crate) async fn remove(
    conn: &mut Conn<'_>,
    trail: &Trail,
    id: AccountId,
    (action, told): (Action, Told),
    now: i64,
) -> Result<bool, Error> {
    let uid = id.to_string();
    let left = members::organisations_of(conn, id).await?;
    if !store::remove(conn, &uid).await? {
        return Ok(false);
    }
    for organisation in left {
        // Its managers read that it has a member less.
        let left = Told::of(format!("{ORGANISATIONS}{organisation}{MEMBERS}{id}"));
        trail.note(conn, now, Action::DeleteMember, id, left).await?;
    }
    trail.note(conn, now, action, id, told).await?;
    store::forget_networks(conn, &uid).await?;
    store::forget_networks_elsewhere(conn, &uid).await?;
    Ok(true)
}

/// What was sent to an account's address and belongs to no account: it goes with the one whose address it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) invitations: Vec<String>,
    pub(crate) mails: Vec<String>,
}

/// Finds what was sent to an account's address and belongs to no account. An address that was not verified may be anybody's.
pub(crate) async fn sent_to(core: &Core, row: &AccountRow) -> Result<Sent, Error> {
    if !row.email_verified {
        return Ok(Sent::default());
    }
    let key = row.email_key.clone();
    let found = core.database.read(Lane::Heavy, move |conn| {
        let key = key.clone();
        Box::pin(async move { invitations::to_address(conn, &key).await })
    });
    let found: Result<Vec<InvitationRow>, mainstay_db::Error> = found.await;
    let mut sent = Sent { invitations: found?.into_iter().map(|row| row.uid).collect(), mails: Vec::new() };
    let mut last = String::new();
    loop {
        let behind = last.clone();
        let page = core.database.read(Lane::Heavy, move |conn| {
            let behind = behind.clone();
            Box::pin(async move { mails::of_nobody(conn, &behind, MAILS_AT_ONCE).await })
        });
        let page: Result<Vec<MailRow>, mainstay_db::Error> = page.await;
        let page = page?;
        let Some(end) = page.last() else { return Ok(sent) };
        last.clone_from(&end.uid);
        let goes_there = |mail: &&MailRow| {
            let letter = Letter::open(&core.key_encryption_key, &mail.uid, &mail.sealed_content);
            let to = letter.ok().and_then(|letter| letter.to);
            to.and_then(|to| Email::parse(&to).ok()).is_some_and(|to| to.key() == row.email_key)
        };
        sent.mails.extend(page.iter().filter(goes_there).map(|mail| mail.uid.clone()));
    }
}

/// Removes it, in the transaction that removes the account.
pub(crate) async fn remove_sent(conn: &mut Conn<'_>, sent: &Sent) -> Result<(), Error> {
    store::remove_invitations(conn, &sent.invitations).await?;
    mails::remove_all(conn, &sent.mails).await?;
    Ok(())
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
                    remove(conn, &Trail::of_process(), id, (Action::PurgeAccount, Told::default()), now).await?;
                }
                Ok::<_, Error>(())
            })
        });
        removed.await.map_err(StartError::Purge)?;
    }
}
