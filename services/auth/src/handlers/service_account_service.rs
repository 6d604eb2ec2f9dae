//! Which handler answers which call of `mainstay.auth.v1.ServiceAccountService`.

use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::service_account_service_server::ServiceAccountService;
use tonic::Request;

use super::{Answer, service_accounts, service_keys};
use crate::core::Core;

/// Serves `mainstay.auth.v1.ServiceAccountService`.
pub(crate) struct ServiceAccounts(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl ServiceAccountService for ServiceAccounts {
    async fn create_service_account(
        &self,
        request: Request<pb::CreateServiceAccountRequest>,
    ) -> Answer<pb::ServiceAccount> {
        reply(service_accounts::create(&self.0, request).await)
    }

    async fn get_service_account(&self, request: Request<pb::GetServiceAccountRequest>) -> Answer<pb::ServiceAccount> {
        reply(service_accounts::get(&self.0, request).await)
    }

    async fn list_service_accounts(
        &self,
        request: Request<pb::ListServiceAccountsRequest>,
    ) -> Answer<pb::ListServiceAccountsResponse> {
        reply(service_accounts::list(&self.0, request).await)
    }

    async fn set_service_account_roles(
        &self,
        request: Request<pb::SetServiceAccountRolesRequest>,
    ) -> Answer<pb::ServiceAccount> {
        reply(service_accounts::set_roles(&self.0, request).await)
    }

    async fn delete_service_account(&self, request: Request<pb::DeleteServiceAccountRequest>) -> Answer<()> {
        reply(service_accounts::delete(&self.0, request).await)
    }

    async fn create_service_account_key(
        &self,
        request: Request<pb::CreateServiceAccountKeyRequest>,
    ) -> Answer<pb::ServiceAccountKey> {
        reply(service_keys::create(&self.0, request).await)
    }

    async fn list_service_account_keys(
        &self,
        request: Request<pb::ListServiceAccountKeysRequest>,
    ) -> Answer<pb::ListServiceAccountKeysResponse> {
        reply(service_keys::list(&self.0, request).await)
    }

    async fn rotate_service_account_key(
        &self,
        request: Request<pb::RotateServiceAccountKeyRequest>,
    ) -> Answer<pb::ServiceAccountKey> {
        reply(service_keys::rotate(&self.0, request).await)
    }

    async fn delete_service_account_key(&self, request: Request<pb::DeleteServiceAccountKeyRequest>) -> Answer<()> {
        reply(service_keys::delete(&self.0, request).await)
    }

    async fn exchange_key(&self, request: Request<pb::ExchangeKeyRequest>) -> Answer<pb::ExchangeKeyResponse> {
        reply(service_keys::exchange(&self.0, request).await)
    }
}
