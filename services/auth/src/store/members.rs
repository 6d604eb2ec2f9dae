//! Who is a member of which organisation, and with which roles.

use std::collections::HashMap;

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use mainstay_identity::roles::OWNER;

use super::DamagedRow;
use super::schema::{accounts, member_roles, members};
use crate::domain::account::{AccountId, Revision};
use crate::domain::organisation::{Member, OrganisationId};

/// The key that says that an account is a member once.
pub const IS_MEMBER: &str = "members_pkey";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = members)]
struct MemberRow {
    organisation_uid: String,
    account_uid: String,
    create_time: i64,
    update_time: i64,
    revision: i64,
}

/// Adds a membership. Violates [`IS_MEMBER`] where there is one.
pub async fn insert(conn: &mut Conn<'_>, member: &Member) -> Result<(), db::Error> {
    let row = MemberRow {
        organisation_uid: member.organisation.to_string(),
        account_uid: member.account.to_string(),
        create_time: member.create_time,
        update_time: member.update_time,
        revision: member.revision.0,
    };
    db::execute!(conn, diesel::insert_into(members::table).values(&row))?;
    insert_roles(conn, (&row.organisation_uid, &row.account_uid), &member.roles).await
}

/// Finds a membership with its roles.
pub async fn find(
    conn: &mut Conn<'_>,
    organisation: OrganisationId,
    account: AccountId,
) -> Result<Option<Member>, db::Error> {
    let key = (organisation.to_string(), account.to_string());
    let row = db::first!(conn, members::table.find((&key.0, &key.1)).select(MemberRow::as_select()) => MemberRow)?;
    let Some(row) = row else { return Ok(None) };
    let roles = roles(conn, (&key.0, &key.1)).await?;
    Ok(Some(member((organisation, account), &row, roles)))
}

/// Gives an account's roles in an organisation, sorted; none where it is no member, and where it has none.
async fn roles(conn: &mut Conn<'_>, (organisation, account): (&str, &str)) -> Result<Vec<String>, db::Error> {
    let held = member_roles::table
        .filter(member_roles::organisation_uid.eq(organisation))
        .filter(member_roles::account_uid.eq(account))
        .order(member_roles::role);
    db::load!(conn, held.select(member_roles::role) => String)
}

/// A page of members with the addresses of their accounts, or why it cannot be read.
pub type Page = Result<Vec<(Member, String)>, PageError>;

/// Says why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error(transparent)]
    Storage(#[from] db::Error),
    #[error(transparent)]
    Damaged(#[from] DamagedRow),
}

/// Gives an organisation's members by their accounts' ids after `uid`, with their addresses.
pub async fn page(conn: &mut Conn<'_>, organisation: OrganisationId, uid: &str, limit: i64) -> Page {
    let key = organisation.to_string();
    let rows = members::table.filter(members::organisation_uid.eq(&key)).filter(members::account_uid.gt(uid));
    let rows = rows.order(members::account_uid).limit(limit);
    let rows = db::load!(conn, rows.select(MemberRow::as_select()) => MemberRow)?;
    let uids: Vec<String> = rows.iter().map(|row| row.account_uid.clone()).collect();
    let held = member_roles::table
        .filter(member_roles::organisation_uid.eq(&key))
        .filter(member_roles::account_uid.eq_any(&uids))
        .order((member_roles::account_uid, member_roles::role))
        .select((member_roles::account_uid, member_roles::role));
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for (uid, role) in db::load!(conn, held => (String, String))? {
        roles.entry(uid).or_default().push(role);
    }
    let known = accounts::table.filter(accounts::uid.eq_any(&uids)).select((accounts::uid, accounts::email));
    let mut emails: HashMap<String, String> = db::load!(conn, known => (String, String))?.into_iter().collect();
    let complete = |row: MemberRow| {
        let account = row.account_uid.parse().map_err(|_| DamagedRow { table: "members", column: "account_uid" })?;
        let roles = roles.remove(&row.account_uid).unwrap_or_default();
        let email = emails.remove(&row.account_uid).unwrap_or_default();
        Ok((member((organisation, account), &row, roles), email))
    };
    rows.into_iter().map(complete).collect()
}

fn member((organisation, account): (OrganisationId, AccountId), row: &MemberRow, roles: Vec<String>) -> Member {
    let (create_time, update_time, revision) = (row.create_time, row.update_time, Revision(row.revision));
    Member { organisation, account, roles, create_time, update_time, revision }
}

/// Counts the owners of an organisation.
pub async fn count_owners(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<i64, db::Error> {
    let owners = member_roles::table
        .filter(member_roles::role.eq(OWNER))
        .filter(member_roles::organisation_uid.eq(organisation.to_string()));
    Ok(db::first!(conn, owners.count() => i64)?.unwrap_or_default())
}

/// Counts the organisations that an account owns.
pub async fn count_owned(conn: &mut Conn<'_>, account: AccountId) -> Result<i64, db::Error> {
    let owned = member_roles::table
        .filter(member_roles::account_uid.eq(account.to_string()))
        .filter(member_roles::role.eq(OWNER));
    Ok(db::first!(conn, owned.count() => i64)?.unwrap_or_default())
}

/// Says whether an account owns an organisation that nobody else owns.
pub async fn owns_alone(conn: &mut Conn<'_>, account: AccountId) -> Result<bool, db::Error> {
    let (own, other) = diesel::alias!(member_roles as own, member_roles as other);
    let others = other
        .filter(other.field(member_roles::organisation_uid).eq(own.field(member_roles::organisation_uid)))
        .filter(other.field(member_roles::role).eq(OWNER))
        .filter(other.field(member_roles::account_uid).ne(account.to_string()));
    let alone = own
        .filter(own.field(member_roles::account_uid).eq(account.to_string()))
        .filter(own.field(member_roles::role).eq(OWNER))
        .filter(diesel::dsl::not(diesel::dsl::exists(others)));
    Ok(db::first!(conn, alone.count() => i64)?.unwrap_or_default() > 0)
}

/// Replaces a member's roles if the membership's revision still is what it was when it was read. Says whether it was.
pub async fn replace_roles(conn: &mut Conn<'_>, read: &Member, wanted: &[String], now: i64) -> Result<bool, db::Error> {
    let key = (read.organisation.to_string(), read.account.to_string());
    let target = members::table.find((&key.0, &key.1)).filter(members::revision.eq(read.revision.0));
    let changes = (members::revision.eq(read.revision.next(now).0), members::update_time.eq(now));
    if db::execute!(conn, diesel::update(target).set(changes))? == 0 {
        return Ok(false);
    }
    let held = member_roles::table
        .filter(member_roles::organisation_uid.eq(&key.0))
        .filter(member_roles::account_uid.eq(&key.1));
    db::execute!(conn, diesel::delete(held))?;
    insert_roles(conn, (&key.0, &key.1), wanted).await?;
    Ok(true)
}

/// Ends a membership if its revision still is what it was when it was read. Says whether it was.
pub async fn remove(conn: &mut Conn<'_>, read: &Member) -> Result<bool, db::Error> {
    let key = (read.organisation.to_string(), read.account.to_string());
    let target = members::table.find((key.0, key.1)).filter(members::revision.eq(read.revision.0));
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

/// Gives the organisations that an account is a member of.
pub async fn organisations_of(conn: &mut Conn<'_>, account: AccountId) -> Result<Vec<String>, db::Error> {
    let own = members::table.filter(members::account_uid.eq(account.to_string()));
    db::load!(conn, own.order(members::organisation_uid).select(members::organisation_uid) => String)
}

/// Ends all memberships of an organisation.
pub async fn remove_all(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<usize, db::Error> {
    let all = members::table.filter(members::organisation_uid.eq(organisation.to_string()));
    db::execute!(conn, diesel::delete(all))
}

async fn insert_roles(
    conn: &mut Conn<'_>,
    (organisation, account): (&str, &str),
    roles: &[String],
) -> Result<(), db::Error> {
    for role in roles {
        let row = (
            member_roles::organisation_uid.eq(organisation),
            member_roles::account_uid.eq(account),
            member_roles::role.eq(role),
        );
        db::execute!(conn, diesel::insert_into(member_roles::table).values(row))?;
    }
    Ok(())
}
