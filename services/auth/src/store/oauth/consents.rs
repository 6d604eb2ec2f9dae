//! What owners of accounts have agreed to.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use crate::domain::account::AccountId;
use crate::domain::oauth::client::OAuthClientId;
use crate::domain::oauth::scope::Scopes;
use crate::store::schema::{oauth_clients, oauth_consents};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = oauth_consents)]
pub struct ConsentRow {
    pub account_uid: String,
    pub client_uid: String,
    pub scopes: String,
    pub create_time: i64,
    pub update_time: i64,
}

/// Gives what an account's owner has agreed to for a client; nothing where that is nothing.
pub async fn find(conn: &mut Conn<'_>, account: AccountId, client: OAuthClientId) -> Result<Scopes, db::Error> {
    let row = oauth_consents::table.find((account.to_string(), client.to_string())).select(oauth_consents::scopes);
    Ok(db::first!(conn, row => String)?.map(|scopes| Scopes::read(&scopes)).unwrap_or_default())
}

/// Remembers what an account's owner agrees to, beside what they have agreed to before. Stands in a SERIALIZABLE transaction.
pub async fn add(
    conn: &mut Conn<'_>,
    account: AccountId,
    client: OAuthClientId,
    scopes: &Scopes,
    now: i64,
) -> Result<(), db::Error> {
    let (account_uid, client_uid) = (account.to_string(), client.to_string());
    let before = find(conn, account, client).await?;
    if before.is_empty() {
        let row = ConsentRow { account_uid, client_uid, scopes: scopes.to_text(), create_time: now, update_time: now };
        return db::execute!(conn, diesel::insert_into(oauth_consents::table).values(&row)).map(drop);
    }
    if before.cover(scopes) {
        return Ok(());
    }
    let target = oauth_consents::table.find((&account_uid, &client_uid));
    let changes = (oauth_consents::scopes.eq(before.and(scopes).to_text()), oauth_consents::update_time.eq(now));
    db::execute!(conn, diesel::update(target).set(changes)).map(drop)
}

/// Forgets it. Says whether there was any.
pub async fn remove(conn: &mut Conn<'_>, account: AccountId, client: OAuthClientId) -> Result<bool, db::Error> {
    let target = oauth_consents::table.find((account.to_string(), client.to_string()));
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

/// Gives what an account's owner has agreed to, by the clients' ids after `uid`, each with what the client is called and its
/// address.
pub async fn page(
    conn: &mut Conn<'_>,
    account: AccountId,
    uid: &str,
    limit: i64,
) -> Result<Vec<(ConsentRow, String, String)>, db::Error> {
    let rows = oauth_consents::table
        .inner_join(oauth_clients::table)
        .filter(oauth_consents::account_uid.eq(account.to_string()))
        .filter(oauth_consents::client_uid.gt(uid))
        .order(oauth_consents::client_uid)
        .limit(limit);
    db::load!(
        conn,
        rows.select((ConsentRow::as_select(), oauth_clients::display_name, oauth_clients::client_uri))
            => (ConsentRow, String, String)
    )
}
