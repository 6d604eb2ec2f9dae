//! What clients, browsers and devices hold, and what is stored of it.
//!
//! ```text
//! client secret  "mcs_" base64url( secret (32 bytes) )
//! code           "moc_" base64url( id of the authorisation (16) | secret (32) )
//! device code    "mdc_" base64url( id of the authorisation (16) | secret (32) )
//! user code      eight letters that make no words, in two halves
//! ```
//!
//! Of the first three the SHA-256 is stored: 256 bits are not guessed. Of what somebody types, a hash with a key that is not in the
//! database.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::random;
use ring::digest::{Context, SHA256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

const ID: usize = 16;
const SECRET: usize = 32;

/// Longest text that is looked at.
const MAX_BYTES: usize = 128;

/// The SHA-256 of a secret. Compared in a time that does not tell how much is the same.
#[derive(Clone, Copy, Debug)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    pub fn of(label: &str, secret: &[u8]) -> Hash {
        let mut context = Context::new(&SHA256);
        context.update(label.as_bytes());
        context.update(secret);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Hash(hash)
    }

    /// Whether it is the stored one.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

/// What a client shows to prove itself. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    const PREFIX: &str = "mcs_";

    pub fn generate() -> Result<ClientSecret, mainstay_keys::Error> {
        let secret = Zeroizing::new(random::<SECRET>()?);
        Ok(ClientSecret(Zeroizing::new(format!(
            "{}{}",
            ClientSecret::PREFIX,
            URL_SAFE_NO_PAD.encode(secret.as_slice())
        ))))
    }

    pub fn to_text(&self) -> String {
        self.0.to_string()
    }

    pub fn hash(&self) -> Hash {
        ClientSecret::hash_of(&self.0)
    }

    /// Hashes whatever somebody shows.
    pub fn hash_of(text: &str) -> Hash {
        Hash::of("mainstay oauth client secret", text.as_bytes())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret(***)")
    }
}

/// What a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Brought back by a browser.
    Answer,
    /// Kept by a device.
    Device,
}

impl CodeKind {
    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            CodeKind::Answer => "code",
            CodeKind::Device => "device",
        }
    }

    pub fn from_word(word: &str) -> Option<CodeKind> {
        [CodeKind::Answer, CodeKind::Device].into_iter().find(|kind| kind.word() == word)
    }

    fn prefix(self) -> &'static str {
        match self {
            CodeKind::Answer => "moc_",
            CodeKind::Device => "mdc_",
        }
    }
}

/// A code that is exchanged for tokens. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct Code {
    kind: CodeKind,
    bytes: Zeroizing<[u8; ID + SECRET]>,
}

impl Code {
    /// Makes the code of the authorisation with this id.
    pub fn of(kind: CodeKind, id: Uuid) -> Result<Code, mainstay_keys::Error> {
        let mut bytes = Zeroizing::new([0; ID + SECRET]);
        bytes[..ID].copy_from_slice(id.as_bytes());
        bytes[ID..].copy_from_slice(Zeroizing::new(random::<SECRET>()?).as_slice());
        Ok(Code { kind, bytes })
    }

    /// Reads a code. `None` when the text is none of the kind.
    pub fn parse(kind: CodeKind, text: &str) -> Option<Code> {
        let encoded = text.strip_prefix(kind.prefix()).filter(|_| text.len() <= MAX_BYTES)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(Code { kind, bytes: Zeroizing::new(<[u8; ID + SECRET]>::try_from(bytes.as_slice()).ok()?) })
    }

    pub fn to_text(&self) -> String {
        format!("{}{}", self.kind.prefix(), URL_SAFE_NO_PAD.encode(self.bytes.as_slice()))
    }

    /// Gives the id of the authorisation that it says it belongs to.
    pub fn id(&self) -> Uuid {
        let mut id = [0; ID];
        id.copy_from_slice(&self.bytes[..ID]);
        Uuid::from_bytes(id)
    }

    pub fn hash(&self) -> Hash {
        Hash::of(self.kind.word(), self.bytes.as_slice())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(***)")
    }
}

/// What somebody types into a page: eight of twenty letters, without vowels (RFC 8628, section 6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    const LENGTH: usize = 8;

    /// Draws a code, each as likely as any other.
    pub fn generate() -> Result<UserCode, mainstay_keys::Error> {
        let mut code = String::new();
        while code.len() < UserCode::LENGTH {
            let drawn = random::<1>()?[0];
            // The largest multiple of twenty that fits: what lies above would make some letters likelier.
            if drawn < 240 {
                code.push(char::from(UserCode::LETTERS[usize::from(drawn % 20)]));
            }
        }
        Ok(UserCode(code))
    }

    /// Reads a code as people type it.
    pub fn parse(text: &str) -> Option<UserCode> {
        if text.len() > 4 * UserCode::LENGTH {
            return None;
        }
        let letters = text.chars().filter(|sign| !sign.is_whitespace() && *sign != '-');
        let code: String = letters.map(|sign| sign.to_ascii_uppercase()).collect();
        let is_code = code.len() == UserCode::LENGTH && code.bytes().all(|byte| UserCode::LETTERS.contains(&byte));
        is_code.then_some(UserCode(code))
    }

    /// As a device shows it.
    pub fn to_text(&self) -> String {
        let (first, second) = self.0.split_at(UserCode::LENGTH / 2);
        format!("{first}-{second}")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserCode(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, CodeKind, UserCode};
    use uuid::Uuid;

    #[test]
    fn a_code_is_read_as_what_it_is_and_as_nothing_else() {
        let id = Uuid::now_v7();
        let code = Code::of(CodeKind::Answer, id).unwrap();
        let read = Code::parse(CodeKind::Answer, &code.to_text()).unwrap();
        assert!(read.id() == id && read.hash().is(&code.hash().0));
        assert!(Code::parse(CodeKind::Device, &code.to_text()).is_none());
        let text = code.to_text();
        for wrong in ["", "moc_", &text[..text.len() - 1], &format!("{text}A"), &text.replace("moc_", "mdc_")] {
            assert!(Code::parse(CodeKind::Answer, wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "Code(***)");
    }

    #[test]
    fn a_code_that_is_typed_is_read_in_any_spelling() {
        let code = UserCode::generate().unwrap();
        let text = code.to_text();
        assert_eq!(text.len(), 9);
        for spelling in
            [text.clone(), text.to_lowercase(), text.replace('-', ""), format!(" {} ", text.replace('-', " "))]
        {
            assert!(UserCode::parse(&spelling) == Some(code.clone()), "{spelling}");
        }
        for wrong in ["", "BCDF", "BCDF-GHJA", "BCDFGHJKL", "BCDF-GHJ1", "ÄCDF-GHJK"] {
            assert!(UserCode::parse(wrong).is_none(), "{wrong}");
        }
    }
}
