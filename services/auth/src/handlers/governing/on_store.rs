//! The same for the command line, on a store that it has opened itself.

use mainstay_db::{Atomic, Lane};
use mainstay_proto::auth::v1 as pb;

use super::super::membership::member_to_pb;
use super::super::organisations::{organisation_to_pb, page, read};
use super::super::{accounts, members};
use super::disabling;
use crate::audit::Trail;
use crate::core::Core;
use crate::domain::organisation::OrganisationId;
use crate::error::Error;
use crate::refusal::Refusal;
use crate::store::members as store;

/// Gives a page of all organisations.
pub(crate) async fn list(
    core: &Core,
    request: pb::ListOrganisationsRequest,
) -> Result<pb::ListOrganisationsResponse, Error> {
    page(core, "", None, (request.page_size, request.page_token)).await
}

/// Shows an organisation, and at most so many of its members, in the order of their accounts' uids.
pub(crate) async fn show(
    core: &Core,
    id: OrganisationId,
    most: i64,
) -> Result<(pb::Organisation, Vec<pb::Member>), Error> {
    let found = core.database.read(Lane::Heavy, move |conn| {
        Box::pin(async move {
            let organisation = read(conn, id).await?;
            Ok::<_, Error>((organisation, store::page(conn, id, "", most).await?))
        })
    });
    let (organisation, found) = found.await?;
    let found = found.into_iter().map(|(member, email)| member_to_pb(&member, email)).collect();
    Ok((organisation_to_pb(&organisation), found))
}

/// Ends the membership of the account that has this address.
pub(crate) async fn remove_member(core: &Core, id: OrganisationId, email: &str) -> Result<(), Error> {
    let account = accounts::find_by_email(core, email).await?.id;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let ended = core.database.write(Atomic::Transaction, move |conn| {
        Box::pin(async move {
            read(conn, id).await?;
            let member = store::find(conn, id, account).await?.ok_or(Error::Refused(Refusal::MemberNotFound))?;
            members::end(conn, &Trail::of_command_line(), &member, (now, moment)).await
        })
    });
    core.tell([ended.await?]);
    Ok(())
}

/// Has nobody act in an organisation any more, or lets its members do so again.
pub(crate) async fn set_disabled(core: &Core, id: OrganisationId, disable: bool) -> Result<pb::Organisation, Error> {
    let trail = (Trail::of_command_line(), None);
    let organisation = disabling::set(core, trail, id, String::new(), disable).await?;
    Ok(organisation_to_pb(&organisation))
}
