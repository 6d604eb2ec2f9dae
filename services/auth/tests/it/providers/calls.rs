//! The calls of `ProviderService`.

use mainstay_fault::Fault;
use mainstay_layers::{RoutesEndpoint, Stack};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::provider_service_client::ProviderServiceClient;

use super::fake::Back;
use crate::harness::{Caller, answer};

impl Caller {
    pub fn providers(&self) -> ProviderServiceClient<Stack<RoutesEndpoint>> {
        ProviderServiceClient::new(self.stack())
    }

    pub async fn list_providers(&self, page_size: i32, page_token: &str) -> Result<pb::ListProvidersResponse, Fault> {
        let message = pb::ListProvidersRequest { page_size, page_token: page_token.to_owned() };
        answer(self.providers().list_providers(self.request(message)).await)
    }

    pub async fn start_sign_in(&self, id: &str, redirect_uri: &str) -> Result<pb::StartSignInResponse, Fault> {
        let (provider, redirect_uri) = (format!("providers/{id}"), redirect_uri.to_owned());
        self.start_sign_in_with(pb::StartSignInRequest { provider, redirect_uri, ..Default::default() }).await
    }

    pub async fn start_sign_in_with(&self, message: pb::StartSignInRequest) -> Result<pb::StartSignInResponse, Fault> {
        answer(self.providers().start_sign_in(self.request(message)).await)
    }

    pub async fn finish_sign_in(&self, secret: &str, back: &Back) -> Result<pb::Credentials, Fault> {
        let Back { code, state, issuer } = back.clone();
        let message = pb::FinishSignInRequest { secret: secret.to_owned(), state, code, issuer };
        answer(self.providers().finish_sign_in(self.request(message)).await)
    }

    pub async fn exchange_id_token(&self, id: &str, id_token: &str, nonce: &str) -> Result<pb::Credentials, Fault> {
        let (provider, id_token, nonce) = (format!("providers/{id}"), id_token.to_owned(), nonce.to_owned());
        let message = pb::ExchangeIdTokenRequest { provider, id_token, nonce };
        answer(self.providers().exchange_id_token(self.request(message)).await)
    }

    pub async fn start_link(&self, parent: &str, id: &str, redirect: &str) -> Result<pb::StartLinkResponse, Fault> {
        let (parent, provider, redirect_uri) = (parent.to_owned(), format!("providers/{id}"), redirect.to_owned());
        let message = pb::StartLinkRequest { parent, provider, redirect_uri };
        answer(self.providers().start_link(self.request(message)).await)
    }

    pub async fn finish_link(&self, parent: &str, secret: &str, back: &Back) -> Result<pb::Identity, Fault> {
        let Back { code, state, issuer } = back.clone();
        let (parent, secret) = (parent.to_owned(), secret.to_owned());
        let message = pb::FinishLinkRequest { parent, secret, state, code, issuer };
        answer(self.providers().finish_link(self.request(message)).await)
    }

    pub async fn link_id_token(&self, parent: &str, id: &str, token: (&str, &str)) -> Result<pb::Identity, Fault> {
        let (parent, provider) = (parent.to_owned(), format!("providers/{id}"));
        let (id_token, nonce) = (token.0.to_owned(), token.1.to_owned());
        let message = pb::LinkIdTokenRequest { parent, provider, id_token, nonce };
        answer(self.providers().link_id_token(self.request(message)).await)
    }

    pub async fn get_identity(&self, name: &str) -> Result<pb::Identity, Fault> {
        answer(self.providers().get_identity(self.request(pb::GetIdentityRequest { name: name.to_owned() })).await)
    }

    pub async fn list_identities(&self, parent: &str) -> Result<Vec<pb::Identity>, Fault> {
        let message = pb::ListIdentitiesRequest { parent: parent.to_owned(), ..Default::default() };
        answer(self.providers().list_identities(self.request(message)).await).map(|answer| answer.identities)
    }

    pub async fn delete_identity(&self, name: &str) -> Result<(), Fault> {
        answer(
            self.providers().delete_identity(self.request(pb::DeleteIdentityRequest { name: name.to_owned() })).await,
        )
    }
}
