//! Which account a call is about, and whether its caller may know of it.

use mainstay_db::Conn;
use mainstay_identity::{Kind, Principal, roles};
use mainstay_layers::second_factor_wanted;
use mainstay_record::Violation;

use crate::domain::account::{ACCOUNTS, Account, AccountId};
use crate::error::Error;
use crate::store::accounts::{self as store, AccountRow};

/// Completes a row that was found with its roles.
pub(super) async fn with_roles(conn: &mut Conn<'_>, row: Option<AccountRow>) -> Result<Account, Error> {
    let row = row.ok_or(Error::AccountNotFound)?;
    let roles = store::roles(conn, &row.uid).await?;
    Ok(row.into_account(roles)?)
}

/// Reads `accounts/{uid}` or `accounts/me`. The caller of the latter may be a service, which has no account.
pub(super) fn account_id(caller: &Principal, name: &str) -> Result<AccountId, Error> {
    account_id_of(caller, ("name", name))
}

/// The same of another field of a request.
pub(super) fn account_id_of(caller: &Principal, (field, name): (&str, &str)) -> Result<AccountId, Error> {
    let malformed = || {
        let problem = "is not `accounts/me` or `accounts/` with a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    match name.strip_prefix(ACCOUNTS).ok_or_else(malformed)? {
        "me" => caller.uid().and_then(|uid| uid.parse().ok()).ok_or(Error::AccountNotFound),
        uid => uid.parse().map_err(|_| malformed()),
    }
}

/// Says whether a caller may know of an account and what belongs to it.
fn may_see(caller: &Principal, id: AccountId) -> bool {
    let is_own = caller.kind() == Kind::User && caller.uid() == Some(id.to_string().as_str());
    is_own || caller.has_role(roles::ADMIN) || caller.kind() == Kind::System
}

/// Refuses whoever may not know of an account, in the words that there is none.
pub(super) fn require_sight(caller: &Principal, id: AccountId, unseen: Error) -> Result<(), Error> {
    if may_see(caller, id) { Ok(()) } else { Err(unless_withheld(caller, unseen)) }
}

/// What an administrator is told instead whose session is not worth that yet: what would help.
pub(super) fn unless_withheld(caller: &Principal, refused: Error) -> Error {
    if caller.withholds(roles::ADMIN) { Error::Stack(second_factor_wanted()) } else { refused }
}
