//! Passkeys: how an account gets one, and how it is signed in to with one.
//!
//! ```text
//! BeginPasskey ── a challenge (enrol, the account) ──▶ the browser ──▶ FinishPasskey
//! BeginPasskeySignIn ── a challenge (passkey) ──▶ the browser ──▶ SignInWithPasskey, StepUp
//! ```
//!
//! A challenge is bound to what it was made for and, where that is known, to the account; it is good for five minutes, and once.

pub(super) mod asking;
pub(super) mod enrolling;
mod json;
pub(super) mod judging;
pub(super) mod signing_in;
