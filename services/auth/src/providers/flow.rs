//! The way to a provider and back: authorisation code with PKCE (RFC 6749, RFC 7636, OpenID Connect Core section 3.1).

use std::pin::Pin;

use http::Request;
use mainstay_keys::random;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::asserting::assert;
use super::error::ProviderError;
use super::metadata::Metadata;
use super::preset::Protocol;
use super::token::{Nonce, SKEW};
use super::{Provider, Providers, Secret, users};
use crate::domain::provider::Asserted;
use crate::error::Error;

/// Most bytes of what an endpoint for tokens answers, and of what is said of a user.
const MOST: usize = 256 * 1024;

/// What has to be known again when somebody comes back. It is stored sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) provider: String,
    pub(crate) redirect_uri: String,
    /// What the provider passes on (RFC 6749 section 10.12).
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    /// Since when the user has to have shown to the provider who they are, in seconds since the Unix epoch.
    pub(crate) anew_since: Option<i64>,
}

/// What of an ID token a client for OAuth 2.0 alone does not know.
#[derive(Debug, Serialize, Deserialize)]
struct IdTokenField {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

type Client<Auth, Token> = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<IdTokenField, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Auth,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// The way out, as the library knows it.
struct Outside(mainstay_outbound::Client);

impl<'c> oauth2::AsyncHttpClient<'c> for Outside {
    type Error = mainstay_outbound::Error;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, Self::Error>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = self.0.send(request, MOST).await?.into_parts();
            Ok(http::Response::from_parts(parts, body.to_vec()))
        })
    }
}

/// What somebody wants who is sent to a provider.
pub(crate) struct Wanted<'a> {
    pub(crate) redirect_uri: &'a str,
    pub(crate) login_hint: &'a str,
    pub(crate) anew: bool,
}

impl Providers {
    /// Makes the address at the provider that somebody is sent to, and what has to be known when they come back.
    pub(crate) async fn begin(&self, provider: &Provider, wanted: &Wanted<'_>) -> Result<(String, Flow), Error> {
        let metadata = self.metadata(provider).await.map_err(|error| provider.failed(error))?;
        let client = client(provider, &metadata, wanted.redirect_uri).map_err(|error| provider.failed(error))?;
        let (state, nonce) = (token()?, token()?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let given = state.clone();
        let mut request = client.authorize_url(move || CsrfToken::new(given)).set_pkce_challenge(challenge);
        request = request.add_scopes(provider.scopes.iter().map(|scope| Scope::new(scope.clone())));
        if provider.protocol == Protocol::Oidc {
            request = request.add_extra_param("nonce", nonce.clone());
        }
        if provider.form_post {
            request = request.add_extra_param("response_mode", "form_post");
        }
        if !wanted.login_hint.is_empty() {
            request = request.add_extra_param("login_hint", wanted.login_hint.to_owned());
        }
        if wanted.anew {
            request = request.add_extra_param("prompt", "login").add_extra_param("max_age", "0");
        }
        let (address, _) = request.url();
        let flow = Flow {
            provider: provider.id.clone(),
            redirect_uri: wanted.redirect_uri.to_owned(),
            state,
            nonce,
            verifier: verifier.into_secret(),
            anew_since: wanted.anew.then(|| self.clock.now_seconds()),
        };
        Ok((address.into(), flow))
    }

    /// Takes what somebody came back with to the provider, and gives what it says of them.
    pub(crate) async fn redeem(
        &self,
        provider: &Provider,
        flow: &Flow,
        (code, issuer): (&str, &str),
    ) -> Result<Asserted, Error> {
        self.exchange(provider, flow, (code, issuer)).await.map_err(|error| provider.failed(error))
    }

    async fn exchange(
        &self,
        provider: &Provider,
        flow: &Flow,
        (code, issuer): (&str, &str),
    ) -> Result<Asserted, ProviderError> {
        let metadata = self.metadata(provider).await?;
        check_issuer(provider, &metadata, issuer)?;
        let mut client = client(provider, &metadata, &flow.redirect_uri)?;
        if let Some(secret) = self.secret_of(provider)? {
            client = client.set_client_secret(ClientSecret::new(secret.to_string()));
        }
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let outside = Outside(self.outside.clone());
        let answered = Box::pin(request.request_async(&outside)).await.map_err(refused)?;
        let access_token = answered.access_token().secret();
        if provider.protocol != Protocol::Oidc {
            return assert(provider, &users::claims(self, provider, access_token).await?);
        }
        let id_token = answered.extra_fields().id_token.as_deref().ok_or(ProviderError::NoToken)?;
        let audiences = vec![provider.client_id.as_str()];
        let claims = self.verified(provider, id_token, (audiences, Nonce::Same(&flow.nonce))).await?;
        check_anew(flow.anew_since, &claims)?;
        assert(provider, &self.completed(provider, &metadata, claims, access_token).await?)
    }

    /// The secret of the client as the endpoint for tokens wants it.
    fn secret_of(&self, provider: &Provider) -> Result<Option<Zeroizing<String>>, ProviderError> {
        Ok(match &provider.secret {
            Secret::None => None,
            Secret::Shared(secret) => Some(Zeroizing::new(secret.expose_secret().to_owned())),
            Secret::Apple(apple) => {
                let signing = super::apple::Signing {
                    team: &apple.team,
                    key: &apple.key_id,
                    client: &provider.client_id,
                    audience: &provider.issuer,
                };
                Some(Zeroizing::new(apple.key.secret(&signing, self.clock.now_seconds())?))
            }
        })
    }

    /// Asks the provider for what the ID token does not say: many put an address there only where they are asked (OpenID Connect
    /// Core section 5.3).
    async fn completed(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        claims: Map<String, Value>,
        access_token: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        let wanted = [&provider.names.email, &provider.names.display_name];
        let is_whole = wanted.iter().all(|name| claims.contains_key(*name))
            && provider.account_claims.values().all(|claim| claims.contains_key(claim));
        let Some(endpoint) = metadata.userinfo_endpoint.as_deref().filter(|_| !is_whole) else { return Ok(claims) };
        let json = self.get(endpoint, Some(access_token), (MOST, "who its user is")).await?;
        let mut said: Map<String, Value> =
            serde_json::from_slice(&json).map_err(|_| ProviderError::Unreadable("who its user is"))?;
        // Of the same user (section 5.3.2): otherwise another one's access token was put in the place of this one's.
        if said.get("sub").is_none_or(|sub| Some(sub) != claims.get("sub")) {
            return Err(ProviderError::OtherSubject);
        }
        // An address and whether it is verified are said in one breath, or nobody knows of which one it is.
        let of_address = [&provider.names.email, &provider.names.email_verified];
        let has_address = claims.contains_key(&provider.names.email);
        if has_address {
            of_address.iter().for_each(|name| drop(said.remove(*name)));
        }
        let signed = claims.into_iter().filter(|(name, _)| has_address || !of_address.contains(&name));
        said.extend(signed);
        Ok(said)
    }
}

/// Draws what nobody guesses.
fn token() -> Result<String, Error> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<32>()?))
}

fn client(
    provider: &Provider,
    metadata: &Metadata,
    redirect_uri: &str,
) -> Result<Client<EndpointSet, EndpointSet>, ProviderError> {
    let endpoint = |_| ProviderError::Endpoint;
    let authorization = AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(endpoint)?;
    let token = TokenUrl::new(metadata.token_endpoint.clone()).map_err(endpoint)?;
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(endpoint)?;
    let in_body = metadata.wants_secret_in_body();
    let client: Client<EndpointNotSet, EndpointNotSet> = oauth2::Client::new(ClientId::new(provider.client_id.clone()));
    let auth_type = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
    Ok(client.set_auth_uri(authorization).set_token_uri(token).set_redirect_uri(redirect).set_auth_type(auth_type))
}

/// Whoever mixes providers up has one's code come back as if it were another's: the answer says whose it is (RFC 9207 section 2.4).
fn check_issuer(provider: &Provider, metadata: &Metadata, issuer: &str) -> Result<(), ProviderError> {
    if issuer.is_empty() && !metadata.authorization_response_iss_parameter_supported {
        return Ok(());
    }
    if provider.issuers().any(|known| known == issuer) { Ok(()) } else { Err(ProviderError::OtherIssuer) }
}

/// Where it was asked for, the user has shown since then who they are (OpenID Connect Core section 3.1.2.1, `max_age`).
fn check_anew(since: Option<i64>, claims: &Map<String, Value>) -> Result<(), ProviderError> {
    let Some(since) = since else { return Ok(()) };
    let shown = claims.get("auth_time").and_then(super::token::seconds);
    if shown.is_some_and(|shown| shown >= since.saturating_sub(SKEW)) { Ok(()) } else { Err(ProviderError::NotAnew) }
}

type Refused = RequestTokenError<mainstay_outbound::Error, BasicErrorResponse>;

/// What the endpoint for tokens did not give. Its own words are kept for nobody: only those of the standard are.
fn refused(error: Refused) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(response) => ProviderError::Code(word(response.error())),
        RequestTokenError::Request(error) => ProviderError::NotCalled(error),
        // GitHub answers so, with the status of what went well.
        RequestTokenError::Parse(_, body) => match serde_json::from_slice::<BasicErrorResponse>(&body) {
            Ok(response) => ProviderError::Code(word(response.error())),
            Err(_) => ProviderError::Unreadable("a token"),
        },
        RequestTokenError::Other(_) => ProviderError::Unreadable("a token"),
    }
}

/// `invalid_client` and its neighbours are for the operator to mend; all of them end this sign-in.
fn word(error: &BasicErrorResponseType) -> &'static str {
    match error {
        BasicErrorResponseType::InvalidClient => {
            "invalid_client: the provider does not know this client_id with this secret"
        }
        BasicErrorResponseType::InvalidGrant => "invalid_grant",
        BasicErrorResponseType::InvalidRequest => "invalid_request",
        BasicErrorResponseType::InvalidScope => "invalid_scope",
        BasicErrorResponseType::UnauthorizedClient => "unauthorized_client",
        BasicErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
        BasicErrorResponseType::Extension(_) => "another error",
    }
}

/// Also used where a request is made by hand.
pub(super) fn get_request(address: &str, bearer: Option<&str>) -> Result<Request<Vec<u8>>, ProviderError> {
    let mut request = Request::get(address).header(http::header::ACCEPT, "application/json");
    // GitHub answers nobody who does not say who they are.
    request = request.header(http::header::USER_AGENT, "mainstay");
    if let Some(bearer) = bearer {
        let value = http::HeaderValue::try_from(format!("Bearer {bearer}"));
        let mut value = value.map_err(|_| ProviderError::Unreadable("a token"))?;
        value.set_sensitive(true);
        request = request.header(http::header::AUTHORIZATION, value);
    }
    request.body(Vec::new()).map_err(|_| ProviderError::Endpoint)
}
