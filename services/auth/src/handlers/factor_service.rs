//! Which handler answers which call of `mainstay.auth.v1.FactorService`.

use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::factor_service_server::FactorService;
use tonic::Request;

use super::{Answer, enrolling, factor_list, passkeys, removing};
use crate::core::Core;

/// Serves `mainstay.auth.v1.FactorService`.
pub(crate) struct Factors(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl FactorService for Factors {
    async fn enroll_totp(&self, request: Request<pb::EnrollTotpRequest>) -> Answer<pb::EnrollTotpResponse> {
        reply(enrolling::enroll_totp(&self.0, request).await)
    }

    async fn confirm_totp(&self, request: Request<pb::ConfirmTotpRequest>) -> Answer<pb::ConfirmTotpResponse> {
        reply(enrolling::confirm_totp(&self.0, request).await)
    }

    async fn begin_passkey(&self, request: Request<pb::BeginPasskeyRequest>) -> Answer<pb::BeginPasskeyResponse> {
        reply(passkeys::enrolling::begin(&self.0, request).await)
    }

    async fn finish_passkey(&self, request: Request<pb::FinishPasskeyRequest>) -> Answer<pb::FinishPasskeyResponse> {
        reply(passkeys::enrolling::finish(&self.0, request).await)
    }

    async fn get_factor(&self, request: Request<pb::GetFactorRequest>) -> Answer<pb::Factor> {
        reply(factor_list::get(&self.0, request).await)
    }

    async fn list_factors(&self, request: Request<pb::ListFactorsRequest>) -> Answer<pb::ListFactorsResponse> {
        reply(factor_list::list(&self.0, request).await)
    }

    async fn update_factor(&self, request: Request<pb::UpdateFactorRequest>) -> Answer<pb::Factor> {
        reply(factor_list::update(&self.0, request).await)
    }

    async fn delete_factor(&self, request: Request<pb::DeleteFactorRequest>) -> Answer<()> {
        reply(removing::delete(&self.0, request).await)
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<pb::RegenerateRecoveryCodesRequest>,
    ) -> Answer<pb::RegenerateRecoveryCodesResponse> {
        reply(enrolling::regenerate_recovery_codes(&self.0, request).await)
    }

    async fn reset_factors(&self, request: Request<pb::ResetFactorsRequest>) -> Answer<pb::ResetFactorsResponse> {
        reply(removing::reset(&self.0, request).await)
    }
}
