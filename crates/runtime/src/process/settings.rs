//! What a process is told: the same file serves every role, each of which reads its own section.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mainstay_layers::{DEFAULT_MAX_UNSENT_BYTES, ProxyHeader, TrustedProxies};
use mainstay_telemetry::Config as TelemetryConfig;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::public_url::PublicUrl;
use super::role::{Mode, Role};
use super::{Common, Purpose, Section};
use crate::channel::RemoteConfig;
use crate::config::{Loader, Problems};
use crate::server::{
    DEFAULT_DRAIN_TIMEOUT, DEFAULT_HTTP2_IDLE, DEFAULT_KEEP_ALIVE, DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_CONNECTIONS_PER_PEER, ListenAddress, TlsConfig,
};

/// The whole configuration. A process names the sections that it reads and leaves the others as [`Other`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    bound(deserialize = "A: Deserialize<'de> + Default, D: Deserialize<'de> + Default, G: Deserialize<'de> + Default")
)]
#[schemars(
    bound = "A: JsonSchema + Serialize + Default, D: JsonSchema + Serialize + Default, G: JsonSchema + Serialize + Default"
)]
pub struct Settings<A, D, G> {
    /// Whether conveniences that a production system must not have are on.
    pub mode: Mode,
    /// Where SQLite files and development keys are.
    pub data_dir: PathBuf,
    /// The folder with the application's contract.
    pub contracts: Option<PathBuf>,
    /// Begin anew where a database that was used before has nothing in it. Without this such a start is refused: the database
    /// is lost, or another one than it was.
    pub accept_empty: bool,
    /// Where people reach the application: `https://shop.example.org`. Links in mails begin with it, whatever a request says
    /// of where it was sent to. Development takes `http://localhost:8080` where it is absent.
    #[schemars(with = "Option<String>")]
    pub public_url: Option<PublicUrl>,
    /// Where clients connect, for example `127.0.0.1:8080` or `localhost:8080`. Absent: 127.0.0.1 and the role's usual port,
    /// or in development another one where that is in use.
    #[schemars(with = "Option<String>")]
    pub listen: Option<ListenAddress>,
    /// Where `/metrics`, `/healthz` and `/readyz` are for operators. Absent: as with `listen`.
    #[schemars(with = "Option<String>")]
    pub operations_listen: Option<ListenAddress>,
    /// Certificates and keys for the port of `listen`.
    pub tls: Option<TlsConfig>,
    /// The addresses and networks of proxies that say where a client is (`proxy_header`, `proxy_protocol`); nobody else is
    /// believed.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: TrustedProxies,
    /// In which header they say it. The other one is never read: a proxy that does not write it may pass on what a client wrote.
    pub proxy_header: ProxyHeader,
    /// Whether they say by the PROXY protocol (version 1 or 2), before the first byte of each connection, whose it is. One of
    /// theirs that does not begin so is closed.
    pub proxy_protocol: bool,
    /// Most connections at a time; fewer where the process may not have as many files open, of which stores and other services
    /// keep 512. Further ones wait.
    pub max_connections: usize,
    /// Most connections of one peer at a time, which is an address, or of IPv6 a network of 64 bits. Further ones are closed.
    /// `trusted_proxies` have as many as they like.
    pub max_connections_per_peer: usize,
    /// Most requests that are worked on at a time; more are refused.
    pub max_requests: usize,
    /// What answers may take in memory that their clients have not taken yet, in bytes: of all connections of the port together,
    /// and of one at most as much as is left for others. Where there is no room, connections that take their answers slowest
    /// are closed, or a large answer is refused.
    pub max_unsent_bytes: usize,
    /// How long the process goes on serving after it was told to end, in seconds, while it says that it is not ready: as long as
    /// a load balancer in front needs to notice.
    pub drain_delay_seconds: u64,
    /// How long calls in flight may take to finish when the process ends, in seconds.
    pub drain_seconds: u64,
    /// How long an HTTP/1.1 connection is kept on which nothing is asked, in seconds. Longer than a load balancer in front
    /// keeps its own.
    pub keep_alive_seconds: u64,
    /// How long an HTTP/2 connection is kept on which nothing is asked, in seconds.
    pub http2_idle_seconds: u64,
    /// Worker threads; absent: one for each core that the process may use.
    pub workers: Option<std::num::NonZeroUsize>,
    pub tokens: TokenSettings,
    pub services: ServiceSettings,
    pub telemetry: TelemetryConfig,
    /// Where a test makes the process die: `name=abort`. Refused in production.
    pub failpoint: Option<String>,
    pub auth: A,
    pub data: D,
    pub gateway: G,
}

/// What access tokens say of themselves; issuer and verifiers must agree.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// `iss`: who issues, usually the public URL.
    pub issuer: String,
    /// `aud`: for whom.
    pub audience: String,
    /// For how long a process that hears nothing from auth lets callers in by their tokens all the same, seconds; after that they
    /// are answered UNAVAILABLE, and their streams end. At least 5. Absent: for as long as their tokens are valid, at most
    /// `auth.access_token_seconds`, in which what was revoked meanwhile is not noticed.
    pub max_revocation_age_seconds: Option<u32>,
}

impl Default for TokenSettings {
    fn default() -> TokenSettings {
        let (issuer, audience) = ("mainstay".to_owned(), "mainstay".to_owned());
        TokenSettings { issuer, audience, max_revocation_age_seconds: None }
    }
}

/// The other processes: where they are, and the secrets by which named service accounts are known.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSettings {
    /// Where the auth service is, for a process that does not hold it.
    pub auth: Option<RemoteConfig>,
    /// Where the data service is, for a process that does not hold it.
    pub data: Option<RemoteConfig>,
    /// The secret of each service account by its name (`gateway`, `data`): at least 32 visible characters each.
    #[serde(skip_serializing)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub keys: BTreeMap<String, SecretString>,
}

impl<A: Default, D: Default, G: Default> Default for Settings<A, D, G> {
    fn default() -> Settings<A, D, G> {
        Settings {
            mode: Mode::default(),
            data_dir: PathBuf::from("var/mainstay"),
            contracts: None,
            accept_empty: false,
            public_url: None,
            listen: None,
            operations_listen: None,
            tls: None,
            trusted_proxies: TrustedProxies::default(),
            proxy_header: ProxyHeader::default(),
            proxy_protocol: false,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_connections_per_peer: DEFAULT_MAX_CONNECTIONS_PER_PEER,
            max_requests: DEFAULT_MAX_REQUESTS,
            max_unsent_bytes: DEFAULT_MAX_UNSENT_BYTES,
            drain_delay_seconds: 0,
            drain_seconds: DEFAULT_DRAIN_TIMEOUT.as_secs(),
            keep_alive_seconds: DEFAULT_KEEP_ALIVE.as_secs(),
            http2_idle_seconds: DEFAULT_HTTP2_IDLE.as_secs(),
            workers: None,
            tokens: TokenSettings::default(),
            services: ServiceSettings::default(),
            telemetry: TelemetryConfig::default(),
            failpoint: None,
            auth: A::default(),
            data: D::default(),
            gateway: G::default(),
        }
    }
}

/// Most requests that are worked on at a time, unless configured otherwise.
pub const DEFAULT_MAX_REQUESTS: usize = 4_096;

/// The flags that every way to start a server takes. They win over the environment, which wins over the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Keep SQLite files and development keys here
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Serve the contract in this folder
    #[arg(long, value_name = "DIR", global = true)]
    pub contracts: Option<PathBuf>,
    /// Begin anew where a database that was used before has nothing in it
    #[arg(long, global = true)]
    pub accept_empty: bool,
    /// Serve clients here, for example 127.0.0.1:8080; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// Serve operators here (metrics, probes), for example 127.0.0.1:9464; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", global = true)]
    pub operations_listen: Option<String>,
}

/// The command line of a binary that does nothing but serve.
#[derive(clap::Parser)]
#[command(version)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
}

impl Flags {
    /// Reads the command line of a binary that does nothing but serve. Prints help or an error and exits where asked to.
    pub fn parse() -> Flags {
        <CommandLine as clap::Parser>::parse().flags
    }

    /// Reads the configuration: defaults, file, environment, flags.
    pub fn load<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        self.loader().load()
    }

    /// Reads the configuration of a server with this role, and checks every value: whoever starts it is told everything
    /// that is wrong or missing at once.
    pub fn settings<A, D, G>(&self, role: Role) -> Result<(Common, A, D, G), Problems>
    where
        A: Section + DeserializeOwned + Default + Clone,
        D: Section + DeserializeOwned + Default + Clone,
        G: Section + DeserializeOwned + Default + Clone,
    {
        let settings = self.loader().load_checked(|settings: &Settings<A, D, G>| {
            let (common, auth, data, gateway) = settings.clone().split(role);
            let sections = [auth.check(&common), data.check(&common), gateway.check(&common)];
            common.check().into_iter().chain(sections.into_iter().flatten()).collect()
        })?;
        Ok(settings.split(role))
    }

    fn loader(&self) -> Loader {
        let mut loader = Loader::new();
        if let Some(file) = &self.config {
            loader = loader.file(file);
        }
        loader = loader.environment();
        if let Some(folder) = &self.data_dir {
            loader = loader.flag("--data-dir", "data_dir", folder.to_string_lossy());
        }
        if let Some(folder) = &self.contracts {
            loader = loader.flag("--contracts", "contracts", folder.to_string_lossy());
        }
        if self.accept_empty {
            loader = loader.flag("--accept-empty", "accept_empty", "true");
        }
        for (purpose, address) in [(Purpose::Clients, &self.listen), (Purpose::Operators, &self.operations_listen)] {
            if let (Some(address), Some(flag)) = (address, purpose.flag()) {
                loader = loader.flag(flag, purpose.setting(), address.as_str());
            }
        }
        loader
    }
}
