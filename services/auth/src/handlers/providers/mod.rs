//! Which handler answers which call of `mainstay.auth.v1.ProviderService`.

mod arriving;
mod flows;
mod identities;
mod linking;
mod list;
mod names;
mod native;
mod signing_in;
mod unlinking;

use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::provider_service_server::ProviderService;
use tonic::Request;

pub(super) use names::identity_to_pb;

use super::Answer;
use crate::core::Core;

/// Serves `mainstay.auth.v1.ProviderService`.
pub(crate) struct ProviderHandler(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl ProviderService for ProviderHandler {
    async fn list_providers(&self, request: Request<pb::ListProvidersRequest>) -> Answer<pb::ListProvidersResponse> {
        reply(list::list(&self.0, request.get_ref()))
    }

    async fn start_sign_in(&self, request: Request<pb::StartSignInRequest>) -> Answer<pb::StartSignInResponse> {
        reply(signing_in::start(&self.0, request).await)
    }

    async fn finish_sign_in(&self, request: Request<pb::FinishSignInRequest>) -> Answer<pb::Credentials> {
        reply(signing_in::finish(&self.0, request).await)
    }

    async fn exchange_id_token(&self, request: Request<pb::ExchangeIdTokenRequest>) -> Answer<pb::Credentials> {
        reply(signing_in::exchange(&self.0, request).await)
    }

    async fn start_link(&self, request: Request<pb::StartLinkRequest>) -> Answer<pb::StartLinkResponse> {
        reply(linking::start(&self.0, request).await)
    }

    async fn finish_link(&self, request: Request<pb::FinishLinkRequest>) -> Answer<pb::Identity> {
        reply(linking::finish(&self.0, request).await)
    }

    async fn link_id_token(&self, request: Request<pb::LinkIdTokenRequest>) -> Answer<pb::Identity> {
        reply(linking::exchange(&self.0, request).await)
    }

    async fn get_identity(&self, request: Request<pb::GetIdentityRequest>) -> Answer<pb::Identity> {
        reply(identities::get(&self.0, request).await)
    }

    async fn list_identities(&self, request: Request<pb::ListIdentitiesRequest>) -> Answer<pb::ListIdentitiesResponse> {
        reply(identities::list(&self.0, request).await)
    }

    async fn delete_identity(&self, request: Request<pb::DeleteIdentityRequest>) -> Answer<()> {
        reply(unlinking::delete(&self.0, request).await)
    }
}
