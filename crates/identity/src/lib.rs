#![doc = include_str!("../README.md")]

mod authenticator;
mod cache;
mod claims;
mod clock;
mod error;
mod exchange;
mod header;
mod json;
mod keys;
mod principal;
mod revocations;
pub mod roles;
mod service_keys;
mod signed;
mod terms;
mod verifier;

pub use authenticator::Authenticator;
pub use clock::{Clock, SystemClock};
pub use error::TokenError;
pub use exchange::{API_KEY_PREFIX, ExchangeFuture, KeyExchange};
pub use keys::{Algorithm, FetchFuture, Jwk, KeySet, KeySource, KeySourceError, VerifyingKey};
pub use principal::{Actor, Kind, Principal, SERVICE_UID_PREFIX, User};
pub use revocations::{MAX_REVOCATIONS, Revocation, Revocations, Revoked, Verdict, Watched};
pub use service_keys::{
    MAX_SERVICE_NAME_BYTES, MIN_SERVICE_SECRET_BYTES, OPERATOR, SERVICE_TOKEN_PREFIX, ServiceKeys, ServiceKeysError,
};
pub use signed::{read_unverified, verify_signed};
pub use terms::{MAX_ACCESS_TOKEN_SECONDS, MAX_CLOCK_SKEW, MAX_TOKEN_BYTES, VerifierConfig};
pub use verifier::{ASSERTION_TYPE, FETCH_TIMEOUT, KEYS_FRESH_FOR, REFRESH_INTERVAL, TOKEN_TYPE, Verifier};
