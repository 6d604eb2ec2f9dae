//! What goes wrong with passkeys, and what of it a client learns.

use mainstay_fault::{Fault, Reason};
use webauthn_rs::prelude::WebauthnError;

/// What can go wrong with a passkey.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    #[error("this installation has no name that passkeys can be bound to")]
    NoName,
    #[error("what an authenticator has shown is not right")]
    Refused,
    /// As [`PasskeyError::Refused`] to whoever shows it; its owner is told.
    #[error("the passkey has signed less often than before")]
    Behind,
    #[error("the passkey is enrolled already")]
    Taken,
    #[error("a passkey cannot be asked for")]
    Protocol(#[from] WebauthnError),
    #[error("what is stored of a passkey cannot be written or read")]
    Encoding(#[from] serde_json::Error),
    #[error(transparent)]
    Keys(#[from] mainstay_keys::Error),
}

impl From<PasskeyError> for Fault {
    /// Whatever is wrong with what was shown, it is told in the same words.
    fn from(error: PasskeyError) -> Fault {
        match error {
            PasskeyError::NoName => Fault::new(Reason::FailedPrecondition).message(
                "there are no passkeys here: its operator sets public_url, or auth.passkeys, to where people reach it by name",
            ),
            PasskeyError::Refused | PasskeyError::Behind => Fault::new(Reason::PasskeyRefused),
            PasskeyError::Taken => Fault::new(Reason::AlreadyExists).message("the passkey is enrolled already"),
            PasskeyError::Protocol(_) | PasskeyError::Encoding(_) | PasskeyError::Keys(_) => Fault::internal(error),
        }
    }
}
