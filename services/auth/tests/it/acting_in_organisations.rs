//! What tokens say of the organisation that a session acts in, and when that is not so any more.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, KEY, config, reason, serve, start_on};
use crate::organisations::Company;

async fn is_in(caller: &Caller) -> Result<(), Reason> {
    caller.get_account("accounts/me").await.map(drop).map_err(|fault| fault.reason().unwrap())
}

both_engines! {
    async fn a_session_acts_in_one_organisation_and_its_tokens_say_so(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor", "billing.read"]).await;
        let Company { harness, bob, name, bobs_session, .. } = &company;
        let before = harness.verify(bobs_session).await.unwrap();
        assert_eq!((before.organisation(), before.organisation_roles().len()), (None, 0));

        let switched = bob.switch(name).await.unwrap();
        assert_eq!((switched.organisation.as_str(), switched.token_type.as_str(), switched.expires_in), (name.as_str(), "Bearer", 300));
        let acting = harness.verifier.verify(&switched.access_token).await.unwrap();
        assert_eq!(acting.organisation().map(|uid| format!("organisations/{uid}")).as_ref(), Some(name));
        assert_eq!(acting.organisation_roles(), ["billing.read", "editor"]);
        assert_eq!((acting.roles(), acting.session_id()), (before.roles(), before.session_id()));
        let session = bob.list_sessions("accounts/me", 0, "").await.unwrap().sessions.remove(0);
        assert_eq!(&session.organisation, name);

        // Refreshing keeps it, another session of the account does not have it.
        let refreshed = harness.caller.refresh(&bobs_session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), acting.organisation());
        let other = harness.caller.sign_in("bob@example.org", crate::harness::PASSWORD).await.unwrap();
        assert_eq!(harness.verify(&other).await.unwrap().organisation(), None);

        let bob = bob.with_bearer(&switched.access_token);
        let none = bob.switch("").await.unwrap();
        assert_eq!(none.organisation, "");
        assert_eq!(harness.verifier.verify(&none.access_token).await.unwrap().organisation(), None);
    }

    async fn only_a_session_acts_and_only_where_its_account_is_a_member(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, eve, bob, name, bobs_session, .. } = &company;
        assert_eq!(reason(harness.caller.switch(name).await), Reason::Unauthenticated);
        assert_eq!(reason(harness.caller.as_operator().switch(name).await), Reason::Unauthenticated);
        assert_eq!(reason(eve.switch(name).await), Reason::ResourceNotFound);
        harness.caller.sign_out(&bobs_session.refresh_token).await.unwrap();
        assert_eq!(reason(bob.switch(name).await), Reason::SessionEnded);
    }

    async fn whoever_is_removed_acts_there_no_more_and_their_session_goes_on(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, name, bobs_session, .. } = &company;
        let acting = bob.acting_in(name).await;
        let elsewhere = bob.create_organisation("Bob's").await.unwrap().name;
        let other = harness.caller.sign_in("bob@example.org", crate::harness::PASSWORD).await.unwrap();
        let elsewhere = harness.caller.as_user(&other).acting_in(&elsewhere).await;
        let (adas, stream) = (ada.acting_in(name).await, harness.auth.revocations());
        ada.delete_member(&company.bobs_name()).await.unwrap();
        assert_eq!(is_in(&acting).await, Err(Reason::TokenExpired));
        for unconcerned in [bob, &elsewhere, &adas] {
            assert_eq!(is_in(unconcerned).await, Ok(()), "tokens that do not act there say what is so");
        }
        assert_eq!(stream.len(), 1);
        let refreshed = harness.caller.refresh(&bobs_session.refresh_token).await.unwrap();
        let principal = harness.verify(&refreshed).await.unwrap();
        assert_eq!((principal.organisation(), principal.organisation_roles().len()), (None, 0));
        // Whoever comes back begins anew: no session acts there by itself.
        harness.caller.as_operator().create_member(name, &company.bobs.name, &[]).await.unwrap();
        let refreshed = harness.caller.refresh(&refreshed.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), None);
        harness.caller.as_user(&refreshed).acting_in(name).await;
    }

    async fn a_role_that_is_taken_away_outdates_the_tokens_that_say_it(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, name, bobs_session, .. } = &company;
        let acting = bob.acting_in(name).await;
        ada.set_member_roles(&company.bobs_name(), &["editor", "viewer"], "").await.unwrap();
        assert_eq!(is_in(&acting).await, Ok(()), "what was added is in the next token");
        ada.set_member_roles(&company.bobs_name(), &["viewer"], "").await.unwrap();
        assert_eq!(is_in(&acting).await, Err(Reason::TokenExpired));
        assert_eq!(is_in(bob).await, Ok(()));
        let refreshed = harness.caller.refresh(&bobs_session.refresh_token).await.unwrap();
        let principal = harness.verify(&refreshed).await.unwrap();
        assert_eq!(principal.organisation_roles(), ["viewer"]);
        assert_eq!(is_in(&harness.caller.as_user(&refreshed)).await, Ok(()));
    }

    async fn nobody_acts_in_what_was_deleted_on_any_replica(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, name, bobs_session, .. } = &company;
        let (adas, bobs) = (ada.acting_in(name).await, bob.acting_in(name).await);
        let replica = start_on(&harness.database, &harness.clock, &config(), &KEY).await.unwrap();
        let (_, elsewhere) = serve(&replica, &harness.clock);
        let there = elsewhere.with_bearer(&bob.switch(name).await.unwrap().access_token);
        assert_eq!(is_in(&there).await, Ok(()));
        ada.delete_organisation(name, "").await.unwrap();
        replica.maintain().await.unwrap();
        for acting in [&adas, &bobs, &there] {
            assert_eq!(is_in(acting).await, Err(Reason::TokenExpired));
        }
        for session in [ada, bob] {
            assert_eq!(is_in(session).await, Ok(()));
            assert_eq!(reason(session.switch(name).await), Reason::ResourceNotFound);
        }
        let refreshed = harness.caller.refresh(&bobs_session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), None);
        assert_eq!(reason(harness.caller.as_operator().get_organisation(name).await), Reason::ResourceNotFound);
    }
}
