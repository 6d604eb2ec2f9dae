use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use super::{EVERYTHING, LOGGED_OUT, REDIRECT, Shop, asks, brought, by_refresh, public, refused, wanted};
use crate::harness::{Harness, PASSWORD, PUBLIC_URL, Shown, config, fields, reason};
use crate::impersonation::{WHY, support};

both_engines! {
    async fn who_is_signed_in_is_asked_once_and_brings_a_code(engine: Engine) {
        let shop = Shop::open(engine).await;
        let nobody = shop.harness.caller.authorize(asks(&shop.client)).await.unwrap();
        assert_eq!(nobody, pb::BeginAuthorizationResponse { sign_in: true, ..Default::default() });
        let question = shop.ada.authorize(asks(&shop.client)).await.unwrap().question.unwrap();
        assert_eq!((question.client.as_str(), question.leads_to.as_str()), ("Shop", "https://shop.example.net"));
        assert_eq!((question.scopes.join(" ").as_str(), question.email.as_str()), (EVERYTHING, "ada@example.org"));
        let location = shop.ada.decide(&question.ticket, true).await.unwrap();
        assert!(location.starts_with(&format!("{REDIRECT}?code=moc_")), "{location}");
        let said = brought(&location);
        assert_eq!((said["state"].as_str(), said["iss"].as_str(), said.len()), ("a state", PUBLIC_URL, 3));
        // What was agreed to is not asked again, and more is.
        let again = shop.ada.authorize(asks(&shop.client)).await.unwrap();
        assert!(again.location.starts_with(REDIRECT) && again.question.is_none());
        let less = pb::BeginAuthorizationRequest { scope: "openid".to_owned(), ..asks(&shop.client) };
        assert!(shop.ada.authorize(less).await.unwrap().location.starts_with(REDIRECT));
        let consent = pb::BeginAuthorizationRequest { prompt: "consent".to_owned(), ..asks(&shop.client) };
        assert!(shop.ada.authorize(consent).await.unwrap().question.is_some());
        let denied = shop.ada.authorize(pb::BeginAuthorizationRequest { prompt: "consent".to_owned(), ..asks(&shop.client) });
        let ticket = denied.await.unwrap().question.unwrap().ticket;
        let said = brought(&shop.ada.decide(&ticket, false).await.unwrap());
        assert_eq!((said["error"].as_str(), said["state"].as_str()), ("access_denied", "a state"));
    }

    async fn consents_are_listed_and_taken_back_by_their_owner(engine: Engine) {
        let shop = Shop::open(engine).await;
        let narrow = pb::BeginAuthorizationRequest { scope: "openid".to_owned(), ..asks(&shop.client) };
        shop.code_for(narrow).await;
        let [first] = &shop.ada.list_consents("accounts/me").await.unwrap()[..] else { panic!() };
        assert_eq!((first.display_name.as_str(), &first.scopes[..]), ("Shop", &["openid".to_owned()][..]));
        // What nobody is asked about is what was agreed to, and no more.
        let silent = pb::BeginAuthorizationRequest { prompt: "none".to_owned(), ..asks(&shop.client) };
        assert_eq!(shop.error_at(&shop.ada, silent).await, "consent_required");
        let tokens = shop.tokens().await;
        let [wide] = &shop.ada.list_consents("accounts/me").await.unwrap()[..] else { panic!() };
        assert_eq!((wide.scopes.join(" "), &wide.create_time), (EVERYTHING.to_owned(), &first.create_time));
        let operator = shop.harness.caller.as_operator();
        assert_eq!(operator.list_consents(&shop.account.name).await.unwrap(), std::slice::from_ref(wide));
        shop.ada.delete_consent(&format!("accounts/me/oauthConsents/{}", shop.client.client_id)).await.unwrap();
        assert_eq!(shop.harness.caller.user_info(&tokens.access_token).await, Err("invalid_token".to_owned()));
        let issued = shop.harness.caller.issue(by_refresh(&shop.client, &tokens.refresh_token)).await.unwrap();
        assert_eq!(refused(&issued), "invalid_grant");
        assert!(shop.ada.authorize(asks(&shop.client)).await.unwrap().question.is_some());
        assert_eq!(reason(shop.ada.delete_consent(&wide.name).await), Reason::ResourceNotFound);
        let (_, bob) = shop.harness.user("bob@example.org").await;
        let bob = shop.harness.caller.as_user(&bob);
        shop.code().await;
        assert_eq!(reason(bob.list_consents(&shop.account.name).await), Reason::ResourceNotFound);
        assert_eq!(reason(bob.delete_consent(&wide.name).await), Reason::ResourceNotFound);
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap().len(), 1);
    }

    async fn what_is_asked_wrongly_is_told_at_the_clients_address(engine: Engine) {
        let shop = Shop::open(engine).await;
        let ask = || asks(&shop.client);
        let text = str::to_owned;
        for (asked, expected) in [
            (pb::BeginAuthorizationRequest { response_type: text("token"), ..ask() }, "unsupported_response_type"),
            (pb::BeginAuthorizationRequest { response_type: text("code id_token"), ..ask() }, "unsupported_response_type"),
            (pb::BeginAuthorizationRequest { response_type: String::new(), ..ask() }, "unsupported_response_type"),
            (pb::BeginAuthorizationRequest { response_mode: text("fragment"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { response_mode: text("form_post"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { scope: text("admin"), ..ask() }, "invalid_scope"),
            (pb::BeginAuthorizationRequest { scope: String::new(), ..ask() }, "invalid_scope"),
            (pb::BeginAuthorizationRequest { nonce: "n".repeat(513), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { prompt: text("none login"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { prompt: text("sometimes"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { max_age: text("-1"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { max_age: text("+1"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { unsupported: text("request_not_supported"), ..ask() }, "request_not_supported"),
            (pb::BeginAuthorizationRequest { unsupported: text("request_uri_not_supported"), ..ask() }, "request_uri_not_supported"),
            (pb::BeginAuthorizationRequest { repeated_parameter: text("scope"), ..ask() }, "invalid_request"),
            (pb::BeginAuthorizationRequest { id_token_hint: text("a.b.c"), ..ask() }, "login_required"),
        ] {
            assert_eq!(shop.error_at(&shop.ada, asked.clone()).await, expected, "{asked:?}");
        }
        let silent = || pb::BeginAuthorizationRequest { prompt: text("none"), ..ask() };
        assert_eq!(shop.error_at(&shop.harness.caller, silent()).await, "login_required");
        assert_eq!(shop.error_at(&shop.ada, silent()).await, "consent_required");
        shop.code().await;
        assert!(shop.ada.authorize(silent()).await.unwrap().location.contains("code=moc_"));
        shop.harness.clock.advance_seconds(100);
        let old = pb::BeginAuthorizationRequest { max_age: text("99"), ..silent() };
        assert_eq!(shop.error_at(&shop.ada, old).await, "login_required");
    }

    async fn what_the_client_wants_newly_shown_is_shown_again(engine: Engine) {
        let shop = Shop::open(engine).await;
        shop.code().await;
        shop.harness.clock.advance_seconds(100);
        let mut ada = shop.ada.clone();
        for asked in [
            pb::BeginAuthorizationRequest { prompt: "login".to_owned(), ..asks(&shop.client) },
            pb::BeginAuthorizationRequest { max_age: "99".to_owned(), ..asks(&shop.client) },
            pb::BeginAuthorizationRequest { max_age: "0".to_owned(), ..asks(&shop.client) },
        ] {
            shop.harness.clock.advance_seconds(1);
            let began = ada.authorize(asked.clone()).await.unwrap().confirm;
            assert!(!began.is_empty());
            // What was not shown since is not enough, whatever is said of it.
            let again = pb::BeginAuthorizationRequest { began, ..asked.clone() };
            assert!(!ada.authorize(again.clone()).await.unwrap().confirm.is_empty());
            let forged = pb::BeginAuthorizationRequest { began: "AAAA".to_owned(), ..asked.clone() };
            assert!(!ada.authorize(forged).await.unwrap().confirm.is_empty());
            shop.harness.clock.advance_seconds(2);
            let stepped = ada.step_up(Shown::Password(PASSWORD.to_owned())).await.unwrap();
            ada = shop.harness.caller.as_user(&stepped);
            shop.harness.clock.advance_seconds(2);
            assert!(ada.authorize(again).await.unwrap().location.contains("code=moc_"));
            // It is worth nothing in another session.
            let other = shop.ada_again().await;
            shop.harness.clock.advance_seconds(100);
            let began = ada.authorize(asked.clone()).await.unwrap().confirm;
            shop.harness.clock.advance_seconds(1);
            let stepped = other.step_up(Shown::Password(PASSWORD.to_owned())).await.unwrap();
            let elsewhere = pb::BeginAuthorizationRequest { began, ..asked.clone() };
            let answered = shop.harness.caller.as_user(&stepped).authorize(elsewhere).await.unwrap();
            assert_eq!(answered.confirm.is_empty(), asked.prompt.is_empty());
        }
        // Who signs in because of it has shown it.
        let asked = pb::BeginAuthorizationRequest { prompt: "login".to_owned(), ..asks(&shop.client) };
        let answered = shop.harness.caller.authorize(asked.clone()).await.unwrap();
        assert!(answered.sign_in && !answered.confirm.is_empty());
        shop.harness.clock.advance_seconds(5);
        let ada = shop.ada_again().await;
        let asked = pb::BeginAuthorizationRequest { began: answered.confirm, ..asked };
        assert!(ada.authorize(asked).await.unwrap().location.contains("code=moc_"));
    }

    async fn a_program_that_anybody_can_pass_for_is_asked_about_each_time(engine: Engine) {
        let native = pb::OAuthClient {
            redirect_uris: vec!["http://127.0.0.1/in".to_owned(), "com.example.app:/in".to_owned(), REDIRECT.to_owned()],
            trusted: true,
            ..public()
        };
        let shop = Shop::with(engine, native).await;
        for redirect_uri in ["http://127.0.0.1:41234/in", "com.example.app:/in"] {
            let asked = pb::BeginAuthorizationRequest { redirect_uri: redirect_uri.to_owned(), ..asks(&shop.client) };
            for _ in 0..2 {
                let question = shop.ada.authorize(asked.clone()).await.unwrap().question.unwrap();
                let location = shop.ada.decide(&question.ticket, true).await.unwrap();
                assert!(location.starts_with(&format!("{redirect_uri}?code=")), "{location}");
            }
            let silent = pb::BeginAuthorizationRequest { prompt: "none".to_owned(), ..asked };
            assert_eq!(shop.error_at(&shop.ada, silent).await, "consent_required");
        }
        // Where only its owner gets the answer, the installation's own is trusted.
        assert!(shop.ada.authorize(asks(&shop.client)).await.unwrap().location.starts_with(REDIRECT));
    }

    async fn nobody_agrees_without_an_account_that_somebody_is_known_behind(engine: Engine) {
        let open = mainstay_auth::Config { anonymous_sign_in: mainstay_auth::AnonymousSignIn::Open, ..config() };
        let harness = Harness::with_config(engine, &open).await;
        let client = harness.caller.as_operator().register(wanted()).await.unwrap();
        let credentials = harness.caller.sign_in_anonymously().await.unwrap();
        let nobody = harness.caller.as_user(&credentials);
        let location = nobody.authorize(asks(&client)).await.unwrap().location;
        assert_eq!(brought(&location)["error"], "access_denied");
        let device = harness.caller.begin_device(&client, "openid").await;
        assert_eq!(reason(nobody.show_device(&device.user_code).await), Reason::FailedPrecondition);
        assert_eq!(reason(nobody.decide_device(&device.user_code, true).await), Reason::FailedPrecondition);
        // A service is nobody who could agree.
        assert!(harness.caller.as_operator().authorize(asks(&client)).await.unwrap().sign_in);
    }

    async fn whoever_acts_as_somebody_else_signs_in_nowhere_as_them(engine: Engine) {
        let shop = Shop::open(engine).await;
        let ticket = shop.ada.authorize(asks(&shop.client)).await.unwrap().question.unwrap().ticket;
        shop.code().await;
        let device = shop.harness.caller.begin_device(&shop.client, "openid").await;
        let (_, session) = support(&shop.harness, &[]).await;
        let begun = shop.harness.caller.as_user(&session).impersonate(&shop.account.name, WHY, false).await.unwrap();
        let acting = shop.harness.caller.with_bearer(&begun.access_token);
        assert_eq!(shop.error_at(&acting, asks(&shop.client)).await, "access_denied");
        assert_eq!(reason(acting.decide(&ticket, true).await), Reason::PermissionDenied);
        assert_eq!(reason(acting.show_device(&device.user_code).await), Reason::PermissionDenied);
        assert_eq!(reason(acting.decide_device(&device.user_code, true).await), Reason::PermissionDenied);
        let consent = format!("accounts/me/oauthConsents/{}", shop.client.client_id);
        assert_eq!(reason(acting.delete_consent(&consent).await), Reason::PermissionDenied);
        assert_eq!(acting.list_consents("accounts/me").await.unwrap().len(), 1);
    }

    async fn a_browser_is_led_back_after_the_sign_out_to_what_is_registered_alone(engine: Engine) {
        let shop = Shop::open(engine).await;
        let id_token = shop.tokens().await.id_token;
        let begin = |message: pb::BeginSignOutRequest| shop.harness.caller.begin_sign_out(message);
        let asked = pb::BeginSignOutRequest {
            id_token_hint: id_token.clone(),
            post_logout_redirect_uri: LOGGED_OUT.to_owned(),
            state: "x y".to_owned(),
            ..Default::default()
        };
        let answered = begin(asked.clone()).await.unwrap();
        assert_eq!((answered.location, answered.client), (format!("{LOGGED_OUT}?state=x%20y"), "Shop".to_owned()));
        // An ID token that is over says as well whose it was.
        shop.harness.clock.advance_seconds(3_600);
        begin(asked.clone()).await.unwrap();
        let by_id = pb::BeginSignOutRequest { id_token_hint: String::new(), client_id: shop.client.client_id.clone(), ..asked.clone() };
        begin(by_id).await.unwrap();
        for wrong in ["https://evil.example/", &format!("{LOGGED_OUT}/"), "javascript:alert(1)", "//evil.example", REDIRECT] {
            let asked = pb::BeginSignOutRequest { post_logout_redirect_uri: wrong.to_owned(), ..asked.clone() };
            assert_eq!(fields(begin(asked).await), ["post_logout_redirect_uri"], "{wrong}");
        }
        let nobodys = pb::BeginSignOutRequest { id_token_hint: String::new(), ..asked.clone() };
        assert_eq!(fields(begin(nobodys).await), ["client_id"]);
        let forged = pb::BeginSignOutRequest { id_token_hint: format!("{id_token}A"), ..asked.clone() };
        assert_eq!(fields(begin(forged).await), ["client_id"]);
        let another = pb::BeginSignOutRequest { client_id: "other".to_owned(), ..asked };
        assert_eq!(fields(begin(another).await), ["client_id"]);
        assert_eq!(begin(pb::BeginSignOutRequest::default()).await.unwrap(), pb::BeginSignOutResponse::default());
    }
}
