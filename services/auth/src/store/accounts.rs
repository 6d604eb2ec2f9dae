use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::DamagedRow;
use super::schema::{account_roles, accounts};
use crate::domain::account::{Account, AccountId, Revision};

/// The unique index that says that an address has an account.
pub const EMAIL_TAKEN: &str = "accounts_email_taken";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub struct AccountRow {
    pub uid: String,
    pub email: String,
    pub email_key: String,
    pub email_verified: bool,
    pub password_hash: String,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: i64,
}

impl AccountRow {
    /// Makes the account of its row and its roles.
    pub fn into_account(self, roles: Vec<String>) -> Result<Account, DamagedRow> {
        let id = self.uid.parse().map_err(|_| DamagedRow { table: "accounts", column: "uid" })?;
        Ok(Account {
            id,
            email: self.email,
            email_verified: self.email_verified,
            roles,
            create_time: self.create_time,
            update_time: self.update_time,
            revision: Revision(self.revision),
        })
    }
}

/// Finds an account by its id.
pub async fn find(conn: &mut Conn<'_>, id: AccountId) -> Result<Option<AccountRow>, db::Error> {
    let uid = id.to_string();
    db::first!(conn, accounts::table.find(&uid).select(AccountRow::as_select()) => AccountRow)
}

/// Finds an account by its folded address.
pub async fn find_by_email_key(conn: &mut Conn<'_>, key: &str) -> Result<Option<AccountRow>, db::Error> {
    db::first!(conn, accounts::table.filter(accounts::email_key.eq(key)).select(AccountRow::as_select()) => AccountRow)
}

/// Gives an account's roles, sorted.
pub async fn roles(conn: &mut Conn<'_>, uid: &str) -> Result<Vec<String>, db::Error> {
    db::load!(
        conn,
        account_roles::table
            .filter(account_roles::account_uid.eq(uid))
            .order(account_roles::role)
            .select(account_roles::role) => String
    )
}

/// Adds an account. Violates [`EMAIL_TAKEN`] when another one has the address.
pub async fn insert(conn: &mut Conn<'_>, row: &AccountRow, roles: &[String]) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(accounts::table).values(row))?;
    insert_roles(conn, &row.uid, roles).await
}

/// Replaces an account's roles if its revision still is `expected`. Says whether it was.
pub async fn replace_roles(
    conn: &mut Conn<'_>,
    uid: &str,
    expected: Revision,
    roles: &[String],
    now: i64,
) -> Result<bool, db::Error> {
    let changed = db::execute!(
        conn,
        diesel::update(accounts::table.find(uid).filter(accounts::revision.eq(expected.0)))
            .set((accounts::revision.eq(expected.next(now).0), accounts::update_time.eq(now)))
    )?;
    if changed == 0 {
        return Ok(false);
    }
    db::execute!(conn, diesel::delete(account_roles::table.filter(account_roles::account_uid.eq(uid))))?;
    insert_roles(conn, uid, roles).await?;
    Ok(true)
}

/// Replaces a password hash, unless it was replaced since it was read. It is not a change that the account shows: the
/// revision stays.
pub async fn replace_password_hash(conn: &mut Conn<'_>, uid: &str, old: &str, new: &str) -> Result<bool, db::Error> {
    let changed = db::execute!(
        conn,
        diesel::update(accounts::table.find(uid).filter(accounts::password_hash.eq(old)))
            .set(accounts::password_hash.eq(new))
    )?;
    Ok(changed > 0)
}

async fn insert_roles(conn: &mut Conn<'_>, uid: &str, roles: &[String]) -> Result<(), db::Error> {
    for role in roles {
        let row = (account_roles::account_uid.eq(uid), account_roles::role.eq(role));
        db::execute!(conn, diesel::insert_into(account_roles::table).values(row))?;
    }
    Ok(())
}
