use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, fields, reason};

const DAY: i64 = 24 * 3600;

both_engines! {
    async fn an_owner_sees_the_sessions_that_have_not_ended_and_which_one_calls(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, first) = harness.user("ada@example.org").await;
        harness.user("bob@example.org").await;
        harness.clock.advance_seconds(60);
        let second = harness.caller.from("203.0.113.77").sign_in("ada@example.org", PASSWORD).await.unwrap();
        let caller = harness.caller.as_user(&second);
        let sessions = caller.list_sessions("accounts/me", 0, "").await.unwrap().sessions;
        assert_eq!(sessions.iter().map(|session| session.current).collect::<Vec<_>>(), [false, true]);
        assert_eq!(sessions.iter().map(|session| session.network.as_str()).collect::<Vec<_>>(), ["", "203.0.113.0/24"]);
        let [one, two] = &sessions[..] else { panic!("{sessions:?}") };
        let prefix = format!("{}/sessions/", ada.name);
        assert!(one.name.starts_with(&prefix) && two.name.starts_with(&prefix) && one.name < two.name);
        assert_eq!(&caller.get_session(&two.name).await.unwrap(), two);
        let seconds = |time: &Option<prost_types::Timestamp>| time.as_ref().unwrap().seconds;
        assert_eq!(seconds(&two.expire_time) - seconds(&two.refresh_time), 14 * DAY);
        assert_eq!(seconds(&two.create_time) - seconds(&one.create_time), 60);

        harness.clock.advance_seconds(DAY);
        harness.caller.refresh(&first.refresh_token).await.unwrap();
        let admin = harness.caller.as_operator();
        let listed = admin.list_sessions(&ada.name, 0, "").await.unwrap().sessions;
        assert_eq!(seconds(&listed[0].refresh_time) - seconds(&one.refresh_time), DAY + 60);
        assert!(listed.iter().all(|session| !session.current));
        harness.clock.advance_seconds(13 * DAY);
        let listed = admin.list_sessions(&ada.name, 0, "").await.unwrap().sessions;
        assert_eq!(listed.len(), 1, "one was not refreshed for too long, and is not stored away yet");
        assert_eq!(reason(admin.get_session(&two.name).await), Reason::ResourceNotFound);
    }

    async fn the_client_says_what_it_is_in_bounds(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let long = format!("Mozilla/5.0  (X11;\u{e9}) {}", "x".repeat(1_000));
        let message = mainstay_proto::auth::v1::SignInRequest { email: "ada@example.org".into(), password: PASSWORD.into() };
        let mut request = harness.caller.request(message);
        request.metadata_mut().insert("user-agent", tonic::metadata::AsciiMetadataValue::try_from(long.as_bytes()).unwrap());
        let credentials = harness.caller.sessions().sign_in(request).await.unwrap().into_inner();
        let sessions = harness.caller.as_user(&credentials).list_sessions("accounts/me", 0, "").await.unwrap().sessions;
        let agent = &sessions.last().unwrap().user_agent;
        assert!(agent.starts_with("Mozilla/5.0 (X11;) xxx") && agent.len() == 256, "{agent}");
    }

    async fn sessions_come_in_pages_that_belong_to_their_reader_and_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let (_, bob) = harness.user("bob@example.org").await;
        for _ in 0..4 {
            harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        }
        let admin = harness.caller.as_operator();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = admin.list_sessions(&ada.name, 2, &token).await.unwrap();
            assert!(page.sessions.len() <= 2);
            seen.extend(page.sessions.into_iter().map(|session| session.name));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted());
        let token = admin.list_sessions(&ada.name, 2, "").await.unwrap().next_page_token;
        let bob_caller = harness.caller.as_user(&bob);
        assert_eq!(reason(bob_caller.list_sessions("accounts/me", 2, &token).await), Reason::InvalidPageToken);
        let bob = bob.account.unwrap();
        assert_eq!(reason(admin.list_sessions(&bob.name, 2, &token).await), Reason::InvalidPageToken);
        let of_accounts = admin.list(1, "").await.unwrap().next_page_token;
        assert_eq!(reason(admin.list_sessions(&ada.name, 2, &of_accounts).await), Reason::InvalidPageToken);
        assert_eq!(fields(admin.list_sessions(&ada.name, -1, "").await), ["page_size"]);
    }

    async fn to_everybody_else_there_are_no_sessions(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let (_, bob) = harness.user("bob@example.org").await;
        let ada_caller = harness.caller.as_user(&credentials);
        let session = ada_caller.list_sessions("accounts/me", 0, "").await.unwrap().sessions.remove(0).name;
        let bob = harness.caller.as_user(&bob);
        let missing = session.replace(&session[session.len() - 12..], "000000000000");
        let of_another = session.replace(&ada.name, "accounts/me");
        for name in [&session, &missing, &of_another] {
            assert_eq!(reason(bob.get_session(name).await), Reason::ResourceNotFound, "{name}");
            assert_eq!(reason(bob.revoke_session(name).await), Reason::ResourceNotFound, "{name}");
        }
        assert_eq!(reason(bob.list_sessions(&ada.name, 0, "").await), Reason::ResourceNotFound);
        assert_eq!(reason(bob.revoke_all(&ada.name, false).await), Reason::ResourceNotFound);
        // The name of an account that is there, and a session of somebody else's.
        let admin = harness.caller.as_operator();
        let bobs = bob.list_sessions("accounts/me", 0, "").await.unwrap().sessions.remove(0).name;
        let crossed = format!("{}/sessions/{}", ada.name, bobs.rsplit_once('/').unwrap().1);
        assert_eq!(reason(admin.get_session(&crossed).await), Reason::ResourceNotFound);
        assert_eq!(reason(admin.revoke_session(&crossed).await), Reason::ResourceNotFound);
        let nobody = "accounts/00000000-0000-7000-8000-000000000000";
        assert_eq!(reason(admin.list_sessions(nobody, 0, "").await), Reason::ResourceNotFound);
        assert_eq!(reason(admin.revoke_all(nobody, false).await), Reason::ResourceNotFound);
        assert_eq!(reason(admin.list_sessions("accounts/me", 0, "").await), Reason::ResourceNotFound);
        ada_caller.get_session(&session).await.unwrap();
    }

    async fn what_is_no_name_is_refused_with_the_field(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let caller = harness.caller.as_user(&credentials);
        let own = caller.list_sessions("accounts/me", 0, "").await.unwrap().sessions.remove(0).name;
        for name in ["", "accounts/me", "accounts/me/sessions/", "sessions/x", &own.to_uppercase(), &format!("{own}/x"), "accounts/me/sessions/é"] {
            assert_eq!(fields(caller.get_session(name).await), ["name"], "{name}");
            assert_eq!(fields(caller.revoke_session(name).await), ["name"], "{name}");
        }
        for name in ["", "me", "accounts/", &format!("{}/", ada.name)] {
            assert_eq!(fields(caller.list_sessions(name, 0, "").await), ["parent"], "{name}");
            assert_eq!(fields(caller.revoke_all(name, true).await), ["parent"], "{name}");
        }
    }
}
