//! The first administrator (S31): made once, by whoever starts an installation, on the same machine.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, KEY, PASSWORD, config, fields, reason, serve, start_on};

both_engines! {
    async fn the_token_of_a_start_makes_one_administrator(engine: Engine) {
        let harness = Harness::start(engine).await;
        let token = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        let here = harness.caller.from("127.0.0.1");
        assert_eq!(fields(here.create_first("", "ada@example.org", PASSWORD).await), ["token"]);
        assert_eq!(fields(here.create_first(&token, "no address", "1").await), ["email", "password"]);
        let made = here.create_first(&token, "ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(made.roles, ["mainstay.admin"]);
        assert_eq!(reason(here.create_first(&token, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        let session = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        harness.caller.as_user(&session).list(0, "").await.unwrap();
        assert_eq!(harness.auth.offer_first_administrator().await.unwrap(), None);
        // Nor does it open again when nobody is left who administers.
        harness.caller.as_user(&session).delete("accounts/me", PASSWORD, "").await.unwrap();
        assert_eq!(harness.auth.offer_first_administrator().await.unwrap(), None);
    }

    async fn it_is_good_on_the_same_machine_and_for_a_day(engine: Engine) {
        let harness = Harness::start(engine).await;
        let token = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        for caller in [harness.caller.clone(), harness.caller.from("203.0.113.7"), harness.caller.from("10.0.0.1")] {
            assert_eq!(reason(caller.create_first(&token, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        }
        let here = harness.caller.from("::1");
        for wrong in ["x", "mot_", &format!("{token}A"), &token[..token.len() - 1]] {
            assert_eq!(reason(here.create_first(wrong, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        }
        harness.clock.advance_seconds(24 * 3_600);
        assert_eq!(reason(here.create_first(&token, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        // Another start shows another one, and that of before is good no more.
        let first = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        let second = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        assert_eq!(reason(here.create_first(&first, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        here.create_first(&second, "ada@example.org", PASSWORD).await.unwrap();
    }

    async fn where_somebody_administers_there_is_none(engine: Engine) {
        let harness = Harness::start(engine).await;
        let token = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        harness.caller.as_operator().create_account("ada@example.org", PASSWORD, &["mainstay.admin"]).await.unwrap();
        let here = harness.caller.from("127.0.0.1");
        assert_eq!(reason(here.create_first(&token, "eve@example.org", PASSWORD).await), Reason::OneTimeSecretNotFound);
        assert_eq!(harness.auth.offer_first_administrator().await.unwrap(), None);
    }

    async fn of_many_at_once_on_two_replicas_one_administers(engine: Engine) {
        let harness = Harness::start(engine).await;
        let other = start_on(&harness.database, &harness.clock, &config(), &KEY).await.unwrap();
        let (_, other_caller) = serve(&other, &harness.clock);
        let token = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        let calls: Vec<_> = (0..32)
            .map(|number| {
                let caller = if number % 2 == 0 { &harness.caller } else { &other_caller };
                let (caller, token) = (caller.from("127.0.0.1"), token.clone());
                tokio::spawn(async move { caller.create_first(&token, &format!("user-{number}@example.org"), PASSWORD).await })
            })
            .collect();
        let mut made = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => made += 1,
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::OneTimeSecretNotFound | Reason::Conflict)), "{fault:?}"),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(harness.caller.as_operator().search("roles:\"mainstay.admin\"", 0, "").await.unwrap().accounts.len(), 1);
    }
}
