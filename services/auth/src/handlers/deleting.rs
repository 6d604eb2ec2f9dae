//! Accounts that go for good.

use mainstay_db::{Atomic, Conn};
use mainstay_identity::{Principal, Revocation};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::owner::{find, is_own, prove_password, require_administrators_level, require_level, require_recent};
use super::whose::{account_id, require_sight};
use super::{origin, trail};
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::{AccountId, Revision};
use crate::domain::password::Password;
use crate::error::{Error, refused_password};
use crate::limits::Origin;
use crate::refusal::Refusal;
use crate::removing::{remove, remove_sent, sent_to};
use crate::revoking::end_sessions;
use crate::store::accounts::AccountRow;
use crate::store::{accounts, members};

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteAccountRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::DeleteAccountRequest { name, password, etag } = request.into_inner();
    let id = account_id(&caller, &name)?;
    require_sight(&caller, id, Error::AccountNotFound)?;
    let row = find(core, id).await?;
    prove(core, &caller, &row, (&password, origin, &trail)).await?;
    perform(core, trail, id, etag).await
}

/// Refuses who may know of an account and has not shown enough to remove it.
pub(super) async fn prove(
    core: &Core,
    caller: &Principal,
    row: &AccountRow,
    (password, origin, trail): (&str, Origin, &Trail),
) -> Result<(), Error> {
    let id = row.id()?;
    if !is_own(caller, id) {
        require_administrators_level(core, caller).await?;
    } else if !password.is_empty() {
        require_level(core, caller, id).await?;
        let attempt = Password::attempt(password);
        let password = attempt.map_err(|problem| Error::Violations(vec![refused_password(problem)]))?;
        prove_password(core, row, password, (origin, trail)).await?;
    } else if !row.anonymous {
        // An account without an address has nothing to be shown but its session.
        require_level(core, caller, id).await?;
        require_recent(core, caller)?;
    }
    Ok(())
}

/// Removes an account, if `etag` is empty or still the account's.
pub(crate) async fn perform(core: &Core, trail: Trail, id: AccountId, etag: String) -> Result<(), Error> {
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let sent = sent_to(core, &find(core, id).await?).await?;
    let removed = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, etag, sent) = (trail.clone(), etag.clone(), sent.clone());
        Box::pin(async move {
            removable(conn, id, &etag).await?;
            // Before the account goes: what was revoked stays so without it.
            let (_, revocation) = end_sessions(conn, moment, id, None).await?;
            remove_sent(conn, &sent).await?;
            remove(conn, &trail, id, (Action::DeleteAccount, Told::default()), now).await?;
            Ok::<Revocation, Error>(revocation)
        })
    });
    core.tell([removed.await?]);
    Ok(())
}

/// Refuses to remove an account that is another by now, or alone owns an organisation.
pub(super) async fn removable(conn: &mut Conn<'_>, id: AccountId, etag: &str) -> Result<(), Error> {
    let row = accounts::find(conn, id).await?.ok_or(Error::AccountNotFound)?;
    if !etag.is_empty() && etag != Revision(row.revision).etag() {
        return Err(Error::EtagMismatch);
    }
    if members::owns_alone(conn, id).await? { Err(Error::Refused(Refusal::LastOwner)) } else { Ok(()) }
}
