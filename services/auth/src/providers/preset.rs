//! What is known of providers that many use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which provider it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Any that speaks OpenID Connect, by its issuer.
    #[default]
    Oidc,
    /// Google. It is believed for `gmail.com`, and for the domain of a Workspace that it says its user belongs to (`hd`).
    Google,
    /// GitHub, or GitHub Enterprise by its address as issuer. It speaks OAuth 2.0; who it is is asked of its API.
    Github,
    /// Microsoft Entra, of one tenant. What it says of addresses counts where it sends `xms_edov` as a boolean.
    Microsoft,
    /// Apple. Its client secret is signed with the key that `private_key` has.
    Apple,
    /// GitLab, or an installation of your own by its address as issuer.
    Gitlab,
    /// Discord. It speaks OAuth 2.0; who it is is asked of its API.
    Discord,
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// OpenID Connect with discovery.
    Oidc,
    /// OAuth 2.0, and an API that says who the user is.
    Github,
    Discord,
}

/// What counts where the settings do not say.
pub(crate) struct Usual {
    pub(crate) protocol: Protocol,
    pub(crate) display_name: &'static str,
    pub(crate) issuer: Option<&'static str>,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
    pub(crate) trusted: &'static [&'static str],
    /// The claim that says whether the address is the user's.
    pub(crate) verified: &'static str,
    /// The claim with the domain that the user belongs to, for which the provider is believed.
    pub(crate) own_domain: Option<&'static str>,
    /// Whether it comes back by a form that is posted, and nothing else.
    pub(crate) form_post: bool,
}

const OIDC: Usual = Usual {
    protocol: Protocol::Oidc,
    display_name: "",
    issuer: None,
    aliases: &[],
    scopes: &["openid", "email", "profile"],
    trusted: &[],
    verified: "email_verified",
    own_domain: None,
    form_post: false,
};

impl Preset {
    pub(crate) fn usual(self) -> Usual {
        match self {
            Preset::Oidc => OIDC,
            Preset::Google => Usual {
                display_name: "Google",
                issuer: Some("https://accounts.google.com"),
                // Tokens of its older libraries for telephones.
                aliases: &["accounts.google.com"],
                trusted: &["gmail.com", "googlemail.com"],
                own_domain: Some("hd"),
                ..OIDC
            },
            Preset::Microsoft => Usual { display_name: "Microsoft", verified: "xms_edov", ..OIDC },
            Preset::Apple => Usual {
                display_name: "Apple",
                issuer: Some("https://appleid.apple.com"),
                scopes: &["openid", "email", "name"],
                trusted: &["icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"],
                form_post: true,
                ..OIDC
            },
            Preset::Gitlab => Usual { display_name: "GitLab", issuer: Some("https://gitlab.com"), ..OIDC },
            Preset::Github => Usual {
                protocol: Protocol::Github,
                display_name: "GitHub",
                issuer: Some("https://github.com"),
                scopes: &["read:user", "user:email"],
                ..OIDC
            },
            Preset::Discord => Usual {
                protocol: Protocol::Discord,
                display_name: "Discord",
                issuer: Some("https://discord.com"),
                scopes: &["identify", "email"],
                ..OIDC
            },
        }
    }
}
