//! Identities that are removed: as long as somebody comes in without them.

use mainstay_db::{Atomic, Conn};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::linking::require_owner;
use super::names::{identity_name, identity_name_of};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::authentication::Method;
use crate::domain::factor::Kind as Factor;
use crate::error::Error;
use crate::handlers::beginning::kinds_of;
use crate::handlers::owner::is_own;
use crate::handlers::sending::{notice, wake};
use crate::handlers::trail;
use crate::mail::Kind;
use crate::store::accounts::AccountRow;
use crate::store::{accounts, identities, mails};

/// What lets its owner in beside what the store has.
#[derive(Clone)]
struct Ways {
    /// The issuers of all providers that people come in by.
    issuers: Vec<String>,
    /// Whether mail goes to a verified address.
    mail: bool,
    /// Whether the owner has shown the password in this session.
    password: bool,
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteIdentityRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let (account, uid) = identity_name(&caller, &request.get_ref().name)?;
    if !is_own(&caller, account) {
        return Err(Error::IdentityNotFound);
    }
    let row = require_owner(core, &caller, account).await?;
    let issuers = core.providers.issuers_of_all();
    let password = caller.methods().iter().any(|word| word == Method::Password.word());
    let ways = Ways { issuers, mail: core.mail.is_some(), password };
    let now = core.clock.now_micros();
    let told = notice(core, Kind::IdentityRemoved, &row, &provider_of(core, &row, &uid).await?)?;
    let removed = core.database.write(Atomic::Transaction, move |conn| {
        let (uid, trail, told, ways) = (uid.clone(), trail.clone(), told.clone(), ways.clone());
        Box::pin(async move {
            let row = accounts::find(conn, account).await?.ok_or(Error::AccountNotFound)?;
            if !identities::remove(conn, &row.uid, &uid).await? {
                return Err(Error::IdentityNotFound);
            }
            if !ways.let_in(conn, &row).await? {
                return Err(Error::LastWayIn);
            }
            let told_of = Told::of(identity_name_of(account, &uid));
            trail.note(conn, now, Action::UnlinkIdentity, account, told_of).await?;
            if let Some(mail) = &told {
                mails::insert(conn, mail).await?;
            }
            Ok(())
        })
    });
    removed.await?;
    wake(core);
    Ok(())
}

/// What people call the provider of an identity, also where nobody comes in by it any more.
async fn provider_of(core: &Core, row: &AccountRow, uid: &str) -> Result<String, Error> {
    let (account, uid) = (row.uid.clone(), uid.to_owned());
    let found = core.database.read(mainstay_db::Lane::Inline, move |conn| {
        let (account, uid) = (account.clone(), uid.clone());
        Box::pin(async move { Ok::<_, Error>(identities::find(conn, &account, &uid).await?) })
    });
    let identity = found.await?.ok_or(Error::IdentityNotFound)?;
    let known = core.providers.find(&identity.provider).map(|provider| provider.display_name.clone());
    Ok(known.unwrap_or(identity.provider))
}

impl Ways {
    /// Says whether somebody comes in to an account as it is stored by now.
    async fn let_in(&self, conn: &mut Conn<'_>, row: &AccountRow) -> Result<bool, Error> {
        let others = identities::of_account(conn, &row.uid).await?;
        if others.iter().any(|other| self.issuers.contains(&other.issuer)) {
            return Ok(true);
        }
        if row.email_verified && self.mail {
            return Ok(true);
        }
        let has_login = !row.email.is_empty() || row.user_name.is_some();
        if self.password && has_login {
            return Ok(true);
        }
        Ok(kinds_of(conn, row.id()?).await?.contains(&Factor::Passkey))
    }
}
