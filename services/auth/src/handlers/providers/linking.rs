//! Linking an account with what a provider knows its owner by: only the owner does so, who has just shown who they are.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::{Principal, Revocation};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::arriving::link;
use super::flows::{Begun, Returned, begin, redeem};
use super::names::identity_to_pb;
use super::signing_in::claimed;
use super::{names, native};
use crate::audit::Trail;
use crate::config::SignUp;
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::email::Claimed;
use crate::domain::provider::{Asserted, MOST_IDENTITIES};
use crate::error::Error;
use crate::handlers::making::{Call, ask_to_upgrade};
use crate::handlers::owner::{find, own_account_of, require_level, require_recent};
use crate::handlers::sending::{notice, wake};
use crate::handlers::{origin, timestamp, trail};
use crate::mail::Kind;
use crate::revoking::{Moment, outdate_tokens};
use crate::store::accounts::{self, AccountRow};
use crate::store::emails;
use crate::store::identities::{self, IdentityRow};
use crate::store::mails::{self, MailRow};
use crate::store::sign_ups::{self, SignUpRow};

pub(super) async fn start(core: &Core, request: Request<pb::StartLinkRequest>) -> Result<pb::StartLinkResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let origin = origin(&request)?;
    let pb::StartLinkRequest { parent, provider, redirect_uri } = request.get_ref();
    let account = own_account_of(&caller, ("parent", parent))?;
    let provider = names::provider(core, provider)?;
    require_owner(core, &caller, account).await?;
    core.limits.provider(origin)?;
    let Begun { authorization_uri, secret, expire_time } =
        begin(core, provider, Some(account), (redirect_uri, "", false)).await?;
    Ok(pb::StartLinkResponse { authorization_uri, secret, expire_time: Some(timestamp(expire_time)) })
}

pub(super) async fn finish(core: &Core, request: Request<pb::FinishLinkRequest>) -> Result<pb::Identity, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let pb::FinishLinkRequest { parent, secret, state, code, issuer } = request.get_ref();
    let account = own_account_of(&caller, ("parent", parent))?;
    let returned = Returned { secret, state, code, issuer };
    returned.check()?;
    let attempt = core.limits.token(origin(&request)?)?;
    let row = require_owner(core, &caller, account).await?;
    let asserted = redeem(core, &returned, Some(account)).await?;
    attempt.succeeded();
    connect(core, row, asserted, (trail(&request)?, &Call::of(&request)?)).await
}

pub(super) async fn exchange(core: &Core, request: Request<pb::LinkIdTokenRequest>) -> Result<pb::Identity, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let pb::LinkIdTokenRequest { parent, provider, id_token, nonce } = request.get_ref();
    let account = own_account_of(&caller, ("parent", parent))?;
    let provider = native::check(core, provider, (id_token, nonce))?;
    let attempt = core.limits.token(origin(&request)?)?;
    let row = require_owner(core, &caller, account).await?;
    let asserted = native::redeem(core, provider, (id_token, nonce)).await?;
    attempt.succeeded();
    connect(core, row, asserted, (trail(&request)?, &Call::of(&request)?)).await
}

/// Refuses whoever may have found a device open, and accounts that may be somebody else's: one more way in would stay with them.
pub(super) async fn require_owner(core: &Core, caller: &Principal, account: AccountId) -> Result<AccountRow, Error> {
    let row = find(core, account).await?;
    if row.anonymous {
        // It has nothing to be shown but its session; from then on it is somebody's.
        return if core.sign_up == SignUp::Closed { Err(Error::SignUpClosed) } else { Ok(row) };
    }
    if !row.email.is_empty() && !row.email_verified {
        return Err(Error::EmailNotVerified);
    }
    require_level(core, caller, account).await?;
    require_recent(core, caller)?;
    Ok(row)
}

/// What is known before the transaction.
#[derive(Clone)]
struct Connecting {
    account: AccountId,
    asserted: Asserted,
    /// The address that an account without one gets.
    claimed: Option<Claimed>,
    told: Option<MailRow>,
    /// What is told of an account that had no address.
    upgraded: Option<SignUpRow>,
    trail: Trail,
    now: i64,
    moment: Moment,
}

async fn connect(
    core: &Core,
    row: AccountRow,
    asserted: Asserted,
    (trail, call): (Trail, &Call),
) -> Result<pb::Identity, Error> {
    let provider = core.providers.find(&asserted.provider).ok_or(Error::ProviderNotFound)?;
    if let Some(linked) = look(core, &row, &asserted).await? {
        return Ok(identity_to_pb(row.id()?, &linked));
    }
    let told = notice(core, Kind::IdentityAdded, &row, &provider.display_name)?;
    let is_trusted = asserted.address.as_ref().is_some_and(|address| address.trusted);
    let claimed = claimed(core, &asserted).filter(|_| is_trusted);
    let (account, now, moment) = (row.id()?, core.clock.now_micros(), core.moment());
    let becomes_known = row.anonymous || (row.email.is_empty() && claimed.is_some());
    let upgraded = if becomes_known { upgraded(core, row, (&asserted, is_trusted), call).await? } else { None };
    let connecting = Connecting { account, asserted, claimed, told, upgraded, trail, now, moment };
    let linked = core.database.write(Atomic::Transaction, move |conn| {
        let connecting = connecting.clone();
        Box::pin(async move { connecting.link(conn).await })
    });
    let (identity, revocation) = linked.await?;
    core.tell(revocation);
    core.hooks.wake();
    wake(core);
    Ok(identity_to_pb(account, &identity))
}

/// Finds what is linked already, of which nobody is asked.
async fn look(core: &Core, row: &AccountRow, asserted: &Asserted) -> Result<Option<IdentityRow>, Error> {
    let (uid, issuer, subject) = (row.uid.clone(), asserted.issuer.clone(), asserted.subject.clone());
    let known = core.database.read(Lane::Inline, move |conn| {
        let (uid, issuer, subject) = (uid.clone(), issuer.clone(), subject.clone());
        Box::pin(async move { linked(conn, &uid, (&issuer, &subject)).await })
    });
    known.await
}

/// Gives what an account is linked with. Fails where another account is.
async fn linked(conn: &mut Conn<'_>, uid: &str, user: (&str, &str)) -> Result<Option<IdentityRow>, Error> {
    match identities::of_subject(conn, user).await? {
        Some(identity) if identity.account_uid != uid => Err(Error::IdentityTaken),
        known => Ok(known),
    }
}

/// Asks whether an account without an address may become that of whom the provider vouches for.
async fn upgraded(
    core: &Core,
    row: AccountRow,
    (asserted, is_trusted): (&Asserted, bool),
    call: &Call,
) -> Result<Option<SignUpRow>, Error> {
    let address = asserted.address.as_ref().filter(|address| address.verified && is_trusted);
    let email = address.map(|address| address.email.original().to_owned()).unwrap_or_default();
    ask_to_upgrade(core, AccountRow { email_verified: !email.is_empty(), email, anonymous: false, ..row }, call).await
}

impl Connecting {
    async fn link(&self, conn: &mut Conn<'_>) -> Result<(IdentityRow, Option<Revocation>), Error> {
        let row = accounts::find(conn, self.account).await?.ok_or(Error::AccountNotFound)?;
        if let Some(identity) = linked(conn, &row.uid, (&self.asserted.issuer, &self.asserted.subject)).await? {
            return Ok((identity, None));
        }
        if identities::of_account(conn, &row.uid).await?.len() >= MOST_IDENTITIES {
            return Err(Error::TooManyIdentities(MOST_IDENTITIES));
        }
        let identity = link(conn, &row, &self.asserted, (self.now, self.trail.clone())).await?;
        if let Some(mail) = &self.told {
            mails::insert(conn, mail).await?;
        }
        let has_changed = self.make_known(conn, &row).await?;
        if let Some(upgraded) = self.upgraded.as_ref().filter(|_| has_changed) {
            sign_ups::insert(conn, upgraded).await?;
        }
        let outdated = if has_changed { Some(outdate_tokens(conn, self.moment, self.account).await?) } else { None };
        Ok((identity, outdated))
    }

    /// Gives an account that has no address the one that the provider vouches for, where nobody has it. Says whether tokens say of the
    /// account what is not so any more.
    async fn make_known(&self, conn: &mut Conn<'_>, row: &AccountRow) -> Result<bool, Error> {
        if !row.email.is_empty() {
            return Ok(false);
        }
        let address = self.asserted.address.as_ref();
        if let (Some(claimed), Some(address)) = (&self.claimed, address)
            && accounts::find_by_email(conn, claimed).await?.is_none()
        {
            let email = (address.email.original(), address.email.key());
            return if emails::change(conn, row, email, self.now).await? { Ok(true) } else { Err(Error::Contention) };
        }
        if row.anonymous && !accounts::known(conn, row, self.now).await? {
            return Err(Error::Contention);
        }
        Ok(row.anonymous)
    }
}
