//! What was begun at a provider and has to come back: stored sealed, bound to the client that has begun, and good once.

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_record::Violation;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::challenge::{Challenge, ChallengeToken, PROVIDER_LASTS, Purpose};
use crate::domain::one_time_secret::SecretHash;
use crate::domain::provider::Asserted;
use crate::domain::session::micros;
use crate::error::Error;
use crate::providers::{Flow, Provider, Wanted};
use crate::store::challenges;

/// Longest text that a provider sends a browser back with.
const MAX_BYTES: usize = 8 * 1024;

/// Longest hint whom to suggest.
const MAX_HINT_BYTES: usize = 320;

/// What a client gets that begins.
pub(super) struct Begun {
    pub(super) authorization_uri: String,
    pub(super) secret: String,
    pub(super) expire_time: i64,
}

/// Sends somebody to a provider: to sign in, or to link an account.
pub(super) async fn begin(
    core: &Core,
    provider: &Provider,
    account: Option<AccountId>,
    (redirect_uri, login_hint, anew): (&str, &str, bool),
) -> Result<Begun, Error> {
    let mut violations = Vec::new();
    let redirect = core.providers.redirect(redirect_uri);
    if redirect.is_none() {
        let problem = "is not one of auth.redirect_uris, character for character, nor the path of the page for it where public_url is set";
        violations.push(Violation::new("redirect_uri", problem));
    }
    if login_hint.len() > MAX_HINT_BYTES || login_hint.chars().any(char::is_control) {
        let problem = format!("must be at most {MAX_HINT_BYTES} bytes without control characters");
        violations.push(Violation::new("login_hint", problem));
    }
    if anew && !provider.gives_id_tokens() {
        violations.push(Violation::new("reauthenticate", "is not possible: the provider does not say when it asked"));
    }
    let Some(redirect_uri) = redirect.filter(|_| violations.is_empty()) else {
        return Err(Error::Violations(violations));
    };
    let (authorization_uri, flow) = core.providers.begin(provider, &Wanted { redirect_uri, login_hint, anew }).await?;
    let (id, now) = (Uuid::now_v7(), core.clock.now_micros());
    let token = ChallengeToken::of(id)?;
    let plain = Zeroizing::new(serde_json::to_vec(&flow).map_err(Error::Encoding)?);
    let expire_time = now.saturating_add(micros(PROVIDER_LASTS));
    let challenge = Challenge {
        id,
        purpose: if account.is_some() { Purpose::ProviderLink } else { Purpose::ProviderSignIn },
        account,
        hash: token.hash(),
        shown: None,
        sealed_state: Some(core.key_encryption_key.seal(&seal_of(id), &plain)?),
        create_time: now,
        expire_time,
        use_time: None,
    };
    let stored = core.database.write(Atomic::Statement, move |conn| {
        let challenge = challenge.clone();
        Box::pin(async move { Ok::<_, Error>(challenges::insert(conn, &challenge).await?) })
    });
    stored.await?;
    Ok(Begun { authorization_uri, secret: token.to_text(), expire_time })
}

fn seal_of(id: Uuid) -> Vec<u8> {
    [b"flow ".as_slice(), id.as_bytes()].concat()
}

/// What a client comes back with.
pub(super) struct Returned<'a> {
    pub(super) secret: &'a str,
    pub(super) state: &'a str,
    pub(super) code: &'a str,
    pub(super) issuer: &'a str,
}

impl Returned<'_> {
    /// Says what is missing or cannot be.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut violations = Vec::new();
        for (field, text) in [("secret", self.secret), ("state", self.state), ("code", self.code)] {
            if text.is_empty() {
                violations.push(Violation::new(field, "is required"));
            }
        }
        for (field, text) in [("state", self.state), ("code", self.code), ("issuer", self.issuer)] {
            if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
                let problem = format!("must be at most {MAX_BYTES} bytes without control characters");
                violations.push(Violation::new(field, problem));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
    }
}

/// Uses up what was begun, before the provider is asked: of many who come back at once, one goes on.
pub(super) async fn take(core: &Core, returned: &Returned<'_>, account: Option<AccountId>) -> Result<Flow, Error> {
    let token = ChallengeToken::parse(returned.secret).ok_or(Error::ChallengeOver)?;
    let (id, hash, now) = (token.id(), token.hash(), core.clock.now_micros());
    let purpose = if account.is_some() { Purpose::ProviderLink } else { Purpose::ProviderSignIn };
    let found = core.database.read(Lane::Inline, move |conn| Box::pin(look(conn, (id, hash), purpose, now)));
    let challenge = found.await?;
    if challenge.account != account {
        return Err(Error::ChallengeOver);
    }
    let sealed = challenge.sealed_state.ok_or(Error::ChallengeOver)?;
    let plain = Zeroizing::new(core.key_encryption_key.open(&seal_of(id), &sealed)?);
    let flow: Flow = serde_json::from_slice(&plain).map_err(Error::Encoding)?;
    let is_its = bool::from(flow.state.as_bytes().ct_eq(returned.state.as_bytes()));
    let used = core.database.write(Atomic::Statement, move |conn| {
        Box::pin(async move { Ok::<_, Error>(challenges::use_up(conn, id, now).await?) })
    });
    // Whoever has the secret and another state is told by somebody else what to come back with: it is over, too.
    if used.await? && is_its { Ok(flow) } else { Err(Error::ChallengeOver) }
}

async fn look(
    conn: &mut Conn<'_>,
    (id, hash): (Uuid, SecretHash),
    purpose: Purpose,
    now: i64,
) -> Result<Challenge, Error> {
    let row = challenges::find(conn, id).await?.ok_or(Error::ChallengeOver)?;
    let challenge = Challenge::try_from(row)?;
    if challenge.admits(hash, purpose, now) { Ok(challenge) } else { Err(Error::ChallengeOver) }
}

/// Uses up what was begun and asks the provider who it is. Where nobody comes in by the provider any more, nobody does.
pub(super) async fn redeem(
    core: &Core,
    returned: &Returned<'_>,
    account: Option<AccountId>,
) -> Result<Asserted, Error> {
    let flow = take(core, returned, account).await?;
    let provider = core.providers.find(&flow.provider).ok_or(Error::ProviderNotFound)?;
    core.providers.redeem(provider, &flow, (returned.code, returned.issuer)).await
}
