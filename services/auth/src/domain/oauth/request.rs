//! What a client asks for by a browser (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client::{GrantType, OAuthClient};
use super::pkce;
use super::refusal::{Refused, Word};
use super::scope::{Scope, Scopes};

/// Longest `state` and `nonce`.
pub const MAX_STATE_BYTES: usize = 1_024;
pub const MAX_NONCE_BYTES: usize = 512;

/// How long somebody may think about a question, or take to show again who they are.
pub const TICKET_LASTS: Duration = Duration::from_secs(10 * 60);

/// What came, as it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'a> {
    pub response_type: &'a str,
    pub response_mode: &'a str,
    pub scope: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    pub code_challenge: &'a str,
    pub code_challenge_method: &'a str,
    pub prompt: &'a str,
    pub max_age: &'a str,
    pub unsupported: &'a str,
    pub repeated: &'a str,
}

/// What of it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub scopes: Scopes,
    /// Whether nobody must be asked anything.
    pub silent: bool,
    /// Whether whoever is signed in has to show it again.
    pub login: bool,
    /// Whether they have to agree again.
    pub consent: bool,
    /// How many seconds ago they may have shown who they are.
    pub max_age: Option<i64>,
}

impl Asked {
    /// Reads what a client asks for. What is wrong is told at its address.
    pub fn read(client: &OAuthClient, of: &Parameters<'_>) -> Result<Asked, Refused> {
        let refused = |word, says| Err(Refused::new(word, says));
        if !of.repeated.is_empty() {
            return refused(Word::InvalidRequest, "a parameter was given more than once");
        }
        match of.unsupported {
            "" => {}
            "request_not_supported" => return refused(Word::RequestNotSupported, "request objects are not taken"),
            "registration_not_supported" => {
                return refused(Word::RegistrationNotSupported, "administrators register clients");
            }
            _ => return refused(Word::RequestUriNotSupported, "request objects are not taken"),
        }
        if of.response_type != "code" {
            return refused(Word::UnsupportedResponseType, "response_type has to be code");
        }
        if !client.may(GrantType::Code) {
            return refused(Word::UnauthorizedClient, "the client is not registered for authorization_code");
        }
        if !matches!(of.response_mode, "" | "query") {
            return refused(Word::InvalidRequest, "response_mode has to be query, or to be left out");
        }
        if of.state.len() > MAX_STATE_BYTES || of.nonce.len() > MAX_NONCE_BYTES {
            return refused(Word::InvalidRequest, "state has at most 1024 bytes, nonce 512");
        }
        if of.code_challenge_method != pkce::METHOD || !pkce::is_challenge(of.code_challenge) {
            return refused(
                Word::InvalidRequest,
                "PKCE is required: code_challenge_method has to be S256, code_challenge a SHA-256 as base64url (RFC 7636)",
            );
        }
        let scopes = wanted(client, of.scope)?;
        Asked::with_prompt(of, scopes)
    }

    fn with_prompt(of: &Parameters<'_>, scopes: Scopes) -> Result<Asked, Refused> {
        let refused = |says| Err(Refused::new(Word::InvalidRequest, says));
        let max_age = match of.max_age {
            "" => None,
            text => match text.parse::<u32>() {
                Ok(seconds) if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(i64::from(seconds)),
                _ => return refused("max_age has to be a number of seconds"),
            },
        };
        let prompts: Vec<&str> = of.prompt.split(' ').filter(|word| !word.is_empty()).collect();
        if prompts.iter().any(|word| !matches!(*word, "none" | "login" | "consent" | "select_account")) {
            return refused("prompt has to be none, or some of login, consent and select_account");
        }
        let has = |word| prompts.contains(&word);
        if has("none") && prompts.len() > 1 {
            return refused("prompt has none and more");
        }
        // Another account is chosen where one signs in.
        let login = has("login") || has("select_account");
        Ok(Asked { scopes, silent: has("none"), login, consent: has("consent"), max_age })
    }
}

/// Reads the scope that a client asks for: what it may ask for of that.
pub fn wanted(client: &OAuthClient, scope: &str) -> Result<Scopes, Refused> {
    let mut scopes = Scopes::read(scope).within(&client.scopes);
    // What nobody could use is not asked for (OpenID Connect Core 1.0, section 11).
    if !client.may(GrantType::Refresh) {
        scopes = scopes.within(&Scopes::of([Scope::OpenId, Scope::Profile, Scope::Email]));
    }
    if scopes.is_empty() {
        return Err(Refused::new(Word::InvalidScope, "nothing is asked for that this client may ask for"));
    }
    Ok(scopes)
}

/// What somebody is asked, sealed: so that what they agree to is what they were shown, in the session in which they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The session.
    pub session: String,
    /// When it was asked, in seconds since the Unix epoch.
    pub time: i64,
    pub client: String,
    pub redirect_uri: String,
    pub scope: String,
    pub state: String,
    pub nonce: String,
    pub code_challenge: String,
}

impl Ticket {
    /// Whether it is good for whoever is signed in by a session.
    pub fn is_good(&self, session: Option<&str>, now: i64) -> bool {
        let age = now.saturating_sub(self.time);
        session == Some(self.session.as_str()) && (0..=TICKET_LASTS.as_secs().cast_signed()).contains(&age)
    }
}
