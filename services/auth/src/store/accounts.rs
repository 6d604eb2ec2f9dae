use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use mainstay_db::{self as db, Conn, Rows, Statement};
use mainstay_record::{Kind, Value};

use super::DamagedRow;
use super::schema::{account_roles, accounts, members};
use crate::domain::account::{Account, AccountId, Revision};
use crate::domain::claims::Claims;
use crate::domain::email::{Claimed, FORMER};
use crate::domain::organisation::OrganisationId;
use crate::domain::profile;
use crate::domain::user_name::UserName;

/// The unique index that says that an address has an account.
pub const EMAIL_TAKEN: &str = "accounts_email_taken";

/// The unique indexes that say that a user name, or one that looks like it, has an account.
pub const USER_NAME_TAKEN: [&str; 2] = ["accounts_user_name_taken", "accounts_user_name_look_taken"];

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
    pub token_epoch: i64,
    pub disable_time: Option<i64>,
    pub pending_email: Option<String>,
    pub pending_email_key: Option<String>,
    pub pending_email_proved: bool,
    pub pending_email_approved: bool,
    pub locale: String,
    pub user_name: Option<String>,
    pub user_name_look: Option<String>,
    pub display_name: String,
    pub display_name_key: String,
    pub picture_uri: String,
    pub claims: String,
    pub anonymous: bool,
}

impl AccountRow {
    /// Gives the account's id.
    pub fn id(&self) -> Result<AccountId, DamagedRow> {
        self.uid.parse().map_err(|_| DamagedRow { table: "accounts", column: "uid" })
    }

    /// The canonical form of its address, also where the account is still found by a former one.
    pub fn identity(&self) -> String {
        match Claimed::read(&self.email, self.email_key.starts_with(FORMER)) {
            Ok(claimed) => claimed.identity().to_owned(),
            Err(_) => self.email_key.clone(),
        }
    }

    /// Makes the account of its row and its roles.
    pub fn into_account(self, roles: Vec<String>) -> Result<Account, DamagedRow> {
        let id = self.id()?;
        let damaged = |column| DamagedRow { table: "accounts", column };
        let user_name = self.user_name.as_deref().map(UserName::claimed).transpose();
        Ok(Account {
            id,
            email: self.email,
            email_verified: self.email_verified,
            pending_email: self.pending_email,
            locale: self.locale,
            user_name: user_name.map_err(|_| damaged("user_name"))?,
            display_name: self.display_name,
            is_anonymous: self.anonymous,
            picture_uri: self.picture_uri,
            claims: Claims::from_stored(&self.claims).ok_or(damaged("claims"))?,
            roles,
            create_time: self.create_time,
            update_time: self.update_time,
            revision: Revision(self.revision),
            disable_time: self.disable_time,
            token_epoch: self.token_epoch,
        })
    }
}

/// Finds an account by its id.
pub async fn find(conn: &mut Conn<'_>, id: AccountId) -> Result<Option<AccountRow>, db::Error> {
    let uid = id.to_string();
    db::first!(conn, accounts::table.find(&uid).select(AccountRow::as_select()) => AccountRow)
}

/// Finds the account that has an address.
pub async fn find_by_email(conn: &mut Conn<'_>, email: &Claimed) -> Result<Option<AccountRow>, db::Error> {
    for key in email.keys() {
        if let Some(row) = find_by_email_key(conn, key).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Finds an account by the key of its address.
pub async fn find_by_email_key(conn: &mut Conn<'_>, key: &str) -> Result<Option<AccountRow>, db::Error> {
    db::first!(conn, accounts::table.filter(accounts::email_key.eq(key)).select(AccountRow::as_select()) => AccountRow)
}

/// Finds the account that has a user name.
pub async fn find_by_user_name(conn: &mut Conn<'_>, name: &UserName) -> Result<Option<AccountRow>, db::Error> {
    let named = accounts::table.filter(accounts::user_name.eq(name.as_str()));
    db::first!(conn, named.select(AccountRow::as_select()) => AccountRow)
}

/// Gives an account that has none an address and a password, if it is as it was read. Says whether it was. Violates
/// [`EMAIL_TAKEN`] when another one has the address.
pub async fn upgrade(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    (email, key): (&str, &str),
    hash: &str,
    now: i64,
) -> Result<bool, db::Error> {
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let upgraded = (
        accounts::email.eq(email),
        accounts::email_key.eq(key),
        accounts::email_verified.eq(false),
        accounts::anonymous.eq(false),
        accounts::password_hash.eq(hash),
        accounts::pending_email.eq(None::<String>),
        accounts::pending_email_key.eq(None::<String>),
        accounts::revision.eq(Revision(row.revision).next(now).0),
        accounts::update_time.eq(now),
    );
    let target = target.filter(accounts::email.eq(""));
    Ok(db::execute!(conn, diesel::update(target).set(upgraded))? > 0)
}

/// Notes that somebody is known behind an account, if it is as it was read. Says whether it was.
pub async fn known(conn: &mut Conn<'_>, row: &AccountRow, now: i64) -> Result<bool, db::Error> {
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let revision = Revision(row.revision).next(now).0;
    let known = (accounts::anonymous.eq(false), accounts::revision.eq(revision), accounts::update_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target).set(known))? > 0)
}

/// Replaces what tokens say of an account by the word of others, if it is as it was read. Says whether it was.
pub async fn replace_claims(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    claims: &Claims,
    now: i64,
) -> Result<bool, db::Error> {
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let revision = Revision(row.revision).next(now).0;
    let said =
        (accounts::claims.eq(claims.to_stored()), accounts::revision.eq(revision), accounts::update_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target).set(said))? > 0)
}

/// Replaces what an account's owner shows and what its tokens say, if its revision still is `expected`. Says whether it was.
/// Violates one of [`USER_NAME_TAKEN`] where another account has the name, or one that looks like it.
pub async fn replace_profile(
    conn: &mut Conn<'_>,
    account: &Account,
    expected: Revision,
    now: i64,
) -> Result<bool, db::Error> {
    let uid = account.id.to_string();
    let target = accounts::table.find(&uid).filter(accounts::revision.eq(expected.0));
    let profile = (
        accounts::user_name.eq(account.user_name.as_ref().map(UserName::as_str)),
        accounts::user_name_look.eq(account.user_name.as_ref().map(UserName::look)),
        accounts::display_name.eq(&account.display_name),
        accounts::display_name_key.eq(profile::display_name_key(&account.display_name)),
        accounts::picture_uri.eq(&account.picture_uri),
        accounts::locale.eq(&account.locale),
        accounts::claims.eq(account.claims.to_stored()),
        accounts::revision.eq(expected.next(now).0),
        accounts::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(profile))? > 0)
}

/// An account that is found by the former form of its address.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct FormerRow {
    pub uid: String,
    pub email: String,
    pub email_key: String,
}

/// All keys of the former form lie between these two.
fn former_keys() -> (&'static str, String) {
    let next = FORMER.trim_end().to_owned() + "!";
    (FORMER, next)
}

/// Says whether any account is still found by the former form of its address.
pub async fn any_former(conn: &mut Conn<'_>) -> Result<bool, db::Error> {
    let (first, end) = former_keys();
    let keys = accounts::table.filter(accounts::email_key.ge(first)).filter(accounts::email_key.lt(end));
    Ok(db::first!(conn, keys.select(accounts::uid).limit(1) => String)?.is_some())
}

/// Gives accounts that are found by the former form of their address, by their ids after `uid`: the oldest first.
pub async fn former(conn: &mut Conn<'_>, uid: &str, limit: i64) -> Result<Vec<FormerRow>, db::Error> {
    let (first, end) = former_keys();
    let keys = accounts::table.filter(accounts::email_key.ge(first)).filter(accounts::email_key.lt(end));
    let rows = keys.filter(accounts::uid.gt(uid)).order(accounts::uid).limit(limit);
    db::load!(conn, rows.select(FormerRow::as_select()) => FormerRow)
}

/// Replaces the key of an account's address, unless it was replaced since it was read.
pub async fn replace_email_key(conn: &mut Conn<'_>, uid: &str, old: &str, new: &str) -> Result<bool, db::Error> {
    let target = accounts::table.find(uid).filter(accounts::email_key.eq(old));
    Ok(db::execute!(conn, diesel::update(target).set(accounts::email_key.eq(new)))? > 0)
}

/// Gives the hash of an account's password that another system made, where there is one left.
pub async fn any_foreign_hash(conn: &mut Conn<'_>) -> Result<Option<String>, db::Error> {
    let mut found = Rows::of(&[Kind::Text]);
    conn.fetch(&FOREIGN_HASH, &[], &mut found).await?;
    let first = found.rows.into_iter().flatten().next();
    Ok(first.and_then(|value| if let Value::Text(hash) = value { Some(hash) } else { None }))
}

/// The condition is written as that of the index.
static FOREIGN_HASH: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    Statement::text(
        "SELECT password_hash FROM accounts WHERE password_hash NOT LIKE '$argon2%' ORDER BY uid DESC LIMIT 1",
    )
});

/// Gives accounts by their ids, in no order.
pub async fn of_uids(conn: &mut Conn<'_>, uids: &[String]) -> Result<Vec<AccountRow>, db::Error> {
    let rows = accounts::table.filter(accounts::uid.eq_any(uids));
    db::load!(conn, rows.select(AccountRow::as_select()) => AccountRow)
}

/// Gives the roles of several accounts, by account, each sorted.
pub async fn roles_of(conn: &mut Conn<'_>, uids: &[String]) -> Result<Vec<(String, String)>, db::Error> {
    let rows = account_roles::table.filter(account_roles::account_uid.eq_any(uids));
    let rows = rows.order((account_roles::account_uid, account_roles::role));
    db::load!(conn, rows.select((account_roles::account_uid, account_roles::role)) => (String, String))
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
pub async fn insert_new(conn: &mut Conn<'_>, row: &AccountRow, roles: &[String]) -> Result<(), db::Error> {
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

/// Begins another epoch of an account's tokens and gives it; nothing where there is no such account.
pub async fn begin_epoch(conn: &mut Conn<'_>, uid: &str) -> Result<Option<i64>, db::Error> {
    let next = accounts::token_epoch.eq(accounts::token_epoch + 1);
    db::execute!(conn, diesel::update(accounts::table.find(uid)).set(next))?;
    db::first!(conn, accounts::table.find(uid).select(accounts::token_epoch) => i64)
}

/// Begins another epoch of the tokens of all members of an organisation.
pub async fn begin_epochs(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<(), db::Error> {
    let all = members::table.filter(members::organisation_uid.eq(organisation.to_string()));
    let target = accounts::table.filter(accounts::uid.eq_any(all.select(members::account_uid)));
    let next = accounts::token_epoch.eq(accounts::token_epoch + 1);
    db::execute!(conn, diesel::update(target).set(next)).map(drop)
}

/// Disables an account since a time, or enables it, if its revision still is `expected`. Says whether it was.
pub async fn replace_disable_time(
    conn: &mut Conn<'_>,
    uid: &str,
    expected: Revision,
    disable_time: Option<i64>,
    now: i64,
) -> Result<bool, db::Error> {
    let target = accounts::table.find(uid).filter(accounts::revision.eq(expected.0));
    let changes = (
        accounts::disable_time.eq(disable_time),
        accounts::revision.eq(expected.next(now).0),
        accounts::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changes))? > 0)
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

/// Replaces an account's password by one whose owner has shown that the address is theirs, if the account is as it was read.
/// Says whether it was. Where that had not been shown before, somebody else may have made the account: what they have shown of
/// themselves goes, too.
pub async fn reset_password(conn: &mut Conn<'_>, row: &AccountRow, hash: &str, now: i64) -> Result<bool, db::Error> {
    let revision = Revision(row.revision).next(now).0;
    let target = accounts::table.find(&row.uid).filter(accounts::revision.eq(row.revision));
    let reset = (
        accounts::password_hash.eq(hash),
        accounts::email_verified.eq(true),
        accounts::revision.eq(revision),
        accounts::update_time.eq(now),
    );
    if !row.email_verified {
        let strangers = (
            accounts::user_name.eq(None::<String>),
            accounts::user_name_look.eq(None::<String>),
            accounts::display_name.eq(""),
            accounts::display_name_key.eq(""),
            accounts::picture_uri.eq(""),
        );
        return Ok(db::execute!(conn, diesel::update(target).set((reset, strangers)))? > 0);
    }
    Ok(db::execute!(conn, diesel::update(target).set(reset))? > 0)
}

async fn insert_roles(conn: &mut Conn<'_>, uid: &str, roles: &[String]) -> Result<(), db::Error> {
    for role in roles {
        let row = (account_roles::account_uid.eq(uid), account_roles::role.eq(role));
        db::execute!(conn, diesel::insert_into(account_roles::table).values(row))?;
    }
    Ok(())
}
