//! Everything by which somebody comes in to an account but its password.
//!
//! Who shows for the first time that an address is theirs finds an account that somebody else may have made. What that one comes in
//! by goes: this is the one place that knows all of it.

use mainstay_db::Conn;
use mainstay_identity::Revocation;

use crate::domain::account::AccountId;
use crate::domain::one_time_secret::Purpose;
use crate::error::Error;
use crate::revoking::{Moment, end_sessions};
use crate::store::accounts::AccountRow;
use crate::store::{accounts, factors, identities, one_time_secrets, recovery_codes};

/// Removes factors, what is good in their place, and what providers know somebody by. Whatever is added by which somebody comes in
/// is removed here, too.
pub(crate) async fn remove_others(conn: &mut Conn<'_>, account: &str) -> Result<(), Error> {
    factors::remove_all(conn, account).await?;
    recovery_codes::remove_all(conn, account).await?;
    identities::remove_all(conn, account).await?;
    Ok(())
}

/// Gives an account whose address nobody has shown to be theirs to who has just done so, in the transaction that it is shown in: it
/// has the password `hash` from then on, and no session, no link that was sent and no other way in of before. What somebody else
/// may have shown of themselves goes, too.
pub(crate) async fn take_back(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    hash: &str,
    (now, moment): (i64, Moment),
) -> Result<Revocation, Error> {
    if !accounts::reset_password(conn, row, hash, now).await? {
        return Err(Error::Contention);
    }
    let id: AccountId = row.id()?;
    let (_, ended) = end_sessions(conn, moment, id, None).await?;
    one_time_secrets::use_up_all(conn, &row.uid, &Purpose::ALL, now).await?;
    remove_others(conn, &row.uid).await?;
    Ok(ended)
}
