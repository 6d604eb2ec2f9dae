//! The texts of mails in one language: a file of TOML, as `texts/en.toml` is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Kind;

/// All texts of one language. Each is a template of its own, with the values of [`Told`](super::Told), and `app`, the name of
/// the application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    /// The line at the end that says where the mail comes from.
    pub(super) footer: String,
    /// What stands before the address of a link, for whoever cannot press the button.
    pub(super) by_hand: String,
    pub(super) mails: BTreeMap<Kind, Text>,
}

/// One mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub(super) subject: String,
    /// The paragraphs before the link.
    pub(super) paragraphs: Vec<String>,
    /// What the link is called; only where there is one.
    pub(super) button: Option<String>,
    /// The paragraphs after it.
    #[serde(default)]
    pub(super) after: Vec<String>,
}

impl Texts {
    /// Names the first thing that is missing, or is there for nothing.
    pub(super) fn lacks(&self) -> Option<String> {
        Kind::ALL.into_iter().find_map(|kind| {
            let word = kind.word();
            let Some(text) = self.mails.get(&kind) else { return Some(format!("[mails.{word}] is missing")) };
            match (&text.button, kind.has_link()) {
                (None, true) => Some(format!("[mails.{word}] has no `button`, which its link is called")),
                (Some(_), false) => Some(format!("[mails.{word}] has a `button`, and no link")),
                _ => None,
            }
        })
    }
}
