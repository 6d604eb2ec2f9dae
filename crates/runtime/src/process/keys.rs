//! The keys by which processes know one another and the callers of users.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use mainstay_identity::{
    FetchFuture, Jwk, KeySet, KeySource, KeySourceError, OPERATOR, Principal, ServiceKeys, ServiceKeysError,
    VerifyingKey, roles,
};
use mainstay_proto::auth::v1::{self as pb, Jwks};
use prost::Message as _;
use secrecy::SecretString;

use super::{Common, Mode};
use crate::channel::{Call, Channel};

const GET_JWKS: &str = "/mainstay.auth.v1.KeyService/GetJwks";

/// The service accounts that the platform itself needs.
const ACCOUNTS: [&str; 2] = ["gateway", "data"];

/// Why service accounts cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum ServiceKeyError {
    #[error(transparent)]
    Account(#[from] ServiceKeysError),
    #[error(transparent)]
    Key(#[from] mainstay_keys::Error),
}

/// Collects the service accounts that this process accepts: those of the configuration, in development those made in the
/// data directory for what is missing, and the operator with the secret that `run.json` holds.
pub(super) fn service_keys(common: &Common, operator: &SecretString) -> Result<Arc<ServiceKeys>, ServiceKeyError> {
    let mut secrets = common.services.keys.clone();
    for name in ACCOUNTS {
        if let Some(secret) = secret_of(common, name)? {
            secrets.insert(name.to_owned(), secret);
        }
    }
    secrets.insert(OPERATOR.to_owned(), operator.clone());
    Ok(Arc::new(ServiceKeys::new(secrets)?))
}

/// The credential that this process presents as the service account `name`, if it has one.
pub fn credential(common: &Common, name: &str) -> Result<Option<SecretString>, ServiceKeyError> {
    Ok(secret_of(common, name)?.map(|secret| ServiceKeys::credential(name, &secret)))
}

/// Makes the operator's secret: new at each start.
pub(super) fn operator_secret() -> Result<SecretString, mainstay_keys::Error> {
    Ok(SecretString::from(new_secret()?))
}

fn secret_of(common: &Common, name: &str) -> Result<Option<SecretString>, mainstay_keys::Error> {
    match (common.services.keys.get(name), common.mode) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, Mode::Production) => Ok(None),
        (None, Mode::Development) => made(&common.data_dir, name).map(Some),
    }
}

fn made(data_dir: &Path, name: &str) -> Result<SecretString, mainstay_keys::Error> {
    let path = data_dir.join("keys").join(format!("service-{name}"));
    Ok(SecretString::from(mainstay_keys::secret_file(&path, new_secret)?))
}

fn new_secret() -> Result<String, mainstay_keys::Error> {
    Ok(HEXLOWER.encode(&mainstay_keys::random::<32>()?))
}

/// Fetches the public keys from the auth service in another process.
pub struct RemoteKeys {
    auth: Arc<dyn Channel>,
    name: &'static str,
}

impl RemoteKeys {
    /// Asks over `auth`, as the service account `name`.
    pub fn new(auth: Arc<dyn Channel>, name: &'static str) -> RemoteKeys {
        RemoteKeys { auth, name }
    }
}

impl KeySource for RemoteKeys {
    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async move {
            let principal = Principal::service(self.name, vec![roles::SERVICE.to_owned()]);
            let answer = self.auth.call(Call::new(GET_JWKS, principal, Bytes::new())).await;
            let bytes = answer.and_then(|reply| reply.message()).map_err(unreachable)?;
            let keys = Jwks::decode(bytes).map_err(unreachable)?.keys;
            let keys = keys.iter().map(|key| {
                let pb::Jwk { kty, crv, kid, alg, r#use: usage, x, y } = key;
                VerifyingKey::from_jwk(&Jwk { kty, crv, alg, usage, kid, x, y })
            });
            KeySet::new(keys.collect::<Result<Vec<_>, _>>()?)
        })
    }
}

fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> KeySourceError {
    KeySourceError::Unreachable(error.into())
}
