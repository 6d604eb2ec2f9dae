use mainstay_proto::auth::v1 as pb;

use super::account_to_pb;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::Session;
use crate::error::Error;
use crate::signer::AccessToken;

/// How the client uses an access token (RFC 6750).
const TOKEN_TYPE: &str = "Bearer";

/// Gives what a client holds of a session. Without a refresh token where it keeps the one that it has.
pub(super) fn credentials(
    core: &Core,
    account: &Account,
    session: &Session,
    token: Option<&RefreshToken>,
) -> Result<pb::Credentials, Error> {
    let AccessToken { text, seconds } = core.signer.access_token(account, session)?;
    Ok(pb::Credentials {
        access_token: text,
        refresh_token: token.map(RefreshToken::to_text).unwrap_or_default(),
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        token_type: TOKEN_TYPE.to_owned(),
        account: Some(account_to_pb(account)),
        challenge: None,
    })
}
