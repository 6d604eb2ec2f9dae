//! Says to the application's own services who calls them (RFC 8693).

use std::sync::Arc;

use mainstay_fault::Fault;
use mainstay_identity::TokenError;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::assertion_service_server::AssertionService;
use mainstay_record::Violation;
use tonic::{Request, Response};

use super::Answer;
use crate::core::Core;
use crate::error::Error;

/// Longest name of a service, in bytes.
const MAX_AUDIENCE_BYTES: usize = 63;

/// Serves `mainstay.auth.v1.AssertionService`.
pub(crate) struct Assertions(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl AssertionService for Assertions {
    async fn exchange_token(&self, request: Request<pb::ExchangeTokenRequest>) -> Answer<pb::ExchangeTokenResponse> {
        let request = request.into_inner();
        let assertion = exchange(&self.0, &request).await?;
        Ok(Response::new(assertion))
    }
}

async fn exchange(core: &Core, request: &pb::ExchangeTokenRequest) -> Result<pb::ExchangeTokenResponse, Fault> {
    check_audience(&request.audience)?;
    let subject = core.verifier.verify(&request.subject_token).await?;
    core.revocations.judge(&subject).map_err(TokenError::from)?;
    let token = core.signer.assertion(&subject, &request.audience)?;
    let expires_in = i32::try_from(token.seconds).unwrap_or(i32::MAX);
    Ok(pb::ExchangeTokenResponse { assertion: token.text, expires_in })
}

fn check_audience(audience: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if !audience.is_empty() && audience.len() <= MAX_AUDIENCE_BYTES && audience.bytes().all(is_plain) {
        return Ok(());
    }
    let problem = format!("is not the name of an upstream: 1 to {MAX_AUDIENCE_BYTES} of a-z, 0-9, `-` and `_`");
    Err(Error::Violations(vec![Violation::new("audience", problem)]))
}
