//! The section `auth.hooks`.

use std::path::PathBuf;
use std::time::Duration;

use mainstay_runtime::channel::RemoteConfig;
use mainstay_runtime::process::is_loopback;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;

/// The longest that anybody waits for a hook.
const MAX_DEADLINE_MS: u32 = 10_000;

const DEADLINE_MS: u32 = 2_000;

/// What of the application the auth service asks or tells over gRPC (`mainstay.auth.hook.v1.HookService`), each where it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HooksConfig {
    /// Decides whether an account is made.
    pub before_sign_up: Option<AskedHook>,
    /// Learns that an account was made.
    pub after_sign_up: Option<ToldHook>,
    /// Says what access tokens say of an account under `claims`.
    pub mint_token: Option<AskedHook>,
    /// Sends mails, in the place of `auth.mail.smtp`.
    pub send_mail: Option<ToldHook>,
}

/// A hook that something depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AskedHook {
    /// Where it is: `http://host:port`, or `https://host:port` for TLS, which production wants outside of this machine.
    pub url: String,
    /// PEM file with the authorities that may vouch for it; the public ones where absent.
    pub ca_file: Option<PathBuf>,
    /// How long a call waits for it, the connection included, milliseconds; at most 10000.
    pub deadline_ms: u32,
    /// What becomes of a call where the hook does not answer, or not as it should.
    pub on_failure: OnFailure,
}

/// A hook that nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToldHook {
    /// Where it is: `http://host:port`, or `https://host:port` for TLS, which production wants outside of this machine.
    pub url: String,
    /// PEM file with the authorities that may vouch for it; the public ones where absent.
    pub ca_file: Option<PathBuf>,
    /// How long one try waits for it, the connection included, milliseconds; at most 10000.
    pub deadline_ms: u32,
}

impl Default for AskedHook {
    fn default() -> AskedHook {
        let (url, ca_file, on_failure) = (String::new(), None, OnFailure::default());
        AskedHook { url, ca_file, deadline_ms: DEADLINE_MS, on_failure }
    }
}

impl Default for ToldHook {
    fn default() -> ToldHook {
        ToldHook { url: String::new(), ca_file: None, deadline_ms: DEADLINE_MS }
    }
}

/// What becomes of a call whose hook fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It fails too, and nothing is done.
    #[default]
    Closed,
    /// It goes on as if there were no hook.
    Open,
}

/// What all hooks have.
pub(super) struct Place<'a> {
    pub(super) kind: Kind,
    url: &'a str,
    ca_file: &'a Option<PathBuf>,
    deadline_ms: u32,
}

impl Place<'_> {
    pub(super) fn remote(&self) -> RemoteConfig {
        RemoteConfig { url: self.url.to_owned(), ca_file: self.ca_file.clone(), ..RemoteConfig::default() }
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.into())
    }

    fn problems(&self) -> Vec<(String, String)> {
        let path = |key: &str| format!("hooks.{}.{key}", self.kind.word());
        let mut problems = Vec::new();
        if let Err(error) = self.remote().check() {
            problems.push((path(error.field()), format!("cannot be used: {error}")));
        }
        if !(1..=MAX_DEADLINE_MS).contains(&self.deadline_ms) {
            problems.push((path("deadline_ms"), format!("must be 1 to {MAX_DEADLINE_MS}")));
        }
        problems
    }

    /// Whether others may read on the way what is sent there.
    fn is_open_to_others(&self) -> bool {
        let url: Option<http::Uri> = self.url.parse().ok();
        url.is_some_and(|url| url.scheme_str() == Some("http") && !url.host().is_some_and(is_loopback))
    }
}

impl HooksConfig {
    /// Finds what is wrong with the values, each as its path below `auth` and what to do.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        self.places().iter().flat_map(Place::problems).collect()
    }

    /// Finds the hooks that are called in the clear by way of a network: they are told of people, and of what opens accounts.
    pub(crate) fn open_to_others(&self) -> Vec<&'static str> {
        let open = self.places().into_iter().filter(Place::is_open_to_others);
        open.map(|place| place.kind.url_setting()).collect()
    }

    pub(super) fn places(&self) -> Vec<Place<'_>> {
        let asked = [(Kind::BeforeSignUp, &self.before_sign_up), (Kind::MintToken, &self.mint_token)];
        let told = [(Kind::AfterSignUp, &self.after_sign_up), (Kind::SendMail, &self.send_mail)];
        let asked = asked.into_iter().filter_map(|(kind, hook)| Some((kind, hook.as_ref()?)));
        let asked = asked.map(|(kind, AskedHook { url, ca_file, deadline_ms, .. })| (kind, url, ca_file, *deadline_ms));
        let told = told.into_iter().filter_map(|(kind, hook)| Some((kind, hook.as_ref()?)));
        let told = told.map(|(kind, ToldHook { url, ca_file, deadline_ms })| (kind, url, ca_file, *deadline_ms));
        let all = asked.chain(told);
        all.map(|(kind, url, ca_file, deadline_ms)| Place { kind, url, ca_file, deadline_ms }).collect()
    }
}
