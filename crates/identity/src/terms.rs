//! What a token has to be like.

use std::time::Duration;

use serde::Deserialize;

/// Longest token that is looked at: one with all roles and claims that an account may have.
pub const MAX_TOKEN_BYTES: usize = 14 * 1024;

/// How far the clocks of the issuer and the verifier may differ before a token counts as from the future.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Longest access token lifetime, seconds.
pub const MAX_ACCESS_TOKEN_SECONDS: u32 = 3600;

/// What tokens must say about where they come from and whom they are for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifierConfig {
    /// The one accepted `iss`.
    pub issuer: String,
    /// The `aud` that must be among the token's.
    pub audience: String,
}

impl Default for VerifierConfig {
    fn default() -> VerifierConfig {
        VerifierConfig { issuer: "mainstay".to_owned(), audience: "mainstay".to_owned() }
    }
}
