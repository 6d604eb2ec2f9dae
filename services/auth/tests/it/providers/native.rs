//! ID tokens that applications on telephones have got.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_auth::providers::Texts;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::fake::CLIENT;
use super::{Pair, verified};
use crate::harness::{Harness, config, fields, reason};

pub const NONCE: &str = "a nonce that nobody guesses";

pub fn hash(nonce: &str) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, nonce.as_bytes()).as_ref())
}

async fn pair(engine: mainstay_testkit::Engine) -> Pair {
    let pair = Pair::with(engine, config(), |provider| {
        provider.issuer_aliases = Texts(vec!["idp.example.org".to_owned(), "https://old.example.org".to_owned()]);
        provider.audiences = [("ios", "the app on iOS"), ("android", "the app on Android")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    })
    .await;
    pair.idp.script().user = verified("ada", "ada@example.org");
    pair
}

both_engines! {
    async fn a_token_of_each_platform_and_each_name_of_the_issuer_signs_in(engine: Engine) {
        let pair = pair(engine).await;
        let mut accounts = std::collections::BTreeSet::new();
        for (audience, issuer) in [
            ("the app on iOS", None), ("the app on Android", None), (CLIENT, None),
            ("the app on iOS", Some("idp.example.org")), ("the app on Android", Some("https://old.example.org")),
        ] {
            pair.idp.script().claims.clear();
            if let Some(issuer) = issuer {
                pair.idp.script().claims.insert("iss".to_owned(), json!(issuer));
            }
            pair.harness.clock.advance_seconds(1);
            let token = pair.idp.native_token(audience, &hash(NONCE));
            let session = pair.harness.caller.exchange_id_token("idp", &token, NONCE).await.unwrap();
            accounts.insert(Harness::account_of(&session).uid.clone());
        }
        assert_eq!(accounts.len(), 1, "one user, by whichever name the provider has");
        // Google's party is the application, and the audience the server.
        pair.idp.script().claims = json!({"azp": "the app on Android"}).as_object().unwrap().clone();
        let token = pair.idp.native_token(CLIENT, &URL_SAFE_NO_PAD.encode(digest(&SHA256, NONCE.as_bytes())));
        pair.harness.caller.exchange_id_token("idp", &token, NONCE).await.unwrap();
    }

    async fn a_token_of_somebody_else_is_refused(engine: Engine) {
        let pair = pair(engine).await;
        let caller = &pair.harness.caller;
        for issuer in ["https://accounts.example.com", "", "https://old.example.org/", "IDP.example.org"] {
            pair.idp.script().claims.insert("iss".to_owned(), json!(issuer));
            let token = pair.idp.native_token(CLIENT, &hash(NONCE));
            assert_eq!(reason(caller.exchange_id_token("idp", &token, NONCE).await), Reason::ProviderRefused, "{issuer}");
        }
        pair.idp.script().claims.clear();
        for (audience, nonce) in [
            ("another app", hash(NONCE)), ("", hash(NONCE)), (CLIENT, hash("another nonce, as long")), (CLIENT, NONCE.to_owned()), (CLIENT, String::new()),
            (CLIENT, hash(NONCE).to_uppercase()), (CLIENT, hash(&hash(NONCE))),
        ] {
            let token = pair.idp.native_token(audience, &nonce);
            assert_eq!(reason(caller.exchange_id_token("idp", &token, NONCE).await), Reason::ProviderRefused, "{audience} {nonce}");
        }
        for token in ["x", "a.b.c", "..", "é"] {
            assert_eq!(reason(caller.exchange_id_token("idp", token, NONCE).await), Reason::ProviderRefused);
        }
        let good = pair.idp.native_token(CLIENT, &hash(NONCE));
        assert_eq!(fields(caller.exchange_id_token("idp", "", "short").await), ["id_token", "nonce"]);
        assert_eq!(fields(caller.exchange_id_token("idp", &"x".repeat(16_385), &"x".repeat(257)).await), ["id_token", "nonce"]);
        assert_eq!(reason(caller.exchange_id_token("nowhere", &good, NONCE).await), Reason::ResourceNotFound);
        caller.exchange_id_token("idp", &good, NONCE).await.unwrap();
    }

    async fn a_token_is_taken_once(engine: Engine) {
        let pair = pair(engine).await;
        let token = pair.idp.native_token(CLIENT, &hash(NONCE));
        let calls: Vec<_> = (0..32).map(|_| {
            let (caller, token) = (pair.harness.caller.clone(), token.clone());
            tokio::spawn(async move { caller.exchange_id_token("idp", &token, NONCE).await })
        }).collect();
        let mut right = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => right += 1,
                Err(fault) => assert_eq!(fault.reason(), Some(Reason::ProviderRefused), "{fault:?}"),
            }
        }
        assert_eq!(right, 1);
        // Not after what is over was swept, either.
        pair.harness.auth.maintain().await.unwrap();
        assert_eq!(reason(pair.harness.caller.exchange_id_token("idp", &token, NONCE).await), Reason::ProviderRefused);
        pair.harness.clock.advance_seconds(361);
        assert_eq!(reason(pair.harness.caller.exchange_id_token("idp", &token, NONCE).await), Reason::ProviderRefused);
    }

    async fn a_key_that_was_withdrawn_is_good_for_ten_minutes_at_most(engine: Engine) {
        let pair = pair(engine).await;
        pair.idp.script().claims.insert("exp".to_owned(), json!(1_800_000_000 + 3_600));
        let tokens: Vec<_> = ["one", "two"].iter().map(|jti| {
            pair.idp.script().claims.insert("jti".to_owned(), json!(jti));
            pair.idp.native_token(CLIENT, &hash(NONCE))
        }).collect();
        pair.harness.caller.exchange_id_token("idp", &tokens[0], NONCE).await.unwrap();
        pair.idp.rotate("second");
        pair.harness.clock.advance_seconds(600);
        assert_eq!(reason(pair.harness.caller.exchange_id_token("idp", &tokens[1], NONCE).await), Reason::ProviderRefused);
    }

    async fn an_owner_links_by_a_token_too(engine: Engine) {
        let pair = pair(engine).await;
        let (owner, session) = pair.harness.verified("ada@example.net").await;
        let own = pair.harness.caller.as_user(&session);
        let token = pair.idp.native_token("the app on iOS", &hash(NONCE));
        own.link_id_token("accounts/me", "idp", (&token, NONCE)).await.unwrap();
        assert_eq!(reason(own.link_id_token("accounts/me", "idp", (&token, NONCE)).await), Reason::ProviderRefused, "once");
        assert_eq!(reason(pair.harness.caller.exchange_id_token("idp", &token, NONCE).await), Reason::ProviderRefused, "for one thing");
        pair.harness.clock.advance_seconds(1);
        let token = pair.idp.native_token("the app on iOS", &hash(NONCE));
        let session = pair.harness.caller.exchange_id_token("idp", &token, NONCE).await.unwrap();
        assert_eq!(Harness::account_of(&session).uid, owner.uid);
    }
}
