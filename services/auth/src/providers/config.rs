//! The sections `auth.providers.ID` of the configuration.

use std::collections::BTreeMap;

use mainstay_runtime::process::is_loopback;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Texts;
use super::apple::AppleKey;
use super::preset::{Preset, Protocol};
use crate::domain::provider::TrustedDomains;

/// Longest id of a provider.
const MAX_ID_BYTES: usize = 32;

/// Most providers.
const MOST: usize = 50;

/// A provider of identities, by the id that it has in addresses and accounts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// Which provider it is: what is not set below is what that one has.
    pub preset: Preset,
    /// Whether anybody comes in by it. Where nobody does, what is linked stays linked.
    pub enabled: bool,
    /// What people know it by.
    pub display_name: Option<String>,
    /// Its address, as its tokens say it (`iss`): where its configuration is found.
    pub issuer: Option<String>,
    /// Other ways in which its tokens may write `iss`.
    #[schemars(with = "Vec<String>")]
    pub issuer_aliases: Texts,
    /// The tenant of Microsoft Entra whose users come in, by its id.
    pub tenant: Option<String>,
    /// What the provider knows this installation by.
    pub client_id: String,
    /// The secret that it has given with it. A client that is registered without one has none, and PKCE alone.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
    /// Apple's key for signing in, as PEM (PKCS #8): what its file `AuthKey_….p8` has.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub private_key: Option<SecretString>,
    /// The id of that key at Apple.
    pub key_id: Option<String>,
    /// The team at Apple that has it.
    pub team_id: Option<String>,
    /// What is asked for.
    #[schemars(with = "Option<Vec<String>>")]
    pub scopes: Option<Texts>,
    /// The domains of addresses for which the provider is believed when it says that one is verified; `*` for all. Only there an
    /// account is linked without its owner being asked, and only there a new account's address counts as verified.
    #[schemars(with = "Option<Vec<String>>")]
    pub trusted_domains: Option<Texts>,
    /// What the provider knows the applications by whose ID tokens are taken (`ExchangeIdToken`), by platform: `ios = "…"`. The
    /// `client_id` is one of them by itself.
    pub audiences: BTreeMap<String, String>,
    /// What its claims are called.
    pub claims: ClaimNames,
    /// What tokens shall say of the account (`claims`), each by the provider's claim that it is taken from at every sign-in.
    pub account_claims: BTreeMap<String, String>,
    /// Whether a user who is not known gets an account, where `auth.sign_up` is `open`.
    pub sign_up: bool,
    /// Whether a user who is not known is linked with the account that has the address, where the provider is believed for it.
    pub link_by_email: bool,
}

/// The section `claims` of a provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The claim with the address; absent: `email`.
    pub email: Option<String>,
    /// The claim that says whether it is the user's: `true` and nothing else does. Absent: `email_verified`.
    pub email_verified: Option<String>,
    /// The claim with the name to show; absent: `name`.
    pub display_name: Option<String>,
    /// The claim with the address of a picture; absent: `picture`.
    pub picture: Option<String>,
    /// The claim with the language; absent: `locale`.
    pub locale: Option<String>,
}

impl Default for ProviderConfig {
    fn default() -> ProviderConfig {
        ProviderConfig {
            preset: Preset::default(),
            enabled: true,
            display_name: None,
            issuer: None,
            issuer_aliases: Texts::default(),
            tenant: None,
            client_id: String::new(),
            client_secret: None,
            private_key: None,
            key_id: None,
            team_id: None,
            scopes: None,
            trusted_domains: None,
            audiences: BTreeMap::new(),
            claims: ClaimNames::default(),
            account_claims: BTreeMap::new(),
            sign_up: true,
            link_by_email: true,
        }
    }
}

impl ProviderConfig {
    /// The provider's address; nothing where the settings do not say and there is no usual one.
    pub(super) fn issuer(&self) -> Option<String> {
        if let Some(issuer) = &self.issuer {
            return Some(issuer.clone());
        }
        match (self.preset, &self.tenant) {
            (Preset::Microsoft, Some(tenant)) => Some(format!("https://login.microsoftonline.com/{tenant}/v2.0")),
            (preset, _) => preset.usual().issuer.map(str::to_owned),
        }
    }

    pub(super) fn trusted(&self) -> Texts {
        self.trusted_domains.clone().unwrap_or_else(|| self.preset.usual().trusted.into())
    }

    /// Finds what is wrong, each with the key behind the provider's id and what to do.
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, key: &'static str, remedy: &str| {
            if !holds {
                problems.push((key, remedy.to_owned()));
            }
        };
        let is_apple = self.preset == Preset::Apple;
        require(
            !self.client_id.trim().is_empty(),
            "client_id",
            "must be set: what the provider knows this installation by",
        );
        if self.preset == Preset::Microsoft && self.issuer.is_none() {
            require(
                self.tenant.as_deref().is_some_and(is_tenant),
                "tenant",
                "must be the id of a tenant, as 72f988bf-86f1-41af-91ab-2d7cd011db47; `common` would let the users of everybody's tenants in",
            );
        } else {
            require(self.issuer().is_some(), "issuer", "must be set: the provider's address, as its tokens say it");
        }
        require(
            self.issuer().is_none_or(|issuer| is_issuer(&issuer)),
            "issuer",
            "must be an address that begins with https:// (or http:// inside this machine), without a query, a fragment or a user",
        );
        if is_apple {
            require(self.key_id.is_some(), "key_id", "must be set: the id of the key in private_key");
            require(self.team_id.is_some(), "team_id", "must be set: the team at Apple that has the key");
            require(
                self.client_secret.is_none(),
                "client_secret",
                "must not be set: Apple's is signed with private_key",
            );
            let key = self.private_key.as_ref().map(|pem| AppleKey::read(pem.expose_secret()));
            require(
                matches!(key, Some(Ok(_))),
                "private_key",
                "must be Apple's key as PEM (-----BEGIN PRIVATE KEY-----), of P-256",
            );
        }
        let is_oidc = self.preset.usual().protocol == Protocol::Oidc;
        require(
            is_oidc || self.client_secret.is_some(),
            "client_secret",
            "must be set: the provider gives one to every client",
        );
        require(is_oidc || self.audiences.is_empty(), "audiences", "must not be set: the provider has no ID tokens");
        let scopes = self.scopes.as_ref().map(|scopes| scopes.0.as_slice()).unwrap_or_default();
        require(scopes.iter().all(|scope| is_scope(scope)), "scopes", "must be scopes without blanks and quotes");
        require(
            scopes.is_empty() || !is_oidc || scopes.iter().any(|scope| scope == "openid"),
            "scopes",
            "must have `openid`",
        );
        if let Err(problem) = TrustedDomains::new(self.trusted().iter()) {
            problems.push(("trusted_domains", problem.to_string()));
        }
        problems
    }
}

/// A tenant's id: what stands in the issuer of its tokens.
fn is_tenant(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

/// A scope token (RFC 6749 section 3.3).
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Whether a text is an address that is called or led to: over TLS, or inside this machine.
pub(super) fn is_endpoint(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let host = url.host_str().unwrap_or_default();
    let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(host));
    let has_user = !url.username().is_empty() || url.password().is_some();
    is_private
        && !host.is_empty()
        && !has_user
        && url.fragment().is_none()
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_issuer(text: &str) -> bool {
    is_endpoint(text) && !text.contains('?')
}

/// Finds everything that is wrong with providers, each by its path in the section `auth`.
pub(crate) fn problems(providers: &BTreeMap<String, ProviderConfig>) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if providers.len() > MOST {
        problems.push(("providers".to_owned(), format!("must be at most {MOST}")));
    }
    let mut issuers: BTreeMap<String, &str> = BTreeMap::new();
    for (id, provider) in providers {
        let signs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(signs) {
            let remedy =
                format!("must have an id of small letters, digits, hyphens and underscores, at most {MAX_ID_BYTES}");
            problems.push((format!("providers.{id}"), remedy));
        }
        problems.extend(provider.problems().into_iter().map(|(key, remedy)| (format!("providers.{id}.{key}"), remedy)));
        if let Some(other) = provider.issuer().and_then(|issuer| issuers.insert(issuer, id)) {
            let remedy = format!("must not be that of `{other}`, too: users would be known by either");
            problems.push((format!("providers.{id}.issuer"), remedy));
        }
    }
    problems
}
