use std::sync::Arc;

use mainstay_identity::VerifyingKey;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::key_service_server::KeyService;
use tonic::{Request, Response};

use super::Answer;
use crate::core::Core;

/// Serves `mainstay.auth.v1.KeyService`.
pub(crate) struct Keys(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl KeyService for Keys {
    async fn get_jwks(&self, _request: Request<pb::GetJwksRequest>) -> Answer<pb::Jwks> {
        let keys = self.0.signer.published_keys().iter().map(jwk).collect();
        Ok(Response::new(pb::Jwks { keys }))
    }
}

/// Writes a key as a JSON Web Key (RFC 8037 §2, RFC 7518 §6.2).
fn jwk(key: &VerifyingKey) -> pb::Jwk {
    let (kty, crv) = key.algorithm().kind();
    pb::Jwk {
        kty: kty.to_owned(),
        crv: crv.to_owned(),
        kid: key.key_id().to_owned(),
        alg: key.algorithm().name().to_owned(),
        r#use: "sig".to_owned(),
        x: key.x(),
        y: key.y(),
    }
}
