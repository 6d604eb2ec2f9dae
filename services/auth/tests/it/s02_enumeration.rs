//! S2: nothing tells whether an address has an account.

use mainstay_auth::domain::one_time_secret::LinkSecret;
use mainstay_db::Counters;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use tonic::{Code, Status};

use crate::harness::{Harness, PASSWORD, config, limited};
use crate::organisations::{Company, NOBODYS};

async fn refused(harness: &Harness, email: &str, password: &str) -> Status {
    let message = pb::SignInRequest { email: email.to_owned(), password: password.to_owned() };
    harness.caller.sessions().sign_in(harness.caller.request(message)).await.unwrap_err()
}

/// What one refused attempt costs: counted, because time tells nothing twice.
async fn effort_of(harness: &Harness, email: &str) -> u64 {
    let before = harness.auth.hashing_effort();
    assert_eq!(refused(harness, email, "not the password").await.code(), Code::Unauthenticated);
    harness.auth.hashing_effort() - before
}

/// What a call had the store do.
fn work(before: &Counters, after: &Counters) -> [u64; 3] {
    [after.jobs - before.jobs, after.inline_reads - before.inline_reads, after.heavy_reads - before.heavy_reads]
}

both_engines! {
    async fn an_unknown_address_and_a_wrong_password_cost_the_same_work(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let unknown = effort_of(&harness, "eve@example.org").await;
        assert_eq!(unknown, 16, "one hash as it is configured: 16 KiB, one pass");
        assert_eq!(effort_of(&harness, "ada@example.org").await, unknown);
        assert_eq!(effort_of(&harness, "ADA@example.org").await, unknown);
    }

    async fn a_user_name_tells_as_little_as_an_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let named = pb::Account { name: "accounts/me".into(), user_name: "ada".into(), ..pb::Account::default() };
        harness.caller.as_user(&session).update(named, &[]).await.unwrap();
        let mut worlds = Vec::new();
        for login in ["ada", "eve", "ada@example.org", "eve@example.org"] {
            let (before, counted) = (harness.auth.hashing_effort(), harness.database.counters());
            let status = refused(&harness, login, "not the password").await;
            let work = work(&counted, &harness.database.counters());
            let answer = (status.code(), status.message().to_owned(), status.details().to_vec());
            worlds.push((answer, harness.auth.hashing_effort() - before, work));
        }
        assert!(worlds.iter().all(|world| *world == worlds[0]), "{worlds:?}");
    }

    async fn an_address_whose_hash_is_an_old_one_costs_the_same_work(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut stronger = config();
        stronger.password_hashing.memory_kib = 64;
        stronger.password_hashing.iterations = 2;
        let harness = harness.restart(&stronger).await;
        assert_eq!(effort_of(&harness, "eve@example.org").await, 128);
        assert_eq!(effort_of(&harness, "ada@example.org").await, 128);
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(effort_of(&harness, "ada@example.org").await, 128, "hashed anew");
    }

    async fn an_unknown_address_and_a_wrong_password_get_the_same_answer(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let wrong = refused(&harness, "ada@example.org", "not the password").await;
        let unknown = refused(&harness, "eve@example.org", "not the password").await;
        assert_eq!(wrong.code(), Code::Unauthenticated);
        assert_eq!(wrong.code(), unknown.code());
        assert_eq!(wrong.message(), unknown.message());
        assert_eq!(wrong.details(), unknown.details());
        assert_eq!(wrong.metadata().keys().count(), unknown.metadata().keys().count());
    }

    async fn whoever_asks_for_a_reset_learns_nothing_and_takes_the_same_work(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        // What the sign-up sent does not count any more.
        harness.clock.advance_seconds(2 * 3_600);
        let mut worlds = Vec::new();
        for (address, email) in [("198.51.100.1", "ada@example.org"), ("198.51.100.2", "eve@example.org")] {
            let caller = harness.caller.from(address);
            let mut seen = Vec::new();
            for _ in 0..25 {
                let before = harness.database.counters();
                let message = pb::RequestPasswordResetRequest { email: email.to_owned(), ..Default::default() };
                let answer = caller.accounts().request_password_reset(caller.request(message)).await;
                let answer = answer.map(drop).map_err(|status| (status.code(), status.message().to_owned(), status.details().to_vec()));
                seen.push((answer, work(&before, &harness.database.counters())));
            }
            worlds.push(seen);
        }
        assert_eq!(worlds[0], worlds[1], "byte for byte, statement for statement, also when the limit is met");
        assert!(worlds[0].iter().any(|(answer, _)| answer.is_ok()) && worlds[0].iter().any(|(answer, _)| answer.is_err()));
    }

    async fn whoever_wants_another_address_does_not_learn_whether_it_is_taken(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        harness.user("bob@example.org").await;
        let own = harness.caller.as_user(&session);
        let mut worlds = Vec::new();
        for email in ["bob@example.org", "eve@example.org"] {
            let before = harness.database.counters();
            let account = own.change_email("accounts/me", email, PASSWORD).await.unwrap();
            let work = work(&before, &harness.database.counters());
            let shown = pb::Account { pending_email: String::new(), etag: String::new(), update_time: None, ..account };
            worlds.push((shown, work));
        }
        assert_eq!(worlds[0], worlds[1]);
        let mails = harness.mails().await;
        assert_eq!(mails.iter().filter(|mail| mail.kind == "change_email").count(), 1, "only whose address is free is asked");
    }

    async fn a_secret_that_never_was_and_one_that_was_used_get_the_same_answer(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let used = harness.token("verify_email", "ada@example.org").await;
        harness.caller.verify_email(&used).await.unwrap();
        let never = LinkSecret::of(uuid::Uuid::now_v7()).unwrap().to_text();
        let mut answers = Vec::new();
        for token in [used, never] {
            let message = pb::VerifyEmailRequest { token };
            let status = harness.caller.accounts().verify_email(harness.caller.request(message)).await.unwrap_err();
            answers.push((status.code(), status.message().to_owned(), status.details().to_vec()));
        }
        assert_eq!(answers[0], answers[1]);
    }

    async fn whoever_asks_to_sign_in_by_mail_learns_nothing_and_takes_the_same_work(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut worlds = Vec::new();
        for email in ["ada@example.org", "eve@example.org"] {
            let before = harness.database.counters();
            let request_id = harness.caller.request_sign_in(email).await.unwrap();
            let asked = work(&before, &harness.database.counters());
            assert_eq!(request_id.len(), 36);
            let mut seen = Vec::new();
            // One try more than there are, and not the code but by the luck of one in twenty million.
            for _ in 0..6 {
                let before = harness.database.counters();
                let code = "0000 0000".to_owned();
                let message = pb::SignInWithCodeRequest { request_id: request_id.clone(), code };
                let status = harness.caller.sessions().sign_in_with_code(harness.caller.request(message)).await.unwrap_err();
                let answer = (status.code(), status.message().to_owned(), status.details().to_vec());
                seen.push((answer, work(&before, &harness.database.counters())));
            }
            worlds.push((asked, seen));
        }
        assert_eq!(worlds[0], worlds[1]);
    }

    async fn whoever_is_no_member_of_an_organisation_learns_nothing_of_it_and_takes_the_same_work(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let (harness, eve) = (&company.harness, &company.eve);
        let mut worlds = Vec::new();
        for name in [company.name.as_str(), NOBODYS] {
            let before = harness.database.counters();
            let message = pb::GetOrganisationRequest { name: name.to_owned() };
            let shown = eve.organisations().get_organisation(eve.request(message)).await.unwrap_err();
            let message = pb::SwitchOrganisationRequest { organisation: name.to_owned() };
            let switched = eve.sessions().switch_organisation(eve.request(message)).await.unwrap_err();
            let seen = [shown, switched].map(|status| (status.code(), status.message().to_owned(), status.details().to_vec()));
            worlds.push((seen, work(&before, &harness.database.counters())));
        }
        assert_eq!(worlds[0], worlds[1]);
    }
}
