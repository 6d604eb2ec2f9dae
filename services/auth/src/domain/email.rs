use unicode_normalization::UnicodeNormalization;

/// Longest address that is accepted, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// Longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART_BYTES: usize = 64;

/// Longest label of a domain, in bytes (RFC 1035 §2.3.4).
pub const MAX_LABEL_BYTES: usize = 63;

/// An e-mail address: as its owner wrote it, and the key that two spellings of one address share.
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
    #[error("has a part before the `@` that is not accepted; quoted parts, spaces and repeated dots are not")]
    LocalPart,
    #[error("has a part after the `@` that is not a domain name")]
    Domain,
}

impl Email {
    /// Reads an address: a dot-atom (RFC 5322 §3.2.3, with the characters of RFC 6531), `@`, and a domain name. Quoted local
    /// parts, comments and address literals are legal and not accepted, because no mailbox of a person has them.
    pub fn parse(text: &str) -> Result<Email, EmailError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::NoAt)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::NoAt);
        }
        if local.len() > MAX_LOCAL_PART_BYTES || !local.split('.').all(is_atom) {
            return Err(EmailError::LocalPart);
        }
        if !domain.split('.').all(is_label) {
            return Err(EmailError::Domain);
        }
        Ok(Email { original: text.to_owned(), key: fold(text) })
    }

    /// Gives the address as its owner wrote it: this is where mail goes.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Gives what is compared and unique: compatibility-normalised and in lower case.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Folds case and compatibility forms. Normalising again afterwards makes it idempotent: lower case can undo a composition.
fn fold(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.nfkc().collect()
}

fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_visible_unicode(c))
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && c.is_alphanumeric()))
}

/// Refuses what is invisible or turns the text around: two addresses that look the same must be the same.
fn is_visible_unicode(c: char) -> bool {
    let is_format = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}');
    // Compatibility forms of `@`, of space and the like would change the address's structure when folded.
    let folds_to_structure = c.nfkc().any(|folded| folded.is_ascii() && !folded.is_ascii_alphanumeric());
    !c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_format && !folds_to_structure
}
