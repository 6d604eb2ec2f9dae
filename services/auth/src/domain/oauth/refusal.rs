//! What clients are told in the words of the standards.

/// A word of the standards: of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 6750 (section 3.1), RFC 8628 (section 3.5) and OpenID
/// Connect Core 1.0 (section 3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidToken,
    InsufficientScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
}

impl Word {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Word::InvalidRequest => "invalid_request",
            Word::InvalidClient => "invalid_client",
            Word::InvalidGrant => "invalid_grant",
            Word::InvalidScope => "invalid_scope",
            Word::InvalidToken => "invalid_token",
            Word::InsufficientScope => "insufficient_scope",
            Word::UnauthorizedClient => "unauthorized_client",
            Word::UnsupportedGrantType => "unsupported_grant_type",
            Word::UnsupportedResponseType => "unsupported_response_type",
            Word::AccessDenied => "access_denied",
            Word::LoginRequired => "login_required",
            Word::ConsentRequired => "consent_required",
            Word::RequestNotSupported => "request_not_supported",
            Word::RequestUriNotSupported => "request_uri_not_supported",
            Word::RegistrationNotSupported => "registration_not_supported",
            Word::AuthorizationPending => "authorization_pending",
            Word::SlowDown => "slow_down",
            Word::ExpiredToken => "expired_token",
        }
    }
}

/// Why a client does not get what it asks for. The text is ASCII without quotes and backslashes (RFC 6749, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{says}")]
pub struct Refused {
    pub word: Word,
    pub says: &'static str,
}

impl Refused {
    pub const fn new(word: Word, says: &'static str) -> Refused {
        Refused { word, says }
    }
}
