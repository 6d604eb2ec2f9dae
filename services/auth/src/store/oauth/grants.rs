//! Authorisations.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use uuid::Uuid;

use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::domain::oauth::client::OAuthClientId;
use crate::domain::oauth::grant::{Decision, Family, Grant};
use crate::domain::oauth::scope::Scopes;
use crate::domain::oauth::secrets::CodeKind;
use crate::domain::refresh_token::Hash;
use crate::domain::session::Previous;
use crate::store::DamagedRow;
use crate::store::schema::oauth_grants;

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = oauth_grants, treat_none_as_null = true)]
pub struct GrantRow {
    pub uid: String,
    pub client_uid: String,
    pub account_uid: Option<String>,
    pub session_uid: Option<String>,
    pub kind: String,
    pub decision: String,
    pub secret_hash: Vec<u8>,
    pub user_code_hash: Option<Vec<u8>>,
    pub redirect_uri: String,
    pub scopes: String,
    pub nonce: String,
    pub code_challenge: String,
    pub methods: String,
    pub authenticate_time: i64,
    pub create_time: i64,
    pub expire_time: i64,
    pub poll_time: Option<i64>,
    pub use_time: Option<i64>,
    pub family_hash: Option<Vec<u8>>,
    pub current_hash: Option<Vec<u8>>,
    pub previous_hash: Option<Vec<u8>>,
    pub sealed_successor: Option<Vec<u8>>,
    pub refresh_time: i64,
    pub end_time: i64,
}

pub async fn insert(conn: &mut Conn<'_>, grant: &Grant) -> Result<(), db::Error> {
    let row = GrantRow::from(grant);
    db::execute!(conn, diesel::insert_into(oauth_grants::table).values(&row)).map(drop)
}

pub async fn find(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<GrantRow>, db::Error> {
    let uid = text(id);
    db::first!(conn, oauth_grants::table.find(&uid).select(GrantRow::as_select()) => GrantRow)
}

/// Finds the authorisation of a device that waits for somebody to decide.
pub async fn find_waiting(conn: &mut Conn<'_>, user_code: &[u8], now: i64) -> Result<Option<GrantRow>, db::Error> {
    let rows = oauth_grants::table
        .filter(oauth_grants::user_code_hash.eq(user_code))
        .filter(oauth_grants::decision.eq(Decision::Open.word()))
        .filter(oauth_grants::expire_time.gt(now));
    db::first!(conn, rows.select(GrantRow::as_select()) => GrantRow)
}

/// Decides about a device, if nobody has. Says whether nobody had.
pub async fn decide(conn: &mut Conn<'_>, grant: &Grant) -> Result<bool, db::Error> {
    let row = GrantRow::from(grant);
    let target = oauth_grants::table.find(&row.uid).filter(oauth_grants::decision.eq(Decision::Open.word()));
    Ok(db::execute!(conn, diesel::update(target).set(&row))? > 0)
}

/// Notes that a device has asked, if it last did so before `since`. Says whether that is so.
pub async fn poll(conn: &mut Conn<'_>, id: Uuid, since: i64, now: i64) -> Result<bool, db::Error> {
    let last = oauth_grants::poll_time;
    let uid = text(id);
    let target = oauth_grants::table.find(&uid).filter(last.is_null().or(last.le(since)));
    Ok(db::execute!(conn, diesel::update(target).set(last.eq(now)))? > 0)
}

/// Uses a code: the compare-and-swap that every exchange goes through. False where it was used before.
pub async fn use_up(conn: &mut Conn<'_>, exchanged: &Grant) -> Result<bool, db::Error> {
    let row = GrantRow::from(exchanged);
    let target = oauth_grants::table.find(&row.uid).filter(oauth_grants::use_time.is_null());
    Ok(db::execute!(conn, diesel::update(target).set(&row))? > 0)
}

/// Puts `rotated` in the place of the authorisation whose newest refresh token still has the hash `expected`: the compare-and-swap
/// that every exchange of one goes through. Says whether it had.
pub async fn rotate(conn: &mut Conn<'_>, expected: Hash, rotated: &Grant) -> Result<bool, db::Error> {
    let row = GrantRow::from(rotated);
    let target = oauth_grants::table.find(&row.uid).filter(oauth_grants::current_hash.eq(&expected.0[..]));
    let changes = (
        oauth_grants::current_hash.eq(&row.current_hash),
        oauth_grants::previous_hash.eq(&row.previous_hash),
        oauth_grants::sealed_successor.eq(&row.sealed_successor),
        oauth_grants::refresh_time.eq(row.refresh_time),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changes))? > 0)
}

/// Ends an authorisation. Says whether there was one.
pub async fn remove(conn: &mut Conn<'_>, id: Uuid) -> Result<bool, db::Error> {
    let uid = text(id);
    Ok(db::execute!(conn, diesel::delete(oauth_grants::table.find(&uid)))? > 0)
}

/// Ends those of an account for a client.
pub async fn remove_of(conn: &mut Conn<'_>, account: AccountId, client: OAuthClientId) -> Result<usize, db::Error> {
    let target = oauth_grants::table
        .filter(oauth_grants::account_uid.eq(account.to_string()))
        .filter(oauth_grants::client_uid.eq(client.to_string()));
    db::execute!(conn, diesel::delete(target))
}

/// Ends those of an account, whatever session they were given in.
pub async fn remove_all(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(oauth_grants::table.filter(oauth_grants::account_uid.eq(account))))
}

/// Gives up to `limit` that are over.
pub async fn over(conn: &mut Conn<'_>, now: i64, limit: i64) -> Result<Vec<String>, db::Error> {
    let over = oauth_grants::table.filter(oauth_grants::end_time.lt(now));
    db::load!(conn, over.select(oauth_grants::uid).limit(limit) => String)
}

pub async fn sweep(conn: &mut Conn<'_>, uids: &[String]) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(oauth_grants::table.filter(oauth_grants::uid.eq_any(uids))))
}

impl From<&Grant> for GrantRow {
    fn from(grant: &Grant) -> GrantRow {
        let family = grant.family.as_ref();
        let previous = family.and_then(|family| family.previous.as_ref());
        GrantRow {
            uid: text(grant.id),
            client_uid: grant.client.to_string(),
            account_uid: grant.account.map(|account| account.to_string()),
            session_uid: grant.session.map(text),
            kind: grant.kind.word().to_owned(),
            decision: grant.decision.word().to_owned(),
            secret_hash: grant.secret_hash.clone(),
            user_code_hash: grant.user_code_hash.clone(),
            redirect_uri: grant.redirect_uri.clone(),
            scopes: grant.scopes.to_text(),
            nonce: grant.nonce.clone(),
            code_challenge: grant.code_challenge.clone(),
            methods: grant.authentication.stored(),
            authenticate_time: grant.authentication.time,
            create_time: grant.create_time,
            expire_time: grant.expire_time,
            poll_time: grant.poll_time,
            use_time: grant.use_time,
            family_hash: family.map(|family| family.family.0.to_vec()),
            current_hash: family.map(|family| family.current.0.to_vec()),
            previous_hash: previous.map(|previous| previous.hash.0.to_vec()),
            sealed_successor: previous.map(|previous| previous.sealed_successor.clone()),
            refresh_time: grant.refresh_time,
            end_time: grant.end_time,
        }
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = DamagedRow;

    fn try_from(row: GrantRow) -> Result<Grant, DamagedRow> {
        let damaged = |column| DamagedRow { table: "oauth_grants", column };
        let hash = |column, bytes: &[u8]| Hash::from_stored(bytes).ok_or(damaged(column));
        let previous = match row.previous_hash.zip(row.sealed_successor) {
            Some((bytes, sealed_successor)) => {
                Some(Previous { hash: hash("previous_hash", &bytes)?, sealed_successor })
            }
            None => None,
        };
        let family = match row.family_hash.zip(row.current_hash) {
            Some((family, current)) => Some(Family {
                family: hash("family_hash", &family)?,
                current: hash("current_hash", &current)?,
                previous,
            }),
            None => None,
        };
        let account = row.account_uid.map(|uid| uid.parse().map_err(|_| damaged("account_uid"))).transpose()?;
        let session =
            row.session_uid.map(|uid| Uuid::parse_str(&uid).map_err(|_| damaged("session_uid"))).transpose()?;
        Ok(Grant {
            id: Uuid::parse_str(&row.uid).map_err(|_| damaged("uid"))?,
            client: row.client_uid.parse().map_err(|_| damaged("client_uid"))?,
            account,
            session,
            kind: CodeKind::from_word(&row.kind).ok_or(damaged("kind"))?,
            decision: Decision::from_word(&row.decision).ok_or(damaged("decision"))?,
            secret_hash: row.secret_hash,
            user_code_hash: row.user_code_hash,
            redirect_uri: row.redirect_uri,
            scopes: Scopes::read(&row.scopes),
            nonce: row.nonce,
            code_challenge: row.code_challenge,
            authentication: Authentication::from_stored(&row.methods, row.authenticate_time)
                .ok_or(damaged("methods"))?,
            create_time: row.create_time,
            expire_time: row.expire_time,
            poll_time: row.poll_time,
            use_time: row.use_time,
            family,
            refresh_time: row.refresh_time,
            end_time: row.end_time,
        })
    }
}

fn text(id: Uuid) -> String {
    id.as_hyphenated().to_string()
}
