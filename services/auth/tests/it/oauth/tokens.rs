use std::time::Duration;

use mainstay_fault::Reason;
use mainstay_identity::TokenError;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use serde_json::json;

use super::{EVERYTHING, Shop, asks, brought, by_code, by_refresh, proof, public, refused, says, wanted};
use crate::harness::{PASSWORD, PUBLIC_URL, reason};

both_engines! {
    async fn a_code_is_exchanged_for_tokens_that_say_what_they_should(engine: Engine) {
        let shop = Shop::open(engine).await;
        let tokens = shop.tokens().await;
        assert_eq!((tokens.token_type.as_str(), tokens.expires_in, tokens.scope.as_str()), ("Bearer", 300, EVERYTHING));
        let (header, access) = says(&tokens.access_token);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
        assert_eq!(access["aud"], json!(format!("{PUBLIC_URL}/auth/oauth2/userinfo")));
        assert_eq!((&access["client_id"], &access["sub"]), (&json!(shop.client.client_id), &json!(shop.account.uid)));
        assert!(access.get("roles").is_none() && access.get("email").is_none());
        let (header, id) = says(&tokens.id_token);
        assert_eq!(header["typ"], json!("JWT"));
        assert_eq!((&id["iss"], &id["aud"]), (&json!(PUBLIC_URL), &json!(shop.client.client_id)));
        assert_eq!((&id["sub"], &id["nonce"], &id["acr"]), (&json!(shop.account.uid), &json!("a nonce"), &json!("aal1")));
        assert_eq!((&id["amr"], id["auth_time"].is_i64()), (&json!(["pwd"]), true));
        let told = shop.harness.caller.user_info(&tokens.access_token).await.unwrap();
        assert_eq!(
            told,
            json!({"sub": shop.account.uid, "email": "ada@example.org", "email_verified": false, "updated_at": told["updated_at"]})
        );
        let provider = shop.harness.caller.provider().await.unwrap();
        assert_eq!((provider.issuer.as_str(), &provider.signing_algorithms[..]), (PUBLIC_URL, &["EdDSA".to_owned()][..]));
    }

    async fn a_client_is_told_what_was_agreed_to_and_no_more(engine: Engine) {
        let shop = Shop::open(engine).await;
        let named = pb::Account {
            name: "accounts/me".to_owned(),
            display_name: "Ada".to_owned(),
            user_name: "ada".to_owned(),
            picture_uri: "https://example.org/ada.png".to_owned(),
            locale: "de".to_owned(),
            ..Default::default()
        };
        shop.ada.update(named, &["display_name", "user_name", "picture_uri", "locale"]).await.unwrap();
        let user_info = async |scope: &str| {
            let asked = pb::BeginAuthorizationRequest { scope: scope.to_owned(), ..asks(&shop.client) };
            let code = shop.code_for(asked).await;
            let issued = shop.harness.caller.issue(by_code(&shop.client, &code)).await.unwrap();
            assert_eq!((issued.error.clone(), issued.refresh_token.is_empty()), (None, true));
            shop.harness.caller.user_info(&issued.access_token).await
        };
        assert_eq!(user_info("openid").await, Ok(json!({"sub": shop.account.uid})));
        assert_eq!(user_info("email").await, Err("insufficient_scope".to_owned()));
        assert_eq!(
            user_info("openid email unheard").await,
            Ok(json!({"sub": shop.account.uid, "email": "ada@example.org", "email_verified": false}))
        );
        let told = user_info("openid profile").await.unwrap();
        assert_eq!((&told["name"], &told["preferred_username"]), (&json!("Ada"), &json!("ada")));
        assert_eq!((&told["picture"], &told["locale"]), (&json!("https://example.org/ada.png"), &json!("de")));
        assert!(told.get("email").is_none());
    }

    async fn a_refresh_token_follows_the_rules_of_sessions(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let first = shop.tokens().await;
        let second = caller.issue(by_refresh(&shop.client, &first.refresh_token)).await.unwrap();
        assert_ne!(second.refresh_token, first.refresh_token);
        assert!(says(&second.id_token).1.get("nonce").is_none());
        // The one before, at once: the same.
        let repeated = caller.issue(by_refresh(&shop.client, &first.refresh_token)).await.unwrap();
        assert_eq!(repeated.refresh_token, second.refresh_token);
        let less = pb::IssueTokenRequest { scope: "openid".to_owned(), ..by_refresh(&shop.client, &second.refresh_token) };
        let third = caller.issue(less).await.unwrap();
        assert_eq!((third.scope.as_str(), says(&third.access_token).1["scope"].clone()), ("openid", json!("openid")));
        let more = pb::IssueTokenRequest { scope: "openid admin phone".to_owned(), ..by_refresh(&shop.client, &third.refresh_token) };
        let fourth = caller.issue(more).await.unwrap();
        assert_eq!(fourth.scope, "openid", "words that mean nothing are passed over");
        // An ancestor was copied: all ends.
        let stolen = caller.issue(by_refresh(&shop.client, &first.refresh_token)).await.unwrap();
        assert_eq!(refused(&stolen), "invalid_grant");
        let dead = caller.issue(by_refresh(&shop.client, &fourth.refresh_token)).await.unwrap();
        assert_eq!(refused(&dead), "invalid_grant");
        assert_eq!(caller.user_info(&fourth.access_token).await, Err("invalid_token".to_owned()));
        let events = shop.ada.list_audit_events(pb::ListAuditEventsRequest { parent: "accounts/me".to_owned(), ..Default::default() });
        let actions: Vec<String> = events.await.unwrap().audit_events.into_iter().map(|event| event.action).collect();
        assert!(actions.contains(&"oauthConsents.tokenReused".to_owned()), "{actions:?}");
    }

    async fn more_than_was_agreed_to_is_not_got_later(engine: Engine) {
        let shop = Shop::open(engine).await;
        let narrow = pb::BeginAuthorizationRequest { scope: "openid offline_access".to_owned(), ..asks(&shop.client) };
        let issued = shop.harness.caller.issue(by_code(&shop.client, &shop.code_for(narrow).await)).await.unwrap();
        let more = pb::IssueTokenRequest { scope: "openid email".to_owned(), ..by_refresh(&shop.client, &issued.refresh_token) };
        assert_eq!(refused(&shop.harness.caller.issue(more).await.unwrap()), "invalid_scope");
    }

    async fn what_is_not_for_when_nobody_is_there_ends_with_the_session(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let online = pb::BeginAuthorizationRequest { scope: "openid".to_owned(), ..asks(&shop.client) };
        let online = caller.issue(by_code(&shop.client, &shop.code_for(online).await)).await.unwrap();
        let offline = shop.tokens().await;
        caller.sign_out(&shop.credentials.refresh_token).await.unwrap();
        assert_eq!(caller.user_info(&online.access_token).await, Err("invalid_token".to_owned()));
        caller.user_info(&offline.access_token).await.unwrap();
        // Signed out everywhere: everything of it.
        let ada = shop.ada_again().await;
        ada.revoke_all("accounts/me", true).await.unwrap();
        assert_eq!(caller.user_info(&offline.access_token).await, Err("invalid_token".to_owned()));
        let issued = caller.issue(by_refresh(&shop.client, &offline.refresh_token)).await.unwrap();
        assert_eq!(refused(&issued), "invalid_grant");
    }

    async fn an_account_that_is_disabled_or_gone_tells_nothing(engine: Engine) {
        let shop = Shop::open(engine).await;
        let (caller, operator) = (&shop.harness.caller, shop.harness.caller.as_operator());
        let tokens = shop.tokens().await;
        let code = shop.code().await;
        operator.disable(&shop.account.name, "").await.unwrap();
        assert_eq!(caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        assert_eq!(refused(&caller.issue(by_refresh(&shop.client, &tokens.refresh_token)).await.unwrap()), "invalid_grant");
        assert_eq!(refused(&caller.issue(by_code(&shop.client, &code)).await.unwrap()), "invalid_grant");
        operator.enable(&shop.account.name, "").await.unwrap();
        let ada = shop.ada_again().await;
        let question = ada.authorize(asks(&shop.client)).await.unwrap();
        let code = brought(&question.location).remove("code").unwrap();
        let tokens = caller.issue(by_code(&shop.client, &code)).await.unwrap();
        ada.delete("accounts/me", PASSWORD, "").await.unwrap();
        assert_eq!(caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        let told = caller.introspect(proof(&shop.client), &tokens.access_token).await.unwrap();
        assert_eq!(told, json!({"active": false}));
    }

    async fn a_token_is_looked_into_and_ended_by_whom_it_belongs_to(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let tokens = shop.tokens().await;
        let told = caller.introspect(proof(&shop.client), &tokens.access_token).await.unwrap();
        assert_eq!((&told["active"], &told["sub"], &told["scope"]), (&json!(true), &json!(shop.account.uid), &json!(EVERYTHING)));
        let told = caller.introspect(proof(&shop.client), &tokens.refresh_token).await.unwrap();
        assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(shop.client.client_id)));
        let operator = caller.as_operator();
        let other = operator.register(wanted()).await.unwrap();
        let open = operator.register(public()).await.unwrap();
        let inactive = json!({"active": false});
        for token in [&tokens.access_token, &tokens.refresh_token, "x", &tokens.id_token, &shop.credentials.access_token] {
            assert_eq!(caller.introspect(proof(&other), token).await.unwrap(), inactive);
            assert_eq!(caller.introspect(proof(&open), token).await, Err("invalid_client".to_owned()));
            assert_eq!(caller.revoke_token(proof(&other), token).await, None);
        }
        for token in ["x", &tokens.id_token, &shop.credentials.access_token, &shop.credentials.refresh_token] {
            assert_eq!(caller.introspect(proof(&shop.client), token).await.unwrap(), inactive);
        }
        caller.user_info(&tokens.access_token).await.unwrap();
        let wrong = pb::OAuthClient { client_secret: other.client_secret.clone(), ..shop.client.clone() };
        assert_eq!(caller.revoke_token(proof(&wrong), &tokens.access_token).await.as_deref(), Some("invalid_client"));
        assert_eq!(caller.revoke_token(proof(&shop.client), &tokens.refresh_token).await, None);
        assert_eq!(caller.introspect(proof(&shop.client), &tokens.access_token).await.unwrap(), inactive);
        assert_eq!(caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        // By the access token as well.
        let tokens = shop.tokens().await;
        assert_eq!(caller.revoke_token(proof(&shop.client), &tokens.access_token).await, None);
        assert_eq!(refused(&caller.issue(by_refresh(&shop.client, &tokens.refresh_token)).await.unwrap()), "invalid_grant");
    }

    /// Default deny: what a client gets opens nothing but what OAuth has it open.
    async fn a_clients_token_is_nobodys_at_every_method(engine: Engine) {
        let shop = Shop::open(engine).await;
        let tokens = shop.tokens().await;
        for token in [&tokens.access_token, &tokens.id_token] {
            let stranger = shop.harness.caller.with_bearer(token);
            assert_eq!(reason(stranger.get_account("accounts/me").await), Reason::TokenInvalid);
            assert_eq!(reason(stranger.list_consents("accounts/me").await), Reason::TokenInvalid);
            assert_eq!(reason(stranger.sign_in("ada@example.org", PASSWORD).await), Reason::TokenInvalid);
            let verified = shop.harness.verifier.verify(token).await;
            assert!(matches!(verified, Err(TokenError::Claim(_) | TokenError::WrongType)), "{verified:?}");
        }
        assert_eq!(reason(shop.harness.caller.refresh(&tokens.refresh_token).await), Reason::SessionEnded);
        // And a session's are none of a client's.
        for token in [&shop.credentials.access_token, &tokens.id_token, &tokens.refresh_token] {
            assert_eq!(shop.harness.caller.user_info(token).await, Err("invalid_token".to_owned()));
        }
        let issued = shop.harness.caller.issue(by_refresh(&shop.client, &shop.credentials.refresh_token)).await.unwrap();
        assert_eq!(refused(&issued), "invalid_grant");
    }

    async fn what_is_over_is_swept(engine: Engine) {
        let shop = Shop::open(engine).await;
        let tokens = shop.tokens().await;
        shop.code().await;
        shop.harness.caller.begin_device(&shop.client, "openid").await;
        let count = async || {
            let grants = shop.harness.database.read(mainstay_db::Lane::Heavy, |conn| {
                Box::pin(async move { mainstay_auth::store::oauth::grants::over(conn, i64::MAX, 100).await })
            });
            grants.await.unwrap().len()
        };
        assert_eq!(count().await, 3);
        shop.harness.clock.advance_seconds(Duration::from_secs(3_600).as_secs().cast_signed());
        shop.harness.auth.maintain().await.unwrap();
        assert_eq!(count().await, 1);
        assert_eq!(shop.harness.caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        shop.harness.clock.advance_seconds(91 * 86_400);
        shop.harness.auth.maintain().await.unwrap();
        assert_eq!(count().await, 0);
    }
}
