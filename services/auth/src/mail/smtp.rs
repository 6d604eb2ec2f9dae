//! The way out by SMTP.

use std::fs;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use super::MailError;
use super::config::{Security, SmtpConfig};

/// How long the server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Codes that say that the server does not take anything from us, whatever the mail is: it is not available (421), or wants
/// another authentication (RFC 4954 §6).
const NOTHING_TAKEN: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// A server that takes mails.
pub(crate) struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// Why the server did not take a mail. It does not say to whom: what the server says may name the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Nothing can be sent for now, this mail or another.
    #[error("the SMTP server cannot be reached, or takes nothing: {0}")]
    Nothing(Cause),
    /// This mail may be taken later.
    #[error("the SMTP server does not take the mail now (code {0})")]
    Later(u16),
    /// This mail is not taken.
    #[error("the SMTP server does not take the mail{}", code(.0))]
    Never(Option<u16>),
    /// The same of the application's hook.
    #[error("no mail can be handed to the hook send_mail ({0:?})")]
    NothingByHook(tonic::Code),
    #[error("the hook send_mail does not take the mail now ({0:?})")]
    LaterByHook(tonic::Code),
    #[error("the hook send_mail does not take the mail")]
    NeverByHook,
}

impl NotTaken {
    /// Judges what became of a call of the application's hook.
    pub(crate) fn by_hook(code: tonic::Code) -> NotTaken {
        use tonic::Code;
        match code {
            Code::InvalidArgument => NotTaken::NeverByHook,
            Code::Unavailable | Code::Unauthenticated | Code::Unimplemented => NotTaken::NothingByHook(code),
            // Also one that is late or denied: it may be so for this mail alone, and the others must not wait for it.
            _ => NotTaken::LaterByHook(code),
        }
    }

    /// Whether this mail is never taken.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, NotTaken::Never(_) | NotTaken::NeverByHook)
    }

    /// Whether no mail is taken for now.
    pub(crate) fn is_of_all(self) -> bool {
        matches!(self, NotTaken::Nothing(_) | NotTaken::NothingByHook(_))
    }
}

/// What stands between us and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Timeout,
    Tls,
    /// It offers no STARTTLS, or no way to sign in that we know.
    Terms,
    Connection,
    Code(u16),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Timeout => f.write_str("it did not answer in time"),
            Cause::Tls => f.write_str("its certificate or its TLS is not accepted"),
            Cause::Terms => f.write_str("it offers no STARTTLS, or no way to sign in"),
            Cause::Connection => f.write_str("there is no connection"),
            Cause::Code(code) => write!(f, "it answered {code}"),
        }
    }
}

fn code(code: &Option<u16>) -> String {
    code.map_or_else(
        || ": the address needs SMTPUTF8, which it does not have".to_owned(),
        |code| format!(" (code {code})"),
    )
}

impl Smtp {
    /// Prepares connections to the server. `host` is what we call ourselves.
    pub(super) fn new(config: &SmtpConfig, host: &str) -> Result<Smtp, MailError> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(config.port.unwrap_or_else(|| usual_port(config.security)))
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(host.to_owned()))
            .tls(match config.security {
                Security::None => Tls::None,
                Security::StartTls => Tls::Required(parameters(config)?),
                Security::Tls => Tls::Wrapper(parameters(config)?),
            });
        if let (Some(user), Some(password)) = (&config.username, &config.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Smtp(builder.build()))
    }

    /// Sends one message over a connection of its own.
    pub(crate) async fn send(&self, message: Message) -> Result<(), NotTaken> {
        let is_ascii = message.envelope().to().iter().all(|address| address.to_string().is_ascii());
        self.0.send(message).await.map(drop).map_err(|error| judged(&error, is_ascii))
    }
}

fn usual_port(security: Security) -> u16 {
    match security {
        Security::Tls => 465,
        Security::StartTls => 587,
        Security::None => 25,
    }
}

fn parameters(config: &SmtpConfig) -> Result<TlsParameters, MailError> {
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let pem = fs::read(path).map_err(|source| MailError::CaFile { path: path.clone(), source })?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(MailError::Smtp)?);
    }
    parameters.build_rustls().map_err(MailError::Smtp)
}

fn judged(error: &Error, is_ascii: bool) -> NotTaken {
    let code = error.status().map(u16::from);
    match code {
        Some(code) if NOTHING_TAKEN.contains(&code) => NotTaken::Nothing(Cause::Code(code)),
        Some(code) if error.is_transient() => NotTaken::Later(code),
        Some(code) => NotTaken::Never(Some(code)),
        None if error.is_timeout() => NotTaken::Nothing(Cause::Timeout),
        None if error.is_tls() => NotTaken::Nothing(Cause::Tls),
        None if error.is_client() && !is_ascii => NotTaken::Never(None),
        None if error.is_client() => NotTaken::Nothing(Cause::Terms),
        None => NotTaken::Nothing(Cause::Connection),
    }
}
