#![doc = include_str!("../README.md")]

mod audit;
mod auth;
pub mod breaches;
pub mod captcha;
mod config;
mod core;
mod deliver;
pub mod domain;
mod error;
mod handlers;
pub mod hashing;
pub mod hooks;
mod jobs;
pub mod limits;
pub mod mail;
mod organisations_on_store;
pub mod passkeys;
mod policy;
pub mod process;
pub mod providers;
mod refusal;
mod rekey;
mod removing;
mod revoking;
mod signer;
mod signing_keys;
pub mod store;
mod telling;
mod ways_in;

pub use auth::{Auth, Environment, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, PACKAGE, SERVICES, start};
pub use config::{
    AnonymousSignIn, Config, CreateOrganisations, EmailChange, ImpersonationConfig, KEY_FILE, SQLITE_FILE, SignUp,
    SigningAlgorithm,
};
pub use domain::role::check as check_role;
pub use error::{Error, StartError};
pub use refusal::Refusal;
