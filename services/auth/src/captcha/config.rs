use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::hooks::OnFailure;

/// The section `auth.captcha`: whoever signs up, signs in anonymously or has a mail sent solves a CAPTCHA first, where this is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptchaConfig {
    /// Whose it is.
    pub provider: CaptchaProvider,
    /// The secret that the provider has given for the site.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub secret: Option<SecretString>,
    /// Where tokens are checked, in the place of the provider's own address: one that answers as `siteverify` does.
    pub verify_url: Option<String>,
    /// The hosts on whose pages it may have been solved; empty: the host of `public_url`, or any where that is not set.
    pub hosts: Vec<String>,
    /// Whether the provider is told the address that a call comes from.
    pub send_address: bool,
    /// What becomes of a call where the provider does not answer.
    pub on_failure: OnFailure,
}

/// Who makes CAPTCHAs and says whether they were solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptchaProvider {
    /// Cloudflare Turnstile.
    #[default]
    Turnstile,
    /// hCaptcha.
    Hcaptcha,
    /// Google reCAPTCHA, of a kind that decides by itself (v2): scores are not looked at.
    Recaptcha,
}

impl CaptchaProvider {
    fn verify_url(self) -> &'static str {
        match self {
            CaptchaProvider::Turnstile => "https://challenges.cloudflare.com/turnstile/v0/siteverify",
            CaptchaProvider::Hcaptcha => "https://api.hcaptcha.com/siteverify",
            CaptchaProvider::Recaptcha => "https://www.google.com/recaptcha/api/siteverify",
        }
    }
}

impl CaptchaConfig {
    /// Finds what is wrong with the values, each as its path below `auth` and what to do.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.secret.as_ref().is_none_or(|secret| secret.expose_secret().is_empty()) {
            let remedy = "must be the secret that the provider has given for the site";
            problems.push(("captcha.secret".to_owned(), remedy.to_owned()));
        }
        if let Some(url) = self.verify_url.as_deref().filter(|url| !is_address(url)) {
            problems.push(("captcha.verify_url".to_owned(), format!("has {url:?}; write a whole https address")));
        }
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            let remedy = format!("has {host:?}; write the names of hosts alone, as shop.example.org");
            problems.push(("captcha.hosts".to_owned(), remedy));
        }
        problems
    }

    pub(super) fn address(&self) -> &str {
        self.verify_url.as_deref().unwrap_or_else(|| self.provider.verify_url())
    }
}

/// Plain HTTP stays inside the machine, which the client sees to; here the scheme alone is looked at.
fn is_address(text: &str) -> bool {
    let uri: Option<http::Uri> = text.parse().ok();
    let is_known = |uri: &http::Uri| matches!(uri.scheme_str(), Some("https" | "http"));
    uri.is_some_and(|uri| is_known(&uri) && uri.host().is_some_and(|host| !host.is_empty()))
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
