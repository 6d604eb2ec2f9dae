//! What hooks are told, and what they answer.

use mainstay_proto::auth::hook::v1 as hook;
use prost_types::Struct;

use super::claims_wire::{claims_from_pb, claims_to_pb};
use super::ending::session_name_of;
use super::timestamp;
use crate::domain::account::{ACCOUNTS, Account};
use crate::domain::claims::{Claims, is_reserved};
use crate::domain::organisation::{Acting, organisation_name};
use crate::domain::session::Session;
use crate::domain::sign_up::Way;
use crate::hooks::Unusable;
use crate::store::DamagedRow;
use crate::store::sign_ups::SignUpRow;

/// Writes an account that is there.
pub(super) fn account_to_hook(account: &Account) -> hook::Account {
    hook::Account { name: format!("{ACCOUNTS}{}", account.id), ..account_to_be(account) }
}

/// Writes an account that is to be made: the id that it may get is nobody's yet.
pub(super) fn account_to_be(account: &Account) -> hook::Account {
    hook::Account {
        name: String::new(),
        email: account.email.clone(),
        email_verified: account.email_verified,
        user_name: account.user_name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        display_name: account.display_name.clone(),
        picture_uri: account.picture_uri.clone(),
        locale: account.locale.clone(),
        claims: claims_to_pb(&account.claims),
        roles: account.roles.clone(),
        anonymous: account.is_anonymous,
    }
}

pub(super) fn way_to_hook(way: &Way) -> hook::SignUpMethod {
    match way {
        Way::Password => hook::SignUpMethod::Password,
        Way::Provider(_) => hook::SignUpMethod::Provider,
        Way::Invitation => hook::SignUpMethod::Invitation,
        Way::Anonymous => hook::SignUpMethod::Anonymous,
        Way::Upgrade => hook::SignUpMethod::Upgrade,
        Way::Administrator => hook::SignUpMethod::Administrator,
        Way::Operator => hook::SignUpMethod::Operator,
    }
}

/// Asks what the next token of a session says.
pub(super) fn minting(account: &Account, session: &Session, acting: Option<&Acting>) -> hook::MintTokenRequest {
    hook::MintTokenRequest {
        account: Some(account_to_hook(account)),
        session: Some(hook::Session {
            name: session_name_of(account.id, session.id),
            acr: session.authentication.level().to_owned(),
            amr: session.authentication.words().into_iter().map(str::to_owned).collect(),
            authenticate_time: Some(timestamp(session.authentication.time)),
        }),
        organisation: acting.map(|acting| organisation_name(acting.organisation)).unwrap_or_default(),
        organisation_roles: acting.map(|acting| acting.roles.clone()).unwrap_or_default(),
    }
}

/// Puts claims that a hook gives on top of those that an account has.
pub(super) fn claims_over(held: &Claims, given: Struct) -> Result<Claims, Unusable> {
    let given = claims_from_pb(given).map_err(Unusable::Claims)?;
    if given.as_map().keys().any(|name| is_reserved(name)) {
        return Err(Unusable::Reserved);
    }
    held.with(given.as_map()).map_err(Unusable::Claims)
}

/// Tells of an account that was made.
pub(crate) fn told_of(row: &SignUpRow, account: &Account) -> Result<hook::AfterSignUpRequest, DamagedRow> {
    let way = Way::from_stored(&row.method, &row.provider);
    let way = way.ok_or(DamagedRow { table: "sign_ups", column: "method" })?;
    Ok(hook::AfterSignUpRequest {
        event_id: row.uid.clone(),
        account: Some(account_to_hook(account)),
        method: way_to_hook(&way).into(),
        provider: way.provider().to_owned(),
        create_time: Some(timestamp(row.create_time)),
    })
}
