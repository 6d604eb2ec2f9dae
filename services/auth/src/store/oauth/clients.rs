//! Applications, as administrators have registered them.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use crate::domain::account::Revision;
use crate::domain::oauth::client::{Authentication, Former, GrantType, OAuthClient, OAuthClientId};
use crate::domain::oauth::scope::Scopes;
use crate::store::DamagedRow;
use crate::store::schema::oauth_clients;

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = oauth_clients, treat_none_as_null = true)]
pub struct ClientRow {
    pub uid: String,
    pub display_name: String,
    pub client_uri: String,
    pub redirect_uris: String,
    pub post_logout_redirect_uris: String,
    pub scopes: String,
    pub grants: String,
    pub authentication: String,
    pub jwks: String,
    pub trusted: bool,
    pub secret_hash: Option<Vec<u8>>,
    pub former_secret_hash: Option<Vec<u8>>,
    pub former_expire_time: Option<i64>,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: i64,
}

pub async fn insert(conn: &mut Conn<'_>, client: &OAuthClient) -> Result<(), db::Error> {
    let row = ClientRow::from(client);
    db::execute!(conn, diesel::insert_into(oauth_clients::table).values(&row)).map(drop)
}

pub async fn find(conn: &mut Conn<'_>, id: OAuthClientId) -> Result<Option<ClientRow>, db::Error> {
    let uid = id.to_string();
    db::first!(conn, oauth_clients::table.find(&uid).select(ClientRow::as_select()) => ClientRow)
}

/// Gives clients by their ids after `uid`: the oldest first.
pub async fn page(conn: &mut Conn<'_>, uid: &str, limit: i64) -> Result<Vec<ClientRow>, db::Error> {
    let rows = oauth_clients::table.filter(oauth_clients::uid.gt(uid)).order(oauth_clients::uid).limit(limit);
    db::load!(conn, rows.select(ClientRow::as_select()) => ClientRow)
}

pub async fn count(conn: &mut Conn<'_>) -> Result<i64, db::Error> {
    Ok(db::first!(conn, oauth_clients::table.count() => i64)?.unwrap_or_default())
}

/// Puts a client in the place of what it was when it was read. Says whether it still was that.
pub async fn replace(conn: &mut Conn<'_>, read: Revision, client: &OAuthClient) -> Result<bool, db::Error> {
    let row = ClientRow::from(client);
    let target = oauth_clients::table.find(&row.uid).filter(oauth_clients::revision.eq(read.0));
    Ok(db::execute!(conn, diesel::update(target).set(&row))? > 0)
}

/// Removes a client with what refers to it, if it is what it was when it was read. Says whether it was.
pub async fn remove(conn: &mut Conn<'_>, id: OAuthClientId, read: Revision) -> Result<bool, db::Error> {
    let target = oauth_clients::table.find(id.to_string()).filter(oauth_clients::revision.eq(read.0));
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

impl From<&OAuthClient> for ClientRow {
    fn from(client: &OAuthClient) -> ClientRow {
        let grants: Vec<&str> = client.grants.iter().map(|grant| grant.word()).collect();
        ClientRow {
            uid: client.id.to_string(),
            display_name: client.display_name.clone(),
            client_uri: client.client_uri.clone(),
            redirect_uris: client.redirect_uris.join("\n"),
            post_logout_redirect_uris: client.post_logout_redirect_uris.join("\n"),
            scopes: client.scopes.to_text(),
            grants: grants.join(" "),
            authentication: client.authentication.word().to_owned(),
            jwks: client.jwks.clone(),
            trusted: client.trusted,
            secret_hash: client.secret_hash.clone(),
            former_secret_hash: client.former.as_ref().map(|former| former.hash.clone()),
            former_expire_time: client.former.as_ref().map(|former| former.expire_time),
            create_time: client.create_time,
            update_time: client.update_time,
            revision: client.revision.0,
        }
    }
}

impl TryFrom<ClientRow> for OAuthClient {
    type Error = DamagedRow;

    fn try_from(row: ClientRow) -> Result<OAuthClient, DamagedRow> {
        let damaged = |column| DamagedRow { table: "oauth_clients", column };
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let grants = row.grants.split_whitespace().map(GrantType::from_word).collect::<Option<_>>();
        let former = row.former_secret_hash.zip(row.former_expire_time);
        Ok(OAuthClient {
            id: row.uid.parse().map_err(|_| damaged("uid"))?,
            display_name: row.display_name,
            client_uri: row.client_uri,
            redirect_uris: lines(&row.redirect_uris),
            post_logout_redirect_uris: lines(&row.post_logout_redirect_uris),
            scopes: Scopes::read(&row.scopes),
            grants: grants.ok_or(damaged("grants"))?,
            authentication: Authentication::from_word(&row.authentication).ok_or(damaged("authentication"))?,
            jwks: row.jwks,
            trusted: row.trusted,
            secret_hash: row.secret_hash,
            former: former.map(|(hash, expire_time)| Former { hash, expire_time }),
            create_time: row.create_time,
            update_time: row.update_time,
            revision: Revision(row.revision),
        })
    }
}
