//! What only the owner of an account may do, and how they prove that they are.

use mainstay_db::Lane;
use mainstay_identity::{Kind, Principal};

use super::whose::account_id;
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::password::Password;
use crate::error::Error;
use crate::hashing::Checked;
use crate::limits::Origin;
use crate::store::accounts::{self, AccountRow};

/// Reads the name of the caller's own account. To everybody else it does not exist, to administrators neither: they have no
/// business with what takes its password.
pub(super) fn own_account(caller: &Principal, name: &str) -> Result<AccountId, Error> {
    let id = account_id(caller, name)?;
    let is_own = caller.kind() == Kind::User && caller.uid() == Some(id.to_string().as_str());
    if is_own { Ok(id) } else { Err(Error::AccountNotFound) }
}

pub(super) async fn find(core: &Core, id: AccountId) -> Result<AccountRow, Error> {
    let found = core
        .database
        .read(Lane::Inline, move |conn| Box::pin(async move { Ok::<_, Error>(accounts::find(conn, id).await?) }));
    found.await?.ok_or(Error::AccountNotFound)
}

/// Checks that somebody who is signed in knows the account's password: who has found a device open does not. Wrong ones are
/// counted as at the sign-in.
pub(super) async fn prove_password(
    core: &Core,
    row: &AccountRow,
    password: Password,
    origin: Origin,
) -> Result<(), Error> {
    let attempt = core.limits.password(origin, &row.identity())?;
    match core.hasher.check(password, Some(row.password_hash.clone()), origin).await {
        Ok(Checked::Wrong) => Err(Error::WrongCredentials),
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
