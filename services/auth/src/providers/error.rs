//! What is wrong with what a provider says.

use super::apple::NotSigned;

/// Why nobody is known by what a provider said, or did not say. None of it repeats what it said.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    NotCalled(#[from] mainstay_outbound::Error),
    #[error("the provider answered {what} with the status {status}, or not as JSON")]
    NoJson { what: &'static str, status: u16 },
    #[error("the provider answered {0} with what cannot be read as that")]
    Unreadable(&'static str),
    #[error("the provider's configuration is of another issuer")]
    OtherConfiguration,
    #[error("the provider's configuration has an endpoint that is no https address")]
    Endpoint,
    #[error("the provider failed a moment ago, and is not asked again yet")]
    Resting,
    #[error("the provider does not take the code: {0}")]
    Code(&'static str),
    #[error("the answer comes from another issuer than was asked (RFC 9207)")]
    OtherIssuer,
    #[error("the provider gave no ID token")]
    NoToken,
    #[error("the ID token is not believed: {0}")]
    Token(#[from] TokenError),
    #[error("what the provider knows its user by is empty, or too long")]
    Subject,
    #[error("the provider speaks of another user than its ID token")]
    OtherSubject,
    #[error("the user has not shown to the provider anew who they are")]
    NotAnew,
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

/// Why an ID token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is no signed token, or too long")]
    Malformed,
    #[error("it is signed in a way that is not taken, or not at all")]
    Algorithm,
    #[error("the provider has no such key")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("another party may use it")]
    Party,
    #[error("it is over")]
    Expired,
    #[error("it is not good yet")]
    Early,
    #[error("it has another nonce, or none")]
    Nonce,
    #[error("it lacks a claim that every ID token has")]
    Claims,
}

impl ProviderError {
    /// Whether the provider is at fault, and may do better later. Otherwise whoever came back from it has to begin anew.
    pub fn is_the_providers(&self) -> bool {
        !matches!(
            self,
            ProviderError::Code(_)
                | ProviderError::OtherIssuer
                | ProviderError::NoToken
                | ProviderError::Token(_)
                | ProviderError::Subject
                | ProviderError::OtherSubject
                | ProviderError::NotAnew
        )
    }
}
