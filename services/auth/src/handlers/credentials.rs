use mainstay_proto::auth::v1 as pb;

use super::account_to_pb;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::organisation::Acting;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::{Session, seconds};
use crate::error::Error;
use crate::signer::AccessToken;

/// How the client uses an access token (RFC 6750).
pub(super) const TOKEN_TYPE: &str = "Bearer";

/// Gives what a client holds of a session. Without a refresh token where it keeps the one that it has.
pub(super) fn credentials(
    core: &Core,
    (account, acting): (&Account, Option<&Acting>),
    session: &Session,
    token: Option<&RefreshToken>,
) -> Result<pb::Credentials, Error> {
    let AccessToken { text, seconds } = core.signer.access_token(account, session, acting)?;
    Ok(pb::Credentials {
        access_token: text,
        refresh_token: token.map(RefreshToken::to_text).unwrap_or_default(),
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        token_type: TOKEN_TYPE.to_owned(),
        account: Some(account_to_pb(account)),
        challenge: None,
        session_expires_in: session_expires_in(core, session),
    })
}

/// For how many whole seconds a session lives from now unless it is refreshed before.
pub(super) fn session_expires_in(core: &Core, session: &Session) -> i32 {
    let left = session.expires(&core.timeouts).saturating_sub(core.clock.now_micros());
    i32::try_from(seconds(left).max(0)).unwrap_or(i32::MAX)
}
