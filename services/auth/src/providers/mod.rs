//! Providers of identities: Google and its like, whose users come in without a password of ours.
//!
//! ```text
//!  StartSignIn ──▶ flow::begin ── address ──▶ browser ──▶ provider ──▶ the application's page, with a code
//!                      │ sealed: state, nonce, verifier                          │
//!  FinishSignIn ◀──────┴───────── the secret that the client kept ───────────────┘
//!       └──▶ flow::redeem ──▶ token ── signature, iss, aud, azp, exp, nonce ──▶ asserting ──▶ domain::provider::decide
//!  ExchangeIdToken ─────────────▲
//! ```
//!
//! Nothing here stores anything, and nothing knows whom a user of a provider is here.

mod apple;
mod asserting;
mod config;
mod error;
mod flow;
mod kept;
mod metadata;
mod preset;
mod redirects;
mod token;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstay_identity::Clock;
use mainstay_outbound::{Client, IsJson as _};
use mainstay_runtime::process::PublicUrl;
use openidconnect::core::CoreJsonWebKeySet;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

pub(crate) use config::problems;
pub use config::{ClaimNames, ProviderConfig};
pub use error::{ProviderError, TokenError};
pub(crate) use flow::{Flow, Wanted};
pub use mainstay_runtime::config::Texts;
pub use preset::Preset;
pub(crate) use redirects::Redirects;
pub(crate) use token::MAX_TOKEN_BYTES;

use self::apple::AppleKey;
use self::asserting::assert;
use self::flow::get_request;
use self::kept::Kept;
use self::metadata::Metadata;
use self::preset::Protocol;
use self::token::{Expected, Nonce, Unverified};
use crate::domain::provider::{Asserted, TrustedDomains};
use crate::error::Error;

/// For how long what a provider says of itself is kept.
const METADATA_LASTS: Duration = Duration::from_secs(60 * 60);

/// For how long its keys are kept: one that it withdraws is good no longer.
const KEYS_LAST: Duration = Duration::from_secs(10 * 60);

/// How often its keys are fetched at most, where a token names one that is not among them.
const KEYS_REST: Duration = Duration::from_secs(10);

/// Most bytes of what a provider says of itself, and of its keys.
const MOST: usize = 256 * 1024;

/// A provider as the settings have it.
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) display_name: String,
    protocol: Protocol,
    issuer: String,
    aliases: Vec<String>,
    client_id: String,
    secret: Secret,
    scopes: Vec<String>,
    trusted: TrustedDomains,
    own_domain: Option<&'static str>,
    audiences: Vec<String>,
    names: Names,
    account_claims: BTreeMap<String, String>,
    form_post: bool,
    pub(crate) sign_up: bool,
    pub(crate) link_by_email: bool,
    metadata: Kept<Metadata>,
    keys: Kept<CoreJsonWebKeySet>,
}

/// How this installation shows the provider that it is its client.
enum Secret {
    None,
    Shared(SecretString),
    Apple(Box<Apple>),
}

struct Apple {
    key: AppleKey,
    key_id: String,
    team: String,
}

/// The claims that are read.
struct Names {
    email: String,
    email_verified: String,
    display_name: String,
    picture: String,
    locale: String,
}

/// The path of the page that people come back to who have begun on a page of the server's own.
const PAGE: &str = "/auth/sign-in/provider/back";

/// All providers, and the way out to them.
pub(crate) struct Providers {
    all: BTreeMap<String, Arc<Provider>>,
    redirects: Redirects,
    /// The page of the server's own that people come back to; nothing where nobody knows what it is called.
    page: Option<String>,
    outside: Client,
    clock: Arc<dyn Clock>,
}

impl Providers {
    /// Takes the providers of the settings, which were found to be without problems. Nobody is called before somebody wants to
    /// come in.
    pub(crate) fn new(
        configs: &BTreeMap<String, ProviderConfig>,
        (redirects, public_url): (Redirects, Option<&PublicUrl>),
        outside: Client,
        clock: Arc<dyn Clock>,
    ) -> Providers {
        let enabled = configs.iter().filter(|(_, config)| config.enabled);
        let all = enabled.filter_map(|(id, config)| Some((id.clone(), Arc::new(Provider::new(id, config)?)))).collect();
        let page = public_url.map(|url| format!("{url}{PAGE}"));
        Providers { all, redirects, page, outside, clock }
    }

    /// Finds a provider by which people come in.
    pub(crate) fn find(&self, id: &str) -> Option<&Arc<Provider>> {
        self.all.get(id)
    }

    /// Gives what all of them call themselves.
    pub(crate) fn issuers_of_all(&self) -> Vec<String> {
        self.all.values().map(|provider| provider.issuer.clone()).collect()
    }

    /// Gives all of them, by their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.all.values()
    }

    /// Whether people can come back to a page of the server's own.
    pub(crate) fn has_page(&self) -> bool {
        self.page.is_some()
    }

    /// Finds the address that people come back to.
    pub(crate) fn redirect(&self, wanted: &str) -> Option<&str> {
        if wanted == PAGE { self.page.as_deref() } else { self.redirects.find(wanted) }
    }

    /// Takes an ID token that an application on a telephone has got, whose nonce is a hash of this.
    pub(crate) async fn native(&self, provider: &Provider, (id_token, nonce): (&str, &str)) -> Result<Asserted, Error> {
        let audiences = provider.audiences.iter().map(String::as_str).collect();
        let verified = self.verified(provider, id_token, (audiences, Nonce::HashOf(nonce))).await;
        let asserted = verified.and_then(|claims| assert(provider, &claims));
        asserted.map_err(|error| provider.failed(error))
    }

    async fn metadata(&self, provider: &Provider) -> Result<Arc<Metadata>, ProviderError> {
        let issuer = &provider.issuer;
        match provider.protocol {
            Protocol::Github => {
                Ok(Arc::new(Metadata::fixed(issuer, "/login/oauth/authorize", "/login/oauth/access_token")))
            }
            Protocol::Discord => Ok(Arc::new(Metadata::fixed(issuer, "/oauth2/authorize", "/api/oauth2/token"))),
            Protocol::Oidc => {
                let fetch = async {
                    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                    Metadata::read(&self.get(&address, None, (MOST, "its configuration")).await?, issuer)
                };
                provider.metadata.get(self.clock.uptime(), Duration::MAX, fetch).await
            }
        }
    }

    /// Gives the provider's keys, fetched no longer ago than `at_most`.
    async fn keys(&self, provider: &Provider, at_most: Duration) -> Result<Arc<CoreJsonWebKeySet>, ProviderError> {
        let metadata = self.metadata(provider).await?;
        let fetch = async {
            let json = self.get(&metadata.jwks_uri, None, (MOST, "its keys")).await?;
            serde_json::from_slice(&json).map_err(|_| ProviderError::Unreadable("its keys"))
        };
        provider.keys.get(self.clock.uptime(), at_most, fetch).await
    }

    /// Gives the claims of an ID token that is believed. Where its key is not known, the provider may have a new one.
    async fn verified(
        &self,
        provider: &Provider,
        id_token: &str,
        (audiences, nonce): (Vec<&str>, Nonce<'_>),
    ) -> Result<Map<String, Value>, ProviderError> {
        let token = Unverified::read(id_token)?;
        let issuers = provider.issuers().collect();
        let expected = Expected { issuers, audiences, nonce, now: self.clock.now_seconds() };
        let keys = self.keys(provider, Duration::MAX).await?;
        let verified = match token.verify(&keys, &expected) {
            Err(TokenError::UnknownKey | TokenError::Signature) => {
                let keys = self.keys(provider, KEYS_REST).await?;
                token.verify(&keys, &expected)
            }
            verified => verified,
        };
        Ok(verified?.clone())
    }

    /// Gets JSON of the provider's.
    async fn get(
        &self,
        address: &str,
        bearer: Option<&str>,
        (most, what): (usize, &'static str),
    ) -> Result<Vec<u8>, ProviderError> {
        let answer = self.outside.send(get_request(address, bearer)?, most).await?;
        let json = answer.json().map(<[u8]>::to_vec);
        json.ok_or(ProviderError::NoJson { what, status: answer.status().as_u16() })
    }
}

impl Provider {
    /// Makes a provider of its settings; nothing where those have a problem, which is told elsewhere.
    fn new(id: &str, config: &ProviderConfig) -> Option<Provider> {
        let usual = config.preset.usual();
        let name = |own: &Option<String>, usual: &str| own.clone().unwrap_or_else(|| usual.to_owned());
        let claims = &config.claims;
        let usual_name = if usual.display_name.is_empty() { id } else { usual.display_name };
        let scopes = config.scopes.clone().unwrap_or_else(|| usual.scopes.into());
        let mut audiences: Vec<String> = config.audiences.values().cloned().collect();
        audiences.push(config.client_id.clone());
        let aliases = usual.aliases.iter().copied().chain(config.issuer_aliases.iter());
        Some(Provider {
            id: id.to_owned(),
            display_name: name(&config.display_name, usual_name),
            protocol: usual.protocol,
            issuer: config.issuer()?,
            aliases: aliases.map(str::to_owned).collect(),
            client_id: config.client_id.clone(),
            secret: Secret::of(config)?,
            // Where nothing but `openid` is asked for, Apple comes back as everybody does.
            form_post: usual.form_post && scopes.iter().any(|scope| scope != "openid"),
            scopes: scopes.0,
            trusted: TrustedDomains::new(config.trusted().iter()).ok()?,
            own_domain: usual.own_domain.filter(|_| config.trusted_domains.is_none()),
            audiences,
            names: Names {
                email: name(&claims.email, "email"),
                email_verified: name(&claims.email_verified, usual.verified),
                display_name: name(&claims.display_name, "name"),
                picture: name(&claims.picture, "picture"),
                locale: name(&claims.locale, "locale"),
            },
            account_claims: config.account_claims.clone(),
            sign_up: config.sign_up,
            link_by_email: config.link_by_email,
            metadata: Kept::new(METADATA_LASTS),
            keys: Kept::new(KEYS_LAST),
        })
    }

    /// All ways in which the provider writes its name.
    fn issuers(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.issuer.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Whether it gives ID tokens to applications.
    pub(crate) fn gives_id_tokens(&self) -> bool {
        self.protocol == Protocol::Oidc
    }

    /// Whether it sends browsers back by an address, and not by a form.
    pub(crate) fn comes_back_by_address(&self) -> bool {
        !self.form_post
    }

    /// Tells whoever operates what is wrong, and gives what is answered.
    fn failed(&self, error: ProviderError) -> Error {
        if error.is_the_providers() {
            tracing::warn!(provider = %self.id, error = %chain(&error), "a provider of identities does not answer as it should");
            return Error::ProviderUnavailable(error);
        }
        tracing::warn!(provider = %self.id, error = %error, "a sign-in at a provider of identities was refused");
        Error::ProviderRefused(error)
    }
}

/// What an error says, and what it comes from.
fn chain(error: &ProviderError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl Secret {
    fn of(config: &ProviderConfig) -> Option<Secret> {
        if config.preset == Preset::Apple {
            let key = AppleKey::read(config.private_key.as_ref()?.expose_secret()).ok()?;
            let (key_id, team) = (config.key_id.clone()?, config.team_id.clone()?);
            return Some(Secret::Apple(Box::new(Apple { key, key_id, team })));
        }
        Some(config.client_secret.clone().map_or(Secret::None, Secret::Shared))
    }
}
