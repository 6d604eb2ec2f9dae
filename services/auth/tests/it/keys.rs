use mainstay_auth::SigningAlgorithm;
use mainstay_auth::store::signing_keys as store;
use mainstay_db::Lane;
use mainstay_identity::{Jwk, KeySet, KeySource, TokenError, VerifyingKey};
use mainstay_testkit::both_engines;

use crate::harness::{Harness, KEY, PASSWORD, base64url, config, serve, start_on};

const DAY: i64 = 24 * 3600;
/// How long before its use a key is published, seconds.
const LEAD: i64 = 900;

async fn rows(harness: &Harness) -> Vec<store::SigningKeyRow> {
    let rows = harness.database.read(Lane::Inline, |conn| Box::pin(store::all(conn))).await;
    rows.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}"))
}

/// A part of a token, decoded and not verified.
fn part(token: &str, index: usize) -> serde_json::Value {
    serde_json::from_slice(&base64url(token.split('.').nth(index).unwrap())).unwrap()
}

fn key_id(access_token: &str) -> String {
    let header: serde_json::Value = part(access_token, 0);
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("EdDSA"), Some("at+jwt")));
    header["kid"].as_str().unwrap().to_owned()
}

/// A published key as verifiers read it.
fn read(key: &mainstay_proto::auth::v1::Jwk) -> VerifyingKey {
    let mainstay_proto::auth::v1::Jwk { kty, crv, kid, alg, r#use: usage, x, y } = key;
    VerifyingKey::from_jwk(&Jwk { kty, crv, alg, usage, kid, x, y }).unwrap()
}

fn algorithms(jwks: &[mainstay_proto::auth::v1::Jwk]) -> Vec<&str> {
    jwks.iter().map(|key| key.alg.as_str()).collect()
}

both_engines! {
    async fn another_algorithm_takes_over_while_tokens_of_both_are_good(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, old) = harness.user("ada@example.org").await;
        let mut curve = config();
        curve.signing_algorithm = SigningAlgorithm::Es256;
        let harness = harness.restart(&curve).await;
        assert_eq!(algorithms(&harness.caller.jwks().await), ["EdDSA", "ES256"], "published before it signs");
        harness.verify(&old).await.unwrap();
        harness.clock.advance_seconds(LEAD);
        let new = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let before = harness.clock.clone();
        let header: serde_json::Value = part(&new.access_token, 0);
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("ES256"), Some("at+jwt")));
        harness.verify(&new).await.unwrap();
        let jwks = harness.caller.jwks().await;
        assert_eq!(algorithms(&jwks), ["ES256", "EdDSA"]);
        let set = KeySet::new(jwks.iter().map(read)).unwrap();
        assert_eq!(set.get(header["kid"].as_str().unwrap()).unwrap().algorithm().name(), "ES256");
        before.advance_seconds(361);
        harness.auth.maintain().await.unwrap();
        assert_eq!(algorithms(&harness.caller.jwks().await), ["ES256"]);
        // And over a restart: the key is opened again.
        let harness = harness.restart(&curve).await;
        let again = harness.caller.refresh(&new.refresh_token).await.unwrap();
        harness.verify(&again).await.unwrap();
    }

    async fn the_first_key_is_of_the_algorithm_that_is_wanted(engine: Engine) {
        let mut curve = config();
        curve.signing_algorithm = SigningAlgorithm::Es256;
        let harness = Harness::with_config(engine, &curve).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        assert_eq!(algorithms(&harness.caller.jwks().await), ["ES256"]);
        harness.verify(&credentials).await.unwrap();
    }

    async fn the_published_keys_verify_tokens(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let jwks = harness.caller.jwks().await;
        assert_eq!(jwks.len(), 1);
        let set = KeySet::new(jwks.iter().map(read)).unwrap();
        assert!(set.get(&key_id(&credentials.access_token)).is_some());
        let claims = part(&credentials.access_token, 1);
        let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["acr", "amr", "aud", "auth_time", "email", "email_verified", "epoch", "exp", "iat", "iss", "jti", "roles", "sid", "sub"]);
        assert_eq!((&claims["amr"], &claims["acr"]), (&serde_json::json!(["pwd"]), &serde_json::json!("aal1")));
        assert_eq!(claims["auth_time"], claims["iat"]);
    }

    async fn the_private_key_is_stored_sealed(engine: Engine) {
        let harness = Harness::start(engine).await;
        let row = rows(&harness).await.remove(0);
        let kek = mainstay_keys::KeyEncryptionKey::from_bytes(&KEY).unwrap();
        let purpose = format!("mainstay auth signing key {}", row.key_id);
        let private = kek.open(purpose.as_bytes(), &row.sealed_private_key).unwrap();
        let seed = &private[16..48];
        assert!(!row.sealed_private_key.windows(32).any(|window| window == seed));
        assert!(kek.open(b"mainstay auth signing key another", &row.sealed_private_key).is_err());
    }

    async fn a_new_key_is_published_before_it_signs_and_the_old_one_stays_until_its_last_token_ends(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let old = key_id(&first.access_token);

        harness.clock.advance_seconds(30 * DAY - LEAD - 1);
        harness.auth.maintain().await.unwrap();
        assert_eq!(harness.caller.jwks().await.len(), 1, "not yet");

        harness.clock.advance_seconds(1);
        harness.auth.maintain().await.unwrap();
        let jwks = harness.caller.jwks().await;
        assert_eq!(jwks.len(), 2);
        assert_eq!(jwks[0].kid, old, "the one that signs comes first");
        let before = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(key_id(&before.access_token), old);

        harness.clock.advance_seconds(LEAD - 1);
        let last = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(key_id(&last.access_token), old);
        harness.clock.advance_seconds(1);
        let next = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(key_id(&next.access_token), jwks[1].kid);

        harness.clock.advance_seconds(298);
        harness.auth.maintain().await.unwrap();
        harness.verify(&last).await.unwrap();
        harness.verify(&next).await.unwrap();
        assert_eq!(harness.caller.jwks().await.len(), 2);
        harness.clock.advance_seconds(62);
        harness.auth.maintain().await.unwrap();
        assert_eq!(harness.caller.jwks().await.len(), 1);
        assert_eq!(rows(&harness).await.len(), 1, "what no valid token was signed with is removed");
    }

    async fn replicas_use_the_same_keys(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut started = Vec::new();
        for _ in 0..4 {
            started.push(start_on(&harness.database, &harness.clock, &config(), &KEY).await.unwrap());
        }
        harness.clock.advance_seconds(30 * DAY);
        let rounds: Vec<_> = started.iter().map(|auth| { let auth = auth.clone(); tokio::spawn(async move { auth.maintain().await }) }).collect();
        for round in rounds {
            round.await.unwrap().unwrap();
        }
        assert_eq!(rows(&harness).await.len(), 2, "one next key, whoever made it");
        harness.auth.maintain().await.unwrap();
        let (_, credentials) = harness.user("ada@example.org").await;
        for auth in &started {
            let (verifier, _) = serve(auth, &harness.clock);
            verifier.verify(&credentials.access_token).await.unwrap();
        }
    }

    async fn a_first_start_of_several_at_once_makes_one_key(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.database.write(mainstay_db::Atomic::Statement, |conn| Box::pin(store::remove_up_to(conn, i64::MAX))).await
            .unwrap_or_else(|error: mainstay_db::Error| panic!("{error}"));
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let (database, clock) = (harness.database.clone(), harness.clock.clone());
                tokio::spawn(async move { start_on(&database, &clock, &config(), &KEY).await.map(drop) })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
        assert_eq!(rows(&harness).await.len(), 1);
    }

    async fn a_token_of_another_installation_is_refused(engine: Engine) {
        let (one, two) = (Harness::start(engine).await, Harness::start(engine).await);
        let (_, credentials) = one.user("ada@example.org").await;
        assert!(matches!(two.verify(&credentials).await, Err(TokenError::UnknownKey)));
    }

    async fn the_key_source_gives_what_is_published(engine: Engine) {
        let harness = Harness::start(engine).await;
        let set = KeySource::fetch(&*harness.auth.key_source()).await.unwrap();
        assert_eq!(set.len(), harness.caller.jwks().await.len());
    }
}
