//! What was revoked, for every replica to read in the order in which it was committed.
//!
//! PostgreSQL numbers rows when they are written, not when they are committed: a reader that has seen 5 might never look for a 4
//! that comes later. So whoever adds a row holds a lock until its transaction has ended, and takes the number under it.

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use mainstay_db::{self as db, Conn, Engine, Statement};
use mainstay_identity::{Revocation, Revoked};

use super::DamagedRow;
use super::schema::{accounts, members, revocations};
use crate::domain::organisation::OrganisationId;
use crate::domain::session::{SECOND, seconds};

/// A row as it is read.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = revocations)]
pub struct RevocationRow {
    pub sequence: i64,
    pub account_uid: String,
    pub what: String,
    pub session_uid: Option<String>,
    pub before_epoch: Option<i64>,
    pub revoke_time: i64,
    pub forget_time: i64,
    pub organisation_uid: Option<String>,
}

/// A row as it is written: the store gives it its number.
#[derive(Debug, Insertable)]
#[diesel(table_name = revocations)]
struct NewRow<'a> {
    account_uid: &'a str,
    what: &'static str,
    session_uid: Option<&'a str>,
    before_epoch: Option<i64>,
    revoke_time: i64,
    forget_time: i64,
    organisation_uid: Option<&'a str>,
}

const SESSION: &str = "session";
const SESSIONS: &str = "sessions";
const TOKENS: &str = "tokens";

/// "msrevoke" in ASCII.
static LOCK: LazyLock<Arc<Statement>> =
    LazyLock::new(|| Statement::text("SELECT pg_advisory_xact_lock(7886773152560147301)"));

/// Adds an entry, inside a transaction, of which it is the last but short thing: others wait for its end.
pub async fn add(conn: &mut Conn<'_>, revocation: &Revocation) -> Result<(), db::Error> {
    lock(conn).await?;
    let (what, session_uid, before_epoch, organisation_uid) = match &revocation.what {
        Revoked::Session(session) => (SESSION, Some(&**session), None, None),
        Revoked::Sessions { below, except } => (SESSIONS, except.as_deref(), Some(*below), None),
        Revoked::Tokens { below } => (TOKENS, None, Some(*below), None),
        Revoked::Acting { organisation, below } => (TOKENS, None, Some(*below), Some(&**organisation)),
    };
    let row = NewRow {
        account_uid: &revocation.account,
        what,
        session_uid,
        before_epoch,
        revoke_time: revocation.at.saturating_mul(SECOND),
        forget_time: revocation.forget_at.saturating_mul(SECOND),
        organisation_uid,
    };
    db::execute!(conn, diesel::insert_into(revocations::table).values(&row)).map(drop)
}

async fn lock(conn: &mut Conn<'_>) -> Result<(), db::Error> {
    if conn.engine() == Engine::Postgres {
        conn.execute(&LOCK, &[]).await?;
    }
    Ok(())
}

/// Adds an entry for each member of an organisation, of the epochs that they have now.
pub async fn add_acting(
    conn: &mut Conn<'_>,
    organisation: OrganisationId,
    (at, forget_at): (i64, i64),
) -> Result<(), db::Error> {
    lock(conn).await?;
    let organisation = organisation.to_string();
    let all = members::table.filter(members::organisation_uid.eq(&organisation)).select(members::account_uid);
    let entries = accounts::table.filter(accounts::uid.eq_any(all)).select((
        accounts::uid,
        TOKENS.into_sql::<Text>(),
        accounts::token_epoch.nullable(),
        organisation.as_str().into_sql::<Nullable<Text>>(),
        at.saturating_mul(SECOND).into_sql::<BigInt>(),
        forget_at.saturating_mul(SECOND).into_sql::<BigInt>(),
    ));
    let columns = (
        revocations::account_uid,
        revocations::what,
        revocations::before_epoch,
        revocations::organisation_uid,
        revocations::revoke_time,
        revocations::forget_time,
    );
    db::execute!(conn, entries.insert_into(revocations::table).into_columns(columns)).map(drop)
}

/// Gives the rows after the one with this number, in the order in which they were committed.
pub async fn after(conn: &mut Conn<'_>, sequence: i64, limit: i64) -> Result<Vec<RevocationRow>, db::Error> {
    let rows = revocations::table.filter(revocations::sequence.gt(sequence));
    let rows = rows.order(revocations::sequence).limit(limit);
    db::load!(conn, rows.select(RevocationRow::as_select()) => RevocationRow)
}

/// Gives the numbers of up to `limit` rows that concern no token any more.
pub async fn forgotten(conn: &mut Conn<'_>, now: i64, limit: i64) -> Result<Vec<i64>, db::Error> {
    let rows = revocations::table.filter(revocations::forget_time.le(now)).limit(limit);
    db::load!(conn, rows.select(revocations::sequence) => i64)
}

/// Removes rows.
pub async fn remove(conn: &mut Conn<'_>, sequences: &[i64]) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(revocations::table.filter(revocations::sequence.eq_any(sequences))))
}

impl TryFrom<RevocationRow> for Revocation {
    type Error = DamagedRow;

    fn try_from(row: RevocationRow) -> Result<Revocation, DamagedRow> {
        let damaged = |column| DamagedRow { table: "revocations", column };
        let below = row.before_epoch.ok_or(damaged("before_epoch"));
        let session = row.session_uid.map(Box::from);
        let what = match row.what.as_str() {
            SESSION => Revoked::Session(session.ok_or(damaged("session_uid"))?),
            SESSIONS => Revoked::Sessions { below: below?, except: session },
            TOKENS => match row.organisation_uid {
                Some(organisation) => Revoked::Acting { organisation: organisation.into(), below: below? },
                None => Revoked::Tokens { below: below? },
            },
            _ => return Err(damaged("what")),
        };
        Ok(Revocation {
            account: row.account_uid.into(),
            what,
            at: seconds(row.revoke_time),
            forget_at: seconds(row.forget_time),
        })
    }
}
