//! Accounts that go, with everything that refers to them.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::{
    account_roles, accounts, audit_events, challenges, factors, identities, invitations, mails, members,
    oauth_consents, oauth_grants, one_time_secrets, recovery_codes, sessions,
};

/// The tables with rows that refer to an account and do not go with it by themselves, in the order in which they are emptied.
pub const REFERRING: [&str; 3] = ["account_roles", "one_time_secrets", "sessions"];

/// Removes an account, what refers to it, and the mails that wait for its owner or lie in the mailbox. Says whether there was
/// one. Stands in a SERIALIZABLE transaction.
pub async fn remove(conn: &mut Conn<'_>, uid: &str) -> Result<bool, db::Error> {
    db::execute!(conn, diesel::delete(account_roles::table.filter(account_roles::account_uid.eq(uid))))?;
    db::execute!(conn, diesel::delete(one_time_secrets::table.filter(one_time_secrets::account_uid.eq(uid))))?;
    db::execute!(conn, diesel::delete(sessions::table.filter(sessions::account_uid.eq(uid))))?;
    db::execute!(conn, diesel::delete(mails::table.filter(mails::account_uid.eq(uid))))?;
    Ok(db::execute!(conn, diesel::delete(accounts::table.find(uid)))? > 0)
}

/// Counts the rows of a table that are an account's.
macro_rules! count {
    ($conn:expr, $table:ident . $column:ident = $value:expr) => {
        db::first!($conn, $table::table.filter($table::$column.eq($value)).count() => i64)?.unwrap_or_default()
    };
}

/// Counts what goes with an account, by what it is.
pub async fn counts(conn: &mut Conn<'_>, uid: &str) -> Result<Vec<(&'static str, i64)>, db::Error> {
    Ok(vec![
        ("sessions", count!(conn, sessions.account_uid = uid)),
        ("roles", count!(conn, account_roles.account_uid = uid)),
        ("memberships", count!(conn, members.account_uid = uid)),
        ("factors", count!(conn, factors.account_uid = uid)),
        ("recoveryCodes", count!(conn, recovery_codes.account_uid = uid)),
        ("challenges", count!(conn, challenges.account_uid = uid)),
        ("identities", count!(conn, identities.account_uid = uid)),
        ("oneTimeSecrets", count!(conn, one_time_secrets.account_uid = uid)),
        ("consents", count!(conn, oauth_consents.account_uid = uid)),
        ("grants", count!(conn, oauth_grants.account_uid = uid)),
        ("mails", count!(conn, mails.account_uid = uid)),
    ])
}

/// Counts what the audit log says of an account, and goes on to say.
pub async fn count_events(conn: &mut Conn<'_>, uid: &str) -> Result<i64, db::Error> {
    Ok(count!(conn, audit_events.account_uid = uid))
}

/// Says whether the audit log has an event with one of these actions of an account.
pub async fn has_event(conn: &mut Conn<'_>, uid: &str, actions: &[&str]) -> Result<bool, db::Error> {
    let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let events = audit_events::table.filter(audit_events::account_uid.eq(uid));
    let events = events.filter(audit_events::action.eq_any(&actions)).limit(1);
    Ok(db::first!(conn, events.select(audit_events::uid) => String)?.is_some())
}

/// Removes invitations with their secrets.
pub async fn remove_invitations(conn: &mut Conn<'_>, uids: &[String]) -> Result<(), db::Error> {
    db::execute!(conn, diesel::delete(invitations::table.filter(invitations::uid.eq_any(uids))))?;
    db::execute!(conn, diesel::delete(one_time_secrets::table.filter(one_time_secrets::uid.eq_any(uids)))).map(drop)
}

/// Gives what an account has done to others, or in organisations, no network any more.
pub async fn forget_networks_elsewhere(conn: &mut Conn<'_>, uid: &str) -> Result<usize, db::Error> {
    // In the words of the index.
    let elsewhere = diesel::dsl::sql::<diesel::sql_types::Bool>(
        "network IS NOT NULL AND actor <> '' AND actor <> 'accounts/' || account_uid",
    );
    let events = audit_events::table.filter(audit_events::actor.eq(format!("accounts/{uid}"))).filter(elsewhere);
    let forgotten = (audit_events::network.eq(None::<String>), audit_events::network_salt.eq(None::<Vec<u8>>));
    db::execute!(conn, diesel::update(events).set(forgotten))
}

/// Leaves out of the audit log where what was done to an account came from: the chain has the hash of it, which proves nothing
/// without its salt.
pub async fn forget_networks(conn: &mut Conn<'_>, uid: &str) -> Result<usize, db::Error> {
    let events = audit_events::table.filter(audit_events::account_uid.eq(uid));
    let forgotten = (audit_events::network.eq(None::<String>), audit_events::network_salt.eq(None::<Vec<u8>>));
    db::execute!(conn, diesel::update(events).set(forgotten))
}

/// Gives accounts without an address that were made before `then`, have no session and are in no organisation, the oldest first.
pub async fn abandoned(conn: &mut Conn<'_>, then: i64, limit: i64) -> Result<Vec<String>, db::Error> {
    let session = sessions::table.filter(sessions::account_uid.eq(accounts::uid));
    let old = accounts::table
        .filter(accounts::anonymous)
        .filter(accounts::create_time.lt(then))
        .filter(diesel::dsl::not(diesel::dsl::exists(session)))
        .filter(diesel::dsl::not(diesel::dsl::exists(members::table.filter(members::account_uid.eq(accounts::uid)))))
        .order(accounts::create_time)
        .limit(limit);
    db::load!(conn, old.select(accounts::uid) => String)
}

/// Gives those of a list that still have neither an address nor a session nor an organisation.
pub async fn still_abandoned(conn: &mut Conn<'_>, uids: &[String]) -> Result<Vec<String>, db::Error> {
    let session = sessions::table.filter(sessions::account_uid.eq(accounts::uid));
    let left = accounts::table
        .filter(accounts::uid.eq_any(uids))
        .filter(accounts::anonymous)
        .filter(diesel::dsl::not(diesel::dsl::exists(session)))
        .filter(diesel::dsl::not(diesel::dsl::exists(members::table.filter(members::account_uid.eq(accounts::uid)))));
    db::load!(conn, left.select(accounts::uid) => String)
}
