//! Who calls, as Mainstay's assertion says it.

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};

/// What is read of an assertion.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// A caller, and what to call back with.
pub struct Caller {
    pub uid: String,
    bearer: MetadataValue<Ascii>,
}

impl Caller {
    /// A request that is made with the caller's rights.
    pub fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }
}

/// Verifies assertions that are made for one service.
pub struct Assertions {
    service: &'static str,
    keys: String,
}

impl Assertions {
    pub fn of(service: &'static str, mainstay: &str) -> Assertions {
        Assertions { service, keys: format!("{mainstay}/.well-known/jwks.json") }
    }

    /// Who makes a request. Mainstay lets nobody in who may not; without this, whoever finds the port would be.
    pub async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let refused = || Status::unauthenticated("show an assertion that Mainstay made for this service");
        let bearer = request.metadata().get("authorization").ok_or_else(refused)?;
        let token = bearer.to_str().ok().and_then(|said| said.strip_prefix("Bearer ")).ok_or_else(refused)?;
        let key = decode_header(token).ok().and_then(|header| header.kid).ok_or_else(refused)?;
        let keys =
            self.keys().await.map_err(|error| Status::unavailable(format!("the keys are not known: {error}")))?;
        let key = keys.find(&key).and_then(|key| DecodingKey::from_jwk(key).ok()).ok_or_else(refused)?;
        let mut expected = Validation::new(Algorithm::EdDSA);
        expected.set_audience(&[self.service]);
        expected.set_issuer(&["mainstay"]);
        expected.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<Claims>(token, &key, &expected).map_err(|_| refused())?.claims;
        Ok(Caller { uid: claims.sub, bearer: bearer.clone() })
    }

    /// Mainstay's keys. A service that is asked often keeps them for as long as `cache-control` says.
    async fn keys(&self) -> Result<JwkSet, Box<dyn std::error::Error + Send + Sync>> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&[u8]>>();
        let answer = client.get(self.keys.parse()?).await?.into_body().collect().await?;
        Ok(serde_json::from_slice(&answer.to_bytes())?)
    }
}
