//! Which handler answers which call of `mainstay.auth.v1.AuthorizationService` and `mainstay.auth.v1.OAuthClientService`.

use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::authorization_service_server::AuthorizationService;
use mainstay_proto::auth::v1::o_auth_client_service_server::OAuthClientService;
use tonic::Request;

use super::{authorizing, clients, consents, deciding, devices, issuing, provider, signing_out, told};
use crate::core::Core;
use crate::handlers::Answer;

/// Serves `mainstay.auth.v1.AuthorizationService`.
pub(crate) struct Authorization(pub(crate) Arc<Core>);

/// Serves `mainstay.auth.v1.OAuthClientService`.
pub(crate) struct Clients(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl AuthorizationService for Authorization {
    async fn get_o_auth_provider(&self, _: Request<pb::GetOAuthProviderRequest>) -> Answer<pb::OAuthProvider> {
        reply(provider::get(&self.0))
    }

    async fn begin_authorization(
        &self,
        request: Request<pb::BeginAuthorizationRequest>,
    ) -> Answer<pb::BeginAuthorizationResponse> {
        reply(authorizing::begin(&self.0, request).await)
    }

    async fn decide_authorization(
        &self,
        request: Request<pb::DecideAuthorizationRequest>,
    ) -> Answer<pb::DecideAuthorizationResponse> {
        reply(deciding::decide(&self.0, request).await)
    }

    async fn issue_token(&self, request: Request<pb::IssueTokenRequest>) -> Answer<pb::IssueTokenResponse> {
        reply(issuing::issue(&self.0, request).await)
    }

    async fn introspect_token(
        &self,
        request: Request<pb::IntrospectTokenRequest>,
    ) -> Answer<pb::IntrospectTokenResponse> {
        reply(told::introspect(&self.0, request).await)
    }

    async fn revoke_token(&self, request: Request<pb::RevokeTokenRequest>) -> Answer<pb::RevokeTokenResponse> {
        reply(told::revoke(&self.0, request).await)
    }

    async fn get_user_info(&self, request: Request<pb::GetUserInfoRequest>) -> Answer<pb::GetUserInfoResponse> {
        reply(told::user_info(&self.0, request).await)
    }

    async fn begin_device_authorization(
        &self,
        request: Request<pb::BeginDeviceAuthorizationRequest>,
    ) -> Answer<pb::BeginDeviceAuthorizationResponse> {
        reply(devices::begin(&self.0, request).await)
    }

    async fn get_device_authorization(
        &self,
        request: Request<pb::GetDeviceAuthorizationRequest>,
    ) -> Answer<pb::OAuthQuestion> {
        reply(devices::show(&self.0, request).await)
    }

    async fn decide_device_authorization(&self, request: Request<pb::DecideDeviceAuthorizationRequest>) -> Answer<()> {
        reply(devices::decide(&self.0, request).await)
    }

    async fn begin_sign_out(&self, request: Request<pb::BeginSignOutRequest>) -> Answer<pb::BeginSignOutResponse> {
        reply(signing_out::begin(&self.0, request).await)
    }

    async fn list_o_auth_consents(
        &self,
        request: Request<pb::ListOAuthConsentsRequest>,
    ) -> Answer<pb::ListOAuthConsentsResponse> {
        reply(consents::list(&self.0, request).await)
    }

    async fn delete_o_auth_consent(&self, request: Request<pb::DeleteOAuthConsentRequest>) -> Answer<()> {
        reply(consents::delete(&self.0, request).await)
    }
}

#[tonic::async_trait]
impl OAuthClientService for Clients {
    async fn create_o_auth_client(&self, request: Request<pb::CreateOAuthClientRequest>) -> Answer<pb::OAuthClient> {
        reply(clients::create(&self.0, request).await)
    }

    async fn get_o_auth_client(&self, request: Request<pb::GetOAuthClientRequest>) -> Answer<pb::OAuthClient> {
        reply(clients::get(&self.0, request).await)
    }

    async fn list_o_auth_clients(
        &self,
        request: Request<pb::ListOAuthClientsRequest>,
    ) -> Answer<pb::ListOAuthClientsResponse> {
        reply(clients::list(&self.0, request).await)
    }

    async fn update_o_auth_client(&self, request: Request<pb::UpdateOAuthClientRequest>) -> Answer<pb::OAuthClient> {
        reply(clients::update(&self.0, request).await)
    }

    async fn delete_o_auth_client(&self, request: Request<pb::DeleteOAuthClientRequest>) -> Answer<()> {
        reply(clients::delete(&self.0, request).await)
    }

    async fn rotate_o_auth_client_secret(
        &self,
        request: Request<pb::RotateOAuthClientSecretRequest>,
    ) -> Answer<pb::OAuthClient> {
        reply(clients::rotate(&self.0, request).await)
    }
}
