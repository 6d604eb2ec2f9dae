//! Organisations in which nobody acts.

use mainstay_db::Atomic;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::super::organisations::{organisation_to_pb, read};
use super::super::owner::require_administrators_level;
use super::super::standing::{organisation_id, own_account};
use super::super::trail;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::organisation::{Organisation, OrganisationId, organisation_name};
use crate::domain::service_account::{MAX_OF_ORGANISATION, ServiceAccount};
use crate::error::Error;
use crate::revoking::{Moment, outdate_all_acting, outdate_service_account};
use crate::store::{organisations as store, service_accounts, sessions};

pub(in crate::handlers) async fn disable(
    core: &Core,
    request: Request<pb::DisableOrganisationRequest>,
) -> Result<pb::Organisation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::DisableOrganisationRequest { name, etag } = request.into_inner();
    require_administrators_level(core, &caller).await?;
    let id = organisation_id(("name", &name))?;
    set(core, (trail, own_account(&caller)), id, etag, true).await.map(|organisation| organisation_to_pb(&organisation))
}

pub(in crate::handlers) async fn enable(
    core: &Core,
    request: Request<pb::EnableOrganisationRequest>,
) -> Result<pb::Organisation, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::EnableOrganisationRequest { name, etag } = request.into_inner();
    require_administrators_level(core, &caller).await?;
    let id = organisation_id(("name", &name))?;
    set(core, (trail, own_account(&caller)), id, etag, false)
        .await
        .map(|organisation| organisation_to_pb(&organisation))
}

/// Has nobody act in an organisation any more, or lets its members do so again.
pub(super) async fn set(
    core: &Core,
    (trail, own): (Trail, Option<AccountId>),
    id: OrganisationId,
    etag: String,
    disable: bool,
) -> Result<Organisation, Error> {
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (etag, trail) = (etag.clone(), trail.clone());
        Box::pin(async move {
            let mut organisation = read(conn, id).await?;
            if !etag.is_empty() && etag != organisation.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if organisation.disable_time.is_some() == disable {
                return Ok(organisation);
            }
            let disable_time = disable.then_some(now);
            if !store::replace_disable_time(conn, id, organisation.revision, disable_time, now).await? {
                return Err(Error::Contention);
            }
            organisation.disable_time = disable_time;
            organisation.revision = organisation.revision.next(now);
            organisation.update_time = now;
            let action = if disable { Action::DisableOrganisation } else { Action::EnableOrganisation };
            trail.note_of(conn, now, action, own, Told::of(organisation_name(id))).await?;
            if disable {
                end_all(conn, id, now, moment).await?;
            }
            Ok::<_, Error>(organisation)
        })
    });
    let organisation = changed.await?;
    // It was told to the store alone, for all members at once.
    core.read_revocations().await?;
    Ok(organisation)
}

/// Has no token act in an organisation any more: neither a member's nor one of a service account.
async fn end_all(conn: &mut mainstay_db::Conn<'_>, id: OrganisationId, now: i64, moment: Moment) -> Result<(), Error> {
    sessions::nobody_acts_in(conn, id).await?;
    outdate_all_acting(conn, moment, id).await?;
    for row in service_accounts::page(conn, Some(id), "", MAX_OF_ORGANISATION).await? {
        let account = ServiceAccount::try_from(row)?;
        if !service_accounts::replace_roles(conn, &account, &account.roles, now).await? {
            return Err(Error::Contention);
        }
        let account = ServiceAccount { token_epoch: account.token_epoch + 1, ..account };
        outdate_service_account(conn, moment, &account).await?;
    }
    Ok(())
}
