//! Signing in by providers of identities.

mod calls;
pub mod fake;
mod lies;
mod linking;
mod native;
mod policy;
mod presets;
mod settings;
mod signing_in;
mod unlinking;

use std::collections::BTreeMap;

use mainstay_auth::Config;
use mainstay_auth::providers::{ProviderConfig, Texts};
use mainstay_fault::Fault;
use mainstay_outbound::{Networks, OutboundConfig};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::Engine;
use serde_json::{Value, json};

use self::fake::{Back, Idp};
use crate::harness::{Harness, config};

pub const PAGE: &str = "https://app.example.org/signed-in";
pub const APP: &str = "org.example.app:/signed-in";

/// A service and a provider, which it knows as `idp`.
pub struct Pair {
    pub harness: Harness,
    pub idp: Idp,
}

/// The settings of a service that knows these providers.
pub fn with_providers(base: Config, providers: Vec<(&str, ProviderConfig)>) -> Config {
    let providers: BTreeMap<_, _> = providers.into_iter().map(|(id, config)| (id.to_owned(), config)).collect();
    let private_networks = Networks::new(["127.0.0.0/8"]).unwrap();
    Config {
        providers,
        redirect_uris: Texts(vec![PAGE.to_owned(), APP.to_owned()]),
        outbound: OutboundConfig { private_networks, timeout_seconds: 1, ca_file: None },
        ..base
    }
}

impl Pair {
    pub async fn start(engine: Engine) -> Pair {
        Pair::with(engine, config(), |_| {}).await
    }

    /// The same with other settings.
    pub async fn with(engine: Engine, base: Config, change: impl FnOnce(&mut ProviderConfig)) -> Pair {
        let idp = Idp::start().await;
        let mut provider = idp.config();
        change(&mut provider);
        let harness = Harness::with_config(engine, &with_providers(base, vec![("idp", provider)])).await;
        idp.follow(&harness.clock);
        Pair { harness, idp }
    }

    /// Somebody signs in whom the provider says this of.
    pub async fn come(&self, user: Value) -> Result<pb::Credentials, Fault> {
        self.idp.script().user = user;
        self.harness.come_by("idp", &self.idp).await
    }
}

impl Harness {
    /// Somebody signs in at a provider and comes back.
    pub async fn come_by(&self, id: &str, idp: &Idp) -> Result<pb::Credentials, Fault> {
        let started = self.caller.start_sign_in(id, PAGE).await?;
        let back = idp.visit(&started.authorization_uri);
        self.caller.finish_sign_in(&started.secret, &back).await
    }

    /// Somebody who is signed in links what a provider knows them by.
    pub async fn link_by(&self, session: &pb::Credentials, id: &str, idp: &Idp) -> Result<pb::Identity, Fault> {
        let own = self.caller.as_user(session);
        let started = own.start_link("accounts/me", id, PAGE).await?;
        let back = idp.visit(&started.authorization_uri);
        own.finish_link("accounts/me", &started.secret, &back).await
    }

    /// Of whom access tokens are.
    pub fn account_of(credentials: &pb::Credentials) -> &pb::Account {
        credentials.account.as_ref().unwrap_or_else(|| panic!("nobody is signed in: {credentials:?}"))
    }
}

/// A user with an address that the provider says is theirs.
pub fn verified(subject: &str, email: &str) -> Value {
    json!({"sub": subject, "email": email, "email_verified": true, "name": "Ada Lovelace"})
}

pub fn back(code: &str, state: &str) -> Back {
    Back { code: code.to_owned(), state: state.to_owned(), issuer: String::new() }
}
