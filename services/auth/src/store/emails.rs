//! Changes of the address that an account has.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::accounts::AccountRow;
use super::schema::accounts;
use crate::domain::account::Revision;

/// What has become of the change to another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The new address was proved.
    pub proved: bool,
    /// The old address agreed, or does not have to.
    pub approved: bool,
}

/// Notes that the owner has shown that the address is theirs, if the account is as it was read. Says whether it was.
pub async fn verify(conn: &mut Conn<'_>, row: &AccountRow, now: i64) -> Result<bool, db::Error> {
    let revision = Revision(row.revision).next(now).0;
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let verified = (accounts::email_verified.eq(true), accounts::revision.eq(revision), accounts::update_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target).set(verified))? > 0)
}

/// Notes the address that the account shall have, in the place of one that was noted before, if the account is as it was
/// read. Says whether it was.
pub async fn propose(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    (email, key): (&str, &str),
    consent: Consent,
    now: i64,
) -> Result<bool, db::Error> {
    let revision = Revision(row.revision).next(now).0;
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let proposed = (
        accounts::pending_email.eq(email),
        accounts::pending_email_key.eq(key),
        accounts::pending_email_proved.eq(consent.proved),
        accounts::pending_email_approved.eq(consent.approved),
        accounts::revision.eq(revision),
        accounts::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(proposed))? > 0)
}

/// Notes who has agreed to the change, if the account is as it was read. Says whether it was.
pub async fn consent(conn: &mut Conn<'_>, row: &AccountRow, consent: Consent) -> Result<bool, db::Error> {
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let given =
        (accounts::pending_email_proved.eq(consent.proved), accounts::pending_email_approved.eq(consent.approved));
    Ok(db::execute!(conn, diesel::update(target).set(given))? > 0)
}

/// Gives the account the address that it shall have, verified, if the account is as it was read. Says whether it was. Violates
/// [`EMAIL_TAKEN`](super::accounts::EMAIL_TAKEN) when another one has the address by now.
pub async fn change(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    (email, key): (&str, &str),
    now: i64,
) -> Result<bool, db::Error> {
    let revision = Revision(row.revision).next(now).0;
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let changed = (
        accounts::email.eq(email),
        accounts::email_key.eq(key),
        accounts::email_verified.eq(true),
        accounts::anonymous.eq(false),
        accounts::pending_email.eq(None::<String>),
        accounts::pending_email_key.eq(None::<String>),
        accounts::pending_email_proved.eq(false),
        accounts::pending_email_approved.eq(false),
        accounts::revision.eq(revision),
        accounts::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changed))? > 0)
}
