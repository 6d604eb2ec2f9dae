//! E-mail addresses: which are accepted, and which of them are one.

mod characters;
mod former;

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

pub(super) use self::characters::{is_invisible, is_mark};
use self::characters::{is_of_a_domain, is_of_an_atom, stands_for_ascii, widths_mapped};
pub use self::former::{Claimed, FORMER, former_key};

/// Longest address that is accepted, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// Longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART_BYTES: usize = 64;

/// Longest label of a domain, in bytes of its ASCII form (RFC 1035 §2.3.4).
pub const MAX_LABEL_BYTES: usize = 63;

/// An e-mail address: as its owner wrote it, and the key that all spellings of one address share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    original: String,
    key: String,
}

/// Says what is wrong with an address, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("is required")]
    Empty,
    #[error("is longer than {MAX_EMAIL_BYTES} bytes")]
    TooLong,
    #[error("has no part before and after one `@`")]
    NoAt,
    #[error("has a part before the `@` that is not accepted; quoted parts, spaces, symbols and repeated dots are not")]
    LocalPart,
    #[error("has a part after the `@` that is not a domain name")]
    Domain,
    #[error("has a character that cannot be seen, U+{:04X}; write the address without it", u32::from(*.0))]
    Invisible(char),
    #[error("has a character that stands for others, `{shown}` (U+{code:04X}); write those instead", shown = .0, code = u32::from(*.0))]
    Disguised(char),
}

impl Email {
    /// Reads an address: a dot-atom (RFC 5322 §3.2.3, with the characters of RFC 6531), `@`, and a domain name in any script
    /// or in Punycode. Quoted local parts, comments and address literals are legal and not accepted, because no mailbox of a
    /// person has them.
    pub fn parse(text: &str) -> Result<Email, EmailError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        if let Some(invisible) = text.chars().find(|c| is_invisible(*c)) {
            return Err(EmailError::Invisible(invisible));
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::NoAt)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::NoAt);
        }
        let key = format!("{}@{}", local_key(local)?, domain_key(domain)?);
        Ok(Email { original: text.to_owned(), key })
    }

    /// Gives the address as its owner wrote it: this is where mail goes.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Gives what is compared and unique. The part before the `@` is in full case folding and NFC (Unicode §3.13, D145), the
    /// widths of East Asian keyboards mapped (RFC 8265 §3.3.2); the domain is in the ASCII form of UTS #46.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn local_key(local: &str) -> Result<String, EmailError> {
    if local.len() > MAX_LOCAL_PART_BYTES {
        return Err(EmailError::LocalPart);
    }
    let key = folded(local);
    refuse_disguises(&key)?;
    if key.split('.').all(is_atom) { Ok(key) } else { Err(EmailError::LocalPart) }
}

fn domain_key(domain: &str) -> Result<String, EmailError> {
    // The full stops of East Asian scripts are separators (UTS #46 §2.3); what merely looks like one with something is not.
    refuse_disguises(&folded(domain))?;
    let uts46 = Uts46::new();
    let rules = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = uts46.to_ascii(domain.as_bytes(), rules.0, rules.1, DnsLength::Verify);
    let ascii = ascii.map_err(|_| EmailError::Domain)?.into_owned();
    // Punycode may spell what would not be taken in its own script.
    let (written, _) = uts46.to_unicode(ascii.as_bytes(), rules.0, rules.1);
    if let Some(invisible) = written.chars().find(|c| is_invisible(*c)) {
        return Err(EmailError::Invisible(invisible));
    }
    if written.chars().all(|c| c == '.' || is_of_a_domain(c)) { Ok(ascii) } else { Err(EmailError::Domain) }
}

/// Folds case, composition and width. Twice is as good as once.
fn folded(text: &str) -> String {
    let decomposed: String = widths_mapped(text).nfd().collect();
    let folded: Cow<'_, str> = CaseMapper::new().fold_string(&decomposed);
    folded.nfc().collect()
}

/// Refuses `⒈` for `1.`, `²` for `2`, `℡` for `TEL`: an address that looks like another one and is not.
fn refuse_disguises(folded: &str) -> Result<(), EmailError> {
    folded.chars().find(|c| stands_for_ascii(*c)).map_or(Ok(()), |disguised| Err(EmailError::Disguised(disguised)))
}

fn is_atom(atom: &str) -> bool {
    atom.chars().next().is_some_and(|first| !is_mark(first)) && atom.chars().all(is_of_an_atom)
}
