//! Organisations.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::DamagedRow;
use super::schema::{members, organisations};
use crate::domain::account::{AccountId, Revision};
use crate::domain::organisation::{Organisation, OrganisationId};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = organisations)]
pub struct OrganisationRow {
    pub uid: String,
    pub display_name: String,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: i64,
    pub disable_time: Option<i64>,
}

/// Adds an organisation.
pub async fn insert(conn: &mut Conn<'_>, row: &OrganisationRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(organisations::table).values(row)).map(drop)
}

/// Finds an organisation by its id.
pub async fn find(conn: &mut Conn<'_>, id: OrganisationId) -> Result<Option<OrganisationRow>, db::Error> {
    let uid = id.to_string();
    db::first!(conn, organisations::table.find(&uid).select(OrganisationRow::as_select()) => OrganisationRow)
}

/// Gives organisations by their ids after `uid`, the oldest first: of a member, or all.
pub async fn page(
    conn: &mut Conn<'_>,
    member: Option<AccountId>,
    uid: &str,
    limit: i64,
) -> Result<Vec<OrganisationRow>, db::Error> {
    let rows = organisations::table.filter(organisations::uid.gt(uid)).order(organisations::uid).limit(limit);
    let Some(member) = member else {
        return db::load!(conn, rows.select(OrganisationRow::as_select()) => OrganisationRow);
    };
    let own =
        members::table.filter(members::account_uid.eq(member.to_string())).filter(members::organisation_uid.gt(uid));
    let own = own.order(members::organisation_uid).limit(limit).select(members::organisation_uid);
    let own = db::load!(conn, own => String)?;
    db::load!(conn, rows.filter(organisations::uid.eq_any(own)).select(OrganisationRow::as_select()) => OrganisationRow)
}

/// Replaces what an organisation is called if its revision still is `expected`. Says whether it was.
pub async fn rename(
    conn: &mut Conn<'_>,
    id: OrganisationId,
    expected: Revision,
    display_name: &str,
    now: i64,
) -> Result<bool, db::Error> {
    let target = organisations::table.find(id.to_string()).filter(organisations::revision.eq(expected.0));
    let changes = (
        organisations::display_name.eq(display_name),
        organisations::revision.eq(expected.next(now).0),
        organisations::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changes))? > 0)
}

/// Says since when nobody acts in an organisation, if its revision still is `expected`. Says whether it was.
pub async fn replace_disable_time(
    conn: &mut Conn<'_>,
    id: OrganisationId,
    expected: Revision,
    disable_time: Option<i64>,
    now: i64,
) -> Result<bool, db::Error> {
    let target = organisations::table.find(id.to_string()).filter(organisations::revision.eq(expected.0));
    let changes = (
        organisations::disable_time.eq(disable_time),
        organisations::revision.eq(expected.next(now).0),
        organisations::update_time.eq(now),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changes))? > 0)
}

/// Says whether nobody acts in an organisation.
pub async fn is_disabled(conn: &mut Conn<'_>, id: OrganisationId) -> Result<bool, db::Error> {
    Ok(find(conn, id).await?.is_none_or(|row| row.disable_time.is_some()))
}

/// Removes an organisation. Nothing may refer to it any more.
pub async fn remove(conn: &mut Conn<'_>, id: OrganisationId) -> Result<bool, db::Error> {
    let target = organisations::table.find(id.to_string());
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = DamagedRow;

    fn try_from(row: OrganisationRow) -> Result<Organisation, DamagedRow> {
        Ok(Organisation {
            id: row.uid.parse().map_err(|_| DamagedRow { table: "organisations", column: "uid" })?,
            display_name: row.display_name,
            create_time: row.create_time,
            update_time: row.update_time,
            revision: Revision(row.revision),
            disable_time: row.disable_time,
        })
    }
}
