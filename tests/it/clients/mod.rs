//! The clients that applications use, each in its own runtime, against the real binary: `tests/clients` has them.

mod account;
mod events;
mod hooks;
mod journey;
mod mail;
mod oidc;
mod openapi;
mod pages;
mod passkey;
mod programs;
mod provider;
mod tokens;
mod totp;
mod transitions;
pub mod workshop;
