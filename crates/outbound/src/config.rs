use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::networks::Networks;

/// What a service may call outside. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    /// Networks that may be called although they are not of the public internet, as `10.1.0.0/16`: where a provider of your own
    /// stands there. The metadata services of clouds and link-local addresses are called never.
    #[schemars(with = "Vec<String>")]
    pub private_networks: Networks,
    /// PEM file with the authorities that may vouch for whom is called, in the place of the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long one call takes at most, from the look-up of the host to the last byte, seconds.
    pub timeout_seconds: u32,
}

/// The longest time that one call may take, seconds: callers wait for it.
pub const MAX_TIMEOUT_SECONDS: u32 = 60;

impl Default for OutboundConfig {
    fn default() -> OutboundConfig {
        OutboundConfig { private_networks: Networks::default(), ca_file: None, timeout_seconds: 10 }
    }
}

impl OutboundConfig {
    /// Finds the values that cannot work, each as its key and what it has to be.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let is_possible = (1..=MAX_TIMEOUT_SECONDS).contains(&self.timeout_seconds);
        let remedy = || ("timeout_seconds", format!("must be 1 to {MAX_TIMEOUT_SECONDS}"));
        (!is_possible).then(remedy).into_iter().collect()
    }
}
