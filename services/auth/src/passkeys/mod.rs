//! Passkeys (WebAuthn Level 3), by `webauthn-rs`, for the name that this installation has.
//!
//! An authenticator has to make sure of its owner each time (user verification), so a passkey is two factors by itself.
//! Nothing is asked about who has made it: attestation would tell more of its owner than it is worth here.

mod config;
mod error;
mod state;

use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, Passkey, PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

pub use self::config::{PasskeysConfig, PasskeysError};
pub use self::error::PasskeyError;
pub(crate) use self::state::{Ceremony, State, facts, open, seal};
use crate::mail::Circumstances;

/// Passkeys as this installation takes them.
pub(crate) struct Passkeys(Webauthn);

/// What an authenticator has shown of a passkey: how often that has signed, and what is to be stored of it.
pub(crate) struct Shown {
    pub(crate) counter: i64,
    pub(crate) passkey: Passkey,
}

impl Passkeys {
    /// Nothing where this installation has no name that passkeys can be bound to.
    pub(crate) fn new(
        config: &PasskeysConfig,
        circumstances: &Circumstances,
        application: &str,
    ) -> Result<Option<Passkeys>, PasskeysError> {
        let Some(place) = config.place(circumstances)? else { return Ok(None) };
        let builder = WebauthnBuilder::new(&place.rp_id, &place.origins[0]).map_err(|_| PasskeysError::RpId)?;
        let builder = builder.rp_name(application).allow_any_port(circumstances.development);
        let builder = place.origins[1..].iter().fold(builder, |builder, origin| builder.append_allowed_origin(origin));
        builder.build().map(|webauthn| Some(Passkeys(webauthn))).map_err(|_| PasskeysError::RpId)
    }

    /// Begins to enrol a passkey of an account: what the browser is asked, and what has to be known again.
    pub(crate) fn begin_registration(
        &self,
        account: Uuid,
        (name, display_name): (&str, &str),
        known: &[Passkey],
    ) -> Result<(Value, Ceremony), PasskeyError> {
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let (mut asked, state) = self.0.start_passkey_registration(account, name, display_name, Some(known))?;
        // One that the authenticator keeps can be found without a name; one that has no room for it is good all the same.
        if let Some(selection) = &mut asked.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        Ok((serde_json::to_value(&asked.public_key)?, Ceremony::Registration(state)))
    }

    /// Judges the passkey that a browser has made.
    pub(crate) fn finish_registration(&self, ceremony: &Ceremony, credential: Value) -> Result<Passkey, PasskeyError> {
        let Ceremony::Registration(state) = ceremony else { return Err(PasskeyError::Refused) };
        let credential: RegisterPublicKeyCredential =
            serde_json::from_value(credential).map_err(|_| PasskeyError::Refused)?;
        self.0.finish_passkey_registration(&credential, state).map_err(|_| PasskeyError::Refused)
    }

    /// Asks for a passkey of whoever shows one.
    pub(crate) fn begin_discoverable(&self) -> Result<(Value, Ceremony), PasskeyError> {
        let (asked, state) = self.0.start_discoverable_authentication()?;
        Ok((serde_json::to_value(&asked.public_key)?, Ceremony::Discoverable(state)))
    }

    /// Asks for one of these.
    pub(crate) fn begin_known(&self, passkeys: &[Passkey]) -> Result<(Value, Ceremony), PasskeyError> {
        let (asked, state) = self.0.start_passkey_authentication(passkeys)?;
        Ok((serde_json::to_value(&asked.public_key)?, Ceremony::Known(state)))
    }

    /// Judges what an authenticator has signed with a passkey of this account.
    pub(crate) fn judge(
        &self,
        ceremony: Ceremony,
        shown: &PublicKeyCredential,
        account: Uuid,
        mut passkey: Passkey,
    ) -> Result<Shown, PasskeyError> {
        let result = self.verify(ceremony, shown, account, &passkey).map_err(|error| match error {
            WebauthnError::CredentialPossibleCompromise => PasskeyError::Behind,
            _ => PasskeyError::Refused,
        })?;
        if !result.user_verified() {
            return Err(PasskeyError::Refused);
        }
        passkey.update_credential(&result);
        Ok(Shown { counter: result.counter().into(), passkey })
    }

    fn verify(
        &self,
        ceremony: Ceremony,
        shown: &PublicKeyCredential,
        account: Uuid,
        passkey: &Passkey,
    ) -> Result<AuthenticationResult, WebauthnError> {
        match ceremony {
            Ceremony::Registration(_) => Err(WebauthnError::CredentialNotFound),
            // Where the authenticator says whose it is, it has to be the account's (WebAuthn section 7.2, step 6).
            Ceremony::Known(_) if shown.get_user_unique_id().is_some_and(|whose| whose != account.as_bytes()) => {
                Err(WebauthnError::CredentialNotFound)
            }
            Ceremony::Known(state) => self.0.finish_passkey_authentication(shown, &state),
            Ceremony::Discoverable(state) => {
                let (whose, _) = self.0.identify_discoverable_authentication(shown)?;
                if whose != account {
                    return Err(WebauthnError::CredentialNotFound);
                }
                self.0.finish_discoverable_authentication_v2(shown, state, passkey)
            }
        }
    }
}
