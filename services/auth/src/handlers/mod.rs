//! One file for each service: a handler translates, decides, stores and translates back.

pub mod account_service;
pub mod accounts;
mod anonymous;
pub mod assertions;
pub mod audit;
mod beginning;
mod claims_wire;
mod credentials;
pub mod deleting;
pub mod disabling;
pub mod emails;
pub mod ending;
mod enrolling;
mod erasing;
mod exporting;
mod factor_list;
pub mod factor_service;
mod factors;
pub mod first_administrator;
pub mod governing;
mod hook_wire;
mod impersonation;
pub mod importing;
mod invitations;
pub mod keys;
pub mod listing;
pub mod mailbox;
mod mailed_sign_in;
mod making;
mod members;
mod membership;
pub mod oauth;
pub mod organisation_service;
mod organisations;
mod owner;
mod pages;
mod passkeys;
pub mod passwords;
mod profile;
pub mod providers;
mod proving;
pub mod removing;
pub mod revocations;
mod second_factor;
mod sending;
pub mod service_account_service;
mod service_accounts;
mod service_keys;
mod session_list;
pub mod sessions;
mod solving;
mod standing;
mod stepping_up;
mod switching;
mod whose;

pub(crate) use hook_wire::told_of;

use http::header::USER_AGENT;
use mainstay_layers::{PeerAgent, context};
use mainstay_proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use crate::audit::Trail;
use crate::domain::account::{ACCOUNTS, Account};
use crate::domain::client::Client;
use crate::error::Error;
use crate::limits::Origin;

/// What an RPC answers with.
pub(crate) type Answer<T> = Result<Response<T>, Status>;

/// Writes an account for the wire.
pub(crate) fn account_to_pb(account: &Account) -> pb::Account {
    pb::Account {
        name: format!("{ACCOUNTS}{}", account.id),
        uid: account.id.to_string(),
        email: account.email.clone(),
        email_verified: account.email_verified,
        pending_email: account.pending_email.clone().unwrap_or_default(),
        locale: account.locale.clone(),
        roles: account.roles.clone(),
        create_time: Some(timestamp(account.create_time)),
        update_time: Some(timestamp(account.update_time)),
        etag: account.revision.etag(),
        disable_time: account.disable_time.map(timestamp),
        user_name: account.user_name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        display_name: account.display_name.clone(),
        picture_uri: account.picture_uri.clone(),
        claims: claims_wire::claims_to_pb(&account.claims),
        anonymous: account.is_anonymous,
    }
}

/// Finds the network that a call comes from.
fn origin<T>(request: &Request<T>) -> Result<Origin, Error> {
    Ok(Origin::of(context(request).map_err(Error::Stack)?.peer))
}

/// Describes the client that a call comes from: by what whoever passes the call on says of it, else by its own header.
fn client<T>(request: &Request<T>) -> Result<Client, Error> {
    let passed_on = request.extensions().get::<PeerAgent>().map(|agent| agent.0.as_bytes());
    let own = || request.metadata().get(USER_AGENT.as_str()).map(|agent| agent.as_bytes());
    let peer = context(request).map_err(Error::Stack)?.peer;
    Ok(Client::new(passed_on.or_else(own).unwrap_or_default(), peer))
}

/// Says who calls, for the audit log.
fn trail<T>(request: &Request<T>) -> Result<Trail, Error> {
    let context = context(request).map_err(Error::Stack)?;
    let request_id = context.request_id.to_str().unwrap_or_default();
    let trail = Trail::new(&context.principal, request_id, client(request)?.network, context.trace.clone());
    Ok(trail.waiting_until(context.deadline))
}

fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}
