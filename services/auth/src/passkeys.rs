//! Passkeys (WebAuthn Level 3), by `webauthn-rs`, for the name that this installation has.
//!
//! An authenticator has to make sure of its owner each time (user verification), so a passkey is two factors by itself.
//! Nothing is asked about who has made it: attestation would tell more of its owner than it is worth here.

use mainstay_keys::KeyEncryptionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, Credential, DiscoverableAuthentication, DiscoverableKey, Passkey,
    PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse, Url, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::mail::Circumstances;

/// The section `auth.passkeys` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasskeysConfig {
    /// The domain that passkeys are bound to, for ever; absent: the host of `public_url`. That, or a domain above it.
    pub rp_id: Option<String>,
    /// Where pages are that may ask for passkeys: `https://app.example.org`, or what an app on a telephone has for it. Absent:
    /// `public_url`.
    pub origins: Vec<String>,
}

/// Says that passkeys cannot be had as they are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeysError {
    #[error("auth.passkeys.origins: every entry must be an origin, as https://app.example.org")]
    Origin,
    #[error("auth.passkeys.rp_id: must be the host of the first origin, or a domain above it")]
    RpId,
}

/// Passkeys as this installation takes them.
pub(crate) struct Passkeys(Webauthn);

/// What a challenge has to know again.
#[derive(Serialize, Deserialize)]
pub(crate) enum State {
    /// A passkey that is to be enrolled.
    Registration(PasskeyRegistration),
    /// One of whoever shows it.
    Discoverable(DiscoverableAuthentication),
    /// One of an account that is known.
    Known(PasskeyAuthentication),
}

impl State {
    /// Seals it as the challenge with this id stores it.
    pub(crate) fn seal(&self, key: &KeyEncryptionKey, id: Uuid) -> Result<Vec<u8>, SealingError> {
        Ok(key.seal(&purpose("challenge", &id.to_string()), &serde_json::to_vec(self)?)?)
    }

    /// Opens what [`State::seal`] made for the same challenge.
    pub(crate) fn open(key: &KeyEncryptionKey, id: Uuid, sealed: &[u8]) -> Result<State, SealingError> {
        Ok(serde_json::from_slice(&key.open(&purpose("challenge", &id.to_string()), sealed)?)?)
    }
}

/// Says that what is stored of passkeys cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    #[error("what is stored of a passkey cannot be written or read")]
    Encoding(#[from] serde_json::Error),
    #[error(transparent)]
    Keys(#[from] mainstay_keys::Error),
}

fn purpose(what: &str, uid: &str) -> Vec<u8> {
    format!("mainstay auth passkey {what} {uid}").into_bytes()
}

/// Seals a passkey as the factor with this uid stores it.
pub(crate) fn seal(passkey: &Passkey, key: &KeyEncryptionKey, uid: &str) -> Result<Vec<u8>, SealingError> {
    Ok(key.seal(&purpose("factor", uid), &serde_json::to_vec(passkey)?)?)
}

/// Opens what [`seal`] made for the same factor.
pub(crate) fn open(key: &KeyEncryptionKey, uid: &str, sealed: &[u8]) -> Result<Passkey, SealingError> {
    Ok(serde_json::from_slice(&key.open(&purpose("factor", uid), sealed)?)?)
}

/// How often a new passkey has signed, and whether its owner's devices share it.
pub(crate) fn facts(passkey: &Passkey) -> (i64, bool) {
    let credential = Credential::from(passkey.clone());
    (credential.counter.into(), credential.backup_eligible)
}

impl Passkeys {
    /// Nothing where this installation has no name that passkeys can be bound to.
    pub(crate) fn new(
        config: &PasskeysConfig,
        circumstances: &Circumstances,
        application: &str,
    ) -> Result<Option<Passkeys>, PasskeysError> {
        let read = |origin: &String| Url::parse(origin).map_err(|_| PasskeysError::Origin);
        let mut origins = config.origins.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if origins.is_empty() {
            let own = circumstances.public_url().and_then(|url| Url::parse(&url.page("/")).ok());
            origins.extend(own);
        }
        let Some(first) = origins.first() else { return Ok(None) };
        // Browsers bind passkeys to names, never to numbers.
        let Some(host) = first.domain() else {
            return if config.rp_id.is_some() { Err(PasskeysError::RpId) } else { Ok(None) };
        };
        let rp_id = config.rp_id.as_deref().unwrap_or(host);
        let builder = WebauthnBuilder::new(rp_id, first).map_err(|_| PasskeysError::RpId)?;
        let builder = builder.rp_name(application).allow_any_port(circumstances.development);
        let builder = origins[1..].iter().fold(builder, |builder, origin| builder.append_allowed_origin(origin));
        builder.build().map(|webauthn| Some(Passkeys(webauthn))).map_err(|_| PasskeysError::RpId)
    }

    /// Begins to enrol a passkey of an account: what the browser is asked, and what has to be known again.
    pub(crate) fn begin_registration(
        &self,
        account: Uuid,
        name: &str,
        known: &[Passkey],
    ) -> Result<(Value, State), WebauthnError> {
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let (mut asked, state) = self.0.start_passkey_registration(account, name, name, Some(known))?;
        // One that the authenticator keeps can be found without a name; one that has no room for it is good all the same.
        if let Some(selection) = &mut asked.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        Ok((registration_options(&asked), State::Registration(state)))
    }

    pub(crate) fn finish_registration(&self, state: &State, credential: Value) -> Option<Passkey> {
        let State::Registration(state) = state else { return None };
        let credential: RegisterPublicKeyCredential = serde_json::from_value(credential).ok()?;
        self.0.finish_passkey_registration(&credential, state).ok()
    }

    /// Asks for a passkey of whoever shows one.
    pub(crate) fn begin_discoverable(&self) -> Result<(Value, State), WebauthnError> {
        let (asked, state) = self.0.start_discoverable_authentication()?;
        Ok((options(&asked), State::Discoverable(state)))
    }

    /// Asks for one of these.
    pub(crate) fn begin_known(&self, passkeys: &[Passkey]) -> Result<(Value, State), WebauthnError> {
        let (asked, state) = self.0.start_passkey_authentication(passkeys)?;
        Ok((options(&asked), State::Known(state)))
    }

    /// Judges what an authenticator has signed with a passkey of this account.
    pub(crate) fn judge(
        &self,
        state: State,
        shown: &PublicKeyCredential,
        account: Uuid,
        passkey: &Passkey,
    ) -> Result<AuthenticationResult, WebauthnError> {
        match state {
            State::Registration(_) => Err(WebauthnError::CredentialNotFound),
            State::Known(state) => self.0.finish_passkey_authentication(shown, &state),
            State::Discoverable(state) => {
                let (whose, _) = self.0.identify_discoverable_authentication(shown)?;
                if whose != account {
                    return Err(WebauthnError::CredentialNotFound);
                }
                self.0.finish_discoverable_authentication_v2(shown, state, &DiscoverableKey::from(passkey))
            }
        }
    }
}

/// What `PublicKeyCredential.parseCreationOptionsFromJSON` takes.
fn registration_options(asked: &CreationChallengeResponse) -> Value {
    serde_json::to_value(&asked.public_key).unwrap_or_default()
}

/// What `PublicKeyCredential.parseRequestOptionsFromJSON` takes.
fn options(asked: &RequestChallengeResponse) -> Value {
    serde_json::to_value(&asked.public_key).unwrap_or_default()
}
