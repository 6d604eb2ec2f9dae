use mainstay_outbound::{Error, OutboundConfig};
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
    pub(crate) fn problems(&self, outbound: &OutboundConfig) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.secret.as_ref().is_none_or(|secret| secret.expose_secret().is_empty()) {
            let remedy = "must be the secret that the provider has given for the site";
            problems.push(("captcha.secret".to_owned(), remedy.to_owned()));
        }
        if let Some(why) = self.verify_url.as_deref().and_then(|url| why_not(url, outbound)) {
            problems.push(("captcha.verify_url".to_owned(), why));
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

/// Why an address can never be called. What shows by a look-up alone is told with the calls.
fn why_not(url: &str, outbound: &OutboundConfig) -> Option<String> {
    let Ok(uri) = url.parse::<http::Uri>() else { return Some(format!("has {url:?}; write a whole https address")) };
    outbound.check(&uri).err().map(|problem| match problem {
        Error::Private(_) => format!(
            "has {url:?}, which is not of the public internet, and auth.outbound.private_networks does not name it"
        ),
        Error::Plain(_) => format!("has {url:?}, which is not on this machine; write an https address"),
        _ => format!("has {url:?}; write a whole https address"),
    })
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
