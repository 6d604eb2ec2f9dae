//! The section `gateway.pages`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::captcha::CaptchaConfig;
use super::return_to::is_address;

/// The pages that the gateway has for people, below `/auth/`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Whether there are any.
    pub enabled: bool,
    /// What the pages call the application; nothing names none.
    pub application: Option<String>,
    /// A folder with what makes pages look and speak otherwise: `style.css`, which is put behind the built-in one, `logo.svg` or
    /// `logo.png`, and texts in more languages or other words (`fr.toml`).
    pub folder: Option<PathBuf>,
    /// The language of who asks for none that there are texts in.
    pub default_locale: String,
    /// Where a sign-in leads that was not sent by another page: a path of this host, or one of `return_to`.
    pub home: String,
    /// The addresses outside of this host that a sign-in may lead back to, whole: `https://app.example.com/signed-in`.
    pub return_to: Vec<String>,
    /// The CAPTCHA on pages by which somebody signs up or has a mail sent; absent: none.
    pub captcha: Option<CaptchaConfig>,
}

impl Default for PagesConfig {
    fn default() -> PagesConfig {
        PagesConfig {
            enabled: true,
            application: None,
            folder: None,
            default_locale: "en".to_owned(),
            home: "/auth/account".to_owned(),
            return_to: Vec::new(),
            captcha: None,
        }
    }
}

impl PagesConfig {
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(wrong) = self.return_to.iter().find(|address| !is_address(address)) {
            problems.push((
                "pages.return_to",
                format!(
                    "has {wrong:?}: write a whole address as https://app.example.com/signed-in, without a user or a `#`"
                ),
            ));
        }
        if super::return_to::allowed(&self.home, &self.return_to).is_none() {
            problems.push((
                "pages.home",
                "must be a path of this host, as /shop, or one of the addresses of pages.return_to".to_owned(),
            ));
        }
        if let Some(problem) = self.captcha.as_ref().and_then(CaptchaConfig::problem) {
            problems.push(("pages.captcha.site_key", problem));
        }
        problems
    }
}
