//! What must not be possible (RFC 9700, OAuth 2.0 Security Best Current Practice), in the order of its sections.

use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use super::{Shop, VERIFIER, asks, brought, by_code, by_refresh, challenge, proof, public, refused, wanted};
use crate::harness::{PASSWORD, PUBLIC_URL, fields, reason};

both_engines! {
    /// Section 4.1: an address that is not registered, letter for letter, is led to by nothing, errors included.
    async fn nobody_is_led_to_what_is_not_registered(engine: Engine) {
        let shop = Shop::open(engine).await;
        for wrong in [
            "",
            "https://evil.example/",
            "//evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://shop.example.net",
            "https://shop.example.net/signed-in/",
            "https://shop.example.net/signed-in?x=1",
            "https://shop.example.net/signed-in#x",
            "https://shop.example.net/signed-in/../evil",
            "https://shop.example.net:443/signed-in",
            "https://shop.example.net@evil.example/signed-in",
            "https://evil.example/?https://shop.example.net/signed-in",
            "https://shop.example.net.evil.example/signed-in",
            "http://shop.example.net/signed-in",
            "HTTPS://shop.example.net/signed-in",
            "https://shop.example.net/Signed-in",
            "https://shop.example.net/signed-in ",
            "https://shöp.example.net/signed-in",
        ] {
            let asked = pb::BeginAuthorizationRequest { redirect_uri: wrong.to_owned(), ..asks(&shop.client) };
            assert_eq!(fields(shop.ada.authorize(asked).await), ["redirect_uri"], "{wrong}");
            // Also where something else is wrong, of which a client would be told.
            let asked = pb::BeginAuthorizationRequest {
                redirect_uri: wrong.to_owned(),
                response_type: "token".to_owned(),
                prompt: "none".to_owned(),
                ..asks(&shop.client)
            };
            assert_eq!(fields(shop.harness.caller.authorize(asked).await), ["redirect_uri"], "{wrong}");
        }
        let other = pb::OAuthClient { redirect_uris: vec!["https://other.example/in".to_owned()], ..wanted() };
        let other = shop.harness.caller.as_operator().register(other).await.unwrap();
        assert_eq!(fields(shop.ada.authorize(asks(&other)).await), ["redirect_uri"]);
        for client_id in ["", "nobody", "00000000-0000-7000-8000-00000000000f"] {
            let asked = pb::BeginAuthorizationRequest { client_id: client_id.to_owned(), ..asks(&shop.client) };
            assert_eq!(fields(shop.ada.authorize(asked).await), ["client_id"]);
        }
        for twice in ["client_id", "redirect_uri"] {
            let asked = pb::BeginAuthorizationRequest { repeated_parameter: twice.to_owned(), ..asks(&shop.client) };
            assert_eq!(fields(shop.ada.authorize(asked).await), [twice]);
        }
    }

    /// Section 4.4: an answer says who gives it (RFC 9207), so that a client that knows several is not mixed up; errors, too.
    async fn an_answer_says_who_gives_it(engine: Engine) {
        let shop = Shop::open(engine).await;
        let ticket = shop.ada.authorize(asks(&shop.client)).await.unwrap().question.unwrap().ticket;
        for allow in [true, false] {
            assert_eq!(brought(&shop.ada.decide(&ticket, allow).await.unwrap())["iss"], PUBLIC_URL);
        }
        let location = shop.ada.authorize(asks(&shop.client)).await.unwrap().location;
        assert_eq!(brought(&location)["iss"], PUBLIC_URL);
        let silent = pb::BeginAuthorizationRequest { prompt: "none".to_owned(), ..asks(&shop.client) };
        assert_eq!(shop.error_at(&shop.harness.caller, silent).await, "login_required");
    }

    /// Section 4.5: a code that was copied into another session of the same client proves nothing there, at another client neither.
    async fn a_code_is_worth_nothing_to_who_has_not_asked_for_it(engine: Engine) {
        let shop = Shop::with(engine, public()).await;
        let caller = &shop.harness.caller;
        let other = caller.as_operator().register(public()).await.unwrap();
        let code = shop.code().await;
        let good = by_code(&shop.client, &code);
        let text = str::to_owned;
        for wrong in [
            pb::IssueTokenRequest { code_verifier: String::new(), ..good.clone() },
            pb::IssueTokenRequest { code_verifier: text(&VERIFIER.replace('d', "e")), ..good.clone() },
            pb::IssueTokenRequest { code_verifier: challenge(VERIFIER), ..good.clone() },
            pb::IssueTokenRequest { redirect_uri: String::new(), ..good.clone() },
            pb::IssueTokenRequest { redirect_uri: text("https://evil.example/"), ..good.clone() },
            pb::IssueTokenRequest { client: proof(&other), ..good.clone() },
            pb::IssueTokenRequest { code: format!("{code}A"), ..good.clone() },
            pb::IssueTokenRequest { code: code.replace("moc_", "mdc_"), ..good.clone() },
            pb::IssueTokenRequest { code: text("moc_"), ..good.clone() },
        ] {
            assert_eq!(refused(&caller.issue(wrong.clone()).await.unwrap()), "invalid_grant", "{wrong:?}");
        }
        // Nothing of that has used it up.
        assert_eq!(caller.issue(good).await.unwrap().error, None);
    }

    /// Section 4.8: no request without PKCE, and none with `plain`, whoever asks.
    async fn pkce_is_not_talked_down(engine: Engine) {
        let shop = Shop::open(engine).await;
        for (method, sent) in [
            ("", challenge(VERIFIER)),
            ("plain", VERIFIER.to_owned()),
            ("s256", challenge(VERIFIER)),
            ("S256", String::new()),
            ("S256", "short".to_owned()),
            ("S256", format!("{}=", challenge(VERIFIER))),
            ("", String::new()),
        ] {
            let (code_challenge_method, code_challenge) = (method.to_owned(), sent);
            let asked = pb::BeginAuthorizationRequest { code_challenge_method, code_challenge, ..asks(&shop.client) };
            assert_eq!(shop.error_at(&shop.ada, asked).await, "invalid_request", "{method}");
        }
    }

    /// Sections 2.1.1 and 4.2.4: a code is good for a minute, and once; where it comes again, what came of it ends.
    async fn a_code_is_good_once_and_not_for_long(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let code = shop.code().await;
        let tokens = caller.issue(by_code(&shop.client, &code)).await.unwrap();
        caller.user_info(&tokens.access_token).await.unwrap();
        // Somebody who is not the client ends nothing.
        let other = caller.as_operator().register(wanted()).await.unwrap();
        let stolen = pb::IssueTokenRequest { client: proof(&other), ..by_code(&shop.client, &code) };
        assert_eq!(refused(&caller.issue(stolen).await.unwrap()), "invalid_grant");
        caller.user_info(&tokens.access_token).await.unwrap();
        assert_eq!(refused(&caller.issue(by_code(&shop.client, &code)).await.unwrap()), "invalid_grant");
        assert_eq!(caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        assert_eq!(refused(&caller.issue(by_refresh(&shop.client, &tokens.refresh_token)).await.unwrap()), "invalid_grant");
        let events = shop.ada.list_audit_events(pb::ListAuditEventsRequest { parent: "accounts/me".to_owned(), ..Default::default() });
        let actions: Vec<String> = events.await.unwrap().audit_events.into_iter().map(|event| event.action).collect();
        assert!(actions.contains(&"oauthConsents.codeReused".to_owned()), "{actions:?}");
        let code = shop.code().await;
        shop.harness.clock.advance_seconds(60);
        assert_eq!(refused(&caller.issue(by_code(&shop.client, &code)).await.unwrap()), "invalid_grant");
    }

    /// The same of many at once: one success at most.
    async fn of_many_who_exchange_a_code_at_once_one_gets_tokens(engine: Engine) {
        let shop = Shop::open(engine).await;
        let code = shop.code().await;
        let calls: Vec<_> = (0..32)
            .map(|_| {
                let (caller, message) = (shop.harness.caller.clone(), by_code(&shop.client, &code));
                tokio::spawn(async move { caller.issue(message).await.unwrap() })
            })
            .collect();
        let mut got = Vec::new();
        for call in calls {
            let issued = call.await.unwrap();
            if issued.error.is_none() {
                got.push(issued);
            }
        }
        assert_eq!(got.len(), 1);
        // It came again, so that what the first got has ended as well.
        assert_eq!(shop.harness.caller.user_info(&got[0].access_token).await, Err("invalid_token".to_owned()));
    }

    /// Section 4.14.2: of many who use one refresh token at once all have the same next one, and nobody is thrown out.
    async fn of_many_who_renew_at_once_nobody_is_thrown_out(engine: Engine) {
        let shop = Shop::with(engine, public()).await;
        let first = shop.tokens().await;
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let (caller, message) = (shop.harness.caller.clone(), by_refresh(&shop.client, &first.refresh_token));
                tokio::spawn(async move { caller.issue(message).await.unwrap() })
            })
            .collect();
        let mut next = Vec::new();
        for call in calls {
            let issued = call.await.unwrap();
            assert_eq!(issued.error, None);
            next.push(issued.refresh_token);
        }
        next.dedup();
        assert_eq!(next.len(), 1);
        // Nobody else's.
        let other = shop.harness.caller.as_operator().register(public()).await.unwrap();
        assert_eq!(refused(&shop.harness.caller.issue(by_refresh(&other, &next[0])).await.unwrap()), "invalid_grant");
        assert_eq!(shop.harness.caller.issue(by_refresh(&shop.client, &next[0])).await.unwrap().error, None);
    }

    /// Section 4.7: nobody has somebody else agree: a question is good in the session in which it was asked, and for a while.
    async fn nobody_agrees_to_what_somebody_else_was_asked(engine: Engine) {
        let shop = Shop::open(engine).await;
        let ticket = shop.ada.authorize(asks(&shop.client)).await.unwrap().question.unwrap().ticket;
        let (_, bob) = shop.harness.user("bob@example.org").await;
        let bob = shop.harness.caller.as_user(&bob);
        let again = shop.ada_again().await;
        assert_eq!(reason(shop.harness.caller.decide(&ticket, true).await), Reason::Unauthenticated);
        for caller in [&bob, &again, &shop.harness.caller.as_operator()] {
            assert_eq!(reason(caller.decide(&ticket, true).await), Reason::ChallengeOver);
        }
        for forged in ["", "AAAA", &ticket[..ticket.len() - 2], &format!("{ticket}AAAA")] {
            assert_eq!(reason(shop.ada.decide(forged, true).await), Reason::ChallengeOver);
        }
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap(), []);
        shop.harness.clock.advance_seconds(601);
        let ada = shop.ada_again().await;
        assert_eq!(reason(ada.decide(&ticket, true).await), Reason::ChallengeOver);
        let ticket = ada.authorize(asks(&shop.client)).await.unwrap().question.unwrap().ticket;
        let moved = pb::OAuthClient {
            name: shop.client.name.clone(),
            redirect_uris: vec!["https://new.example/in".to_owned()],
            ..Default::default()
        };
        shop.harness.caller.as_operator().update_client(moved, &["redirect_uris"]).await.unwrap();
        assert_eq!(reason(ada.decide(&ticket, true).await), Reason::ChallengeOver);
    }

    /// Sections 2.1.2 and 2.4: no tokens in addresses, no passwords at clients.
    async fn neither_the_implicit_nor_the_password_grant_is_there(engine: Engine) {
        let shop = Shop::open(engine).await;
        for response_type in ["token", "id_token", "id_token token", "code token", "none"] {
            let asked = pb::BeginAuthorizationRequest { response_type: response_type.to_owned(), ..asks(&shop.client) };
            assert_eq!(shop.error_at(&shop.ada, asked).await, "unsupported_response_type");
        }
        let password = pb::IssueTokenRequest { grant_type: "password".to_owned(), ..by_code(&shop.client, PASSWORD) };
        assert_eq!(refused(&shop.harness.caller.issue(password).await.unwrap()), "unsupported_grant_type");
    }

    /// Section 2.5: a client that has a secret shows it, and one that has none is not believed to be one that has.
    async fn a_client_shows_what_it_has(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let code = shop.code().await;
        let as_if = |secret: &str| pb::OAuthClient { client_secret: secret.to_owned(), ..shop.client.clone() };
        for secret in ["", "mcs_wrong", &shop.client.client_secret[..46], "mak_x"] {
            assert_eq!(refused(&caller.issue(by_code(&as_if(secret), &code)).await.unwrap()), "invalid_client");
        }
        let open = caller.as_operator().register(public()).await.unwrap();
        let pretending = pb::OAuthClient { client_secret: "x".to_owned(), ..open };
        assert_eq!(refused(&caller.issue(by_code(&pretending, &code)).await.unwrap()), "invalid_client");
        let nobody = pb::IssueTokenRequest { client: None, ..by_code(&shop.client, &code) };
        assert_eq!(refused(&caller.issue(nobody).await.unwrap()), "invalid_client");
        assert_eq!(caller.issue(by_code(&shop.client, &code)).await.unwrap().error, None);
    }
}
