use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use uuid::Uuid;

use super::DamagedRow;
use super::schema::sessions;
use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::domain::client::Client;
use crate::domain::impersonation::ActedBy;
use crate::domain::organisation::OrganisationId;
use crate::domain::refresh_token::Hash;
use crate::domain::session::{Previous, Session, Timeouts, micros};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub uid: String,
    pub account_uid: String,
    pub family_hash: Vec<u8>,
    pub current_hash: Vec<u8>,
    pub previous_hash: Option<Vec<u8>>,
    pub sealed_successor: Option<Vec<u8>>,
    pub create_time: i64,
    pub refresh_time: i64,
    pub expire_time: i64,
    pub user_agent: String,
    pub network: String,
    pub methods: String,
    pub authenticate_time: i64,
    pub organisation_uid: Option<String>,
    pub actor_uid: Option<String>,
    pub actor_session_uid: Option<String>,
    pub actor_writes: bool,
}

/// Finds a session that has not been ended. It may be over all the same.
pub async fn find(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<SessionRow>, db::Error> {
    let uid = text(id);
    db::first!(conn, sessions::table.find(&uid).select(SessionRow::as_select()) => SessionRow)
}

/// Adds a session.
pub async fn insert(conn: &mut Conn<'_>, row: &SessionRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(sessions::table).values(row)).map(drop)
}

/// Puts `rotated` in the place of the session whose current token still has the hash `expected`: the compare-and-swap that
/// every exchange of a refresh token goes through. Says whether it had.
pub async fn rotate(conn: &mut Conn<'_>, expected: Hash, rotated: &SessionRow) -> Result<bool, db::Error> {
    let target = sessions::table.find(&rotated.uid).filter(sessions::current_hash.eq(&expected.0[..]));
    let changed = db::execute!(
        conn,
        diesel::update(target).set((
            sessions::current_hash.eq(&rotated.current_hash),
            sessions::previous_hash.eq(&rotated.previous_hash),
            sessions::sealed_successor.eq(&rotated.sealed_successor),
            sessions::refresh_time.eq(rotated.refresh_time),
        ))
    )?;
    Ok(changed > 0)
}

/// Notes what was shown in an account's session, if it is what it was when it was read. Says whether it was.
pub async fn authenticate(
    conn: &mut Conn<'_>,
    (account, uid): (&str, &str),
    before: &Authentication,
    after: &Authentication,
) -> Result<bool, db::Error> {
    let target = sessions::table
        .find(uid)
        .filter(sessions::account_uid.eq(account))
        .filter(sessions::methods.eq(before.stored()));
    let shown = (sessions::methods.eq(after.stored()), sessions::authenticate_time.eq(after.time));
    Ok(db::execute!(conn, diesel::update(target).set(shown))? > 0)
}

/// Gives what was shown in the sessions of an account: their ids, the methods as they are stored, and when.
pub async fn shown(conn: &mut Conn<'_>, account: &str) -> Result<Vec<(String, String, i64)>, db::Error> {
    let rows = sessions::table.filter(sessions::account_uid.eq(account));
    let columns = (sessions::uid, sessions::methods, sessions::authenticate_time);
    db::load!(conn, rows.select(columns) => (String, String, i64))
}

/// Has a session act in an organisation, or in none. Says whether there was one.
pub async fn act_in(conn: &mut Conn<'_>, id: Uuid, organisation: Option<OrganisationId>) -> Result<bool, db::Error> {
    let acting = sessions::organisation_uid.eq(organisation.map(|organisation| organisation.to_string()));
    let uid = text(id);
    Ok(db::execute!(conn, diesel::update(sessions::table.find(&uid)).set(acting))? > 0)
}

/// Has no session of an account act in an organisation any more.
pub async fn act_no_more(
    conn: &mut Conn<'_>,
    account: AccountId,
    organisation: OrganisationId,
) -> Result<usize, db::Error> {
    let target = sessions::table
        .filter(sessions::account_uid.eq(account.to_string()))
        .filter(sessions::organisation_uid.eq(organisation.to_string()));
    db::execute!(conn, diesel::update(target).set(sessions::organisation_uid.eq(None::<String>)))
}

/// Has no session at all act in an organisation any more.
pub async fn nobody_acts_in(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<usize, db::Error> {
    let target = sessions::table.filter(sessions::organisation_uid.eq(organisation.to_string()));
    db::execute!(conn, diesel::update(target).set(sessions::organisation_uid.eq(None::<String>)))
}

/// Ends an account's session for good. Says whether there was one.
pub async fn end(conn: &mut Conn<'_>, account: &str, uid: &str) -> Result<bool, db::Error> {
    let target = sessions::table.find(uid).filter(sessions::account_uid.eq(account));
    db::execute!(conn, diesel::delete(target)).map(|ended| ended > 0)
}

/// Ends all sessions of an account, or all but one. Says how many.
pub async fn end_all(conn: &mut Conn<'_>, account: &str, except: Option<&str>) -> Result<usize, db::Error> {
    let all = sessions::table.filter(sessions::account_uid.eq(account));
    match except {
        None => db::execute!(conn, diesel::delete(all)),
        Some(except) => db::execute!(conn, diesel::delete(all.filter(sessions::uid.ne(except)))),
    }
}

/// Ends the sessions in which an account acts as another, or another as it: their tokens are not renewed. Those that are over with a
/// session of its own the store ends by itself.
pub async fn end_acted(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    let as_it = sessions::account_uid.eq(account).and(sessions::actor_uid.is_not_null());
    let acted = sessions::table.filter(sessions::actor_uid.eq(account).or(as_it));
    db::execute!(conn, diesel::delete(acted))
}

/// Gives an account's sessions that are not over at `now`, by their ids after `uid`: the oldest first.
pub async fn page(
    conn: &mut Conn<'_>,
    (account, uid): (&str, &str),
    now: i64,
    timeouts: Timeouts,
    limit: i64,
) -> Result<Vec<SessionRow>, db::Error> {
    let idle_since = now.saturating_sub(micros(timeouts.idle));
    let goes_on = sessions::expire_time.gt(now).and(sessions::refresh_time.gt(idle_since));
    let rows = sessions::table.filter(sessions::account_uid.eq(account)).filter(sessions::uid.gt(uid)).filter(goes_on);
    let rows = rows.order(sessions::uid).limit(limit);
    db::load!(conn, rows.select(SessionRow::as_select()) => SessionRow)
}

/// Ends a session for good if its current token still has the hash `current`. Says whether it had.
pub async fn end_unless_rotated(conn: &mut Conn<'_>, id: Uuid, current: Hash) -> Result<bool, db::Error> {
    let uid = text(id);
    let target = sessions::table.find(&uid).filter(sessions::current_hash.eq(&current.0[..]));
    db::execute!(conn, diesel::delete(target)).map(|ended| ended > 0)
}

/// Gives up to `limit` sessions that are over at `now` and have not been ended.
pub async fn over(conn: &mut Conn<'_>, now: i64, timeouts: Timeouts, limit: i64) -> Result<Vec<String>, db::Error> {
    let idle_since = now.saturating_sub(micros(timeouts.idle));
    let is_over = sessions::expire_time.le(now).or(sessions::refresh_time.le(idle_since));
    db::load!(conn, sessions::table.filter(is_over).select(sessions::uid).limit(limit) => String)
}

/// Ends the sessions of this list that are still over at `now`: one that was refreshed since it was listed stays.
pub async fn end_over(conn: &mut Conn<'_>, uids: &[String], now: i64, timeouts: Timeouts) -> Result<usize, db::Error> {
    let idle_since = now.saturating_sub(micros(timeouts.idle));
    let is_over = sessions::expire_time.le(now).or(sessions::refresh_time.le(idle_since));
    db::execute!(conn, diesel::delete(sessions::table.filter(sessions::uid.eq_any(uids)).filter(is_over)))
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> SessionRow {
        let previous = session.previous.as_ref();
        SessionRow {
            uid: text(session.id),
            account_uid: session.account.to_string(),
            family_hash: session.family.0.to_vec(),
            current_hash: session.current.0.to_vec(),
            previous_hash: previous.map(|previous| previous.hash.0.to_vec()),
            sealed_successor: previous.map(|previous| previous.sealed_successor.clone()),
            create_time: session.create_time,
            refresh_time: session.refresh_time,
            expire_time: session.expire_time,
            user_agent: session.client.user_agent.clone(),
            network: session.client.network.clone(),
            methods: session.authentication.stored(),
            authenticate_time: session.authentication.time,
            organisation_uid: session.organisation.map(|organisation| organisation.to_string()),
            actor_uid: session.acted_by.map(|by| by.account.to_string()),
            actor_session_uid: session.acted_by.map(|by| text(by.session)),
            actor_writes: session.acted_by.is_some_and(|by| by.writes),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = DamagedRow;

    fn try_from(row: SessionRow) -> Result<Session, DamagedRow> {
        let hash = |column, bytes: &[u8]| Hash::from_stored(bytes).ok_or(DamagedRow { table: "sessions", column });
        let previous = match (row.previous_hash, row.sealed_successor) {
            (Some(bytes), Some(sealed_successor)) => {
                Some(Previous { hash: hash("previous_hash", &bytes)?, sealed_successor })
            }
            _ => None,
        };
        Ok(Session {
            id: Uuid::parse_str(&row.uid).map_err(|_| DamagedRow { table: "sessions", column: "uid" })?,
            account: row.account_uid.parse().map_err(|_| DamagedRow { table: "sessions", column: "account_uid" })?,
            family: hash("family_hash", &row.family_hash)?,
            current: hash("current_hash", &row.current_hash)?,
            previous,
            create_time: row.create_time,
            refresh_time: row.refresh_time,
            expire_time: row.expire_time,
            authentication: Authentication::from_stored(&row.methods, row.authenticate_time)
                .ok_or(DamagedRow { table: "sessions", column: "methods" })?,
            client: Client { user_agent: row.user_agent, network: row.network },
            organisation: row
                .organisation_uid
                .map(|uid| uid.parse().map_err(|_| DamagedRow { table: "sessions", column: "organisation_uid" }))
                .transpose()?,
            acted_by: match row.actor_uid.zip(row.actor_session_uid) {
                None => None,
                Some((account, session)) => {
                    let account = account.parse().map_err(|_| DamagedRow { table: "sessions", column: "actor_uid" })?;
                    let session =
                        session.parse().map_err(|_| DamagedRow { table: "sessions", column: "actor_session_uid" })?;
                    Some(ActedBy { account, session, writes: row.actor_writes })
                }
            },
        })
    }
}

/// Writes a session's id as it is stored.
pub fn text(id: Uuid) -> String {
    id.as_hyphenated().to_string()
}
