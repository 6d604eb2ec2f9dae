//! What only the owner of an account may do, and how they prove that they are.

use mainstay_db::Lane;
use mainstay_identity::{Kind, Principal};

use super::beginning::kinds_of;
use super::whose::account_id_of;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::factor::RECENT;
use crate::domain::password::Password;
use crate::error::Error;
use crate::hashing::Checked;
use crate::limits::Origin;
use crate::store::accounts::{self, AccountRow};

/// Reads the name of the caller's own account. To everybody else it does not exist, to administrators neither: they have no
/// business with what takes its password.
pub(super) fn own_account(caller: &Principal, name: &str) -> Result<AccountId, Error> {
    own_account_of(caller, ("name", name))
}

/// The same of another field of a request.
pub(super) fn own_account_of(caller: &Principal, field: (&str, &str)) -> Result<AccountId, Error> {
    let id = account_id_of(caller, field)?;
    if is_own(caller, id) { Ok(id) } else { Err(Error::AccountNotFound) }
}

/// Says whether an account is the caller's own.
pub(super) fn is_own(caller: &Principal, id: AccountId) -> bool {
    caller.kind() == Kind::User && caller.uid() == Some(id.to_string().as_str())
}

/// The level of who has shown two factors.
const TWO_FACTORS: u8 = 2;

/// Refuses a session in which less was shown than the account can show: whoever has taken one must not take the account.
pub(super) async fn require_level(core: &Core, caller: &Principal, id: AccountId) -> Result<(), Error> {
    if caller.level() >= TWO_FACTORS || !has_factor(core, id).await? { Ok(()) } else { Err(Error::SecondFactorWanted) }
}

/// The same of an administrator's own account, where somebody else's is changed.
pub(super) async fn require_administrators_level(core: &Core, caller: &Principal) -> Result<(), Error> {
    let own = caller.uid().filter(|_| caller.kind() == Kind::User).and_then(|uid| uid.parse().ok());
    match own {
        Some(id) => require_level(core, caller, id).await,
        None => Ok(()),
    }
}

/// Refuses what a password says nothing new of.
pub(super) async fn require_no_factor(core: &Core, id: AccountId) -> Result<(), Error> {
    if has_factor(core, id).await? { Err(Error::SecondFactorWanted) } else { Ok(()) }
}

async fn has_factor(core: &Core, id: AccountId) -> Result<bool, Error> {
    let found = core.database.read(Lane::Inline, move |conn| Box::pin(kinds_of(conn, id)));
    Ok(!found.await?.is_empty())
}

/// Refuses whose owner has not shown for a while who they are.
pub(super) fn require_recent(core: &Core, caller: &Principal) -> Result<(), Error> {
    let since = caller.authenticated_at().map(|at| core.clock.now_seconds().saturating_sub(at));
    let is_recent = since.is_some_and(|since| since <= RECENT.as_secs().cast_signed());
    if is_recent { Ok(()) } else { Err(Error::RecentAuthenticationWanted) }
}

pub(super) async fn find(core: &Core, id: AccountId) -> Result<AccountRow, Error> {
    let found = core
        .database
        .read(Lane::Inline, move |conn| Box::pin(async move { Ok::<_, Error>(accounts::find(conn, id).await?) }));
    found.await?.ok_or(Error::AccountNotFound)
}

/// Checks that somebody who is signed in knows the account's password: who has found a device open does not. Wrong ones are
/// counted as at the sign-in, and noted.
pub(super) async fn prove_password(
    core: &Core,
    row: &AccountRow,
    password: Password,
    (origin, trail): (Origin, &Trail),
) -> Result<(), Error> {
    let attempt = core.limits.password(origin, &row.identity())?;
    match core.hasher.check(password, Some(row.password_hash.clone()), origin).await {
        Ok(Checked::Wrong) => {
            let now = core.clock.now_micros();
            core.failures.add(trail.event(now, Action::PasswordFailed, row.id()?, Told::default())?);
            Err(Error::WrongCredentials)
        }
        Ok(Checked::Right | Checked::RightAndRehashed(_)) => {
            attempt.succeeded();
            Ok(())
        }
        Err(not_checked) => {
            attempt.withdraw();
            Err(not_checked.into())
        }
    }
}
