use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use super::{Shop, proof, public, refused, wanted};
use crate::harness::{Harness, limited, reason};

fn by_device(client: &pb::OAuthClient, device_code: &str) -> pb::IssueTokenRequest {
    pb::IssueTokenRequest {
        client: proof(client),
        grant_type: "urn:ietf:params:oauth:grant-type:device_code".to_owned(),
        device_code: device_code.to_owned(),
        ..Default::default()
    }
}

both_engines! {
    async fn whoever_knows_the_name_of_a_program_has_only_so_much_stored(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let client = harness.caller.as_operator().register(public()).await.unwrap();
        let message = || pb::BeginDeviceAuthorizationRequest { client: proof(&client), scope: "openid".to_owned() };
        let caller = harness.caller.from("198.51.100.66");
        for _ in 0..200 {
            assert_eq!(caller.try_begin_device(message()).await.unwrap().error, None);
        }
        assert_eq!(reason(caller.try_begin_device(message()).await), Reason::RateLimited);
        assert_eq!(harness.caller.from("203.0.113.7").try_begin_device(message()).await.unwrap().error, None);
    }

    async fn a_device_gets_tokens_when_somebody_has_agreed(engine: Engine) {
        let shop = Shop::with(engine, public()).await;
        let caller = &shop.harness.caller;
        let begun = caller.begin_device(&shop.client, "openid email offline_access").await;
        assert_eq!((begun.error.clone(), begun.interval, begun.expires_in), (None, 5, 600));
        assert!(begun.user_code.len() == 9 && begun.device_code.starts_with("mdc_"));
        let ask = || caller.issue(by_device(&shop.client, &begun.device_code));
        assert_eq!(refused(&ask().await.unwrap()), "authorization_pending");
        assert_eq!(refused(&ask().await.unwrap()), "slow_down");
        shop.harness.clock.advance_seconds(5);
        assert_eq!(refused(&ask().await.unwrap()), "authorization_pending");
        let question = shop.ada.show_device(&begun.user_code.to_lowercase()).await.unwrap();
        assert_eq!((question.client.as_str(), question.scopes.len(), question.email.as_str()), ("Shop", 3, "ada@example.org"));
        shop.ada.decide_device(&begun.user_code, true).await.unwrap();
        // It is decided once.
        assert_eq!(reason(shop.ada.decide_device(&begun.user_code, false).await), Reason::WrongCode);
        shop.harness.clock.advance_seconds(5);
        let issued = ask().await.unwrap();
        assert_eq!((issued.error.clone(), issued.refresh_token.is_empty(), issued.id_token.is_empty()), (None, false, false));
        assert_eq!(caller.user_info(&issued.access_token).await.unwrap()["email"], "ada@example.org");
        shop.harness.clock.advance_seconds(5);
        assert_eq!(refused(&ask().await.unwrap()), "invalid_grant");
        caller.user_info(&issued.access_token).await.unwrap();
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap().len(), 1);
    }

    async fn a_device_is_told_that_it_may_not_and_that_it_is_late(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = &shop.harness.caller;
        let begun = caller.begin_device(&shop.client, "openid").await;
        shop.ada.decide_device(&begun.user_code, false).await.unwrap();
        assert_eq!(refused(&caller.issue(by_device(&shop.client, &begun.device_code)).await.unwrap()), "access_denied");
        assert_eq!(shop.ada.list_consents("accounts/me").await.unwrap(), []);
        let begun = caller.begin_device(&shop.client, "openid").await;
        shop.harness.clock.advance_seconds(601);
        assert_eq!(refused(&caller.issue(by_device(&shop.client, &begun.device_code)).await.unwrap()), "expired_token");
        let ada = shop.ada_again().await;
        assert_eq!(reason(ada.show_device(&begun.user_code).await), Reason::WrongCode);
        assert_eq!(reason(ada.decide_device(&begun.user_code, true).await), Reason::WrongCode);
    }

    async fn a_device_code_is_its_clients_alone(engine: Engine) {
        let shop = Shop::open(engine).await;
        let (caller, operator) = (&shop.harness.caller, shop.harness.caller.as_operator());
        let other = operator.register(wanted()).await.unwrap();
        let begun = caller.begin_device(&shop.client, "openid").await;
        shop.ada.decide_device(&begun.user_code, true).await.unwrap();
        assert_eq!(refused(&caller.issue(by_device(&other, &begun.device_code)).await.unwrap()), "invalid_grant");
        let without = pb::OAuthClient { grants: vec![1], ..wanted() };
        let without = operator.register(without).await.unwrap();
        assert_eq!(caller.begin_device(&without, "openid").await.error.unwrap().error, "unauthorized_client");
        assert_eq!(refused(&caller.issue(by_device(&without, &begun.device_code)).await.unwrap()), "unauthorized_client");
        assert_eq!(reason(caller.show_device("BCDF-GHJK").await), Reason::Unauthenticated);
    }

    async fn of_many_devices_at_once_one_gets_tokens(engine: Engine) {
        let shop = Shop::open(engine).await;
        let begun = shop.harness.caller.begin_device(&shop.client, "openid").await;
        shop.ada.decide_device(&begun.user_code, true).await.unwrap();
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let (caller, message) = (shop.harness.caller.clone(), by_device(&shop.client, &begun.device_code));
                tokio::spawn(async move { caller.issue(message).await.unwrap().error.is_none() })
            })
            .collect();
        let mut got = 0;
        for call in calls {
            got += usize::from(call.await.unwrap());
        }
        assert_eq!(got, 1);
    }

    async fn who_guesses_what_devices_show_is_slowed_down(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&credentials).from("203.0.113.9");
        let mut last = None;
        for _ in 0..100 {
            last = Some(reason(ada.show_device("BCDF-GHJK").await));
        }
        assert_eq!(last, Some(Reason::RateLimited));
    }
}
