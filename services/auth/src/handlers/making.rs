//! Accounts that are to be made: the one way into their table, past whoever decides about sign-ups.
//!
//! The application's hook is asked before a transaction begins, and before anything that costs something is done for the account. It
//! is not told whether the address has one already, so what it answers says nothing of that.

use std::net::IpAddr;

use mainstay_db::{Conn, Lane};
use mainstay_layers::context;
use mainstay_proto::auth::hook::v1 as hook;
use mainstay_proto::auth::hook::v1::before_sign_up_response::Decision;
use tonic::Request;
use uuid::Uuid;

use super::hook_wire::{account_to_be, claims_over, way_to_hook};
use super::{client, trail};
use crate::audit::Trail;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::claims::Claims;
use crate::domain::sign_up::Way;
use crate::domain::{locale, profile};
use crate::error::Error;
use crate::hooks::Unusable;
use crate::store::accounts::{self, AccountRow};
use crate::store::sign_ups::{self, SignUpRow};

/// Most characters of what a hook has a caller told.
const MAX_MESSAGE_CHARACTERS: usize = 300;

/// A call that leads to an account, as a hook is told of it.
#[derive(Clone)]
pub(super) struct Call {
    trail: Trail,
    address: Option<IpAddr>,
    user_agent: String,
}

impl Call {
    pub(super) fn of<T>(request: &Request<T>) -> Result<Call, Error> {
        let address = context(request).map_err(Error::Stack)?.peer;
        Ok(Call { trail: trail(request)?, address, user_agent: client(request)?.user_agent })
    }

    fn to_hook(&self) -> hook::Caller {
        hook::Caller {
            address: self.address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
            user_agent: self.user_agent.clone(),
            actor: self.trail.actor().to_owned(),
        }
    }
}

/// An account that may be made.
#[derive(Clone)]
pub(crate) struct Admitted {
    row: AccountRow,
    told: Option<SignUpRow>,
}

impl Admitted {
    /// Asks whether an account may be made, and how. `organisation`: the name of the one that invites, or nothing.
    pub(super) async fn ask(
        core: &Core,
        (row, roles): (AccountRow, &[String]),
        (way, organisation): (Way, &str),
        call: &Call,
    ) -> Result<Admitted, Error> {
        let wanted = row.clone().into_account(roles.to_vec())?;
        let question = || question(&wanted, (&way, organisation), call);
        let held = &wanted.claims;
        let asked = core.hooks.before_sign_up(&call.trail, question, |decision| judge(row.clone(), held, decision));
        let row = match asked.await? {
            Some(judged) => judged.map_err(Error::SignUpDenied)?,
            None => row,
        };
        Ok(Admitted::unasked(core, row, &way))
    }

    /// An account about which nobody is asked.
    pub(super) fn unasked(core: &Core, row: AccountRow, way: &Way) -> Admitted {
        let told = to_be_told(core, &row, way);
        Admitted { row, told }
    }

    /// An account that its owner had before, elsewhere: nobody is asked and nobody is told.
    pub(super) fn imported(row: AccountRow) -> Admitted {
        Admitted { row, told: None }
    }

    pub(super) fn row(&self) -> &AccountRow {
        &self.row
    }

    /// The same with a password.
    #[must_use]
    pub(super) fn with_password_hash(mut self, password_hash: String) -> Admitted {
        self.row.password_hash = password_hash;
        self
    }

    /// Stores the account, and that it is to be told of.
    pub(super) async fn insert(&self, conn: &mut Conn<'_>, roles: &[String]) -> Result<Account, Error> {
        accounts::insert_new(conn, &self.row, roles).await?;
        if let Some(told) = &self.told {
            sign_ups::insert(conn, told).await?;
        }
        Ok(self.row.clone().into_account(roles.to_vec())?)
    }
}

/// Asks whether an account without an address may become somebody's. Whatever else is answered, it stays as it is.
pub(super) async fn ask_to_upgrade(core: &Core, named: AccountRow, call: &Call) -> Result<Option<SignUpRow>, Error> {
    let uid = named.uid.clone();
    let roles = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(accounts::roles(conn, &uid).await?) })
    });
    Ok(Admitted::ask(core, (named, &roles.await?), (Way::Upgrade, ""), call).await?.told)
}

/// What is to be told of an account, where somebody is told.
pub(super) fn to_be_told(core: &Core, row: &AccountRow, way: &Way) -> Option<SignUpRow> {
    let now = core.clock.now_micros();
    core.hooks.tells_after_sign_up().then(|| SignUpRow {
        uid: Uuid::now_v7().as_hyphenated().to_string(),
        account_uid: row.uid.clone(),
        method: way.word().to_owned(),
        provider: way.provider().to_owned(),
        create_time: now,
        attempts: 0,
        attempt_time: now,
    })
}

fn question(wanted: &Account, (way, organisation): (&Way, &str), call: &Call) -> hook::BeforeSignUpRequest {
    hook::BeforeSignUpRequest {
        account: Some(account_to_be(wanted)),
        method: way_to_hook(way).into(),
        provider: way.provider().to_owned(),
        organisation: organisation.to_owned(),
        caller: Some(call.to_hook()),
    }
}

/// Gives the account as it is to be made, or what the caller is told who gets none.
fn judge(row: AccountRow, held: &Claims, decision: Decision) -> Result<Result<AccountRow, String>, Unusable> {
    match decision {
        Decision::Allow(wanted) => changed(row, held, wanted).map(Ok),
        Decision::Deny(hook::Deny { message }) => Ok(Err(shown(&message))),
    }
}

fn changed(mut row: AccountRow, held: &Claims, wanted: hook::Allow) -> Result<AccountRow, Unusable> {
    if let Some(name) = wanted.display_name {
        row.display_name = profile::display_name(&name).map_err(|_| Unusable::DisplayName)?;
        row.display_name_key = profile::display_name_key(&row.display_name);
    }
    if let Some(uri) = wanted.picture_uri {
        profile::check_picture_uri(&uri).map_err(|_| Unusable::Picture)?;
        row.picture_uri = uri;
    }
    if let Some(tag) = wanted.locale {
        locale::check(&tag).map_err(|_| Unusable::Locale)?;
        row.locale = tag;
    }
    if let Some(claims) = wanted.claims {
        row.claims = claims_over(held, claims)?.to_stored();
    }
    Ok(row)
}

/// What of a hook's text is shown.
fn shown(message: &str) -> String {
    message.trim().chars().filter(|sign| !sign.is_control()).take(MAX_MESSAGE_CHARACTERS).collect()
}
