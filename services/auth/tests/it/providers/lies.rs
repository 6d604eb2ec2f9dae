//! Providers that lie, fall silent, change their keys, and answer something else.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Map, Value, json};

use super::fake::{CLIENT, Idp, SECRET, encoded};
use super::{PAGE, Pair, verified};
use crate::harness::{Harness, config, reason};

#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A token that is signed with HMAC.
fn with_hmac(algorithm: ring::hmac::Algorithm, key: &[u8], name: &str, claims: &Value) -> String {
    use base64::Engine as _;
    let signed = format!("{}.{}", encoded(&json!({"alg": name, "typ": "JWT"})), encoded(claims));
    let tag = ring::hmac::sign(&ring::hmac::Key::new(algorithm, key), signed.as_bytes());
    format!("{signed}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag))
}

async fn refused(pair: &Pair, what: &str) {
    let came = pair.come(verified("ada", "ada@example.org")).await;
    assert_eq!(came.map_err(|fault| fault.reason()), Err(Some(Reason::ProviderRefused)), "{what}");
}

both_engines! {
    async fn an_id_token_that_is_not_what_it_has_to_be_lets_nobody_in(engine: Engine) {
        let pair = Pair::start(engine).await;
        let now = 1_800_000_000;
        let lies = [
            json!({"nonce": "another"}), json!({"nonce": null}), json!({"nonce": ""}), json!({"nonce": ["x"]}),
            json!({"aud": "another client"}), json!({"aud": []}), json!({"aud": null}), json!({"aud": [CLIENT, "another client"]}),
            json!({"aud": [CLIENT, "another client"], "azp": CLIENT}), json!({"aud": [[CLIENT]]}), json!({"aud": 7}),
            json!({"azp": "another client"}), json!({"azp": ""}), json!({"azp": 7}), json!({"aud": [CLIENT, CLIENT]}),
            json!({"iss": "https://another.example"}), json!({"iss": null}), json!({"iss": format!("{}/", pair.idp.url)}), json!({"iss": [pair.idp.url]}),
            json!({"exp": now - 61}), json!({"exp": null}), json!({"exp": "tomorrow"}), json!({"exp": -1}), json!({"exp": 1e300}),
            json!({"iat": now + 61}), json!({"iat": null}), json!({"iat": now - 90_000, "exp": now + 90_000}), json!({"nbf": now + 61}), json!({"nbf": "x"}),
            json!({"sub": null}), json!({"sub": ""}), json!({"sub": 7}), json!({"sub": "x".repeat(256)}), json!({"sub": "a\nb"}), json!({"sub": "ä"}),
        ];
        for lie in lies {
            pair.idp.script().claims = object(lie.clone());
            refused(&pair, &lie.to_string()).await;
        }
        // What is near, and what nobody minds.
        for truth in [
            json!({"exp": now - 59}), json!({"iat": now + 59, "nbf": now + 59}), json!({"aud": [CLIENT]}), json!({"azp": CLIENT}),
            json!({"iat": 1_800_000_000.5}), json!({"unknown": {"claims": [1]}}), json!({"sub": "x".repeat(255)}),
        ] {
            pair.idp.script().claims = object(truth.clone());
            let mut user = verified("ada", "ada@example.org");
            user["email"] = json!(format!("{}@example.net", truth.to_string().len()));
            assert!(pair.come(user).await.is_ok(), "{truth}");
        }
    }

    async fn a_token_that_the_provider_has_not_signed_lets_nobody_in(engine: Engine) {
        let pair = Pair::start(engine).await;
        for header in [
            json!({"alg": "none"}), json!({"alg": "None"}), json!({"alg": "ES384"}), json!({"alg": "RS256"}), json!({"alg": "EdDSA"}), json!({"alg": 7}),
            json!({"typ": "at+jwt"}), json!({"typ": "logout+jwt"}), json!({"crit": ["exp"]}), json!({"crit": []}), json!({"cty": "JWT"}), json!({"alg": null}),
        ] {
            pair.idp.script().header = object(header.clone());
            refused(&pair, &header.to_string()).await;
        }
        pair.idp.script().header = Map::new();
        let now = 1_800_000_000;
        let claims = json!({"iss": pair.idp.url, "aud": CLIENT, "sub": "ada", "iat": now, "exp": now + 300});
        let jwk = pair.idp.script().jwk();
        let stranger = Idp::start().await;
        let strangers_key = stranger.script_jwk();
        let by_stranger = stranger.script().signed(&json!({"alg": "ES256", "kid": "first", "jwk": strangers_key}), &claims);
        let unsigned = format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims));
        let own = pair.idp.script().signed(&json!({"alg": "ES256", "kid": "first"}), &claims);
        let (signed, signature) = own.rsplit_once('.').unwrap();
        let other_claims = format!("{}.{}.{signature}", signed.split('.').next().unwrap(), encoded(&json!({"sub": "eve"})));
        let tokens = [
            unsigned, by_stranger, other_claims, format!("{signed}."), format!("{signed}.AAAA"), format!("{own}.x"), "x".to_owned(), "..".to_owned(), String::new(),
            "a.b.c".to_owned(), "é.é.é".to_owned(), "x".repeat(17_000), format!("{signed}.a.b.c.d"),
            // An HMAC with what an attacker may know, or with what the provider has in common with us.
            with_hmac(ring::hmac::HMAC_SHA256, jwk.to_string().as_bytes(), "HS256", &claims),
            with_hmac(ring::hmac::HMAC_SHA256, SECRET.as_bytes(), "HS256", &claims),
            with_hmac(ring::hmac::HMAC_SHA512, SECRET.as_bytes(), "HS512", &claims),
        ];
        for token in tokens {
            pair.idp.script().token = Some(token.clone());
            refused(&pair, &token).await;
        }
    }

    async fn a_key_that_is_not_known_is_looked_for_now_and_then(engine: Engine) {
        let pair = Pair::start(engine).await;
        let user = verified("ada", "ada@example.org");
        pair.come(user.clone()).await.unwrap();
        pair.come(user.clone()).await.unwrap();
        assert_eq!((pair.idp.asked("/keys"), pair.idp.asked("/.well-known/openid-configuration")), (1, 1));
        pair.harness.clock.advance_seconds(10);
        pair.idp.rotate("second");
        pair.come(user.clone()).await.unwrap();
        assert_eq!(pair.idp.asked("/keys"), 2);
        // Another one at once: whoever makes tokens with keys of no provider does not have it asked each time.
        pair.idp.script().header = object(json!({"kid": "nobody's"}));
        for _ in 0..5 {
            refused(&pair, "an unknown key").await;
        }
        assert_eq!(pair.idp.asked("/keys"), 2);
        pair.harness.clock.advance_seconds(10);
        refused(&pair, "an unknown key").await;
        refused(&pair, "an unknown key").await;
        assert_eq!(pair.idp.asked("/keys"), 3);
        // A key that took another one's name.
        pair.idp.script().header = Map::new();
        pair.harness.clock.advance_seconds(10);
        pair.idp.rotate("second");
        pair.come(user.clone()).await.unwrap();
    }

    async fn answers_that_are_none_are_told_apart_from_refusals(engine: Engine) {
        let html = (200, "text/html", "<html>Please sign in</html>".to_owned());
        let failures = [
            html.clone(), (500, "application/json", "{}".to_owned()), (404, "text/plain", String::new()), (302, "text/html", String::new()),
            (200, "application/json", "{".to_owned()), (200, "application/json", "[]".to_owned()), (200, "application/json", "null".to_owned()),
            (200, "application/json", "x".repeat(300_000)), (204, "application/json", String::new()),
        ];
        for path in ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"] {
            for failure in &failures {
                let pair = Pair::start(engine).await;
                pair.idp.script().userinfo = Some(json!({"sub": "ada"}));
                pair.idp.script().answers.insert(path, failure.clone());
                let refused = pair.come(json!({"sub": "ada"})).await.unwrap_err();
                assert_eq!(refused.reason(), Some(Reason::ProviderUnavailable), "{path} {failure:?}");
                let shown = String::from_utf8(refused.to_json()).unwrap();
                assert!(!shown.contains(&pair.idp.url) && !shown.contains("sign in</html>"), "{shown}");
            }
        }
    }

    async fn a_silent_provider_is_not_waited_for_without_end(engine: Engine) {
        for path in ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"] {
            let pair = Pair::start(engine).await;
            pair.idp.script().userinfo = Some(json!({"sub": "ada"}));
            pair.idp.script().silent.push(path);
            let begun = std::time::Instant::now();
            assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::ProviderUnavailable, "{path}");
            assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        }
    }

    async fn a_provider_that_failed_is_left_alone_for_a_moment(engine: Engine) {
        let pair = Pair::start(engine).await;
        let path = "/.well-known/openid-configuration";
        pair.idp.script().answers.insert(path, (503, "text/html", String::new()));
        for _ in 0..5 {
            assert_eq!(reason(pair.harness.caller.start_sign_in("idp", PAGE).await), Reason::ProviderUnavailable);
        }
        assert_eq!(pair.idp.asked(path), 1);
        pair.idp.script().answers.clear();
        pair.harness.clock.advance_seconds(5);
        pair.come(json!({"sub": "ada"})).await.unwrap();
        // What is known of it is good for a while after it has fallen silent.
        pair.harness.clock.advance_seconds(3_601);
        pair.idp.script().answers.insert(path, (503, "text/html", String::new()));
        pair.come(json!({"sub": "ada"})).await.unwrap();
        pair.harness.clock.advance_seconds(3_600);
        assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::ProviderUnavailable);
    }

    async fn a_code_that_is_not_taken_ends_the_sign_in(engine: Engine) {
        let pair = Pair::start(engine).await;
        for (status, body) in [
            (400, r#"{"error": "invalid_grant"}"#), (401, r#"{"error": "invalid_client"}"#), (400, r#"{"error": "made_up", "error_description": "<b>x</b>"}"#),
            // GitHub tells a refusal with the status of what went well.
            (200, r#"{"error": "bad_verification_code"}"#),
            // No ID token at all.
            (200, r#"{"access_token": "x", "token_type": "Bearer"}"#),
        ] {
            pair.idp.script().answers.insert("/token", (status, "application/json", body.to_owned()));
            refused(&pair, body).await;
        }
    }

    async fn a_provider_that_passes_for_another_is_found_out(engine: Engine) {
        for metadata in [
            json!({"issuer": "https://accounts.example.com"}), json!({"issuer": null}), json!({"authorization_endpoint": "javascript:alert(1)"}),
            json!({"authorization_endpoint": "http://evil.example/authorize"}), json!({"authorization_endpoint": "https://user@evil.example/"}),
            json!({"authorization_endpoint": "//evil.example/authorize"}), json!({"token_endpoint": "http://evil.example/token"}),
            json!({"token_endpoint": null}), json!({"jwks_uri": "file:///etc/passwd"}), json!({"jwks_uri": null}), json!({"authorization_endpoint": ["x"]}),
        ] {
            let pair = Pair::start(engine).await;
            pair.idp.script().metadata = object(metadata.clone());
            assert_eq!(reason(pair.harness.caller.start_sign_in("idp", PAGE).await), Reason::ProviderUnavailable, "{metadata}");
        }
        // Endpoints on machines that only this one reaches are not called.
        for endpoint in ["https://169.254.169.254/latest", "https://10.0.0.1/token", "https://[::1]/token"] {
            let pair = Pair::start(engine).await;
            pair.idp.script().metadata = object(json!({"token_endpoint": endpoint}));
            assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::ProviderUnavailable, "{endpoint}");
        }
    }

    async fn whose_answer_it_is_is_compared(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().user = json!({"sub": "ada"});
        let come = async |issuer: &str| {
            let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
            let mut back = pair.idp.visit(&started.authorization_uri);
            back.issuer = issuer.to_owned();
            pair.harness.caller.finish_sign_in(&started.secret, &back).await
        };
        come(&pair.idp.url).await.unwrap();
        come("").await.unwrap();
        let asked = pair.idp.asked("/token");
        assert_eq!(reason(come("https://another.example").await), Reason::ProviderRefused);
        assert_eq!(reason(come(&format!("{}/", pair.idp.url)).await), Reason::ProviderRefused);
        assert_eq!(pair.idp.asked("/token"), asked, "no code goes to whom it is not for");
    }

    async fn a_provider_that_says_whose_its_answers_are_says_so_always(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().metadata = object(json!({"authorization_response_iss_parameter_supported": true}));
        let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        let without = pair.idp.visit(&started.authorization_uri);
        assert_eq!(reason(pair.harness.caller.finish_sign_in(&started.secret, &without).await), Reason::ProviderRefused);
        assert_eq!(pair.idp.asked("/token"), 0);
    }

    async fn a_code_of_one_provider_is_not_given_to_another(engine: Engine) {
        let (honest, evil) = (Idp::start().await, Idp::start().await);
        let providers = vec![("honest", honest.config()), ("evil", evil.config())];
        let harness = Harness::with_config(engine, &crate::providers::with_providers(config(), providers)).await;
        honest.follow(&harness.clock);
        evil.follow(&harness.clock);
        honest.script().user = json!({"sub": "victim"});
        honest.script().metadata = object(json!({"authorization_response_iss_parameter_supported": true}));
        // The victim wants to go to the evil one, which sends the browser on to the honest one, with its own parameters.
        let started = harness.caller.start_sign_in("evil", PAGE).await.unwrap();
        let redirected = started.authorization_uri.replace(&evil.url, &honest.url);
        let mut back = honest.visit(&redirected);
        back.issuer.clone_from(&honest.url);
        assert_eq!(reason(harness.caller.finish_sign_in(&started.secret, &back).await), Reason::ProviderRefused);
        assert_eq!(evil.asked("/token"), 0, "the honest one's code stays ours");
        // A token of the one is none of the other.
        let started = harness.caller.start_sign_in("evil", PAGE).await.unwrap();
        let back = evil.visit(&started.authorization_uri);
        evil.script().token = Some(honest.native_token(CLIENT, &crate::providers::fake::query(&started.authorization_uri)["nonce"]));
        assert_eq!(reason(harness.caller.finish_sign_in(&started.secret, &back).await), Reason::ProviderRefused);
    }
}
