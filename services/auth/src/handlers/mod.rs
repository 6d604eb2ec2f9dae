//! One file for each service: a handler translates, decides, stores and translates back.

pub mod accounts;
pub mod keys;
pub mod sessions;

use mainstay_layers::context;
use mainstay_proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use crate::domain::account::Account;
use crate::error::Error;
use crate::limits::Origin;

/// What an RPC answers with.
pub(crate) type Answer<T> = Result<Response<T>, Status>;

/// What the name of every account begins with.
pub(crate) const ACCOUNTS: &str = "accounts/";

/// Writes an account for the wire.
pub(crate) fn account_to_pb(account: &Account) -> pb::Account {
    pb::Account {
        name: format!("{ACCOUNTS}{}", account.id),
        uid: account.id.to_string(),
        email: account.email.clone(),
        email_verified: account.email_verified,
        roles: account.roles.clone(),
        create_time: Some(timestamp(account.create_time)),
        update_time: Some(timestamp(account.update_time)),
        etag: account.revision.etag(),
    }
}

/// Finds the network that a call comes from.
fn origin<T>(request: &Request<T>) -> Result<Origin, Error> {
    Ok(Origin::of(context(request).map_err(Error::Stack)?.peer))
}

fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}
