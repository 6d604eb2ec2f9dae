use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::{Principal, TokenError, roles};

/// What a service account's credential begins with: `mainstay-service.<name>.<secret>`.
pub const SERVICE_TOKEN_PREFIX: &str = "mainstay-service.";

/// The service account of whoever operates this installation; the only one that administers.
pub const OPERATOR: &str = "operator";

/// Shortest secret that is accepted.
pub const MIN_SERVICE_SECRET_BYTES: usize = 32;

/// Longest name that is accepted.
pub const MAX_SERVICE_NAME_BYTES: usize = 64;

/// Says what is wrong with a configured service account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceKeysError {
    /// The name is not of the allowed form.
    #[error("service account {0:?}: a name is 1 to {MAX_SERVICE_NAME_BYTES} lower-case letters, digits and `-`")]
    Name(String),
    /// The secret is too short, or has characters that a header cannot carry.
    #[error("service account {0:?}: a secret is at least {MIN_SERVICE_SECRET_BYTES} visible ASCII characters")]
    Secret(String),
}

/// Knows the service accounts of the configuration: processes of the platform that call one another, and the operator.
#[derive(Debug, Default)]
pub struct ServiceKeys {
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug)]
struct Account {
    /// SHA-256 of the secret: comparisons take the same time whatever was sent, and no secret stays in memory.
    secret_hash: [u8; 32],
    principal: Principal,
}

impl ServiceKeys {
    /// Accepts nobody.
    pub fn none() -> ServiceKeys {
        ServiceKeys::default()
    }

    /// Takes names and secrets. Every account holds [`roles::SERVICE`]; [`OPERATOR`] also holds [`roles::ADMIN`].
    /// Fails on the first name or secret that is not acceptable.
    pub fn new(secrets: impl IntoIterator<Item = (String, SecretString)>) -> Result<ServiceKeys, ServiceKeysError> {
        let mut accounts = BTreeMap::new();
        for (name, secret) in secrets {
            let account = Account::new(&name, &secret)?;
            accounts.insert(name, account);
        }
        Ok(ServiceKeys { accounts })
    }

    /// Says whether the credential is meant for [`ServiceKeys::authenticate`].
    pub fn is_service_credential(bearer: &str) -> bool {
        bearer.starts_with(SERVICE_TOKEN_PREFIX)
    }

    /// Makes the credential that a service presents, of its name and secret.
    pub fn credential(name: &str, secret: &SecretString) -> SecretString {
        SecretString::from(format!("{SERVICE_TOKEN_PREFIX}{name}.{}", secret.expose_secret()))
    }

    /// Finds who presents `mainstay-service.<name>.<secret>`. The comparison takes the same time for every secret.
    pub fn authenticate(&self, bearer: &str) -> Result<Principal, TokenError> {
        let (name, secret) = bearer
            .strip_prefix(SERVICE_TOKEN_PREFIX)
            .and_then(|rest| rest.split_once('.'))
            .ok_or(TokenError::UnknownService)?;
        let account = self.accounts.get(name).ok_or(TokenError::UnknownService)?;
        if hashes_are_equal(&account.secret_hash, &hash(secret)) {
            Ok(account.principal.clone())
        } else {
            Err(TokenError::UnknownService)
        }
    }
}

impl Account {
    fn new(name: &str, secret: &SecretString) -> Result<Account, ServiceKeysError> {
        let name_is_good = (1..=MAX_SERVICE_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !name_is_good {
            return Err(ServiceKeysError::Name(name.to_owned()));
        }
        let text = secret.expose_secret();
        if text.len() < MIN_SERVICE_SECRET_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ServiceKeysError::Secret(name.to_owned()));
        }
        let mut roles = vec![roles::SERVICE.to_owned()];
        if name == OPERATOR {
            roles.push(roles::ADMIN.to_owned());
        }
        Ok(Account { secret_hash: hash(text), principal: Principal::service(name, roles) })
    }
}

fn hash(secret: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// Compares all bytes whatever the first ones are. What is compared are hashes, so even a leak would tell nothing usable.
fn hashes_are_equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let difference = left.iter().zip(right).fold(0u8, |difference, (l, r)| difference | (l ^ r));
    std::hint::black_box(difference) == 0
}
