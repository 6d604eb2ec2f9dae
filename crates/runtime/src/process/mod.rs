//! What every server process does around its service: settings, telemetry, identity, ports, drain.

mod certificates;
mod check;
mod issuer;
mod keys;
mod panics;
mod platform;
mod ports;
mod probed;
mod public_url;
mod redirect;
mod revocations;
mod role;
mod settings;

pub use crate::Failure;
pub use certificates::EXPIRY_WARNING;
use certificates::Follow as FollowCertificates;
pub use check::{MAX_PLACES, MAX_WORKERS, Section};
pub use issuer::Issuer;
pub use keys::{RemoteKeys, ServiceKeyError, credential};
pub use platform::Platform;
pub use ports::{Listen, Moved, PortError, Ports, Purpose};
pub use probed::Probed;
pub use public_url::{NotAPublicUrl, PublicUrl, is_loopback};
use redirect::Redirect;
use revocations::Follow;
pub use role::{Mode, Other, Role};
pub use settings::{DEFAULT_MAX_REQUESTS, Flags, ServiceSettings, Settings, TokenSettings};

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mainstay_identity::{Authenticator, Revocations, Verifier, VerifierConfig};
use mainstay_layers::{Body, Guards, Shed, Timeouts, TrustedProxies};
use mainstay_telemetry::{CertificateEnd, Identity, Telemetry};
use secrecy::SecretString;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::channel::balance::{Balanced, KEEP_INTERVAL, Keeper};
use crate::config::variable;
use crate::server::{Drained, Expiry, ListenAddress, TlsConfig};
use crate::{
    Check, Health, Job, Jobs, Operations, Readiness, Server, ServerConfig, Shutdown, Work, allocator, systemd,
};
use crate::{descriptors, threads};

/// How long to wait before the keys of tokens are fetched again after auth did not answer.
const PREFETCH_RETRY: Duration = Duration::from_secs(1);

/// How often memory that was freed is given back.
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(5);

/// How often a store is asked whether it answers.
pub const PING_INTERVAL: Duration = Duration::from_secs(2);

/// The part of the settings that is the same for every role.
#[derive(Debug, Clone)]
pub struct Common {
    pub role: Role,
    pub mode: Mode,
    pub data_dir: PathBuf,
    pub contracts: Option<PathBuf>,
    pub accept_empty: bool,
    pub public_url: Option<PublicUrl>,
    pub listen: Listen,
    pub operations_listen: Listen,
    pub tls: Option<TlsConfig>,
    pub trusted_proxies: TrustedProxies,
    pub proxy_protocol: bool,
    pub max_connections: usize,
    pub max_connections_per_peer: usize,
    pub max_requests: usize,
    pub max_unsent_bytes: usize,
    pub drain_delay_seconds: u64,
    pub drain_seconds: u64,
    pub keep_alive_seconds: u64,
    pub http2_idle_seconds: u64,
    pub workers: Option<std::num::NonZeroUsize>,
    pub tokens: TokenSettings,
    pub services: ServiceSettings,
    pub telemetry: mainstay_telemetry::Config,
    pub failpoint: Option<String>,
}

impl<A, D, G> Settings<A, D, G> {
    /// Separates what is the same for every role from the sections of the services.
    pub fn split(self, role: Role) -> (Common, A, D, G) {
        let mode = self.mode;
        let place = |chosen: Option<ListenAddress>, usual: SocketAddr| Listen {
            may_move: chosen.is_none() && mode == Mode::Development,
            at: chosen.unwrap_or_else(|| usual.into()),
        };
        let common = Common {
            role,
            mode: self.mode,
            data_dir: self.data_dir,
            contracts: self.contracts,
            accept_empty: self.accept_empty,
            public_url: self.public_url,
            listen: place(self.listen, role.usual_listen()),
            operations_listen: place(self.operations_listen, role.usual_operations()),
            tls: self.tls,
            trusted_proxies: self.trusted_proxies.saying_by(self.proxy_header),
            proxy_protocol: self.proxy_protocol,
            max_connections: self.max_connections,
            max_connections_per_peer: self.max_connections_per_peer,
            max_requests: self.max_requests,
            max_unsent_bytes: self.max_unsent_bytes,
            drain_delay_seconds: self.drain_delay_seconds,
            drain_seconds: self.drain_seconds,
            keep_alive_seconds: self.keep_alive_seconds,
            http2_idle_seconds: self.http2_idle_seconds,
            workers: self.workers,
            tokens: self.tokens,
            services: self.services,
            telemetry: self.telemetry,
            failpoint: self.failpoint,
        };
        (common, self.auth, self.data, self.gateway)
    }
}

impl Common {
    /// Says whether conveniences are on.
    pub fn is_development(&self) -> bool {
        self.mode == Mode::Development
    }

    /// Where plain HTTP leads to HTTPS, where clients come to this process.
    fn redirect_http(&self) -> Option<&ListenAddress> {
        let tls = self.tls.as_ref().filter(|_| self.role.faces_clients());
        tls.and_then(|tls| tls.redirect_http.as_ref())
    }

    /// How others reach a port of this process.
    pub fn url(&self, address: SocketAddr) -> String {
        format!("{}://{address}", if self.tls.is_some() { "https" } else { "http" })
    }

    /// How old what this process knows of revocations may be; nothing where it may be of any age.
    pub fn max_revocation_age(&self) -> Option<Duration> {
        self.tokens.max_revocation_age_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// What tokens must say.
    pub fn verifier_config(&self) -> VerifierConfig {
        VerifierConfig { issuer: self.tokens.issuer.clone(), audience: self.tokens.audience.clone() }
    }
}

/// A process that is about to serve: telemetry runs, nothing listens yet.
pub struct Process {
    pub common: Common,
    pub telemetry: Telemetry,
    pub shutdown: Shutdown,
    pub health: Health,
    pub readiness: Readiness,
    /// The operator's secret, made anew at each start: `run.json` tells the command line.
    pub operator: SecretString,
    /// What the process does without being asked.
    pub jobs: Jobs,
    hangups: Signal,
    started: Instant,
}

/// Runs a server process from its settings to its end. An error is printed with its causes; the exit code is 1 then.
pub fn run<F>(common: Common, version: &'static str, serve: impl FnOnce(Process) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    let started = Instant::now();
    // Before anything is opened.
    let descriptors = descriptors::raise();
    // Where two crypto providers are compiled in, rustls wants to be told; a second call is none of our business.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match threads::build(common.workers) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(async {
        let identity = Identity { service: common.role.service_name(), version };
        let telemetry = mainstay_telemetry::init(&common.telemetry, identity)?;
        panics::to_log();
        tracing::debug!(allocator = allocator::name(), "memory comes from here");
        let operator = keys::operator_secret()?;
        let shutdown = Shutdown::on_signals(Duration::from_secs(common.drain_delay_seconds))?;
        // From now on, a SIGHUP does not end the process.
        let hangups = signal(SignalKind::hangup())?;
        let jobs = Jobs::new(telemetry.metrics(), &shutdown.token());
        let health = Health::new(shutdown.clone());
        let readiness = Readiness::new(health.clone(), shutdown.clone());
        let common = fitted(common, descriptors);
        serve(Process { common, telemetry, shutdown, health, readiness, operator, jobs, hangups, started }).await
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    }
}

/// Takes no more connections than there are descriptors for, and says so. One peer may have the same share of them as of all
/// that are configured: else it could have them all.
fn fitted(common: Common, descriptors: Option<u64>) -> Common {
    let redirects = common.redirect_http().map_or(0, |_| redirect::MAX_CONNECTIONS);
    let left = descriptors.map(|all| all.saturating_sub(u64::from(redirects)));
    let max_connections = descriptors::room(common.max_connections, left);
    if max_connections < common.max_connections {
        tracing::warn!(
            max_connections,
            configured = common.max_connections,
            descriptors,
            "there are descriptors for fewer connections than configured; raise the limit of open files (LimitNOFILE, ulimit -n)"
        );
    }
    let max_connections_per_peer =
        descriptors::share(common.max_connections_per_peer, max_connections, common.max_connections);
    Common { max_connections, max_connections_per_peer, ..common }
}

/// Prints an error and its causes, calmly, and gives the exit code of a failure.
pub fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("mainstay: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

impl Process {
    /// Makes the way to a service of the platform in other processes, which may be several, and keeps it as long as this one runs.
    /// `own` is the service account that this process is there; where it `vouches`, it says where each call comes from.
    pub fn remote(&self, service: &'static str, own: &str, vouches: bool) -> Result<Balanced, Failure> {
        let credential = credential(&self.common, own)?;
        let way = Balanced::to_platform(service, self.common.remote(service)?, credential.as_ref(), vouches)?;
        way.observe(self.telemetry.metrics());
        let job = match service {
            "auth" => Job::every("replicas of auth", KEEP_INTERVAL),
            _ => Job::every("replicas of data", KEEP_INTERVAL),
        };
        self.jobs.start(job.at_once().quiet(), Keeper::of([&way]));
        Ok(way)
    }

    /// Makes the guards of a stack: who is let in, how many, how long. The keys of tokens and what was revoked come from the
    /// issuer, the service accounts from the configuration.
    pub fn guards(&self, issuer: Issuer) -> Result<Guards, Failure> {
        let services = keys::service_keys(&self.common, &self.operator)?;
        let Issuer { keys, revocations, auth } = issuer;
        let verifier = Verifier::new(self.common.verifier_config(), keys);
        let check = self.readiness.check("token keys");
        let prefetch = TokenKeys { verifier: verifier.clone(), check };
        self.jobs.start(Job::until_done("token keys", PREFETCH_RETRY).quiet(), prefetch);
        self.observe_age(&revocations);
        if let Some((auth, name)) = auth {
            let check = self.readiness.check("revocations");
            let follow = Follow::new(auth, name, revocations.clone(), check);
            self.jobs.start(Job::continuous("revocations").quiet(), follow);
        }
        Ok(Guards {
            metrics: self.telemetry.metrics().clone(),
            spans: self.telemetry.spans(),
            authenticator: Authenticator::new(verifier, services).judging_by(revocations),
            shed: Shed::new(self.common.max_requests),
            timeouts: Timeouts::default(),
            trusted_proxies: self.common.trusted_proxies.clone(),
        })
    }

    /// Says in the metrics how old what is known of revocations is.
    fn observe_age(&self, revocations: &Revocations) {
        let revocations = revocations.clone();
        self.telemetry.metrics().observe_seconds(
            "mainstay.revocations.age",
            "How long ago everything that was revoked was known here",
            move || revocations.age(),
        );
    }

    /// Keeps the readiness check `name` true to a store, which `ping` asks whether it answers, until the shutdown.
    pub fn watch<F, E>(&self, name: &'static str, ping: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        let watch = Watch { check: self.readiness.check(name), ping };
        self.jobs.start(Job::every(name, PING_INTERVAL).at_once().quiet(), watch);
    }

    /// Binds the port for clients and the one for operators, so that a port in use is known before anything else happens.
    /// In development, one that nobody chose moves out of the way.
    pub fn bind(&self) -> Result<Ports, PortError> {
        let common = &self.common;
        let server = |listen| Server::bind(&self.listener(listen, common.tls.clone()));
        let operations = |at| Operations::bind(at, self.telemetry.metrics().clone(), self.readiness.clone());
        let clients = ports::open(Purpose::Clients, &common.listen, server)?;
        let operations = ports::open(Purpose::Operators, &common.operations_listen, operations)?;
        let redirect = common.redirect_http().cloned();
        let redirect = redirect.map(|at| {
            let plain = |at| Server::bind(&redirect::small(self.listener(at, None)));
            ports::open(Purpose::Redirect, &Listen { at, may_move: false }, plain)
        });
        let redirect = redirect.transpose()?;
        let moved = [
            ports::moved(Purpose::Clients, &common.listen, clients.address()),
            ports::moved(Purpose::Operators, &common.operations_listen, operations.address()),
        ];
        let moved: Vec<Moved> = moved.into_iter().flatten().collect();
        moved.iter().for_each(|moved| tracing::warn!("{moved}"));
        if let (Some(path), true) =
            (common.role.known_by(), moved.iter().any(|moved| moved.purpose == Purpose::Clients))
        {
            let url = common.url(clients.address());
            tracing::warn!(
                "nobody finds this service there by itself: give those who call it {}={url}",
                variable(path)
            );
        }
        Ok(Ports { clients, operations, redirect, moved })
    }

    /// The settings of a port for clients.
    fn listener(&self, listen: ListenAddress, tls: Option<TlsConfig>) -> ServerConfig {
        let common = &self.common;
        let hsts_seconds = |tls: &TlsConfig| if common.is_development() { 0 } else { tls.hsts_seconds };
        ServerConfig {
            listen,
            tls: tls.map(|tls| TlsConfig { hsts_seconds: hsts_seconds(&tls), ..tls }),
            max_connections: common.max_connections,
            max_connections_per_peer: common.max_connections_per_peer,
            trusted_proxies: common.trusted_proxies.clone(),
            proxy_protocol: common.proxy_protocol && common.role.faces_clients(),
            max_unsent_bytes: common.max_unsent_bytes,
            drain_seconds: common.drain_seconds,
            keep_alive_seconds: common.keep_alive_seconds,
            http2_idle_seconds: common.http2_idle_seconds,
        }
    }

    /// How long the process has been starting.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Serves a service in a process of its own. `publish` tells the command line where the process is and the operator's
    /// secret.
    pub async fn serve_alone<S>(
        self,
        ports: Ports,
        service: S,
        publish: impl FnOnce(String, SecretString) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let address = self.common.url(ports.clients.address());
        publish(address.clone(), self.operator.clone())?;
        tracing::info!(%address, "{} is ready", self.common.role.service_name());
        self.serve(ports, service).await
    }

    /// Serves until a signal, then drains, flushes telemetry and says how it went.
    pub async fn serve<S>(self, ports: Ports, service: S) -> Result<(), Failure>
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        systemd::ready(&format!("listening on {}", ports.clients.address()));
        let operations = tokio::spawn(ports.operations.serve(self.shutdown.clone()));
        let certificates = ports.clients.certificates().cloned();
        let redirecting = ports.redirect.zip(certificates.clone()).map(|(server, certificates)| {
            let port = ports.clients.address().port();
            let redirect = Redirect { certificates, public_url: self.common.public_url.clone(), port };
            tokio::spawn(server.serve(redirect, self.shutdown.clone()))
        });
        if let Some(certificates) = certificates.clone() {
            let ends = move || certificates.expiries().into_iter().map(certificate_end).collect();
            self.telemetry.metrics().observe_certificates(ends);
        }
        let follow = FollowCertificates::new(self.hangups, certificates);
        self.jobs.start(Job::continuous("certificates").quiet(), follow);
        let memory = || async {
            allocator::give_back();
            Ok::<_, Failure>(())
        };
        self.jobs.start(Job::every("memory", GIVE_BACK_INTERVAL).quiet(), memory);
        let Drained { cut } = ports.clients.serve(service, self.shutdown.clone()).await;
        systemd::stopping();
        if cut > 0 {
            tracing::warn!(connections = cut, "the time to drain was over; connections were cut");
        }
        let _ = operations.await;
        if let Some(redirecting) = redirecting {
            let _ = redirecting.await;
        }
        self.jobs.end().await;
        self.telemetry.shutdown().await;
        Ok(())
    }
}

/// What the metrics say of a certificate.
fn certificate_end(Expiry { name, file, not_after }: Expiry) -> CertificateEnd {
    CertificateEnd { name, file: file.display().to_string(), not_after }
}

/// Whether a store answers, for readiness. The check says why it does not.
struct Watch<P> {
    check: Check,
    ping: P,
}

impl<P, F, E> Work for Watch<P>
where
    P: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Failure> + Send + 'static,
{
    async fn round(&mut self) -> Result<(), Failure> {
        kept(&self.check, (self.ping)().await.map_err(Into::into))
    }
}

/// Fetches the keys of tokens before the first token comes, so that callers are known even if auth goes away soon. A
/// process that cannot tell who calls is not ready.
struct TokenKeys {
    verifier: Verifier,
    check: Check,
}

impl Work for TokenKeys {
    async fn round(&mut self) -> Result<(), Failure> {
        kept(&self.check, self.verifier.prefetch().await.map_err(Into::into))
    }
}

/// Keeps a check true to what was found out.
fn kept(check: &Check, found: Result<(), Failure>) -> Result<(), Failure> {
    match &found {
        Ok(()) => check.ready(),
        Err(error) => check.not_ready(&error.to_string()),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All processes read one file, and only one of them can have the port.
    #[test]
    fn plain_http_leads_to_https_where_clients_come() {
        for (role, comes) in [(Role::All, true), (Role::Gateway, true), (Role::Auth, false), (Role::Data, false)] {
            let redirect_http = "127.0.0.1:80".parse().ok();
            let tls = TlsConfig { redirect_http, ..TlsConfig::new("cert.pem", "key.pem") };
            let settings = Settings::<Other, Other, Other> { tls: Some(tls), ..Settings::default() };
            let (common, ..) = settings.split(role);
            assert_eq!(common.redirect_http().is_some(), comes, "{role:?}");
        }
    }
}
