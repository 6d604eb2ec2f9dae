//! The gateway's part of the configuration.

use std::collections::BTreeMap;

use mainstay_layers::{Cors, Origins};
use mainstay_runtime::channel::balance::UpstreamConfig;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::limits::LimitsConfig;
use crate::oauth::paths::{FORMS, OPEN};
use crate::pages::PagesConfig;
use crate::site::SiteConfig;
use crate::upstreams;

/// Largest JSON body or gRPC message that is accepted, unless configured otherwise.
pub const DEFAULT_MAX_REQUEST_BYTES: usize = 4 << 20;

/// Largest limit that can be configured: a message is held in memory as a whole.
pub const MAX_REQUEST_BYTES_LIMIT: usize = 64 << 20;

/// How the gateway treats requests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…` puts the gateway's own store on PostgreSQL; without it, an SQLite file in the data directory.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<SecretString>,
    /// Largest JSON body, and largest gRPC message after decompression, in bytes.
    pub max_request_bytes: usize,
    /// Writes fields without presence into REST answers also where they are zero or empty.
    pub emit_defaults: bool,
    pub cors: CorsConfig,
    pub pages: PagesConfig,
    /// The application's own services, by the names that `(mainstay.v1.upstream)` has for them.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// A site that is served beside the API.
    #[serde(rename = "static")]
    pub site: SiteConfig,
    pub limits: LimitsConfig,
    /// Serves `/openapi.json`, `/docs`, `/contract.binpb` and `/contract.zip`: what each caller may call, and in development all of it.
    pub docs: bool,
    /// Opens WebSockets at `/ws`: many calls over one connection, and streams of a browser's messages.
    pub websocket: bool,
}

/// Longest that a browser may be told to keep the answer to a preflight: a day.
pub const MAX_PREFLIGHT_SECONDS: u32 = 86_400;

/// Which pages may call from a browser.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorsConfig {
    /// The origins whose pages may call, as browsers write them: `https://app.example.com`. Each is named; there is no `*`.
    #[schemars(with = "Vec<String>")]
    pub origins: Origins,
    /// Lets pages of `localhost` and of loopback addresses call, on any port. Refused in production.
    pub loopback: bool,
    /// Lets these pages send cookies, and what else a browser adds by itself.
    pub credentials: bool,
    /// How long a browser keeps the answer to a preflight, in seconds; 0: it asks each time.
    pub preflight_seconds: u32,
}

impl Default for CorsConfig {
    fn default() -> CorsConfig {
        let Cors { origins, loopback, credentials, preflight_seconds, open: _, forms: _ } = Cors::none();
        CorsConfig { origins, loopback, credentials, preflight_seconds }
    }
}

impl From<CorsConfig> for Cors {
    fn from(config: CorsConfig) -> Cors {
        let CorsConfig { origins, loopback, credentials, preflight_seconds } = config;
        Cors { origins, loopback, credentials, preflight_seconds, open: OPEN, forms: FORMS }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            database_url: None,
            max_request_bytes: DEFAULT_MAX_REQUEST_BYTES,
            emit_defaults: false,
            cors: CorsConfig::default(),
            pages: PagesConfig::default(),
            upstreams: BTreeMap::new(),
            site: SiteConfig::default(),
            limits: LimitsConfig::default(),
            docs: true,
            websocket: true,
        }
    }
}

impl Config {
    /// Finds everything that is wrong with the values, each as its path below `gateway` and what it has to be.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if !(1..=MAX_REQUEST_BYTES_LIMIT).contains(&self.max_request_bytes) {
            problems.push(("max_request_bytes".to_owned(), format!("must be 1 to {MAX_REQUEST_BYTES_LIMIT}")));
        }
        if self.cors.preflight_seconds > MAX_PREFLIGHT_SECONDS {
            problems.push(("cors.preflight_seconds".to_owned(), format!("must be 0 to {MAX_PREFLIGHT_SECONDS}")));
        }
        problems.extend(self.pages.problems().into_iter().map(|(path, remedy)| (path.to_owned(), remedy)));
        problems.extend(upstreams::problems(&self.upstreams));
        problems.extend(self.limits.problems().into_iter().map(|(path, remedy)| (format!("limits.{path}"), remedy)));
        problems.extend(self.site.problems().into_iter().map(|(path, remedy)| (format!("static.{path}"), remedy)));
        problems
    }
}
