//! Organisations that nobody acts in any more.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, reason};
use crate::organisations::{Company, NOBODYS};

async fn is_in(caller: &Caller) -> Result<(), Reason> {
    caller.get_account("accounts/me").await.map(drop).map_err(|fault| fault.reason().unwrap())
}

both_engines! {
    async fn nobody_acts_in_one_that_is_disabled(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, eve, name, bobs_session, .. } = &company;
        let operator = harness.caller.as_operator();
        let (adas, bobs) = (ada.acting_in(name).await, bob.acting_in(name).await);
        let elsewhere = bob.create_organisation("Bob's").await.unwrap().name;
        let other = harness.caller.sign_in("bob@example.org", crate::harness::PASSWORD).await.unwrap();
        let unconcerned = harness.caller.as_user(&other).acting_in(&elsewhere).await;
        let robot = adas.create_service_account(name, &["robot"]).await.unwrap();
        let key = adas.create_key(&robot.name, &[]).await.unwrap();
        let program = harness.caller.with_bearer(&harness.caller.exchange_key(&key.secret).await.unwrap().access_token);
        let before = ada.get_organisation(name).await.unwrap();
        assert_eq!(before.disable_time, None);

        let disabled = operator.disable_organisation(name, &before.etag).await.unwrap();
        assert!(disabled.disable_time.is_some() && disabled.etag != before.etag);
        for acting in [&adas, &bobs] {
            assert_eq!(is_in(acting).await, Err(Reason::TokenExpired));
        }
        assert_eq!(is_in(&unconcerned).await, Ok(()), "who acts elsewhere goes on");
        assert_eq!(is_in(bob).await, Ok(()), "and so does who acts in none");
        assert_eq!(program.get_organisation(name).await.map(drop).map_err(|fault| fault.reason()), Err(Some(Reason::TokenExpired)));
        assert_eq!(reason(harness.caller.exchange_key(&key.secret).await), Reason::WrongCredentials);
        assert_eq!(reason(bob.switch(name).await), Reason::FailedPrecondition);
        assert_eq!(reason(eve.switch(name).await), Reason::ResourceNotFound, "others learn nothing of it");
        let refreshed = harness.caller.refresh(&bobs_session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), None);
        // It is there, for its members, as it is.
        assert_eq!(ada.get_organisation(name).await.unwrap(), disabled);
        assert_eq!(ada.list_members(name, 0, "").await.unwrap().members.len(), 2);
        assert_eq!(operator.disable_organisation(name, "").await.unwrap(), disabled, "it is already");

        let enabled = operator.enable_organisation(name, &disabled.etag).await.unwrap();
        assert_eq!(enabled.disable_time, None);
        let refreshed = harness.caller.refresh(&refreshed.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), None, "no session acts there by itself");
        harness.caller.as_user(&refreshed).acting_in(name).await;
        harness.caller.exchange_key(&key.secret).await.unwrap();
        assert_eq!(is_in(&bobs).await, Err(Reason::TokenExpired), "what was refused stays so");
    }

    async fn only_who_runs_the_installation_disables_one(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["mainstay.manager"]).await;
        let Company { harness, ada, bob, eve, name, .. } = &company;
        for who in [ada, bob, eve, &harness.caller.as_service("gateway")] {
            for of in [name.as_str(), NOBODYS, "nonsense"] {
                assert_eq!(reason(who.disable_organisation(of, "").await), Reason::PermissionDenied);
                assert_eq!(reason(who.enable_organisation(of, "").await), Reason::PermissionDenied);
            }
        }
        assert_eq!(reason(harness.caller.disable_organisation(name, "").await), Reason::Unauthenticated);
        let operator = harness.caller.as_operator();
        assert_eq!(reason(operator.disable_organisation(NOBODYS, "").await), Reason::ResourceNotFound);
        assert_eq!(crate::harness::fields(operator.disable_organisation("nonsense", "").await), ["name"]);
        assert_eq!(reason(operator.disable_organisation(name, "stale").await), Reason::EtagMismatch);
        assert_eq!(ada.get_organisation(name).await.unwrap().disable_time, None);
    }
}
