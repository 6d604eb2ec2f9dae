use mainstay_proto::auth::v1 as pb;

use super::account_to_pb;
use super::ending::end;
use super::hook_wire::{claims_over, minting};
use crate::audit::Trail;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::claims::Claims;
use crate::domain::organisation::Acting;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::{Session, seconds};
use crate::error::Error;
use crate::hooks::chain;
use crate::signer::AccessToken;

/// How the client uses an access token (RFC 6750).
pub(super) const TOKEN_TYPE: &str = "Bearer";

/// Finds out what the next token of a session says by names of the installation's own: the account's claims, and on top of them
/// what the application's hook gives, where there is one. It may be waited for: outside of transactions only.
pub(super) async fn mint(
    core: &Core,
    (account, acting): (&Account, Option<&Acting>),
    session: &Session,
    trail: &Trail,
) -> Result<Claims, Error> {
    let question = || minting(account, session, acting);
    let minted = core.hooks.mint_token(trail, question, |given| claims_over(&account.claims, given)).await?;
    Ok(minted.unwrap_or_else(|| account.claims.clone()))
}

/// Gives what a client holds of a session, once it is found out what its token says. Without a refresh token where it keeps the
/// one that it has.
pub(super) async fn credentials(
    core: &Core,
    (account, acting): (&Account, Option<&Acting>),
    session: (&Session, Option<&RefreshToken>),
    trail: &Trail,
) -> Result<pb::Credentials, Error> {
    let said = mint(core, (account, acting), session.0, trail).await?;
    credentials_with(core, (account, &said), acting, session)
}

/// The same beside something that is shown once and must not be lost: nothing where the application's hook fails. The client
/// refreshes then.
pub(super) async fn credentials_if_minted(
    core: &Core,
    parties: (&Account, Option<&Acting>),
    session: &Session,
    trail: &Trail,
) -> Result<Option<pb::Credentials>, Error> {
    match credentials(core, parties, (session, None), trail).await {
        Err(Error::Hook(error)) => {
            tracing::warn!(cause = chain(&error), "a token could not be made; its session goes on");
            Ok(None)
        }
        made => made.map(Some),
    }
}

/// The same for a session that has just begun: where its token is not made, it is over at once, since nobody has anything of it.
pub(super) async fn first_credentials(
    core: &Core,
    account: &Account,
    (session, token): (&Session, &RefreshToken),
    trail: &Trail,
) -> Result<pb::Credentials, Error> {
    let said = match mint(core, (account, None), session, trail).await {
        Ok(said) => said,
        Err(error) => {
            end(core, (account.id, session.id), None, None).await?;
            return Err(error);
        }
    };
    credentials_with(core, (account, &said), None, (session, Some(token)))
}

/// The same where it is known what the token says.
pub(super) fn credentials_with(
    core: &Core,
    (account, said): (&Account, &Claims),
    acting: Option<&Acting>,
    (session, token): (&Session, Option<&RefreshToken>),
) -> Result<pb::Credentials, Error> {
    let AccessToken { text, seconds } = core.signer.access_token((account, said), session, acting)?;
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
