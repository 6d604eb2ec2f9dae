//! CAPTCHAs on pages: the provider's own widget, which a script of the provider's draws. Whether one was solved is judged by the auth
//! service (`auth.captcha`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The section `gateway.pages.captcha`: what pages show where the auth service wants a CAPTCHA solved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptchaConfig {
    /// Whose it is: the same as in `auth.captcha`.
    pub provider: CaptchaProvider,
    /// The public key that the provider has given for the site.
    pub site_key: String,
}

/// Who makes CAPTCHAs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptchaProvider {
    /// Cloudflare Turnstile.
    #[default]
    Turnstile,
    /// hCaptcha.
    Hcaptcha,
    /// Google reCAPTCHA v2.
    Recaptcha,
}

/// What a provider's documentation wants of a page.
pub(super) struct Widget {
    /// The script that draws it.
    pub(super) script: &'static str,
    /// The class of the element that it is drawn in.
    pub(super) class: &'static str,
    /// The field of the form that it puts its token into.
    pub(super) field: &'static str,
    /// From where its scripts come, and what it shows is framed.
    origins: &'static str,
    /// From where it takes styles and whom it asks, beside frames of its own; nothing where it stays in these.
    outside: &'static str,
}

impl CaptchaProvider {
    pub(super) fn widget(self) -> Widget {
        match self {
            CaptchaProvider::Turnstile => Widget {
                script: "https://challenges.cloudflare.com/turnstile/v0/api.js",
                class: "cf-turnstile",
                field: "cf-turnstile-response",
                origins: "https://challenges.cloudflare.com",
                outside: "",
            },
            CaptchaProvider::Hcaptcha => Widget {
                script: "https://js.hcaptcha.com/1/api.js",
                class: "h-captcha",
                field: "h-captcha-response",
                origins: "https://hcaptcha.com https://*.hcaptcha.com",
                outside: "https://hcaptcha.com https://*.hcaptcha.com",
            },
            CaptchaProvider::Recaptcha => Widget {
                script: "https://www.google.com/recaptcha/api.js",
                class: "g-recaptcha",
                field: "g-recaptcha-response",
                origins: "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/ https://recaptcha.google.com/recaptcha/",
                outside: "",
            },
        }
    }
}

impl Widget {
    /// Lets a page that shows it load what it is made of, and nothing else.
    pub(super) fn admitted_by(&self, policy: &str) -> String {
        let Widget { origins, outside, .. } = self;
        let policy = policy.replacen("script-src 'self'", &format!("script-src 'self' {origins}"), 1);
        let policy = match *outside {
            "" => policy,
            outside => policy.replacen("style-src 'self'", &format!("style-src 'self' {outside}"), 1).replacen(
                "connect-src 'self'",
                &format!("connect-src 'self' {outside}"),
                1,
            ),
        };
        format!("{policy}; frame-src {origins}")
    }
}

impl CaptchaConfig {
    pub(super) fn problem(&self) -> Option<String> {
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_right = !self.site_key.is_empty() && self.site_key.bytes().all(is_key);
        (!is_right).then(|| "must be the public key that the provider has given for the site".to_owned())
    }
}
