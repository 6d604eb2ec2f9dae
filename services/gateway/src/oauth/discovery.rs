//! What this installation is to clients, so that they need to know its address alone.

use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_proto::auth::v1 as pb;
use serde_json::json;

use super::asked::Asked;
use super::{answer, paths};
use crate::pages::Page;
use crate::serve::Edge;

const PROVIDER: &str = "/mainstay.auth.v1.AuthorizationService/GetOAuthProvider";

/// How clients may show who they are.
const WAYS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// What they may sign with; the last is what RFC 9864 calls the first.
const SIGNED: [&str; 3] = ["EdDSA", "ES256", "Ed25519"];

/// Without pages nobody could sign in, and there is nothing to discover.
pub async fn answer(edge: &Edge, asked: &Asked) -> Result<Response<Body>, Fault> {
    if edge.pages.is_none() {
        return Err(Fault::new(Reason::RouteNotFound)
            .message("other applications sign nobody in here: there are no pages (`gateway.pages.enabled`)"));
    }
    let provider = asked.ask::<pb::OAuthProvider>(PROVIDER, &pb::GetOAuthProviderRequest {}).await?;
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at(Page::Authorize.path()),
        "token_endpoint": at(paths::TOKEN),
        "userinfo_endpoint": at(paths::USER_INFO),
        "jwks_uri": at(paths::JWKS),
        "introspection_endpoint": at(paths::INTROSPECT),
        "revocation_endpoint": at(paths::REVOKE),
        "device_authorization_endpoint": at(paths::DEVICE),
        "end_session_endpoint": at(Page::EndSession.path()),
        "scopes_supported": provider.scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": provider.signing_algorithms,
        "token_endpoint_auth_methods_supported": [WAYS[0], WAYS[1], WAYS[2], "none"],
        "token_endpoint_auth_signing_alg_values_supported": SIGNED,
        "introspection_endpoint_auth_methods_supported": WAYS,
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNED,
        "revocation_endpoint_auth_methods_supported": [WAYS[0], WAYS[1], WAYS[2], "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": SIGNED,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "name", "preferred_username", "picture",
            "locale", "updated_at", "email", "email_verified",
        ],
        "acr_values_supported": ["aal1", "aal2"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    });
    let mut response = answer::good(&document);
    // It changes with the keys: well before the next one signs.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}
