//! Factors that are removed: sessions are worth less from then on.

use mainstay_db::{Atomic, Conn};
use mainstay_identity::Revocation;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::factors::{factor_name, factor_name_of};
use super::owner::{find, is_own, require_administrators_level, require_level, require_recent};
use super::sending::{notice, wake};
use super::trail;
use super::whose::account_id_of;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::error::Error;
use crate::mail::Kind;
use crate::removing::remove_factors;
use crate::revoking::{end_sessions, outdate_tokens};
use crate::store::{DamagedRow, factors, mails, recovery_codes, sessions};

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteFactorRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let (account, uid) = factor_name(&caller, ("name", &request.get_ref().name))?;
    if !is_own(&caller, account) {
        return Err(Error::FactorNotFound);
    }
    require_level(core, &caller, account).await?;
    require_recent(core, &caller)?;
    let row = find(core, account).await?;
    let told = notice(core, Kind::FactorRemoved, &row, &row.email)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let removed = core.database.write(Atomic::Transaction, move |conn| {
        let (uid, trail, told) = (uid.clone(), trail.clone(), told.clone());
        Box::pin(async move {
            let own = account.to_string();
            if !factors::remove(conn, &own, &uid).await? {
                return Err(Error::FactorNotFound);
            }
            if factors::kinds(conn, &own).await?.is_empty() {
                recovery_codes::remove_all(conn, &own).await?;
            }
            lower_sessions(conn, &own).await?;
            trail.note(conn, now, Action::RemoveFactor, account, Told::of(factor_name_of(account, &uid))).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            outdate_tokens(conn, moment, account).await
        })
    });
    core.tell([removed.await?]);
    wake(core);
    Ok(())
}

/// Which of the factors was shown in a session is not known: all that were are shown anew.
async fn lower_sessions(conn: &mut Conn<'_>, account: &str) -> Result<(), Error> {
    for (uid, methods, time) in sessions::shown(conn, account).await? {
        let damaged = DamagedRow { table: "sessions", column: "methods" };
        let before = Authentication::from_stored(&methods, time).ok_or(damaged)?;
        let after = before.without_second_factors();
        if after != before && !sessions::authenticate(conn, (account, &uid), &before, &after).await? {
            return Err(Error::Contention);
        }
    }
    Ok(())
}

pub(super) async fn reset(
    core: &Core,
    request: Request<pb::ResetFactorsRequest>,
) -> Result<pb::ResetFactorsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    require_administrators_level(core, &caller).await?;
    let account = account_id_of(&caller, ("parent", &request.get_ref().parent))?;
    let removed = reset_all(core, trail, account).await?;
    Ok(pb::ResetFactorsResponse { removed_factors: i32::try_from(removed).unwrap_or(i32::MAX) })
}

/// Removes all factors of an account, and ends its sessions where it had any. Says how many there were.
pub(crate) async fn reset_all(core: &Core, trail: Trail, account: AccountId) -> Result<usize, Error> {
    let row = find(core, account).await?;
    let told = notice(core, Kind::FactorRemoved, &row, &row.email)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let reset = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, told) = (trail.clone(), told.clone());
        Box::pin(async move {
            let removed = remove_factors(conn, account).await?;
            if removed == 0 {
                return Ok::<(usize, Option<Revocation>), Error>((0, None));
            }
            let told_of = Told::default().with("factors", removed.to_string());
            trail.note(conn, now, Action::ResetFactors, account, told_of).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            let (_, ended) = end_sessions(conn, moment, account, None).await?;
            Ok((removed, Some(ended)))
        })
    });
    let (removed, ended) = reset.await?;
    core.tell(ended);
    wake(core);
    Ok(removed)
}
