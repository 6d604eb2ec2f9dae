//! S4: links in mails lead to the configured place, whatever a request says of where it was sent to.

use mainstay_auth::mail::{MailConfig, Security, SmtpConfig};
use mainstay_auth::{Config, Environment, StartError, start};
use mainstay_db::{Database, Engine};
use mainstay_fault::Reason;
use mainstay_identity::VerifierConfig;
use mainstay_keys::KeyEncryptionKey;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use mainstay_testkit::database::fresh;

use crate::harness::{Harness, KEY, PUBLIC_URL, TestClock, config, reason, serve};

/// What says where a request was sent to, or came by.
const HEADERS: [&str; 9] = [
    "host",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-original-host",
    "x-host",
    "origin",
];

fn production(database: &Database) -> Environment {
    Environment::new(database.clone(), KeyEncryptionKey::from_bytes(&KEY).unwrap(), VerifierConfig::default())
}

fn with_smtp(change: impl FnOnce(&mut SmtpConfig)) -> Config {
    let mut smtp = SmtpConfig { host: "smtp.example.org".to_owned(), ..SmtpConfig::default() };
    change(&mut smtp);
    let from = Some("Shop <noreply@shop.example.org>".to_owned());
    Config { mail: MailConfig { smtp: Some(smtp), from, ..MailConfig::default() }, ..config() }
}

both_engines! {
    async fn headers_of_a_request_change_no_link(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let evil = [
            "evil.example", "for=1.2.3.4;host=evil.example;proto=http", "https://evil.example", "evil.example:443",
            "app.example.org@evil.example", "app.example.org, evil.example",
        ];
        for (number, value) in evil.into_iter().enumerate() {
            harness.clock.advance_seconds(3_600);
            let message = pb::RequestPasswordResetRequest { email: "ada@example.org".to_owned(), ..Default::default() };
            let mut request = harness.caller.request(message);
            for header in HEADERS {
                request.metadata_mut().insert(header, value.parse().unwrap());
            }
            harness.caller.accounts().request_password_reset(request).await.unwrap();
            let mails = harness.mails().await;
            assert_eq!(mails.len(), number + 2, "it was sent");
            let mail = &mails[0];
            assert!(mail.link.starts_with(&format!("{PUBLIC_URL}/auth/reset-password#token=mot_")), "{}", mail.link);
            let all = format!("{} {} {}", mail.subject, mail.text, mail.html);
            assert!(!all.contains("evil"), "{value}: {all}");
        }
    }

    async fn production_without_a_way_out_sends_nothing_and_says_so(engine: Engine) {
        let database = fresh(engine).await;
        let auth = start(&config(), production(&database)).await.unwrap();
        let (_, caller) = serve(&auth, &TestClock::new());
        caller.sign_up("ada@example.org", crate::harness::PASSWORD).await.unwrap();
        assert_eq!(reason(caller.request_reset("ada@example.org").await), Reason::FailedPrecondition);
        assert_eq!(reason(caller.from("127.0.0.1").list_mails(0, "").await), Reason::Unimplemented);
    }
}

/// What a start says that must fail.
async fn refused(config: &Config, public_url: Option<&str>) -> String {
    let database = fresh(Engine::Sqlite).await;
    let environment = production(&database);
    let public_url = public_url.map(|url| url.parse().unwrap());
    let error = start(config, Environment { public_url, ..environment }).await.err().unwrap();
    assert!(matches!(error, StartError::Missing(_)), "{error}");
    error.to_string()
}

#[tokio::test]
async fn mail_is_not_sent_outside_development_without_a_place_for_links() {
    let said = refused(&with_smtp(|_| {}), None).await;
    assert!(said.contains("public_url must be set"), "{said}");
    let mut nobody = with_smtp(|_| {});
    nobody.mail.from = None;
    let said = refused(&nobody, Some(PUBLIC_URL)).await;
    assert!(said.contains("auth.mail.from must be set"), "{said}");
}

#[tokio::test]
async fn secrets_do_not_travel_in_the_clear() {
    let said = refused(&with_smtp(|smtp| smtp.security = Security::None), Some(PUBLIC_URL)).await;
    assert!(said.contains("auth.mail.smtp.security must be tls or starttls"), "{said}");
    let inside = with_smtp(|smtp| {
        smtp.security = Security::None;
        smtp.host = "127.0.0.1".to_owned();
    });
    let public_url = Some(PUBLIC_URL.parse().unwrap());
    let database = fresh(Engine::Sqlite).await;
    let environment = production(&database);
    assert!(start(&inside, Environment { public_url, ..environment }).await.is_ok(), "inside the machine they may");
}

#[test]
fn values_that_cannot_work_are_named() {
    let mut config = with_smtp(|smtp| {
        smtp.host = "smtp.example.org/x".to_owned();
        smtp.port = Some(0);
        smtp.username = Some("shop".to_owned());
    });
    config.mail.from = Some("nobody".to_owned());
    config.mail.per_address_per_hour = 0;
    for page in ["", "verify", "//evil.example", "/a b", "/a?b", "/a#b", "https://evil.example", "/\n"] {
        config.mail.links.verify_email = page.to_owned();
        let problems: Vec<_> = config.problems().into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            problems,
            [
                "mail.links.verify_email",
                "mail.from",
                "mail.per_address_per_hour",
                "mail.smtp.host",
                "mail.smtp.port",
                "mail.smtp.password"
            ],
            "{page:?}"
        );
    }
}
