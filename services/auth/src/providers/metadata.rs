//! What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).

use serde::Deserialize;

use super::config::is_endpoint;
use super::error::ProviderError;

/// Where a provider says it has what.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) jwks_uri: String,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether every answer says who gives it (RFC 9207).
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads what the provider `issuer` says, and believes it of itself alone.
    pub(crate) fn read(json: &[u8], issuer: &str) -> Result<Metadata, ProviderError> {
        let read: Metadata =
            serde_json::from_slice(json).map_err(|_| ProviderError::Unreadable("its configuration"))?;
        // The same to the character (OpenID Connect Discovery section 4.3): otherwise one provider passes for another.
        if read.issuer != issuer {
            return Err(ProviderError::OtherConfiguration);
        }
        let endpoints = [&read.authorization_endpoint, &read.token_endpoint, &read.jwks_uri];
        let all = endpoints.into_iter().chain(&read.userinfo_endpoint);
        if all.into_iter().all(|endpoint| is_endpoint(endpoint)) { Ok(read) } else { Err(ProviderError::Endpoint) }
    }

    /// Where a provider has it that speaks no OpenID Connect.
    pub(crate) fn fixed(issuer: &str, authorization: &str, token: &str) -> Metadata {
        Metadata {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}{authorization}"),
            token_endpoint: format!("{issuer}{token}"),
            userinfo_endpoint: None,
            jwks_uri: String::new(),
            token_endpoint_auth_methods_supported: vec!["client_secret_post".to_owned()],
            authorization_response_iss_parameter_supported: false,
        }
    }

    /// Whether the client's secret goes into the body: where the provider takes it nowhere else (RFC 6749 section 2.3.1).
    pub(crate) fn wants_secret_in_body(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic")
    }
}
