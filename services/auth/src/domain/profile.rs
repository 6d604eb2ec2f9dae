//! What people show of themselves.

use http::Uri;
use icu_casemap::CaseMapper;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use unicode_normalization::UnicodeNormalization;

/// Most characters of a name that is shown.
pub const MAX_DISPLAY_NAME_CHARACTERS: usize = 100;

/// Longest address of a picture, in bytes.
pub const MAX_PICTURE_URI_BYTES: usize = 2048;

/// Says what is wrong with a name that is to be shown, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    #[error("has more than {MAX_DISPLAY_NAME_CHARACTERS} characters")]
    TooLong,
    #[error("has a control character, U+{:04X}", u32::from(*.0))]
    Control(char),
}

/// Takes a name to be shown: any characters but controls and those that turn the direction of what stands around it. Blanks
/// around it do not count, and it is in NFC.
pub fn display_name(text: &str) -> Result<String, DisplayNameError> {
    let name: String = text.trim().nfc().take(MAX_DISPLAY_NAME_CHARACTERS + 1).collect();
    if name.chars().count() > MAX_DISPLAY_NAME_CHARACTERS {
        return Err(DisplayNameError::TooLong);
    }
    name.chars().find(|c| is_control(*c)).map_or(Ok(name), |control| Err(DisplayNameError::Control(control)))
}

/// Folds a name that is shown, so that it is found in any case and width.
pub fn display_name_key(name: &str) -> String {
    let compatible: String = name.nfkc().collect();
    CaseMapper::new().fold_string(&compatible).nfkc().collect()
}

/// Controls, ends of lines, and the overrides, embeddings and isolates of UAX #9.
fn is_control(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let breaks = matches!(
        category,
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    );
    breaks || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Says that a text is no address of a picture, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an address of at most {MAX_PICTURE_URI_BYTES} bytes that begins with https:// and a host, without a user"
)]
pub struct NotAPicture;

/// Checks the address of a picture (RFC 3986). Nothing is none, and fine. It is never fetched here.
pub fn check_picture_uri(text: &str) -> Result<(), NotAPicture> {
    if text.is_empty() {
        return Ok(());
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if text.len() > MAX_PICTURE_URI_BYTES || !text.bytes().all(is_plain) {
        return Err(NotAPicture);
    }
    let uri: Uri = text.parse().map_err(|_| NotAPicture)?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if uri.scheme_str() == Some("https") && has_host && !has_user { Ok(()) } else { Err(NotAPicture) }
}
