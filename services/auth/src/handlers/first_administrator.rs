//! The first administrator: whoever starts an installation in development is shown a token, which makes one account that
//! administers.
//!
//! There is none in production, none where somebody administers already, and none for other machines; it is good once, and for a day.

use std::time::Duration;

use mainstay_db::{Atomic, Lane};
use mainstay_identity::roles;
use mainstay_layers::context;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;
use uuid::Uuid;

use super::accounts::{new_row, read_new};
use super::making::Admitted;
use super::sending::required;
use super::{account_to_pb, origin, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::one_time_secret::{LinkSecret, SecretHash};
use crate::domain::session::micros;
use crate::domain::sign_up::Way;
use crate::error::Error;
use crate::store::first_administrator::{self as first, FirstRow};

/// How long a token is good.
const LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a token where nobody administers, and nobody has before; the one of an earlier start is good no more.
pub(crate) async fn offer(core: &Core) -> Result<Option<String>, Error> {
    let secret = LinkSecret::of(Uuid::now_v7())?;
    let (hash, now) = (secret.hash(), core.clock.now_micros());
    let expire_time = now.saturating_add(micros(LASTS));
    let offered = core.database.write(Atomic::Transaction, move |conn| {
        Box::pin(async move {
            if first::find(conn).await?.is_some_and(|row| row.done_time.is_some()) {
                return Ok(false);
            }
            let is_done = first::any_administrator(conn).await?;
            let row = FirstRow {
                id: 1,
                token_hash: (!is_done).then(|| hash.0.to_vec()),
                expire_time,
                done_time: is_done.then_some(now),
            };
            first::put(conn, &row).await?;
            Ok::<_, Error>(!is_done)
        })
    });
    Ok(offered.await?.then(|| secret.to_text()))
}

/// Makes the first administrator. Of many at once one succeeds, on whatever replica.
pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateFirstAdministratorRequest>,
) -> Result<pb::Account, Error> {
    let is_here = context(&request).map_err(Error::Stack)?.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let (origin, trail) = (origin(&request)?, trail(&request)?);
    let pb::CreateFirstAdministratorRequest { token, email, password } = request.into_inner();
    required(&token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    let attempt = core.limits.token(origin)?;
    let secret = LinkSecret::parse(&token).filter(|_| is_here).ok_or(Error::SecretNotFound)?;
    let (shown, now) = (secret.hash(), core.clock.now_micros());
    // What is not good is told nothing else, and is not worth a hash.
    let looked = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { if is_good(conn, shown, now).await? { Ok(()) } else { Err(Error::SecretNotFound) } })
    });
    looked.await?;
    let wanted = read_new(core, "", (&email, &password), &[]).await?;
    let hash = core.hasher.hash(wanted.password, origin).await?;
    // Nobody is asked: this has to go also where nothing else runs yet.
    let admitted = Admitted::unasked(core, new_row(&wanted.email, hash, wanted.profile, now), &Way::Operator);
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (admitted, trail) = (admitted.clone(), trail.clone());
        Box::pin(async move {
            if !is_good(conn, shown, now).await? || !first::close(conn, now).await? {
                return Err(Error::SecretNotFound);
            }
            let roles = vec![roles::ADMIN.to_owned()];
            let account = admitted.insert(conn, &roles).await?;
            let told = Told::default().with_roles(&account.roles);
            trail.note(conn, now, Action::CreateFirstAdministrator, account.id, told).await?;
            Ok::<Account, Error>(account)
        })
    });
    let account = made.await?;
    attempt.succeeded();
    core.hooks.wake();
    Ok(account_to_pb(&account))
}

/// Says whether a token is the one that was shown, and nobody administers yet.
async fn is_good(conn: &mut mainstay_db::Conn<'_>, shown: SecretHash, now: i64) -> Result<bool, Error> {
    let Some(row) = first::find(conn).await? else { return Ok(false) };
    let hash = row.token_hash.and_then(|hash| <[u8; 32]>::try_from(hash.as_slice()).ok()).map(SecretHash);
    let is_open = row.done_time.is_none() && now < row.expire_time;
    Ok(is_open && hash == Some(shown) && !first::any_administrator(conn).await?)
}
