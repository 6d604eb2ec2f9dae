//! Signing in by a provider.

use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_identity::Revocation;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::arriving::Arrival;
use super::flows::{Begun as Started, Returned, begin, redeem};
use super::{names, native};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::email::Claimed;
use crate::domain::provider::Asserted;
use crate::error::Error;
use crate::handlers::beginning::{Beginning, Begun, answer};
use crate::handlers::making::Call;
use crate::handlers::sending::wake;
use crate::handlers::{client, origin, timestamp, trail};
use crate::limits::Origin;
use crate::store::accounts::{self, AccountRow};
use crate::store::identities;

/// How often somebody who comes for the first time is looked for again, where another call has let them in meanwhile.
const ATTEMPTS: usize = 3;

pub(super) async fn start(
    core: &Core,
    request: Request<pb::StartSignInRequest>,
) -> Result<pb::StartSignInResponse, Error> {
    let origin = origin(&request)?;
    let pb::StartSignInRequest { provider, redirect_uri, login_hint, reauthenticate } = request.get_ref();
    let provider = names::provider(core, provider)?;
    core.limits.provider(origin)?;
    let Started { authorization_uri, secret, expire_time } =
        begin(core, provider, None, (redirect_uri, login_hint, *reauthenticate)).await?;
    Ok(pb::StartSignInResponse { authorization_uri, secret, expire_time: Some(timestamp(expire_time)) })
}

pub(super) async fn finish(core: &Core, request: Request<pb::FinishSignInRequest>) -> Result<pb::Credentials, Error> {
    let origin = origin(&request)?;
    let pb::FinishSignInRequest { secret, state, code, issuer } = request.get_ref();
    let returned = Returned { secret, state, code, issuer };
    returned.check()?;
    let attempt = core.limits.token(origin)?;
    let asserted = redeem(core, &returned, None).await?;
    attempt.succeeded();
    let beginning = beginning(core, &request)?;
    sign_in(core, asserted, (origin, &Call::of(&request)?), beginning).await
}

pub(super) async fn exchange(
    core: &Core,
    request: Request<pb::ExchangeIdTokenRequest>,
) -> Result<pb::Credentials, Error> {
    let origin = origin(&request)?;
    let pb::ExchangeIdTokenRequest { provider, id_token, nonce } = request.get_ref();
    let provider = native::check(core, provider, (id_token, nonce))?;
    let attempt = core.limits.token(origin)?;
    let asserted = native::redeem(core, provider, (id_token, nonce)).await?;
    attempt.succeeded();
    let beginning = beginning(core, &request)?;
    sign_in(core, asserted, (origin, &Call::of(&request)?), beginning).await
}

fn beginning<T>(core: &Core, request: &Request<T>) -> Result<Beginning, Error> {
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    Ok(Beginning { now, timeouts, client: client(request)?, trail: trail(request)? })
}

/// Lets somebody in whom a provider vouches for.
async fn sign_in(
    core: &Core,
    asserted: Asserted,
    (origin, call): (Origin, &Call),
    beginning: Beginning,
) -> Result<pb::Credentials, Error> {
    let mut counted = false;
    for attempt in 1..=ATTEMPTS {
        let (is_known, local) = look(core, &asserted).await?;
        if !is_known && !counted {
            core.limits.sign_up(origin)?;
            counted = true;
        }
        let looked = (is_known, local.as_ref());
        let arrival = Arrival::prepare(core, asserted.clone(), looked, (beginning.now, call)).await?;
        match come(core, arrival, beginning.clone()).await {
            // Somebody was let in meanwhile, by the same user of the provider or with the same address, or is gone.
            Err(Error::IdentityTaken | Error::EmailTaken | Error::Contention) if attempt < ATTEMPTS => {}
            Err(Error::IdentityTaken | Error::EmailTaken) => return Err(Error::Contention),
            came => {
                let (account, begun, revocations) = came?;
                core.tell(revocations);
                core.hooks.wake();
                wake(core);
                return answer(core, &account, begun, &beginning.trail).await;
            }
        }
    }
    Err(Error::Contention)
}

/// Finds out whether the user of the provider is known, and which account has the address that the provider vouches for.
async fn look(core: &Core, asserted: &Asserted) -> Result<(bool, Option<AccountRow>), Error> {
    let claimed = claimed(core, asserted);
    let (issuer, subject) = (asserted.issuer.clone(), asserted.subject.clone());
    let found = core.database.read(Lane::Inline, move |conn| {
        let (issuer, subject, claimed) = (issuer.clone(), subject.clone(), claimed.clone());
        Box::pin(async move {
            let is_known = identities::of_subject(conn, (&issuer, &subject)).await?.is_some();
            let local = match &claimed {
                Some(claimed) if !is_known => accounts::find_by_email(conn, claimed).await?,
                _ => None,
            };
            Ok::<_, Error>((is_known, local))
        })
    });
    found.await
}

/// The address, where the provider says that it is its user's: whether another one has an account is not looked at.
pub(super) fn claimed(core: &Core, asserted: &Asserted) -> Option<Claimed> {
    let address = asserted.address.as_ref().filter(|address| address.verified)?;
    Claimed::read(address.email.original(), core.former_are_left).ok()
}

async fn come(core: &Core, arrival: Arrival, beginning: Beginning) -> Result<(Account, Begun, Vec<Revocation>), Error> {
    let arrival = Arc::new(arrival);
    let came = core.database.write(Atomic::Transaction, move |conn| {
        let (arrival, beginning) = (Arc::clone(&arrival), beginning.clone());
        Box::pin(async move { arrival.come(conn, &beginning).await })
    });
    came.await
}
