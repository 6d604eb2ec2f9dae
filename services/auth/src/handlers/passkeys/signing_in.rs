//! How an account is signed in to with a passkey.
//!
//! No address is taken: a passkey says itself whose it is, and what is asked is the same for everybody who has shown nothing yet.

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::asking::{Asking, admitted, ask, passkeys_of, passkeys_of_account};
use super::json::to_struct;
use super::judging::{Judged, judge};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::authentication::Authentication;
use crate::domain::challenge::{Challenge, ChallengeToken, Purpose};
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::Session;
use crate::error::Error;
use crate::handlers::beginning::{Beginning, begin_with};
use crate::handlers::credentials::first_credentials;
use crate::handlers::second_factor::look;
use crate::handlers::standing::own_account;
use crate::handlers::whose::with_roles;
use crate::handlers::{client, origin, timestamp, trail};
use crate::limits::Origin;
use crate::passkeys::{PasskeyError, State};
use crate::store::accounts;

/// Asks for a passkey: of the account of a sign-in that waits, of the caller's, or of whoever shows one.
pub(in crate::handlers) async fn begin(
    core: &Core,
    request: Request<pb::BeginPasskeySignInRequest>,
) -> Result<pb::BeginPasskeySignInResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let origin = origin(&request)?;
    let passkeys = passkeys_of(core)?;
    core.limits.challenge(origin)?;
    let waiting = match request.get_ref().challenge.as_str() {
        "" => None,
        token => Some(waiting_for(core, token, origin).await?),
    };
    let account = waiting.as_ref().map_or_else(|| own_account(&caller), |waiting| waiting.account);
    let known = match account {
        Some(account) => passkeys_of_account(core, account).await?,
        None => Vec::new(),
    };
    let (options, ceremony) =
        if known.is_empty() { passkeys.begin_discoverable()? } else { passkeys.begin_known(&known)? };
    let asking = Asking {
        purpose: Purpose::Passkey,
        account,
        state: State { ceremony, waiting: waiting.as_ref().map(|waiting| waiting.id) },
        until: waiting.as_ref().map_or(i64::MAX, |waiting| waiting.expire_time),
        shown: waiting.and_then(|waiting| waiting.shown),
    };
    let (token, expire_time) = ask(core, asking).await?;
    Ok(pb::BeginPasskeySignInResponse {
        challenge: token.to_text(),
        options: Some(to_struct(options)),
        expire_time: Some(timestamp(expire_time)),
    })
}

/// The sign-in whose first secret was right.
async fn waiting_for(core: &Core, text: &str, origin: Origin) -> Result<Challenge, Error> {
    let attempt = core.limits.token(origin)?;
    let token = ChallengeToken::parse(text).ok_or(Error::ChallengeOver)?;
    let (id, hash, now) = (token.id(), token.hash(), core.clock.now_micros());
    let read = core.database.read(Lane::Inline, move |conn| Box::pin(look(conn, (id, hash), now)));
    let (challenge, _) = read.await?;
    attempt.succeeded();
    Ok(challenge)
}

pub(in crate::handlers) async fn sign_in(
    core: &Core,
    request: Request<pb::SignInWithPasskeyRequest>,
) -> Result<pb::Credentials, Error> {
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let now = core.clock.now_micros();
    let beginning = Beginning { now, timeouts: core.timeouts, client: client(&request)?, trail: trail.clone() };
    let pb::SignInWithPasskeyRequest { challenge, credential } = request.into_inner();
    let judged = judge(core, (&challenge, credential), (origin, &trail)).await?;
    match begin_session(core, judged.clone(), beginning).await {
        Ok((account, (session, token))) => first_credentials(core, &account, (&session, &token), &trail).await,
        Err(error) => Err(judged.not_used(core, (origin, &trail), error).await),
    }
}

/// Uses up what was shown, and begins the session.
async fn begin_session(
    core: &Core,
    judged: Judged,
    beginning: Beginning,
) -> Result<(Account, (Session, RefreshToken)), Error> {
    let begun = core.database.write(Atomic::Transaction, move |conn| {
        let (judged, beginning) = (judged.clone(), beginning.clone());
        Box::pin(async move {
            let now = beginning.now;
            admitted(conn, judged.challenge, Purpose::Passkey, now).await?;
            let row = accounts::find(conn, judged.account).await?.ok_or(PasskeyError::Refused)?;
            if row.disable_time.is_some() {
                return Err(Error::AccountDisabled);
            }
            judged.use_up(conn, now).await?;
            let method = judged.proof.method();
            let shown = match judged.shown {
                Some(shown) => shown.with(method, now),
                None => Authentication::by(method, now),
            };
            let begun = begin_with(conn, judged.account, shown, &beginning).await?;
            Ok((with_roles(conn, Some(row)).await?, begun))
        })
    });
    begun.await
}
