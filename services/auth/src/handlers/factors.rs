use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_identity::Principal;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::factor_service_server::FactorService;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::beginning::kind_to_pb;
use super::whose::account_id_of;
use super::{Answer, enrolling, factor_list, passkeys, removing, timestamp};
use crate::core::Core;
use crate::domain::account::{ACCOUNTS, AccountId};
use crate::domain::factor::Kind;
use crate::error::Error;
use crate::store::DamagedRow;
use crate::store::factors::FactorRow;

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
        reply(passkeys::begin_enrolment(&self.0, request).await)
    }

    async fn finish_passkey(&self, request: Request<pb::FinishPasskeyRequest>) -> Answer<pb::FinishPasskeyResponse> {
        reply(passkeys::finish_enrolment(&self.0, request).await)
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

/// What stands between an account and a factor in a name.
const FACTORS: &str = "/factors/";

/// Writes the name of a factor.
pub(super) fn factor_name_of(account: AccountId, uid: &str) -> String {
    format!("{ACCOUNTS}{account}{FACTORS}{uid}")
}

/// Reads the name of a factor. Whether its caller may know of it is for others to say.
pub(super) fn factor_name(caller: &Principal, (field, name): (&str, &str)) -> Result<(AccountId, String), Error> {
    let malformed = || {
        let problem = "is not `accounts/me/factors/` or `accounts/` with a UUID and `/factors/`, and a UUID in lower-case \
                       hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    let (account, uid) = name.split_once(FACTORS).ok_or_else(malformed)?;
    let account = account_id_of(caller, (field, account))?;
    let is_uid = Uuid::try_parse(uid).is_ok_and(|parsed| parsed.as_hyphenated().to_string() == uid);
    if is_uid { Ok((account, uid.to_owned())) } else { Err(malformed()) }
}

pub(super) fn factor_to_pb(account: AccountId, row: &FactorRow) -> Result<pb::Factor, Error> {
    let kind = Kind::from_word(&row.kind).ok_or(DamagedRow { table: "factors", column: "kind" })?;
    Ok(pb::Factor {
        name: factor_name_of(account, &row.uid),
        kind: kind_to_pb(kind).into(),
        display_name: row.display_name.clone(),
        create_time: Some(timestamp(row.create_time)),
        use_time: row.use_time.map(timestamp),
    })
}
