use std::time::Duration;

use mainstay_fault::{Fault, Reason};

use crate::Verdict;

/// When it is worth trying again where auth has to be heard first.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Says why a credential was not accepted. The text is for logs and tests; clients learn only which of the three kinds it
/// was (not valid, expired, cannot be checked now), never which check failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The `authorization` header is not `Bearer <credential>` in visible ASCII, or occurs more than once.
    #[error("the authorization header is not one `Bearer` credential")]
    Header,
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is longer than {} bytes", crate::MAX_TOKEN_BYTES)]
    TooLarge,
    /// Not three base64url parts with JSON objects in the first two.
    #[error("the token is not a signed JSON Web Token: {0}")]
    Malformed(&'static str),
    /// The header's `typ` says that this is not an access token.
    #[error("the token is not an access token (typ is not at+jwt)")]
    WrongType,
    /// The header's `alg` is not the algorithm of the key.
    #[error("the token's algorithm is not the key's")]
    WrongAlgorithm,
    /// No key has the header's `kid`.
    #[error("the token names a key that does not exist")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A claim is missing, mistyped, or for somebody else.
    #[error("the token's claim {0} is not acceptable")]
    Claim(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// The token is in order, and its session was ended before its time.
    #[error("the token's session has ended")]
    SessionEnded,
    /// The token is in order, and says what is not so any more: it has to be refreshed.
    #[error("the token says what is not so any more")]
    Outdated,
    /// What was revoked is not known, or not newly enough.
    #[error("it is not known which sessions have ended")]
    RevocationsUnknown,
    /// No service account has this name and secret.
    #[error("no service account has this name and secret")]
    UnknownService,
    /// The keys to check with are not known and could not be fetched.
    #[error("the keys that tokens are verified with are not available")]
    KeysUnavailable {
        /// When it is worth trying again.
        retry_after: Duration,
        /// Why the last fetch failed, when it was this call that tried.
        #[source]
        source: Option<crate::KeySourceError>,
    },
}

impl From<TokenError> for Fault {
    /// Says to the client what it can act on: sign in again, refresh, or come back later.
    fn from(error: TokenError) -> Fault {
        match error {
            TokenError::Expired | TokenError::Outdated => Fault::new(Reason::TokenExpired),
            TokenError::SessionEnded => Fault::new(Reason::SessionEnded),
            TokenError::RevocationsUnknown => Fault::new(Reason::Unavailable).retry_after(RETRY_AFTER),
            TokenError::KeysUnavailable { retry_after, source: Some(source) } => {
                Fault::unavailable(source).retry_after(retry_after)
            }
            TokenError::KeysUnavailable { retry_after, source: None } => {
                Fault::new(Reason::Unavailable).retry_after(retry_after)
            }
            TokenError::Header
            | TokenError::TooLarge
            | TokenError::Malformed(_)
            | TokenError::WrongType
            | TokenError::WrongAlgorithm
            | TokenError::UnknownKey
            | TokenError::BadSignature
            | TokenError::Claim(_)
            | TokenError::UnknownService => Fault::new(Reason::TokenInvalid).with_source(error),
        }
    }
}

impl From<Verdict> for TokenError {
    fn from(verdict: Verdict) -> TokenError {
        match verdict {
            Verdict::Ended => TokenError::SessionEnded,
            Verdict::Outdated => TokenError::Outdated,
            Verdict::Unknown => TokenError::RevocationsUnknown,
        }
    }
}
