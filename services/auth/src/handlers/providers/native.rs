//! ID tokens that applications have got from a provider's own library: each is taken once.

use mainstay_db::Atomic;
use mainstay_record::Violation;
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::names::provider;
use crate::core::Core;
use crate::domain::challenge::{Challenge, Purpose};
use crate::domain::one_time_secret::SecretHash;
use crate::domain::provider::Asserted;
use crate::domain::session::micros;
use crate::error::Error;
use crate::providers::{MAX_TOKEN_BYTES, Provider};
use crate::store::challenges;

/// Shortest and longest nonce.
const NONCE: std::ops::RangeInclusive<usize> = 16..=256;

/// For how long it is known that a token was used. A token that says that it is good for longer is not taken by then.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(25 * 60 * 60);

/// Finds the provider and says what is wrong with what it shall judge.
pub(super) fn check<'a>(core: &'a Core, name: &str, (id_token, nonce): (&str, &str)) -> Result<&'a Provider, Error> {
    let mut violations = Vec::new();
    if id_token.is_empty() {
        violations.push(Violation::new("id_token", "is required"));
    }
    if id_token.len() > MAX_TOKEN_BYTES {
        violations.push(Violation::new("id_token", format!("must be at most {MAX_TOKEN_BYTES} bytes")));
    }
    if !NONCE.contains(&nonce.len()) {
        let problem = format!("must be {} to {} bytes that nobody guesses", NONCE.start(), NONCE.end());
        violations.push(Violation::new("nonce", problem));
    }
    let provider = match provider(core, name) {
        Err(Error::Violations(others)) => return Err(Error::Violations([others, violations].concat())),
        found => found?,
    };
    if !provider.gives_id_tokens() {
        violations.push(Violation::new("provider", "gives no ID tokens"));
    }
    if violations.is_empty() { Ok(provider.as_ref()) } else { Err(Error::Violations(violations)) }
}

/// Gives what a token says, where it is believed and was not used before.
pub(super) async fn redeem(core: &Core, provider: &Provider, given: (&str, &str)) -> Result<Asserted, Error> {
    let asserted = core.providers.native(provider, given).await?;
    // The same token signed again in another form is another text: the part that is signed is what counts.
    let signed = given.0.rsplit_once('.').map_or(given.0, |(signed, _)| signed);
    let hash = digest(&SHA256, signed.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.as_ref());
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    let now = core.clock.now_micros();
    let used = Challenge {
        id: Uuid::from_bytes(id),
        purpose: Purpose::IdTokenUsed,
        account: None,
        hash: SecretHash(bytes),
        shown: None,
        sealed_state: None,
        create_time: now,
        expire_time: now.saturating_add(micros(REMEMBERED)),
        use_time: Some(now),
    };
    let is_first = core.database.write(Atomic::Statement, move |conn| {
        let used = used.clone();
        Box::pin(async move { Ok::<_, Error>(challenges::insert_once(conn, &used).await?) })
    });
    if is_first.await? { Ok(asserted) } else { Err(Error::TokenUsed) }
}
