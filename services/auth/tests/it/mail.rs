//! Mail on its way: texts, languages, and a server that is down, refuses, or is back.

use std::fs;

use mainstay_auth::mail::{Kind, SmtpConfig};
use mainstay_auth::{Config, StartError};
use mainstay_fault::Reason;
use mainstay_telemetry::Telemetry;
use mainstay_testkit::both_engines;
use mainstay_testkit::database::fresh;

use crate::harness::{Harness, KEY, PASSWORD, TestClock, config, reason, start_on};
use crate::smtp_server::SmtpServer;

fn smtp(server: &SmtpServer) -> Config {
    let mut config = config();
    config.mail.from = Some("Shop & Söhne <noreply@shop.example.org>".to_owned());
    let security = mainstay_auth::mail::Security::None;
    config.mail.smtp =
        Some(SmtpConfig { host: "127.0.0.1".to_owned(), port: Some(server.port()), security, ..SmtpConfig::default() });
    config
}

/// One round of the job. Says whether the server took anything.
async fn deliver(harness: &Harness, telemetry: &Telemetry) -> bool {
    harness.auth.deliver_mails(telemetry.metrics()).await.is_ok()
}

fn counted(telemetry: &Telemetry, kind: &str, outcome: &str) -> Option<String> {
    let text = telemetry.metrics().render();
    let line = text.lines().find(|line| {
        line.starts_with("mainstay_mail_attempts_total")
            && line.contains(&format!("mainstay_mail_kind=\"{kind}\""))
            && line.contains(&format!("outcome=\"{outcome}\""))
    });
    line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
}

both_engines! {
    async fn a_mail_goes_out_once_in_two_forms_with_safe_headers(engine: Engine) {
        let server = SmtpServer::start().await;
        let (harness, telemetry) = (Harness::with_config(engine, &smtp(&server)).await, Telemetry::quiet());
        harness.caller.sign_up("ada@bücher.example", PASSWORD).await.unwrap();
        assert!(deliver(&harness, &telemetry).await && deliver(&harness, &telemetry).await);
        let mails = server.taken();
        assert_eq!(mails.len(), 1, "once");
        let mail = &mails[0];
        assert_eq!(mail.to, ["<ada@xn--bcher-kva.example>"]);
        let (head, body) = mail.data.split_once("\r\n\r\n").unwrap();
        for part in ["From: ", "<noreply@shop.example.org>", "To: ada@xn--bcher-kva.example", "Auto-Submitted: auto-generated",
            "Message-ID: <", "@app.example.org>", "Date: ", "multipart/alternative"] {
            assert!(head.contains(part), "{part}: {head}");
        }
        assert!(head.is_ascii() && body.contains("text/plain") && body.contains("text/html"));
        assert_eq!(counted(&telemetry, "verify_email", "sent").as_deref(), Some("1"));
    }

    async fn nothing_is_lost_while_the_server_is_down(engine: Engine) {
        let server = SmtpServer::start().await;
        let (harness, telemetry) = (Harness::with_config(engine, &smtp(&server)).await, Telemetry::quiet());
        server.answer(Some(421));
        for number in 0..5 {
            harness.caller.sign_up(&format!("user-{number}@example.org"), PASSWORD).await.unwrap();
        }
        for _ in 0..20 {
            assert!(!deliver(&harness, &telemetry).await || server.taken().is_empty());
            harness.clock.advance_seconds(60);
        }
        assert!(server.taken().is_empty());
        server.answer(None);
        harness.clock.advance_seconds(15);
        assert!(deliver(&harness, &telemetry).await, "when it is back nobody waits for longer than that");
        let mut to: Vec<_> = server.taken().into_iter().flat_map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, (0..5).map(|number| format!("<user-{number}@example.org>")).collect::<Vec<_>>());
        assert!(counted(&telemetry, "verify_email", "deferred").is_some_and(|count| count.parse::<u32>().unwrap() >= 20));
    }

    async fn a_server_that_is_not_there_loses_nothing_either(engine: Engine) {
        let server = SmtpServer::start().await;
        let (config, telemetry) = (smtp(&server), Telemetry::quiet());
        let port = server.port();
        drop(server);
        let harness = Harness::with_config(engine, &config).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        assert!(!deliver(&harness, &telemetry).await);
        let server = SmtpServer::start_on(port).await;
        harness.clock.advance_seconds(15);
        assert!(deliver(&harness, &telemetry).await);
        assert_eq!(server.taken().len(), 1);
    }

    async fn a_mail_that_is_refused_for_now_waits_longer_each_time_and_holds_up_no_other(engine: Engine) {
        let server = SmtpServer::start().await;
        let (harness, telemetry) = (Harness::with_config(engine, &smtp(&server)).await, Telemetry::quiet());
        server.refuse("<full@example.org>", 452);
        harness.caller.sign_up("full@example.org", PASSWORD).await.unwrap();
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut tries = Vec::new();
        for second in 0..700 {
            let before = server.refused();
            assert!(deliver(&harness, &telemetry).await);
            if server.refused() > before {
                tries.push(second);
            }
            harness.clock.advance_seconds(1);
        }
        assert_eq!(tries, [0, 5, 20, 80, 380]);
        assert_eq!(server.taken().len(), 1, "the other one");
    }

    async fn a_mail_that_is_refused_for_good_is_given_up(engine: Engine) {
        let server = SmtpServer::start().await;
        let (harness, telemetry) = (Harness::with_config(engine, &smtp(&server)).await, Telemetry::quiet());
        server.refuse("<nobody@example.org>", 550);
        harness.caller.sign_up("nobody@example.org", PASSWORD).await.unwrap();
        harness.caller.sign_up("n\u{e4}me@example.org", PASSWORD).await.unwrap();
        for _ in 0..3 {
            assert!(deliver(&harness, &telemetry).await);
            harness.clock.advance_seconds(7_200);
        }
        assert_eq!((server.refused(), server.taken().len()), (1, 0), "the other one needs SMTPUTF8, which it does not have");
        assert_eq!(counted(&telemetry, "verify_email", "refused").as_deref(), Some("2"));
    }

    async fn a_mail_whose_link_is_too_old_is_not_sent_any_more(engine: Engine) {
        let server = SmtpServer::start().await;
        let (harness, telemetry) = (Harness::with_config(engine, &smtp(&server)).await, Telemetry::quiet());
        server.answer(Some(421));
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        harness.caller.request_reset("ada@example.org").await.unwrap();
        assert!(!deliver(&harness, &telemetry).await);
        server.answer(None);
        harness.clock.advance_seconds(3_600);
        assert!(deliver(&harness, &telemetry).await);
        assert_eq!(server.taken().len(), 1, "the one that is good for a day");
        assert_eq!(counted(&telemetry, "reset_password", "expired").as_deref(), Some("1"));
    }

    async fn names_that_somebody_chose_are_escaped_and_break_no_line(engine: Engine) {
        let mut config = config();
        config.mail.from = Some("\"<b>Shop</b> & Co\" <noreply@shop.example.org>".to_owned());
        let harness = Harness::with_config(engine, &config).await;
        // What RFC 5322 lets stand before the `@`, and HTML does not.
        harness.caller.sign_up("a&b'c@example.org", PASSWORD).await.unwrap();
        let mail = harness.mail("verify_email", "a&b'c@example.org").await;
        assert!(mail.html.contains("a&amp;b&#x27;c@example.org"), "{}", mail.html);
        assert!(mail.html.contains("&lt;b&gt;Shop&lt;&#x2f;b&gt; &amp; Co") && !mail.html.contains("<b>"), "{}", mail.html);
        assert!(mail.text.contains("a&b'c@example.org") && mail.text.contains("<b>Shop</b> & Co"));
        assert!(!mail.subject.contains(['\r', '\n']));
    }
}

#[tokio::test]
async fn texts_of_a_folder_take_the_place_of_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let english = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/mail/texts/en.toml")).unwrap();
    fs::write(folder.path().join("fr.toml"), english.replace("Confirm the address", "Confirmer l'adresse")).unwrap();
    fs::write(folder.path().join("layout.html"), "<p>{{ subject }}</p><a href=\"{{ link }}\">{{ button }}</a>")
        .unwrap();
    fs::write(folder.path().join("README.md"), "not a text").unwrap();
    let mut config = config();
    config.mail.templates = Some(folder.path().to_owned());
    config.mail.default_locale = "fr".to_owned();
    let harness = Harness::with_config(mainstay_db::Engine::Sqlite, &config).await;
    harness.caller.sign_up_in("fr-CA", "ada@example.org", PASSWORD).await.unwrap();
    let mail = harness.mail("verify_email", "ada@example.org").await;
    assert!(
        mail.html.starts_with("<p>Confirm") && mail.html.ends_with(">Confirmer l&#x27;adresse</a>"),
        "{}",
        mail.html
    );
    assert!(mail.text.contains("Confirmer l'adresse:"));
}

/// What a start says that must fail because of a file of texts.
async fn refused(name: &str, text: &str, locale: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let mut config = config();
    config.mail.templates = Some(folder.path().to_owned());
    config.mail.default_locale = locale.to_owned();
    let database = fresh(mainstay_db::Engine::Sqlite).await;
    let error = start_on(&database, &TestClock::new(), &config, &KEY).await.err().unwrap();
    assert!(matches!(error, StartError::Mail(_)), "{error:?}");
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    said
}

#[tokio::test]
async fn texts_that_cannot_be_written_are_found_at_the_start_with_their_place() {
    let english = include_str!("../../src/mail/texts/en.toml");
    let cases = [
        ("en.toml", "footer = 1".to_owned(), "en.toml"),
        ("en.toml", english.replace("[mails.reset_password]", "[mails.reset_pasword]"), "reset_pasword"),
        (
            "en.toml",
            english.replace("button = \"Agree to the change\"\n", ""),
            "[mails.approve_email_change] has no `button`",
        ),
        ("en.toml", english.replace("{{ hours }}", "{{ days }}"), "verify_email"),
        ("layout.html", "{% if %}".to_owned(), "layout.html"),
        ("layout.txt", "{{ nothing_of_the_kind }}".to_owned(), "layout.txt"),
    ];
    for (name, text, part) in cases {
        let said = refused(name, &text, "en").await;
        assert!(said.contains(part) && said.contains(name), "{part}: {said}");
    }
    assert!(refused("x.md", "", "fr").await.contains("fr.toml"));
}

#[tokio::test]
async fn every_kind_of_mail_is_written_in_every_language() {
    for file in ["en", "de"] {
        let path = format!("{}/src/mail/texts/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let texts: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        for kind in Kind::ALL {
            assert!(texts["mails"][kind.word()]["subject"].is_str(), "{file}: {}", kind.word());
        }
        // None is left out of the list of kinds, and none is written for nothing.
        assert_eq!(texts["mails"].as_table().unwrap().len(), Kind::ALL.len(), "{file}");
    }
}

#[tokio::test]
async fn asking_from_one_place_is_limited_whoever_gets_the_mails() {
    let harness = Harness::with_config(mainstay_db::Engine::Sqlite, &crate::harness::limited()).await;
    let attacker = harness.caller.from("198.51.100.66");
    for number in 0..20 {
        attacker.request_reset(&format!("user-{number}@example.org")).await.unwrap();
    }
    let refused = attacker.request_reset("one-more@example.org").await.unwrap_err();
    assert_eq!((refused.reason(), refused.metadata("limit")), (Some(Reason::RateLimited), Some("mail")));
    harness.caller.from("203.0.113.7").request_reset("one-more@example.org").await.unwrap();
    assert_eq!(reason(attacker.request_reset("user-1@example.org").await), Reason::RateLimited);
}
