use std::path::PathBuf;

use lettre::message::Mailbox;
use mainstay_runtime::process::{PublicUrl, is_loopback};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Kind;

/// Most mails to one address that can be configured.
const MOST: u32 = 1_000_000;

/// The section `auth.mail` of the configuration. Mail is sent where `smtp` is set, or `auth.hooks.send_mail`. Without them development keeps mails in a
/// mailbox to look into, and production sends none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// Whom mails come from: `Shop <noreply@shop.example.org>`, or an address alone. The name stands in the texts of mails.
    pub from: Option<String>,
    /// The server that takes mails.
    pub smtp: Option<SmtpConfig>,
    /// The pages that links in mails lead to.
    pub links: Links,
    /// A folder with texts of your own: `layout.html`, `layout.txt`, and a file of texts for each language, `en.toml`. Each
    /// takes the place of the built-in one of its name; further languages are added.
    pub templates: Option<PathBuf>,
    /// The language of mails to whom no other is known, or for whose there are no texts.
    pub default_locale: String,
    /// Most mails with links or codes that are sent to one address in an hour, whoever asks for them.
    pub per_address_per_hour: u32,
}

impl Default for MailConfig {
    fn default() -> MailConfig {
        MailConfig {
            from: None,
            smtp: None,
            links: Links::default(),
            templates: None,
            default_locale: "en".to_owned(),
            per_address_per_hour: 10,
        }
    }
}

/// The section `auth.mail.smtp`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// The server's name. It has to be the one in its certificate.
    pub host: String,
    /// Its port; absent: 465 with `tls`, 587 with `starttls`, 25 with `none`.
    pub port: Option<u16>,
    /// How the connection is kept private.
    pub security: Security,
    /// The user to sign in as; absent: nobody.
    pub username: Option<String>,
    /// The user's password.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// PEM file with the authorities that may vouch for the server; the public ones where absent.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to an SMTP server is kept private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the beginning (RFC 8314).
    Tls,
    /// TLS after STARTTLS, and nothing without it (RFC 3207).
    #[default]
    StartTls,
    /// Not at all: production takes it inside one machine only.
    None,
}

/// The section `auth.mail.links`: pages, each as a path below `public_url`; the gateway's own, unless the application has others. A
/// page finds its secret behind the `#` of its address, `#token=…`, and passes it to the method that takes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The page that calls `VerifyEmail`.
    pub verify_email: String,
    /// The page that calls `ConfirmEmailChange`.
    pub change_email: String,
    /// The page that calls `ResetPassword`.
    pub reset_password: String,
    /// The page that calls `SignInWithLink`.
    pub sign_in: String,
    /// The page that calls `AcceptInvitation`, or `SignUpWithInvitation` for whoever has no account.
    pub invitation: String,
}

impl Default for Links {
    fn default() -> Links {
        Links {
            verify_email: "/auth/verify-email".to_owned(),
            change_email: "/auth/change-email".to_owned(),
            reset_password: "/auth/reset-password".to_owned(),
            sign_in: "/auth/sign-in/link".to_owned(),
            invitation: "/auth/invitation".to_owned(),
        }
    }
}

impl Links {
    pub(super) fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::VerifyEmail => &self.verify_email,
            Kind::ChangeEmail | Kind::ApproveEmailChange => &self.change_email,
            Kind::ResetPassword => &self.reset_password,
            Kind::SignIn => &self.sign_in,
            Kind::Invitation => &self.invitation,
            Kind::EmailChanged
            | Kind::PasswordChanged
            | Kind::FactorAdded
            | Kind::FactorRemoved
            | Kind::RecoveryCodeUsed
            | Kind::PasskeyCloned
            | Kind::IdentityAdded
            | Kind::IdentityRemoved => "",
        }
    }

    fn problems(&self) -> impl Iterator<Item = (&'static str, String)> {
        let pages = [
            ("mail.links.verify_email", &self.verify_email),
            ("mail.links.change_email", &self.change_email),
            ("mail.links.reset_password", &self.reset_password),
            ("mail.links.sign_in", &self.sign_in),
            ("mail.links.invitation", &self.invitation),
        ];
        let is_path = |path: &str| {
            let signs = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
            path.starts_with('/') && !path.starts_with("//") && path.bytes().all(signs)
        };
        let wrong = pages.into_iter().filter(move |(_, path)| !is_path(path));
        wrong.map(|(setting, _)| {
            (
                setting,
                "must be a path below public_url, as /account/verify: one slash, then letters, digits and `-._~%/`"
                    .to_owned(),
            )
        })
    }
}

/// What of the process around it mail depends on.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) development: bool,
    pub(crate) public_url: Option<PublicUrl>,
}

impl Circumstances {
    /// Where links begin; development has a place by itself.
    pub(crate) fn public_url(&self) -> Option<PublicUrl> {
        let usual = || self.development.then(|| "http://localhost:8080".parse().ok()).flatten();
        self.public_url.clone().or_else(usual)
    }
}

impl MailConfig {
    /// Finds what is wrong with the values, wherever they are used.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems: Vec<_> = self.links.problems().collect();
        if self.from.as_ref().is_some_and(|from| from.parse::<Mailbox>().is_err()) {
            problems.push((
                "mail.from",
                "must be an address, or a name and one: Shop <noreply@shop.example.org>".to_owned(),
            ));
        }
        if !(1..=MOST).contains(&self.per_address_per_hour) {
            problems.push(("mail.per_address_per_hour", format!("must be 1 to {MOST}")));
        }
        let Some(smtp) = &self.smtp else { return problems };
        if smtp.host.is_empty() || smtp.host.contains(|sign: char| sign.is_whitespace() || sign == '/' || sign == '@') {
            problems.push(("mail.smtp.host", "must be the name of the server, as smtp.example.org".to_owned()));
        }
        if smtp.port == Some(0) {
            problems.push(("mail.smtp.port", "must be 1 to 65535".to_owned()));
        }
        if smtp.username.is_some() != smtp.password.is_some() {
            problems.push(("mail.smtp.password", "must be set where username is, and nowhere else".to_owned()));
        }
        problems
    }

    /// Finds what is missing for where it is used. Links lead to the configured place alone, so there has to be one (S4).
    /// `by_hook`: whether the application sends mails.
    pub(crate) fn missing(&self, circumstances: &Circumstances, by_hook: bool) -> Vec<(&'static str, String)> {
        let mut missing = Vec::new();
        if (self.smtp.is_some() || by_hook) && circumstances.public_url().is_none() {
            let why = "must be set where auth.mail.smtp or auth.hooks.send_mail is: links in mails are built from it, and from nothing that a request says";
            missing.push(("public_url", why.to_owned()));
        }
        let Some(smtp) = &self.smtp else { return missing };
        if self.from.is_none() {
            missing.push((
                "auth.mail.from",
                "must be set where auth.mail.smtp is: Shop <noreply@shop.example.org>".to_owned(),
            ));
        }
        if smtp.security == Security::None && !circumstances.development && !is_loopback(&smtp.host) {
            let why = "must be tls or starttls: mails have secrets in them, and the server is another machine";
            missing.push(("auth.mail.smtp.security", why.to_owned()));
        }
        missing
    }

    /// Whom mails come from, and where their links begin. Nothing where there is no mail.
    pub(super) fn identity(&self, circumstances: &Circumstances, by_hook: bool) -> Option<(Mailbox, PublicUrl)> {
        if self.smtp.is_none() && !by_hook && !circumstances.development {
            return None;
        }
        let usual = || match (by_hook, circumstances.development) {
            // The application knows by itself whom its mails come from.
            (true, _) => Some("noreply@localhost.localdomain"),
            (false, true) => Some("Mainstay <noreply@localhost.localdomain>"),
            (false, false) => None,
        };
        let from = self.from.as_deref().or_else(usual)?;
        Some((from.parse().ok()?, circumstances.public_url()?))
    }
}
