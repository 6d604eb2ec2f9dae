//! Service accounts and their keys.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::DamagedRow;
use super::schema::{service_account_keys, service_accounts};
use crate::domain::account::Revision;
use crate::domain::organisation::OrganisationId;
use crate::domain::service_account::{ServiceAccount, ServiceAccountId};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_accounts)]
pub struct ServiceAccountRow {
    pub uid: String,
    pub organisation_uid: Option<String>,
    pub display_name: String,
    pub roles: String,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: i64,
    pub token_epoch: i64,
}

/// Of a key everything but itself.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = service_account_keys)]
pub struct KeyRow {
    pub uid: String,
    pub service_account_uid: String,
    pub secret_hash: Vec<u8>,
    pub prefix: String,
    pub networks: String,
    pub create_time: i64,
    pub expire_time: Option<i64>,
    pub last_use_time: Option<i64>,
    pub public_key: String,
}

pub async fn insert(conn: &mut Conn<'_>, account: &ServiceAccount) -> Result<(), db::Error> {
    let row = ServiceAccountRow {
        uid: account.id.to_string(),
        organisation_uid: account.organisation.map(|organisation| organisation.to_string()),
        display_name: account.display_name.clone(),
        roles: account.roles.join(" "),
        create_time: account.create_time,
        update_time: account.update_time,
        revision: account.revision.0,
        token_epoch: account.token_epoch,
    };
    db::execute!(conn, diesel::insert_into(service_accounts::table).values(&row)).map(drop)
}

pub async fn find(conn: &mut Conn<'_>, id: ServiceAccountId) -> Result<Option<ServiceAccountRow>, db::Error> {
    let uid = id.to_string();
    db::first!(conn, service_accounts::table.find(&uid).select(ServiceAccountRow::as_select()) => ServiceAccountRow)
}

/// Gives the service accounts of an organisation, or of the installation, by their ids after `uid`: the oldest first.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: Option<OrganisationId>,
    uid: &str,
    limit: i64,
) -> Result<Vec<ServiceAccountRow>, db::Error> {
    let rows = service_accounts::table.filter(service_accounts::uid.gt(uid)).order(service_accounts::uid).limit(limit);
    match organisation {
        Some(organisation) => {
            let rows = rows.filter(service_accounts::organisation_uid.eq(organisation.to_string()));
            db::load!(conn, rows.select(ServiceAccountRow::as_select()) => ServiceAccountRow)
        }
        None => {
            let rows = rows.filter(service_accounts::organisation_uid.is_null());
            db::load!(conn, rows.select(ServiceAccountRow::as_select()) => ServiceAccountRow)
        }
    }
}

/// Counts those of an organisation.
pub async fn count(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<i64, db::Error> {
    let all = service_accounts::table.filter(service_accounts::organisation_uid.eq(organisation.to_string()));
    Ok(db::first!(conn, all.count() => i64)?.unwrap_or_default())
}

/// Replaces the roles, in a new epoch of the tokens, if the revision still is what it was when it was read. Says whether it was.
pub async fn replace_roles(
    conn: &mut Conn<'_>,
    read: &ServiceAccount,
    roles: &[String],
    now: i64,
) -> Result<bool, db::Error> {
    let target =
        service_accounts::table.find(read.id.to_string()).filter(service_accounts::revision.eq(read.revision.0));
    let changes = (
        service_accounts::roles.eq(roles.join(" ")),
        service_accounts::revision.eq(read.revision.next(now).0),
        service_accounts::update_time.eq(now),
        service_accounts::token_epoch.eq(read.token_epoch + 1),
    );
    Ok(db::execute!(conn, diesel::update(target).set(changes))? > 0)
}

/// Removes a service account with its keys if the revision still is what it was when it was read. Says whether it was.
pub async fn remove(conn: &mut Conn<'_>, read: &ServiceAccount) -> Result<bool, db::Error> {
    let target =
        service_accounts::table.find(read.id.to_string()).filter(service_accounts::revision.eq(read.revision.0));
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

pub async fn insert_key(conn: &mut Conn<'_>, row: &KeyRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(service_account_keys::table).values(row)).map(drop)
}

pub async fn find_key(conn: &mut Conn<'_>, uid: &str) -> Result<Option<KeyRow>, db::Error> {
    db::first!(conn, service_account_keys::table.find(uid).select(KeyRow::as_select()) => KeyRow)
}

/// Gives the keys of a service account, the oldest first.
pub async fn keys(conn: &mut Conn<'_>, id: ServiceAccountId) -> Result<Vec<KeyRow>, db::Error> {
    let rows = service_account_keys::table.filter(service_account_keys::service_account_uid.eq(id.to_string()));
    db::load!(conn, rows.order(service_account_keys::uid).select(KeyRow::as_select()) => KeyRow)
}

/// Has a key end at a time.
pub async fn expire_key(conn: &mut Conn<'_>, uid: &str, at: i64) -> Result<bool, db::Error> {
    let target = service_account_keys::table.find(uid);
    Ok(db::execute!(conn, diesel::update(target).set(service_account_keys::expire_time.eq(at)))? > 0)
}

/// Notes when a key was used, unless that was noted after `since`.
pub async fn note_use(conn: &mut Conn<'_>, uid: &str, since: i64, now: i64) -> Result<bool, db::Error> {
    let last = service_account_keys::last_use_time;
    let target = service_account_keys::table.find(uid).filter(last.is_null().or(last.le(since)));
    Ok(db::execute!(conn, diesel::update(target).set(last.eq(now)))? > 0)
}

pub async fn remove_key(conn: &mut Conn<'_>, uid: &str) -> Result<bool, db::Error> {
    Ok(db::execute!(conn, diesel::delete(service_account_keys::table.find(uid)))? > 0)
}

impl TryFrom<ServiceAccountRow> for ServiceAccount {
    type Error = DamagedRow;

    fn try_from(row: ServiceAccountRow) -> Result<ServiceAccount, DamagedRow> {
        let damaged = |column| DamagedRow { table: "service_accounts", column };
        let organisation = row.organisation_uid.map(|uid| uid.parse().map_err(|_| damaged("organisation_uid")));
        Ok(ServiceAccount {
            id: row.uid.parse().map_err(|_| damaged("uid"))?,
            organisation: organisation.transpose()?,
            display_name: row.display_name,
            roles: row.roles.split_whitespace().map(str::to_owned).collect(),
            create_time: row.create_time,
            update_time: row.update_time,
            revision: Revision(row.revision),
            token_epoch: row.token_epoch,
        })
    }
}
