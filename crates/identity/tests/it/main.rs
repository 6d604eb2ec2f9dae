#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authenticator;
mod forge;
mod principal;
mod revocations;
mod s07_es256;
mod s07_jwt_confusion;
mod service_keys;
mod verifier;
