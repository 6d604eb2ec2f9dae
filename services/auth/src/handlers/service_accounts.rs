//! Service accounts: who makes, sees and removes them, and with which roles.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::Principal;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::pages::page_size;
use super::standing::{administers_all, managing, organisation_id, own_account};
use super::whose::unless_withheld;
use super::{timestamp, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::Revision;
use crate::domain::organisation::{OrganisationId, administers, check_display_name, organisation_name};
use crate::domain::service_account::{MAX_OF_ORGANISATION, SERVICE_ACCOUNTS, ServiceAccount, ServiceAccountId};
use crate::domain::{page_token, role};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::revoking::{end_service_account, outdate_service_account};
use crate::store::service_accounts as store;

/// Reads `serviceAccounts/{uid}` of a field of a request.
pub(super) fn service_account_id((field, name): (&str, &str)) -> Result<ServiceAccountId, Error> {
    let malformed = || {
        let problem = "is not `serviceAccounts/` with a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    name.strip_prefix(SERVICE_ACCOUNTS).and_then(|uid| uid.parse().ok()).ok_or_else(malformed)
}

/// Refuses whoever does not administer what a service account belongs to.
async fn governing(conn: &mut Conn<'_>, caller: &Principal, owner: Option<OrganisationId>) -> Result<(), Error> {
    match owner {
        Some(organisation) => managing(conn, caller, organisation).await.map(drop),
        None if administers_all(caller) => Ok(()),
        None => Err(unless_withheld(caller, Error::Refused(Refusal::ServiceAccountNotFound))),
    }
}

/// Finds a service account for who administers what it belongs to.
pub(super) async fn governed(
    conn: &mut Conn<'_>,
    caller: &Principal,
    id: ServiceAccountId,
) -> Result<ServiceAccount, Error> {
    let row = store::find(conn, id).await?.ok_or(Error::Refused(Refusal::ServiceAccountNotFound))?;
    let account = ServiceAccount::try_from(row)?;
    governing(conn, caller, account.organisation).await?;
    Ok(account)
}

/// Checks the roles that a service account can have, and gives them sorted, each once.
fn checked_roles(prefix: &str, owner: Option<OrganisationId>, roles: &[String]) -> Result<Vec<String>, Error> {
    if owner.is_none() {
        return role::check_all(roles).map_err(|problems| super::accounts::role_violations(prefix, &problems));
    }
    let roles = super::membership::checked_roles(prefix, roles)?;
    if administers(&roles) {
        let problem = "has `mainstay.owner` or `mainstay.manager`, which are for people";
        return Err(Error::Violations(vec![Violation::new(format!("{prefix}roles"), problem)]));
    }
    Ok(roles)
}

pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateServiceAccountRequest>,
) -> Result<pb::ServiceAccount, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let wanted = request.into_inner().service_account.unwrap_or_default();
    let owner = match wanted.organisation.as_str() {
        "" => None,
        name => Some(organisation_id(("service_account.organisation", name))?),
    };
    if owner.is_none() && !administers_all(&caller) {
        return Err(unless_withheld(&caller, Error::Refused(Refusal::NotAdministrator)));
    }
    let now = core.clock.now_micros();
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, wanted) = (caller.clone(), trail.clone(), wanted.clone());
        Box::pin(async move {
            governing(conn, &caller, owner).await?;
            check_display_name(&wanted.display_name)
                .map_err(|problem| Error::Violations(vec![Violation::new("service_account.display_name", problem)]))?;
            let roles = checked_roles("service_account.", owner, &wanted.roles)?;
            if let Some(organisation) = owner
                && store::count(conn, organisation).await? >= MAX_OF_ORGANISATION
            {
                return Err(Error::Refused(Refusal::TooManyServiceAccounts));
            }
            let account = ServiceAccount {
                id: ServiceAccountId::generate(),
                organisation: owner,
                display_name: wanted.display_name,
                roles,
                create_time: now,
                update_time: now,
                revision: Revision(0).next(now),
                token_epoch: 0,
            };
            store::insert(conn, &account).await?;
            let told = Told::of(name_of(account.id)).with_roles(&account.roles);
            trail.note_of(conn, now, Action::CreateServiceAccount, own_account(&caller), told).await?;
            Ok::<_, Error>(account)
        })
    });
    Ok(to_pb(&made.await?))
}

pub(super) async fn get(
    core: &Core,
    request: Request<pb::GetServiceAccountRequest>,
) -> Result<pb::ServiceAccount, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = service_account_id(("name", &request.get_ref().name))?;
    let found = core.database.read(Lane::Inline, move |conn| {
        let caller = caller.clone();
        Box::pin(async move { governed(conn, &caller, id).await })
    });
    Ok(to_pb(&found.await?))
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListServiceAccountsRequest>,
) -> Result<pb::ListServiceAccountsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let owner = match request.organisation.as_str() {
        "" if administers_all(&caller) => None,
        "" => return Err(unless_withheld(&caller, Error::Refused(Refusal::NotAdministrator))),
        name => Some(organisation_id(("organisation", name))?),
    };
    let whose = owner.map_or_else(|| "the installation".to_owned(), |organisation| organisation.to_string());
    let reader = format!("{} service accounts of {whose}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => Ok(String::new()),
        token => {
            let opened = page_token::open::<ServiceAccountId>(&core.key_encryption_key, &reader, token, now);
            opened.map(|id| id.to_string())
        }
    };
    let read = core.database.read(Lane::Heavy, move |conn| {
        let (caller, after) = (caller.clone(), after.clone());
        Box::pin(async move {
            governing(conn, &caller, owner).await?;
            let (size, after) = (page_size(request.page_size)?, after?);
            let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
            Ok::<_, Error>((size, store::page(conn, owner, &after, limit).await?))
        })
    });
    let (size, rows) = read.await?;
    let mut found = rows.into_iter().map(ServiceAccount::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|account| account.id);
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    Ok(pb::ListServiceAccountsResponse { service_accounts: found.iter().map(to_pb).collect(), next_page_token })
}

pub(super) async fn set_roles(
    core: &Core,
    request: Request<pb::SetServiceAccountRolesRequest>,
) -> Result<pb::ServiceAccount, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.into_inner();
    let id = service_account_id(("name", &request.name))?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, request) = (caller.clone(), trail.clone(), request.clone());
        Box::pin(async move {
            let account = governed(conn, &caller, id).await?;
            let wanted = checked_roles("", account.organisation, &request.roles)?;
            if !request.etag.is_empty() && request.etag != account.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if wanted == account.roles {
                return Ok((account, None));
            }
            if !store::replace_roles(conn, &account, &wanted, now).await? {
                return Err(Error::Contention);
            }
            let says_too_much = account.roles.iter().any(|held| !wanted.contains(held));
            let token_epoch = account.token_epoch + 1;
            let revision = account.revision.next(now);
            let account = ServiceAccount { roles: wanted, update_time: now, revision, token_epoch, ..account };
            let told = Told::of(name_of(id)).with_roles(&account.roles);
            trail.note_of(conn, now, Action::SetServiceAccountRoles, own_account(&caller), told).await?;
            let outdated = match says_too_much {
                true => Some(outdate_service_account(conn, moment, &account).await?),
                false => None,
            };
            Ok::<_, Error>((account, outdated))
        })
    });
    let (account, outdated) = changed.await?;
    core.tell(outdated);
    Ok(to_pb(&account))
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteServiceAccountRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::DeleteServiceAccountRequest { name, etag } = request.into_inner();
    let id = service_account_id(("name", &name))?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let ended = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, etag) = (caller.clone(), trail.clone(), etag.clone());
        Box::pin(async move {
            let account = governed(conn, &caller, id).await?;
            if !etag.is_empty() && etag != account.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if !store::remove(conn, &account).await? {
                return Err(Error::Contention);
            }
            let told = Told::of(name_of(id));
            trail.note_of(conn, now, Action::DeleteServiceAccount, own_account(&caller), told).await?;
            end_service_account(conn, moment, &account).await
        })
    });
    core.tell([ended.await?]);
    Ok(())
}

pub(super) fn name_of(id: ServiceAccountId) -> String {
    format!("{SERVICE_ACCOUNTS}{id}")
}

fn to_pb(account: &ServiceAccount) -> pb::ServiceAccount {
    pb::ServiceAccount {
        name: name_of(account.id),
        uid: account.id.to_string(),
        organisation: account.organisation.map(organisation_name).unwrap_or_default(),
        display_name: account.display_name.clone(),
        roles: account.roles.clone(),
        create_time: Some(timestamp(account.create_time)),
        update_time: Some(timestamp(account.update_time)),
        etag: account.revision.etag(),
    }
}
