use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, config, fields, reason};

both_engines! {
    async fn it_is_for_callers_on_the_same_machine_and_for_administrators(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let mail = harness.mails().await.remove(0);
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let here = harness.caller.from(address);
            assert_eq!(here.get_mail(&mail.name).await.unwrap(), mail, "{address}");
        }
        for address in ["10.0.0.1", "192.168.1.2", "203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"] {
            let elsewhere = harness.caller.as_user(&session).from(address);
            assert_eq!(reason(elsewhere.get_mail(&mail.name).await), Reason::PermissionDenied, "{address}");
            assert_eq!(reason(elsewhere.list_mails(-1, "x").await), Reason::PermissionDenied, "before anything is read");
            assert_eq!(harness.caller.as_operator().from(address).list_mails(0, "").await.unwrap().mails.len(), 1);
        }
        assert_eq!(reason(harness.caller.list_mails(0, "").await), Reason::PermissionDenied, "nobody knows from where");
    }

    async fn it_shows_the_newest_first_a_page_at_a_time(engine: Engine) {
        let harness = Harness::start(engine).await;
        for number in 0..7 {
            harness.caller.sign_up(&format!("user-{number}@example.org"), crate::harness::PASSWORD).await.unwrap();
        }
        harness.mails().await;
        let here = harness.caller.from("127.0.0.1");
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = here.list_mails(3, &token).await.unwrap();
            seen.extend(page.mails.into_iter().map(|mail| mail.recipient));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let expected: Vec<String> = (0..7).rev().map(|number| format!("user-{number}@example.org")).collect();
        assert_eq!(seen, expected);
        assert_eq!(fields(here.list_mails(-1, "").await), ["page_size"]);
        assert_eq!(reason(here.list_mails(0, "x").await), Reason::InvalidPageToken);
        assert_eq!(fields(here.get_mail("mails/x").await), ["name"]);
        assert_eq!(reason(here.get_mail("mails/0199a1c4-0000-7000-8000-000000000000").await), Reason::ResourceNotFound);
    }

    async fn there_is_none_where_mails_are_sent(engine: Engine) {
        let mut config = config();
        let smtp = mainstay_auth::mail::SmtpConfig { host: "127.0.0.1".to_owned(), ..Default::default() };
        config.mail.smtp = Some(smtp);
        config.mail.from = Some("noreply@example.org".to_owned());
        let harness = Harness::with_config(engine, &config).await;
        assert_eq!(reason(harness.caller.from("127.0.0.1").list_mails(0, "").await), Reason::Unimplemented);
        assert_eq!(reason(harness.caller.as_operator().list_mails(0, "").await), Reason::Unimplemented);
    }
}
