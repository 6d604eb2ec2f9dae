//! Mail: what is written, in whose language, and how it gets out.
//!
//! A mail is queued in the transaction of what it tells of and sent by a job, so that none is lost and none tells of what did
//! not happen. What waits is sealed, and gone when it was sent, or when it would be of no more use.

mod compose;
mod config;
mod kind;
mod letter;
mod meter;
mod smtp;
mod templates;
mod texts;

use std::sync::Arc;

use lettre::message::Mailbox;
use mainstay_proto::auth::hook::v1::SendMailRequest;
use mainstay_runtime::process::PublicUrl;
use prost_types::Timestamp;
use tokio::sync::Notify;

pub use compose::ComposeError;
pub(crate) use config::Circumstances;
pub use config::{Links, MailConfig, Security, SmtpConfig};
pub use kind::Kind;
pub(crate) use letter::{Letter, Told};
pub use letter::{LetterError, MAILBOX_LASTS, NOTICE_LASTS};
use lettre::Message;
pub(crate) use meter::MailMeter;
pub use meter::Outcome;
pub(crate) use smtp::{NotTaken, Smtp};
pub use templates::TemplateError;
use templates::Templates;
pub(crate) use templates::Written;

use crate::domain::session::seconds;

/// Mail as this installation has it.
pub(crate) struct Mail {
    sender: Mailbox,
    /// As it is configured; empty where it is not.
    from: String,
    public_url: PublicUrl,
    links: Links,
    pub(crate) per_address_per_hour: u32,
    templates: Templates,
    way: Way,
    /// Tells the job that something was queued.
    queued: Notify,
}

/// How mails leave.
pub(crate) enum Way {
    Smtp(Arc<Smtp>),
    /// The application takes them.
    Hook,
    /// They do not: whoever develops reads them in the mailbox.
    Mailbox,
}

/// Says why one mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum UnwrittenError {
    #[error(transparent)]
    Words(#[from] TemplateError),
    #[error(transparent)]
    Message(#[from] ComposeError),
}

/// Says why mail cannot be had as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error(transparent)]
    Templates(#[from] TemplateError),
    #[error("the connection to the SMTP server cannot be made as it is configured")]
    Smtp(#[source] lettre::transport::smtp::Error),
    #[error("auth.mail.smtp.ca_file: {path} cannot be read")]
    CaFile {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Mail {
    /// Prepares mail; `by_hook` where the application sends it. Nothing where it is not configured, outside development: there it
    /// goes into the mailbox then.
    pub(crate) fn new(
        config: &MailConfig,
        by_hook: bool,
        circumstances: &Circumstances,
    ) -> Result<Option<Mail>, MailError> {
        let Some((sender, public_url)) = config.identity(circumstances, by_hook) else { return Ok(None) };
        let way = match &config.smtp {
            Some(smtp) => Way::Smtp(Arc::new(Smtp::new(smtp, public_url.host())?)),
            None if by_hook => Way::Hook,
            None => Way::Mailbox,
        };
        Ok(Some(Mail {
            sender,
            from: config.from.clone().unwrap_or_default(),
            public_url,
            links: config.links.clone(),
            per_address_per_hour: config.per_address_per_hour,
            templates: Templates::load(config.templates.as_deref(), &config.default_locale)?,
            way,
            queued: Notify::new(),
        }))
    }

    /// Whether there is a mailbox to look into.
    pub(crate) fn has_mailbox(&self) -> bool {
        matches!(self.way, Way::Mailbox)
    }

    /// Tells the job that something was queued, and committed.
    pub(crate) fn wake(&self) {
        self.queued.notify_one();
    }

    /// Waits until something was queued.
    pub(crate) async fn queued(&self) {
        self.queued.notified().await;
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// What the texts call the application: the name in `auth.mail.from`, or the host of `public_url`.
    pub(crate) fn application(&self) -> &str {
        self.sender.name.as_deref().unwrap_or_else(|| self.public_url.host())
    }

    /// Puts a mail into words, in the language of who gets it.
    pub(crate) fn write(&self, letter: &Letter) -> Result<Written, TemplateError> {
        self.templates.write(self.application(), letter)
    }

    /// Makes what the application's hook gets. `uid` is the mail's, as below.
    pub(crate) fn handed_over(
        &self,
        uid: &str,
        letter: &Letter,
        expire_time: i64,
    ) -> Result<SendMailRequest, TemplateError> {
        let Written { subject, text, html } = self.write(letter)?;
        Ok(SendMailRequest {
            mail_id: uid.to_owned(),
            kind: letter.kind.word().to_owned(),
            sender: self.from.clone(),
            recipient: letter.to.clone().unwrap_or_default(),
            subject,
            text,
            html,
            locale: letter.locale.clone(),
            link: letter.told.link.clone(),
            code: letter.told.code.clone(),
            expire_time: Some(Timestamp { seconds: seconds(expire_time), nanos: 0 }),
        })
    }

    /// Makes the message that SMTP carries. `uid` is the mail's: one that is sent again, because the answer was lost, is the
    /// same message.
    pub(crate) fn message(&self, uid: &str, letter: &Letter) -> Result<Message, UnwrittenError> {
        let written = self.write(letter)?;
        Ok(compose::message(&self.sender, (uid, self.public_url.host()), letter, written)?)
    }

    /// The page of the application that takes the secret of a mail. The secret stands behind a `#`: browsers send that part
    /// to nobody, so it is in no log and no `Referer`.
    pub(crate) fn link(&self, kind: Kind, token: &str) -> String {
        self.public_url.page(&format!("{}#token={token}", self.links.of(kind)))
    }
}
