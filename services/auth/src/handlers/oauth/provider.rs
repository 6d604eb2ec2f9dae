//! What this installation is to clients.

use mainstay_proto::auth::v1 as pb;

use crate::core::Core;
use crate::domain::oauth::scope::Scopes;
use crate::error::Error;
use crate::refusal::Refusal;

/// Where clients ask for tokens, and where they ask about accounts: below the issuer.
const TOKEN: &str = "/auth/oauth2/token";
const USER_INFO: &str = "/auth/oauth2/userinfo";

/// Gives the issuer of what clients get.
pub(super) fn issuer(core: &Core) -> Result<&str, Error> {
    core.issuer.as_deref().ok_or(Error::Refused(Refusal::NoIssuer))
}

/// Gives the address that clients ask for tokens at.
pub(super) fn token_endpoint(issuer: &str) -> String {
    format!("{issuer}{TOKEN}")
}

/// Names whom an access token is for: what tells clients about accounts, and nothing else (RFC 9068, section 3).
pub(super) fn audience(issuer: &str) -> String {
    format!("{issuer}{USER_INFO}")
}

pub(super) fn get(core: &Core) -> Result<pb::OAuthProvider, Error> {
    let mut algorithms: Vec<String> =
        core.signer.published_keys().iter().map(|key| key.algorithm().name().to_owned()).collect();
    algorithms.dedup();
    Ok(pb::OAuthProvider {
        issuer: issuer(core)?.to_owned(),
        signing_algorithms: algorithms,
        scopes: Scopes::all().words(),
    })
}
