//! A real SMTP server (PyPI `aiosmtpd`) takes the mails: over STARTTLS, with a password, and after it was down.

use std::path::{Path, PathBuf};
use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::server::{Launch, free_port};
use mainstay_testkit::tools::python_from;
use serde_json::{Value, json};

use super::workshop::{Follower, sources};
use crate::support::{PASSWORD, System, notes};

/// The relay, and the files that it is known by.
struct Relay {
    port: u16,
    certificate: PathBuf,
    key: PathBuf,
}

impl Relay {
    fn new(folder: &Path) -> Relay {
        let (certificate, key) = (folder.join("relay.pem"), folder.join("relay.key"));
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate can be made");
        std::fs::write(&certificate, made.cert.pem()).expect("a file can be written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file can be written");
        Relay { port: free_port(), certificate, key }
    }

    fn start(&self) -> Follower {
        let mut command = Command::new(python_from(&sources().join("mail.txt")));
        command.arg(sources().join("mail.py")).arg(self.port.to_string()).arg(&self.certificate).arg(&self.key);
        let mut relay = Follower::start(&mut command);
        assert_eq!(relay.report(), json!({"ready": true}));
        relay
    }

    fn named_in(&self, launch: Launch) -> Launch {
        launch
            .environment("MAINSTAY__PUBLIC_URL", "https://shop.example.org")
            .environment("MAINSTAY__AUTH__MAIL__FROM", "Shop & Söhne <noreply@shop.example.org>")
            .environment("MAINSTAY__AUTH__MAIL__SMTP__HOST", "localhost")
            .environment("MAINSTAY__AUTH__MAIL__SMTP__PORT", self.port.to_string())
            .environment("MAINSTAY__AUTH__MAIL__SMTP__CA_FILE", self.certificate.to_string_lossy())
            .environment("MAINSTAY__AUTH__MAIL__SMTP__USERNAME", "shop")
            .environment("MAINSTAY__AUTH__MAIL__SMTP__PASSWORD", "a secret of the relay")
    }
}

fn text<'a>(mail: &'a Value, field: &str) -> &'a str {
    mail[field].as_str().unwrap_or_else(|| panic!("{field}: {mail}"))
}

/// The secret of the link in a mail, which both of its forms have.
fn token(mail: &Value, page: &str) -> String {
    let link = format!("https://shop.example.org{page}#token=");
    let (_, rest) = text(mail, "text").split_once(&link).unwrap_or_else(|| panic!("{link}: {mail}"));
    let token: String = rest.chars().take_while(|sign| !sign.is_whitespace()).collect();
    assert!(text(mail, "html").contains(&token) && token.starts_with("mot_"), "{mail}");
    token
}

#[tokio::test]
async fn aiosmtpd_takes_the_mails_also_those_that_came_while_it_was_down() {
    let folder = notes::folder();
    let relay = Relay::new(folder.path());
    let mut inbox = relay.start();
    let system = System::one_with(Engine::Sqlite, folder, |launch| relay.named_in(launch)).await;
    let http = system.http();
    let ada = json!({"email": "ada@bücher.example", "password": PASSWORD, "locale": "de-CH"});
    http.post("/auth/v1/accounts:signUp", ada).await.ok();

    let mail = inbox.report();
    assert_eq!(
        (&mail["to"], &mail["tls"], &mail["user"]),
        (&json!(["ada@xn--bcher-kva.example"]), &json!(true), &json!("shop"))
    );
    assert_eq!((&mail["from"], &mail["defects"]), (&json!("noreply@shop.example.org"), &json!([])));
    let header = |name: &str| text(&mail["headers"], name).to_owned();
    assert_eq!(header("Subject"), "Bestätigen Sie Ihre E-Mail-Adresse für Shop & Söhne");
    assert_eq!(header("From"), "Shop & Söhne <noreply@shop.example.org>");
    assert!(header("Message-ID").ends_with("@shop.example.org>") && header("Auto-Submitted") == "auto-generated");
    assert!(text(&mail, "html").contains("Shop &amp; Söhne") && text(&mail, "text").contains("ada@bücher.example"));
    let verified =
        http.post("/auth/v1/accounts:verifyEmail", json!({"token": token(&mail, "/auth/verify-email")})).await.ok();
    assert_eq!(verified["emailVerified"], json!(true));

    drop(inbox);
    let forgot = json!({"email": "ada@bücher.example"});
    http.post("/auth/v1/accounts:requestPasswordReset", forgot).await.ok();
    system.gateway.logged("a background job failed and is tried again").await;
    let mut inbox = relay.start();
    let mail = inbox.report();
    assert_eq!(header("From"), text(&mail["headers"], "From"));
    let reset = json!({"token": token(&mail, "/auth/reset-password"), "newPassword": "another horse battery"});
    http.post("/auth/v1/accounts:resetPassword", reset).await.ok();
    assert_eq!(inbox.report()["headers"]["Subject"], json!("Ihr Passwort für Shop & Söhne wurde geändert"));
    let ada = json!({"email": "ada@bücher.example", "password": "another horse battery"});
    http.post("/auth/v1/sessions:signIn", ada).await.ok();

    // The offer to make the first administrator is meant for whoever reads it.
    let log = system.gateway.log();
    let log: String = log.lines().filter(|line| !line.contains(r#"'{"token": "mot_"#)).collect();
    for secret in ["mot_", "xn--bcher", "bücher", "a secret of the relay"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let mailbox = http.get("/auth/v1/mails").await;
    assert_eq!(mailbox.status, 501, "there is no mailbox where mails are sent: {}", mailbox.text());
}
