//! Mails that the application sends.

use mainstay_auth::Config;
use mainstay_auth::hooks::HooksConfig;
use mainstay_telemetry::Telemetry;
use mainstay_testkit::both_engines;
use tonic::Status;

use super::fake::App;
use crate::harness::{Harness, PASSWORD, config, reason};

fn mailing(app: &App) -> Config {
    let hooks = HooksConfig { send_mail: Some(app.told()), ..HooksConfig::default() };
    Config { hooks, ..config() }
}

/// One round of the job. Says whether anything could be sent.
async fn deliver(harness: &Harness) -> bool {
    harness.auth.deliver_mails(Telemetry::quiet().metrics()).await.is_ok()
}

both_engines! {
    async fn a_mail_is_handed_over_once_in_words_and_in_its_parts(engine: Engine) {
        let app = App::start().await;
        let mut config = mailing(&app);
        config.mail.from = Some("Shop <noreply@shop.example.org>".to_owned());
        let harness = Harness::with_config(engine, &config).await;
        harness.caller.sign_up_in("de", "ada@example.org", PASSWORD).await.unwrap();
        assert!(deliver(&harness).await && deliver(&harness).await);
        let mails = app.script().mails.clone();
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        assert_eq!((mail.kind.as_str(), mail.recipient.as_str(), mail.locale.as_str()), ("verify_email", "ada@example.org", "de"));
        assert_eq!(mail.sender, "Shop <noreply@shop.example.org>");
        assert!(mail.subject.contains("Shop") || mail.text.contains("Shop"), "{mail:?}");
        assert!(mail.html.contains("<html") && mail.text.contains(&mail.link) && mail.link.contains("#token=mot_"));
        assert!(mail.expire_time.is_some() && !mail.mail_id.is_empty() && mail.code.is_empty());
        let (_, token) = mail.link.split_once("#token=").unwrap();
        assert!(harness.caller.verify_email(token).await.unwrap().email_verified);
        harness.caller.request_sign_in("ada@example.org").await.unwrap();
        assert!(deliver(&harness).await);
        assert_eq!(app.script().mails[1].code.chars().filter(char::is_ascii_digit).count(), 8);
        assert_eq!(reason(harness.caller.from("127.0.0.1").list_mails(0, "").await), mainstay_fault::Reason::Unimplemented, "there is no mailbox");
    }

    async fn nothing_is_lost_while_the_application_takes_no_mail(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &mailing(&app)).await;
        for down in [Status::unavailable(""), Status::unauthenticated(""), Status::unimplemented("")] {
            app.script().mail = Err(down.clone());
            harness.caller.sign_up(&format!("user-{:?}@example.org", down.code()), PASSWORD).await.unwrap();
            assert!(!deliver(&harness).await, "{down:?}");
            harness.clock.advance_seconds(15);
        }
        app.script().mails.clear();
        app.script().mail = Ok(());
        assert!(deliver(&harness).await, "when it is back nobody waits for longer than that");
        assert_eq!(app.script().mails.len(), 3);
    }

    async fn one_that_is_late_or_denied_is_tried_later_each_time_and_holds_up_no_other(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &mailing(&app)).await;
        harness.caller.sign_up("late@example.org", PASSWORD).await.unwrap();
        app.script().silent.push("SendMail");
        assert!(deliver(&harness).await, "others may go");
        app.script().silent.clear();
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        assert!(deliver(&harness).await);
        let to = |app: &App| app.script().mails.iter().map(|mail| mail.recipient.clone()).collect::<Vec<_>>();
        assert_eq!(to(&app), ["ada@example.org"]);
        app.script().mail = Err(Status::permission_denied("this recipient has unsubscribed"));
        for (seconds, tries) in [(5, 1), (14, 1), (1, 2), (59, 2), (1, 3)] {
            harness.clock.advance_seconds(seconds);
            assert!(deliver(&harness).await);
            assert_eq!(app.script().mails.len(), 1 + tries, "{seconds}");
        }
        let mails = app.script().mails.clone();
        assert!(mails[1..].iter().all(|mail| mail.recipient == "late@example.org" && mail.mail_id == mails[1].mail_id));
    }

    async fn one_that_it_does_not_take_holds_up_no_other(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &mailing(&app)).await;
        app.script().mail = Err(Status::internal("a bug"));
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        assert!(deliver(&harness).await);
        harness.clock.advance_seconds(4);
        assert!(deliver(&harness).await);
        assert_eq!(app.script().mails.len(), 1);
        harness.clock.advance_seconds(1);
        app.script().mail = Err(Status::invalid_argument("no such address"));
        assert!(deliver(&harness).await);
        let mails = app.script().mails.clone();
        assert_eq!((mails.len(), &mails[0].mail_id), (2, &mails[1].mail_id));
        app.script().mail = Ok(());
        harness.clock.advance_seconds(3_600);
        assert!(deliver(&harness).await);
        assert_eq!(app.script().mails.len(), 2, "it is given up");
    }
}
