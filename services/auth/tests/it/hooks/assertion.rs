//! What shows a hook who calls it.

use mainstay_auth::Config;
use mainstay_auth::hooks::OnFailure;
use mainstay_identity::TokenError;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

use super::fake::App;
use crate::harness::{Harness, PASSWORD, base64url};

fn parts(token: &str) -> (Value, Value, String, Vec<u8>) {
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let read = |part: &str| serde_json::from_slice(&base64url(part)).unwrap();
    (read(header), read(claims), format!("{header}.{claims}"), base64url(signature))
}

both_engines! {
    async fn each_call_shows_who_calls_by_a_token_that_nobody_takes_for_another(engine: Engine) {
        let app = App::start().await;
        let mut config: Config = app.before(OnFailure::Closed);
        config.hooks.mint_token = Some(app.asked(OnFailure::Closed));
        let harness = Harness::with_config(engine, &config).await;
        let (_, session) = harness.user("ada@example.org").await;
        let keys = harness.caller.jwks().await;
        let calls = app.script().calls.clone();
        let [(first, signing_up), (second, minting)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!([first, second], [&"BeforeSignUp", &"MintToken"]);
        for (method, metadata) in &calls {
            let token = metadata.get("authorization").unwrap().to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
            let (header, claims, signed, signature) = parts(&token);
            assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("mainstay-hook+jwt"), Some("EdDSA")));
            let key = keys.iter().find(|key| Some(key.kid.as_str()) == header["kid"].as_str()).unwrap();
            UnparsedPublicKey::new(&ED25519, base64url(&key.x)).verify(signed.as_bytes(), &signature).unwrap();
            assert_eq!((claims["aud"].as_str(), claims["method"].as_str()), (Some(&*app.url()), Some(*method)));
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
            assert_eq!(claims["iss"], parts(&session.access_token).1["iss"]);
            assert!(claims.get("sub").is_none() && claims["jti"].is_string());
            // It opens nothing here.
            assert!(matches!(harness.verifier.verify(&token).await, Err(TokenError::WrongType)), "{token}");
            assert!(harness.caller.with_bearer(&token).get_account("accounts/me").await.is_err());
            assert_eq!(metadata.get("grpc-timeout").unwrap().to_str().unwrap(), "1000000u");
        }
        let id = |metadata: &tonic::metadata::MetadataMap| metadata.get("x-request-id").unwrap().clone();
        assert_ne!(id(signing_up), id(minting));
    }

    async fn a_hook_is_told_of_the_trace_that_a_request_belongs_to(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Closed)).await;
        let (email, password) = ("ada@example.org".to_owned(), PASSWORD.to_owned());
        let mut request = harness.caller.request(pb::SignUpRequest { email, password, ..Default::default() });
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        request.metadata_mut().insert("traceparent", parent.parse().unwrap());
        request.metadata_mut().insert("x-request-id", "order-42".parse().unwrap());
        harness.caller.accounts().sign_up(request).await.unwrap();
        let script = app.script();
        let (_, metadata) = &script.calls[0];
        assert_eq!(metadata.get("traceparent").unwrap(), parent);
        assert_eq!(metadata.get("x-request-id").unwrap(), "order-42");
    }
}
