//! What holds for everything that is exchanged for tokens.

use mainstay_db::Conn;

use super::failed::Failed;
use crate::domain::account::AccountId;
use crate::domain::oauth::client::{GrantType, OAuthClient};
use crate::domain::oauth::refusal::Word;
use crate::store::accounts;

/// Refuses a client that is not registered for what it wants to exchange.
pub(super) fn may(client: &OAuthClient, grant: GrantType) -> Result<(), Failed> {
    let refused = || Failed::new(Word::UnauthorizedClient, "the client is not registered for this grant_type");
    if client.may(grant) { Ok(()) } else { Err(refused()) }
}

/// What is told of a code or a token that is not good, whatever the reason.
pub(super) fn not_good() -> Failed {
    Failed::new(Word::InvalidGrant, "it is not good, or not any more, or not for this client")
}

/// Whether an account is there and not disabled.
pub(super) async fn is_enabled(conn: &mut Conn<'_>, account: AccountId) -> Result<bool, Failed> {
    Ok(accounts::find(conn, account).await?.is_some_and(|row| row.disable_time.is_none()))
}
