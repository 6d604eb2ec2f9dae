//! Accounts that nobody signs in to.

use mainstay_db::Atomic;
use mainstay_identity::{Principal, Revocation};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::owner::require_administrators_level;
use super::whose::{account_id, with_roles};
use super::{account_to_pb, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{Account, AccountId};
use crate::error::Error;
use crate::revoking::end_sessions;
use crate::store::accounts as store;

pub(super) async fn disable(core: &Core, request: Request<pb::DisableAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.into_inner();
    require_administrators_level(core, &caller).await?;
    let id = account_id(&caller, &request.name)?;
    if is_own(&caller, id) {
        let problem = "is the caller's own account; another administrator can disable it";
        return Err(Error::Violations(vec![Violation::new("name", problem)]));
    }
    Ok(account_to_pb(&set(core, trail, id, request.etag, true).await?))
}

pub(super) async fn enable(core: &Core, request: Request<pb::EnableAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let request = request.into_inner();
    require_administrators_level(core, &caller).await?;
    let id = account_id(&caller, &request.name)?;
    Ok(account_to_pb(&set(core, trail, id, request.etag, false).await?))
}

fn is_own(caller: &Principal, id: AccountId) -> bool {
    caller.uid() == Some(id.to_string().as_str())
}

/// Disables an account and ends its sessions, or enables it.
pub(crate) async fn set(
    core: &Core,
    trail: Trail,
    id: AccountId,
    etag: String,
    disable: bool,
) -> Result<Account, Error> {
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let (account, revocation): (Account, Option<Revocation>) = core
        .database
        .write(Atomic::Transaction, move |conn| {
            let (etag, trail) = (etag.clone(), trail.clone());
            Box::pin(async move {
                let row = store::find(conn, id).await?;
                let mut account = with_roles(conn, row).await?;
                if !etag.is_empty() && etag != account.revision.etag() {
                    return Err(Error::EtagMismatch);
                }
                if account.disable_time.is_some() == disable {
                    return Ok((account, None));
                }
                let disable_time = disable.then_some(now);
                if !store::replace_disable_time(conn, &id.to_string(), account.revision, disable_time, now).await? {
                    return Err(Error::Contention);
                }
                account.disable_time = disable_time;
                account.revision = account.revision.next(now);
                account.update_time = now;
                let action = if disable { Action::DisableAccount } else { Action::EnableAccount };
                trail.note(conn, now, action, id, Told::default()).await?;
                let ended = if disable { Some(end_sessions(conn, moment, id, None).await?.1) } else { None };
                Ok((account, ended))
            })
        })
        .await?;
    core.tell(revocation);
    Ok(account)
}
