//! Which client asks: by its secret (RFC 6749, section 2.3.1), by its signature (RFC 7523), or by saying so, where it keeps none.

use mainstay_db::{Atomic, Lane};
use mainstay_identity::{KeySet, MAX_CLOCK_SKEW, read_unverified, verify_signed};
use mainstay_proto::auth::v1 as pb;
use serde::Deserialize;
use serde_json::Value;

use super::failed::Failed;
use super::provider::{issuer, token_endpoint};
use crate::core::Core;
use crate::domain::oauth::client::{Authentication, OAuthClient, OAuthClientId};
use crate::domain::oauth::refusal::Word;
use crate::domain::oauth::secrets::Hash;
use crate::domain::session::SECOND;
use crate::error::Error;
use crate::limits::Origin;
use crate::store::oauth::{assertions, clients};

/// The one kind of signed proof (RFC 7523, section 2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What such a proof may say of its type.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// For how many seconds a proof is good at most.
const LONGEST: i64 = 10 * 60;

/// Longest `jti`.
const MAX_JTI_BYTES: usize = 256;

/// The same is told whatever is wrong: who guesses is told nothing.
pub(super) fn unknown() -> Failed {
    Failed::new(Word::InvalidClient, "the client is not known, or has not shown that it is the one")
}

/// Finds the client that asks, once it has shown who it is.
pub(super) async fn client_of(
    core: &Core,
    origin: Origin,
    proof: Option<&pb::OAuthClientProof>,
) -> Result<OAuthClient, Failed> {
    let proof = proof.cloned().unwrap_or_default();
    check(&proof)?;
    let attempt = core.limits.token(origin).map_err(Error::from)?;
    let client = match signed_by(&proof)? {
        Some(id) => {
            let client = find(core, &id).await?.ok_or_else(unknown)?;
            let is_its = client.authentication == Authentication::PrivateKey;
            verify(core, &proof.client_assertion, &id, &client.keys()).await?;
            Some(client).filter(|_| is_its)
        }
        None => find(core, &proof.client_id).await?.filter(|client| is_shown(core, client, &proof.client_secret)),
    };
    let client = client.ok_or_else(unknown)?;
    attempt.succeeded();
    Ok(client)
}

/// Refuses who shows nothing at all, and who shows two things (RFC 6749, section 2.3).
pub(super) fn check(proof: &pb::OAuthClientProof) -> Result<(), Failed> {
    let is_signed = !proof.client_assertion.is_empty() || !proof.client_assertion_type.is_empty();
    if is_signed && !proof.client_secret.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "a client shows who it is in one way"));
    }
    if is_signed && proof.client_assertion_type != JWT_BEARER {
        return Err(Failed::new(Word::InvalidRequest, "client_assertion_type is none that is known here"));
    }
    if !is_signed && proof.client_id.is_empty() {
        return Err(unknown());
    }
    Ok(())
}

fn is_shown(core: &Core, client: &OAuthClient, secret: &str) -> bool {
    match client.authentication {
        Authentication::Secret => client.has_secret(secret, core.clock.now_micros()),
        Authentication::None => secret.is_empty(),
        Authentication::PrivateKey => false,
    }
}

pub(super) async fn find(core: &Core, id: &str) -> Result<Option<OAuthClient>, Error> {
    let Ok(id) = id.parse::<OAuthClientId>() else { return Ok(None) };
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { Ok::<_, Error>(clients::find(conn, id).await?.map(OAuthClient::try_from).transpose()?) })
    });
    found.await
}

/// What a proof says (RFC 7523, section 3).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Reads who has signed a proof, by what it says itself; nothing where there is none. It is verified by whose keys that are.
pub(super) fn signed_by(proof: &pb::OAuthClientProof) -> Result<Option<String>, Failed> {
    if proof.client_assertion.is_empty() {
        return Ok(None);
    }
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let Subject { sub } = read_unverified(&proof.client_assertion).map_err(|_| unknown())?;
    // What is said beside it must be the same (RFC 7521, section 4.2).
    if proof.client_id.is_empty() || proof.client_id == sub { Ok(Some(sub)) } else { Err(unknown()) }
}

/// Verifies a proof: signed by one of the keys, by and for the right ones, for a short time, and never shown before.
pub(super) async fn verify(core: &Core, assertion: &str, id: &str, keys: &KeySet) -> Result<(), Failed> {
    let claims: Claims = verify_signed(assertion, &TYPES, keys).map_err(|_| unknown())?;
    let now = core.clock.now_seconds();
    let latest_start = now.saturating_add(MAX_CLOCK_SKEW.as_secs().cast_signed());
    let starts = [claims.iat, claims.nbf].into_iter().flatten().all(|start| start <= latest_start);
    let ends = claims.exp > now && claims.exp <= now.saturating_add(LONGEST);
    let is_of = claims.iss == id && claims.sub == id && is_for_us(&claims.aud, issuer(core)?);
    if !starts || !ends || !is_of || claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
        return Err(unknown());
    }
    let hash = Hash::of(id, format!(" {}", claims.jti).as_bytes());
    let forgotten = claims.exp.saturating_mul(SECOND);
    let noted = core.database.write(Atomic::Statement, move |conn| {
        Box::pin(async move { Ok::<_, Failed>(assertions::note(conn, hash, forgotten).await?) })
    });
    if noted.await? { Ok(()) } else { Err(unknown()) }
}

/// Whether a proof is for this installation and for nobody beside it: with another's in the list, that one could show it here.
fn is_for_us(audience: &Value, issuer: &str) -> bool {
    let is_us = |text: &str| text == issuer || text == token_endpoint(issuer);
    match audience {
        Value::String(one) => is_us(one),
        Value::Array(list) => matches!(&list[..], [Value::String(one)] if is_us(one)),
        _ => false,
    }
}
