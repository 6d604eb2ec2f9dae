//! Other applications that sign people in with their accounts here (OAuth 2.0, OpenID Connect).
//!
//! ```text
//! browser ─▶ authorizing: is it asked for as it should be? who is signed in? do they agree? ─▶ a code
//! client  ─▶ proof: who asks? ─▶ issuing: a code, a refresh token, a device's code, a key ─▶ tokens
//! client  ─▶ opened: what is a token worth? ─▶ told: userinfo, introspection, revocation
//! ```

mod authorizing;
mod client_wire;
mod clients;
mod consents;
mod deciding;
mod devices;
mod failed;
mod holds;
mod issuing;
mod machines;
mod opened;
mod proof;
mod provider;
mod renewing;
mod services;
mod signing_out;
mod tokens;
mod told;

pub(super) use consents::to_pb as consent_to_pb;
pub(crate) use services::{Authorization, Clients};
