//! Other applications that sign people in with their accounts here.

mod authorizing;
mod clients;
mod devices;
mod machines;
mod rfc9700;
mod tokens;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_db::Engine;
use mainstay_fault::Fault;
use mainstay_layers::{RoutesEndpoint, Stack};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use mainstay_proto::auth::v1::o_auth_client_service_client::OAuthClientServiceClient;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::harness::{Caller, Harness, PASSWORD, PUBLIC_URL, answer, base64url};

pub const REDIRECT: &str = "https://shop.example.net/signed-in";
pub const LOGGED_OUT: &str = "https://shop.example.net/bye";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const EVERYTHING: &str = "openid profile email offline_access";

pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// A client that is to be registered.
pub fn wanted() -> pb::OAuthClient {
    pb::OAuthClient {
        display_name: "Shop".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        post_logout_redirect_uris: vec![LOGGED_OUT.to_owned()],
        grants: vec![1, 2, 3],
        ..Default::default()
    }
}

/// The same without a secret.
pub fn public() -> pb::OAuthClient {
    pb::OAuthClient { authentication: pb::o_auth_client::Authentication::None.into(), ..wanted() }
}

/// What a client asks for.
pub fn asks(client: &pb::OAuthClient) -> pb::BeginAuthorizationRequest {
    pb::BeginAuthorizationRequest {
        client_id: client.client_id.clone(),
        redirect_uri: REDIRECT.to_owned(),
        response_type: "code".to_owned(),
        scope: EVERYTHING.to_owned(),
        state: "a state".to_owned(),
        nonce: "a nonce".to_owned(),
        code_challenge: challenge(VERIFIER),
        code_challenge_method: "S256".to_owned(),
        ..Default::default()
    }
}

pub fn proof(client: &pb::OAuthClient) -> Option<pb::OAuthClientProof> {
    let (client_id, client_secret) = (client.client_id.clone(), client.client_secret.clone());
    Some(pb::OAuthClientProof { client_id, client_secret, ..Default::default() })
}

/// What a client exchanges a code with.
pub fn by_code(client: &pb::OAuthClient, code: &str) -> pb::IssueTokenRequest {
    pb::IssueTokenRequest {
        client: proof(client),
        grant_type: "authorization_code".to_owned(),
        code: code.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        code_verifier: VERIFIER.to_owned(),
        ..Default::default()
    }
}

pub fn by_refresh(client: &pb::OAuthClient, token: &str) -> pb::IssueTokenRequest {
    pb::IssueTokenRequest {
        client: proof(client),
        grant_type: "refresh_token".to_owned(),
        renewed_token: token.to_owned(),
        ..Default::default()
    }
}

/// The parameters that an address brings.
pub fn brought(location: &str) -> HashMap<String, String> {
    let (_, query) = location.split_once('?').unwrap_or((location, ""));
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, behind @ ..] = rest {
            rest = behind;
            match (first, rest) {
                (b'%', [a, b, behind @ ..]) => {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&[*a, *b]).unwrap(), 16).unwrap());
                    rest = behind;
                }
                (other, _) => bytes.push(*other),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

/// What a signed token says; nobody verifies it.
pub fn says(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| serde_json::from_slice(&base64url(part)).unwrap_or_default());
    (parts.next().unwrap(), parts.next().unwrap())
}

/// Why a client was refused.
pub fn refused(answer: &pb::IssueTokenResponse) -> &str {
    assert!(
        answer.access_token.is_empty() && answer.refresh_token.is_empty() && answer.id_token.is_empty(),
        "{answer:?}"
    );
    &answer.error.as_ref().expect("it is refused").error
}

impl Caller {
    fn authorization(&self) -> AuthorizationServiceClient<Stack<RoutesEndpoint>> {
        AuthorizationServiceClient::new(self.stack())
    }

    fn clients(&self) -> OAuthClientServiceClient<Stack<RoutesEndpoint>> {
        OAuthClientServiceClient::new(self.stack())
    }

    pub async fn register(&self, client: pb::OAuthClient) -> Result<pb::OAuthClient, Fault> {
        let message = pb::CreateOAuthClientRequest { oauth_client: Some(client) };
        answer(self.clients().create_o_auth_client(self.request(message)).await)
    }

    pub async fn get_client(&self, name: &str) -> Result<pb::OAuthClient, Fault> {
        let message = pb::GetOAuthClientRequest { name: name.to_owned() };
        answer(self.clients().get_o_auth_client(self.request(message)).await)
    }

    pub async fn list_clients(&self, page_size: i32, page_token: &str) -> Result<pb::ListOAuthClientsResponse, Fault> {
        let message = pb::ListOAuthClientsRequest { page_size, page_token: page_token.to_owned() };
        answer(self.clients().list_o_auth_clients(self.request(message)).await)
    }

    pub async fn update_client(&self, client: pb::OAuthClient, paths: &[&str]) -> Result<pb::OAuthClient, Fault> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        let message = pb::UpdateOAuthClientRequest { oauth_client: Some(client), update_mask };
        answer(self.clients().update_o_auth_client(self.request(message)).await)
    }

    pub async fn delete_client(&self, name: &str, etag: &str) -> Result<(), Fault> {
        let message = pb::DeleteOAuthClientRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.clients().delete_o_auth_client(self.request(message)).await)
    }

    pub async fn rotate_secret(&self, name: &str, seconds: Option<i64>) -> Result<pb::OAuthClient, Fault> {
        let overlap = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        let message = pb::RotateOAuthClientSecretRequest { name: name.to_owned(), overlap };
        answer(self.clients().rotate_o_auth_client_secret(self.request(message)).await)
    }

    pub async fn authorize(
        &self,
        message: pb::BeginAuthorizationRequest,
    ) -> Result<pb::BeginAuthorizationResponse, Fault> {
        answer(self.authorization().begin_authorization(self.request(message)).await)
    }

    pub async fn decide(&self, ticket: &str, allow: bool) -> Result<String, Fault> {
        let message = pb::DecideAuthorizationRequest { ticket: ticket.to_owned(), allow };
        answer(self.authorization().decide_authorization(self.request(message)).await).map(|answer| answer.location)
    }

    pub async fn issue(&self, message: pb::IssueTokenRequest) -> Result<pb::IssueTokenResponse, Fault> {
        answer(self.authorization().issue_token(self.request(message)).await)
    }

    /// What is told of a token.
    pub async fn introspect(&self, client: Option<pb::OAuthClientProof>, token: &str) -> Result<Value, String> {
        let told = self.introspected(client, token).await.unwrap();
        told.error.map_or_else(|| Ok(serde_json::from_str(&told.claims).unwrap()), |error| Err(error.error))
    }

    pub async fn introspected(
        &self,
        client: Option<pb::OAuthClientProof>,
        token: &str,
    ) -> Result<pb::IntrospectTokenResponse, Fault> {
        let message = pb::IntrospectTokenRequest { client, token: token.to_owned() };
        answer(self.authorization().introspect_token(self.request(message)).await)
    }

    pub async fn revoke_token(&self, client: Option<pb::OAuthClientProof>, token: &str) -> Option<String> {
        self.revoked(client, token).await.unwrap().error.map(|error| error.error)
    }

    pub async fn revoked(
        &self,
        client: Option<pb::OAuthClientProof>,
        token: &str,
    ) -> Result<pb::RevokeTokenResponse, Fault> {
        let message = pb::RevokeTokenRequest { client, token: token.to_owned() };
        answer(self.authorization().revoke_token(self.request(message)).await)
    }

    pub async fn user_info(&self, token: &str) -> Result<Value, String> {
        let message = pb::GetUserInfoRequest { client_token: token.to_owned() };
        let told = answer(self.authorization().get_user_info(self.request(message)).await).unwrap();
        told.error.map_or_else(|| Ok(serde_json::from_str(&told.claims).unwrap()), |error| Err(error.error))
    }

    pub async fn begin_device(&self, client: &pb::OAuthClient, scope: &str) -> pb::BeginDeviceAuthorizationResponse {
        let message = pb::BeginDeviceAuthorizationRequest { client: proof(client), scope: scope.to_owned() };
        self.try_begin_device(message).await.unwrap()
    }

    pub async fn try_begin_device(
        &self,
        message: pb::BeginDeviceAuthorizationRequest,
    ) -> Result<pb::BeginDeviceAuthorizationResponse, Fault> {
        answer(self.authorization().begin_device_authorization(self.request(message)).await)
    }

    pub async fn show_device(&self, user_code: &str) -> Result<pb::OAuthQuestion, Fault> {
        let message = pb::GetDeviceAuthorizationRequest { user_code: user_code.to_owned() };
        answer(self.authorization().get_device_authorization(self.request(message)).await)
    }

    pub async fn decide_device(&self, user_code: &str, allow: bool) -> Result<(), Fault> {
        let message = pb::DecideDeviceAuthorizationRequest { user_code: user_code.to_owned(), allow };
        answer(self.authorization().decide_device_authorization(self.request(message)).await)
    }

    pub async fn begin_sign_out(&self, message: pb::BeginSignOutRequest) -> Result<pb::BeginSignOutResponse, Fault> {
        answer(self.authorization().begin_sign_out(self.request(message)).await)
    }

    pub async fn list_consents(&self, parent: &str) -> Result<Vec<pb::OAuthConsent>, Fault> {
        let message = pb::ListOAuthConsentsRequest { parent: parent.to_owned(), ..Default::default() };
        answer(self.authorization().list_o_auth_consents(self.request(message)).await)
            .map(|answer| answer.oauth_consents)
    }

    pub async fn delete_consent(&self, name: &str) -> Result<(), Fault> {
        let message = pb::DeleteOAuthConsentRequest { name: name.to_owned() };
        answer(self.authorization().delete_o_auth_consent(self.request(message)).await)
    }

    pub async fn provider(&self) -> Result<pb::OAuthProvider, Fault> {
        answer(self.authorization().get_o_auth_provider(self.request(pb::GetOAuthProviderRequest {})).await)
    }
}

/// An installation with a client, and somebody who is signed in.
pub struct Shop {
    pub harness: Harness,
    pub client: pb::OAuthClient,
    pub ada: Caller,
    pub account: pb::Account,
    pub credentials: pb::Credentials,
}

impl Shop {
    pub async fn open(engine: Engine) -> Shop {
        Shop::with(engine, wanted()).await
    }

    pub async fn with(engine: Engine, client: pb::OAuthClient) -> Shop {
        let harness = Harness::start(engine).await;
        let client = harness.caller.as_operator().register(client).await.unwrap();
        let (account, credentials) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&credentials);
        Shop { harness, client, ada, account, credentials }
    }

    /// Ada agrees, and the client has a code.
    pub async fn code(&self) -> String {
        self.code_for(asks(&self.client)).await
    }

    pub async fn code_for(&self, asked: pb::BeginAuthorizationRequest) -> String {
        let answered = self.ada.authorize(asked).await.unwrap();
        let location = match answered.question {
            Some(question) => self.ada.decide(&question.ticket, true).await.unwrap(),
            None => answered.location,
        };
        brought(&location).remove("code").unwrap_or_else(|| panic!("no code in {location}"))
    }

    /// Ada agrees, and the client has tokens.
    pub async fn tokens(&self) -> pb::IssueTokenResponse {
        let issued = self.harness.caller.issue(by_code(&self.client, &self.code().await)).await.unwrap();
        assert_eq!(issued.error, None);
        issued
    }

    /// Ada signs in anew.
    pub async fn ada_again(&self) -> Caller {
        self.harness.caller.as_user(&self.harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap())
    }

    /// What an answer at the client's address says, which has to be an error.
    pub async fn error_at(&self, caller: &Caller, asked: pb::BeginAuthorizationRequest) -> String {
        let redirect = asked.redirect_uri.clone();
        let location = caller.authorize(asked).await.unwrap().location;
        assert!(location.starts_with(&format!("{redirect}?")), "{location}");
        let mut said = brought(&location);
        assert_eq!(said.get("iss").map(String::as_str), Some(PUBLIC_URL));
        assert!(!said.contains_key("code"));
        said.remove("error").unwrap_or_else(|| panic!("no error in {location}"))
    }
}
