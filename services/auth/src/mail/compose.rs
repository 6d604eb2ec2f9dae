//! A mail as SMTP carries it.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::letter::Letter;
use super::templates::Written;

/// Says why a mail cannot be written for SMTP.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Without the address itself: this is logged.
    #[error("the address is none that mail can be sent to")]
    Address(#[source] lettre::address::AddressError),
    #[error("the message cannot be put together")]
    Message(#[source] lettre::error::Error),
}

/// Says that no person wrote it, and that no machine should answer (RFC 3834 §5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

/// Puts a message together, with an id of its own at our host.
pub(super) fn message(
    sender: &Mailbox,
    (id, host): (&str, &str),
    letter: &Letter,
    written: Written,
) -> Result<Message, ComposeError> {
    let to = address(letter.to.as_deref().unwrap_or_default()).map_err(ComposeError::Address)?;
    let part = |kind, body| SinglePart::builder().header(kind).body(body);
    let body = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, written.text))
        .singlepart(part(ContentType::TEXT_HTML, written.html));
    Message::builder()
        .from(sender.clone())
        .to(Mailbox::new(None, to))
        .subject(written.subject)
        .message_id(Some(format!("<{id}@{host}>")))
        .header(AutoSubmitted)
        .multipart(body)
        .map_err(ComposeError::Message)
}

/// Reads an address that was accepted for an account. Its domain goes out in ASCII, which every server takes.
fn address(text: &str) -> Result<Address, lettre::address::AddressError> {
    let (local, domain) = text.rsplit_once('@').ok_or(lettre::address::AddressError::MissingParts)?;
    let domain = idna::domain_to_ascii(domain).map_err(|_| lettre::address::AddressError::InvalidDomain)?;
    Address::new(local, domain)
}
