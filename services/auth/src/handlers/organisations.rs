//! Organisations: who makes, sees, renames and removes them.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::pages::page_size;
use super::standing::{administers_all, managing, organisation_id, own_account, standing};
use super::whose::{account_id_of, require_sight, unless_withheld};
use super::{timestamp, trail};
use crate::audit::{Action, Told, Trail};
use crate::config::CreateOrganisations;
use crate::core::Core;
use crate::domain::account::{AccountId, Revision};
use crate::domain::organisation::{
    MAX_OWNED, Member, Organisation, OrganisationId, Standing, check_display_name, organisation_name,
};
use crate::domain::page_token;
use crate::domain::service_account::{MAX_OF_ORGANISATION, ServiceAccount};
use crate::error::Error;
use crate::refusal::Refusal;
use crate::revoking::{end_service_account, outdate_all_acting};
use crate::store::accounts;
use crate::store::organisations::{self as store, OrganisationRow};
use crate::store::{invitations as invitation_store, members as member_store, service_accounts, sessions};

pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateOrganisationRequest>,
) -> Result<pb::Organisation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::CreateOrganisationRequest { organisation, owner } = request.into_inner();
    if core.create_organisations == CreateOrganisations::Closed && !administers_all(&caller) {
        return Err(unless_withheld(&caller, Error::Refused(Refusal::CreateOrganisationsClosed)));
    }
    let owner = if owner.is_empty() {
        let nobody = || Error::Violations(vec![Violation::new("owner", "is required: the caller has no account")]);
        own_account(&caller).ok_or_else(nobody)?
    } else {
        account_id_of(&caller, ("owner", &owner))?
    };
    require_sight(&caller, owner, Error::AccountNotFound)?;
    let display_name = organisation.unwrap_or_default().display_name;
    checked(&display_name)?;
    let row = new_row(display_name, core.clock.now_micros());
    Ok(organisation_to_pb(&found(core, trail, row, owner).await?))
}

fn checked(display_name: &str) -> Result<(), Error> {
    check_display_name(display_name)
        .map_err(|problem| Error::Violations(vec![Violation::new("organisation.display_name", problem)]))
}

fn new_row(display_name: String, now: i64) -> OrganisationRow {
    OrganisationRow {
        uid: OrganisationId::generate().to_string(),
        display_name,
        create_time: now,
        update_time: now,
        revision: Revision(0).next(now).0,
    }
}

/// Stores a new organisation with its owner.
async fn found(core: &Core, trail: Trail, row: OrganisationRow, owner: AccountId) -> Result<Organisation, Error> {
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let (row, trail) = (row.clone(), trail.clone());
        Box::pin(async move {
            if accounts::find(conn, owner).await?.ok_or(Error::AccountNotFound)?.anonymous {
                return Err(Error::NoAddress);
            }
            may_own_another(conn, owner).await?;
            store::insert(conn, &row).await?;
            let organisation = Organisation::try_from(row)?;
            let (id, now) = (organisation.id, organisation.create_time);
            let member = Member {
                organisation: id,
                account: owner,
                roles: vec![mainstay_identity::roles::OWNER.to_owned()],
                create_time: now,
                update_time: now,
                revision: organisation.revision,
            };
            member_store::insert(conn, &member).await?;
            let told = Told::of(organisation_name(id));
            trail.note(conn, now, Action::CreateOrganisation, owner, told).await?;
            Ok::<_, Error>(organisation)
        })
    });
    stored.await
}

/// Refuses that an account owns more organisations than it may.
pub(super) async fn may_own_another(conn: &mut Conn<'_>, account: AccountId) -> Result<(), Error> {
    if member_store::count_owned(conn, account).await? < MAX_OWNED {
        Ok(())
    } else {
        Err(Error::Refused(Refusal::OwnsTooMany))
    }
}

pub(super) async fn get(core: &Core, request: Request<pb::GetOrganisationRequest>) -> Result<pb::Organisation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = organisation_id(("name", &request.get_ref().name))?;
    let read = core.database.read(Lane::Inline, move |conn| {
        let caller = caller.clone();
        Box::pin(async move {
            standing(conn, &caller, id).await?;
            read(conn, id).await
        })
    });
    Ok(organisation_to_pb(&read.await?))
}

async fn read(conn: &mut Conn<'_>, id: OrganisationId) -> Result<Organisation, Error> {
    let row = store::find(conn, id).await?.ok_or(Error::Refused(Refusal::OrganisationNotFound))?;
    Ok(Organisation::try_from(row)?)
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListOrganisationsRequest>,
) -> Result<pb::ListOrganisationsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let member = match request.member.as_str() {
        "" if administers_all(&caller) => None,
        "" => Some(own_account(&caller).ok_or(Error::AccountNotFound)?),
        name => Some(account_id_of(&caller, ("member", name))?),
    };
    if let Some(member) = member {
        require_sight(&caller, member, Error::AccountNotFound)?;
    }
    let size = page_size(request.page_size)?;
    let whose = member.map_or_else(|| "all".to_owned(), |member| member.to_string());
    let reader = format!("{} organisations of {whose}", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<OrganisationId>(&core.key_encryption_key, &reader, token, now)?.to_string(),
    };
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let rows = core.database.read(Lane::Heavy, move |conn| {
        let after = after.clone();
        Box::pin(async move { Ok::<_, Error>(store::page(conn, member, &after, limit).await?) })
    });
    let mut found = rows.await?.into_iter().map(Organisation::try_from).collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|organisation| organisation.id);
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    Ok(pb::ListOrganisationsResponse { organisations: found.iter().map(organisation_to_pb).collect(), next_page_token })
}

/// Whether the name that people know is to be changed. What is not the caller's to write is ignored (AIP-203).
fn renames(mask: Option<prost_types::FieldMask>, display_name: &str) -> Result<bool, Error> {
    const OTHERS: [&str; 5] = ["name", "uid", "create_time", "update_time", "etag"];
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else { return Ok(!display_name.is_empty()) };
    let is_meant = |path: &String| path == "display_name" || path == "*";
    match mask.paths.iter().find(|path| !is_meant(path) && !OTHERS.contains(&path.as_str())) {
        Some(_) => {
            let problem = "names a field that an organisation does not have; `display_name` can be changed";
            Err(Error::Violations(vec![Violation::new("update_mask", problem)]))
        }
        None => Ok(mask.paths.iter().any(is_meant)),
    }
}

pub(super) async fn update(
    core: &Core,
    request: Request<pb::UpdateOrganisationRequest>,
) -> Result<pb::Organisation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::UpdateOrganisationRequest { organisation, update_mask } = request.into_inner();
    let pb::Organisation { name, display_name, etag, .. } = organisation.unwrap_or_default();
    let id = organisation_id(("organisation.name", &name))?;
    let now = core.clock.now_micros();
    let updated = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, mask) = (caller.clone(), trail.clone(), update_mask.clone());
        let (display_name, etag) = (display_name.clone(), etag.clone());
        Box::pin(async move {
            managing(conn, &caller, id).await?;
            let mut organisation = read(conn, id).await?;
            let renames = renames(mask, &display_name)?;
            if renames {
                checked(&display_name)?;
            }
            if !etag.is_empty() && etag != organisation.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if !renames || organisation.display_name == display_name {
                return Ok(organisation);
            }
            if !store::rename(conn, id, organisation.revision, &display_name, now).await? {
                return Err(Error::Contention);
            }
            organisation.display_name = display_name;
            organisation.revision = organisation.revision.next(now);
            organisation.update_time = now;
            let told = Told::of(organisation_name(id));
            trail.note_of(conn, now, Action::UpdateOrganisation, own_account(&caller), told).await?;
            Ok(organisation)
        })
    });
    Ok(organisation_to_pb(&updated.await?))
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteOrganisationRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::DeleteOrganisationRequest { name, etag } = request.into_inner();
    let id = organisation_id(("name", &name))?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let deleted = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, etag) = (caller.clone(), trail.clone(), etag.clone());
        Box::pin(async move {
            let standing: Standing = standing(conn, &caller, id).await?;
            if !standing.owns() {
                return Err(Error::Refused(Refusal::NotOwner));
            }
            let organisation = read(conn, id).await?;
            if !etag.is_empty() && etag != organisation.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            let told = Told::of(organisation_name(id));
            trail.note_of(conn, now, Action::DeleteOrganisation, own_account(&caller), told).await?;
            sessions::nobody_acts_in(conn, id).await?;
            outdate_all_acting(conn, moment, id).await?;
            for row in service_accounts::page(conn, Some(id), "", MAX_OF_ORGANISATION).await? {
                let account = ServiceAccount::try_from(row)?;
                if !service_accounts::remove(conn, &account).await? {
                    return Err(Error::Contention);
                }
                end_service_account(conn, moment, &account).await?;
            }
            // The secrets of invitations are good for nothing without those, and are swept at their time.
            invitation_store::remove_all(conn, id).await?;
            member_store::remove_all(conn, id).await?;
            if store::remove(conn, id).await? { Ok(()) } else { Err(Error::Contention) }
        })
    });
    deleted.await?;
    // It was told to the store alone, for all members at once.
    core.read_revocations().await
}

fn organisation_to_pb(organisation: &Organisation) -> pb::Organisation {
    pb::Organisation {
        name: organisation_name(organisation.id),
        uid: organisation.id.to_string(),
        display_name: organisation.display_name.clone(),
        create_time: Some(timestamp(organisation.create_time)),
        update_time: Some(timestamp(organisation.update_time)),
        etag: organisation.revision.etag(),
    }
}
