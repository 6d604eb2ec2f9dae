//! What the values of the settings have to be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use mainstay_identity::{OPERATOR, ServiceKeys};
use mainstay_keys::{KEY_BYTES, KeyEncryptionKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Common, Mode, Other, Role};
use crate::channel::RemoteConfig;
use crate::config::{Problem, variable};
use crate::server::MAX_KEEP_ALIVE;

/// Largest numbers of connections and of requests that can be configured: more than any machine has room for.
pub const MAX_PLACES: usize = 1 << 20;

/// Least room for answers that have not left that can be configured: twice the largest message that is read from a service.
pub const MIN_UNSENT_BYTES: usize = 32 << 20;

/// Longest time that can be configured between the word to end and the end of the ports.
pub const MAX_DRAIN_DELAY: Duration = Duration::from_secs(60 * 60);

/// Least age of what is known of revocations after which callers can be refused: so long it takes to be heard everywhere.
pub const LEAST_REVOCATION_AGE: Duration = Duration::from_secs(5);

/// Most worker threads that can be configured.
pub const MAX_WORKERS: usize = 1_024;

/// The service account that the gateway asks the data service as.
const GATEWAY_ACCOUNT: &str = "gateway";

/// A service's section of the configuration.
pub trait Section {
    /// Lists what is wrong with the values, each with its whole path, what it has to be and, where that is not obvious,
    /// what to do.
    fn check(&self, common: &Common) -> Vec<Problem>;
}

impl Section for Other {
    fn check(&self, _: &Common) -> Vec<Problem> {
        Vec::new()
    }
}

impl Role {
    /// The services that are elsewhere and have to be reached, each with what for.
    fn needs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::All | Role::Auth => &[],
            Role::Data => &[("auth", "the data service fetches the keys of access tokens there")],
            Role::Gateway => &[
                ("auth", "the gateway passes calls of the auth service on"),
                ("data", "the gateway passes calls of the data service on, and learns the contract there"),
            ],
        }
    }
}

impl Common {
    /// Finds where another service is. Fails where nothing says so.
    pub fn remote(&self, service: &str) -> Result<&RemoteConfig, Problem> {
        let remote = match service {
            "auth" => self.services.auth.as_ref(),
            "data" => self.services.data.as_ref(),
            _ => None,
        };
        remote.ok_or_else(|| {
            let path = format!("services.{service}.url");
            let why = self.role.needs().iter().find(|(name, _)| *name == service).map_or("", |(_, why)| why);
            let help = format!("set {}=http://host:port", variable(&path));
            Problem::new(path, format!("must be set: {why}")).help(help)
        })
    }

    /// Checks the key that seals a service's other keys: 32 bytes in base64, which production does not make up.
    pub fn check_key(&self, path: &str, key: Option<&SecretString>) -> Option<Problem> {
        let make = format!("make one with `openssl rand -base64 {KEY_BYTES}`");
        match key {
            Some(key) if KeyEncryptionKey::from_base64(key.expose_secret()).is_ok() => None,
            Some(_) => Some(Problem::new(path, format!("is not {KEY_BYTES} bytes in base64")).help(make)),
            None if self.mode == Mode::Development => None,
            None => {
                let help = format!("{make}, set {} to it, and give all replicas the same", variable(path));
                Some(Problem::new(path, "must be set in production: it seals the keys in the database").help(help))
            }
        }
    }

    /// Lists what is wrong with the settings that every role has.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_numbers(&mut problems);
        self.check_keep_alive(&mut problems);
        for (path, text) in [("tokens.issuer", &self.tokens.issuer), ("tokens.audience", &self.tokens.audience)] {
            if text.trim().is_empty() {
                problems.push(Problem::new(path, "must not be empty: tokens of other systems have to be told apart"));
            }
        }
        if self.max_revocation_age().is_some_and(|age| age < LEAST_REVOCATION_AGE) {
            let what = format!("must be at least {}", LEAST_REVOCATION_AGE.as_secs());
            let help =
                "what was revoked is heard within that time when all is well; remove it to let nobody wait for auth";
            problems.push(Problem::new("tokens.max_revocation_age_seconds", what).help(help));
        }
        if let Some(url) = self.public_url.as_ref().filter(|url| self.mode == Mode::Production && !url.is_private()) {
            let what =
                format!("is {url}, and `mode` is production: links with secrets in them would be read on their way");
            problems.push(Problem::new("public_url", what).help("begin it with https://"));
        }
        let telemetry = self.telemetry.problems().into_iter();
        problems.extend(telemetry.map(|(path, remedy)| Problem::new(format!("telemetry.{path}"), remedy)));
        if self.failpoint.is_some() && self.mode == Mode::Production {
            let problem = Problem::new("failpoint", "makes the process die on purpose, and `mode` is production");
            problems.push(problem.help("remove it"));
        }
        self.check_edge(&mut problems);
        self.check_services(&mut problems);
        problems
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let workers = self.workers.map_or(1, std::num::NonZeroUsize::get);
        for (path, number, most) in [
            ("max_connections", self.max_connections, MAX_PLACES),
            ("max_connections_per_peer", self.max_connections_per_peer, MAX_PLACES),
            ("max_requests", self.max_requests, MAX_PLACES),
            ("workers", workers, MAX_WORKERS),
        ] {
            if !(1..=most).contains(&number) {
                problems.push(Problem::new(path, format!("must be 1 to {most}")));
            }
        }
        if self.max_unsent_bytes < MIN_UNSENT_BYTES {
            let what = format!("must be at least {MIN_UNSENT_BYTES}");
            let help = "an answer that is larger than half of it would never have room; the usual is 134217728";
            problems.push(Problem::new("max_unsent_bytes", what).help(help));
        }
        if self.drain_delay_seconds > MAX_DRAIN_DELAY.as_secs() {
            problems.push(Problem::new("drain_delay_seconds", format!("must be 0 to {}", MAX_DRAIN_DELAY.as_secs())));
        }
    }

    fn check_keep_alive(&self, problems: &mut Vec<Problem>) {
        let most = MAX_KEEP_ALIVE.as_secs();
        for (path, seconds) in
            [("keep_alive_seconds", self.keep_alive_seconds), ("http2_idle_seconds", self.http2_idle_seconds)]
        {
            if !(1..=most).contains(&seconds) {
                let problem = Problem::new(path, format!("must be 1 to {most}"));
                let usual = if path == "keep_alive_seconds" { 75 } else { 600 };
                let help =
                    format!("choose more than the idle timeout of a load balancer in front; the usual is {usual}");
                problems.push(problem.help(help));
            }
        }
    }

    /// What stands between a client and the first byte of a request.
    fn check_edge(&self, problems: &mut Vec<Problem>) {
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            let what = "is on, and `trusted_proxies` names nobody: it is read from nobody else";
            let help = "set trusted_proxies to the addresses or networks of the proxies in front";
            problems.push(Problem::new("proxy_protocol", what).help(help));
        }
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        if self.proxy_protocol && own.into_iter().any(|own| self.trusted_proxies.contains(own)) {
            let what = "is on, and `trusted_proxies` names this machine: its own commands would have to speak it";
            let help = "let a proxy on this machine connect from another of its addresses, or use proxy_header";
            problems.push(Problem::new("proxy_protocol", what).help(help));
        }
        let Some(tls) = &self.tls else { return };
        problems.extend(tls.problems().into_iter().map(|(path, error)| Problem::of(path, &error)));
        if tls.client_auth.is_some() && tls.client_ca_file.is_none() {
            let what = "needs tls.client_ca_file: without authorities no certificate of a client is good";
            problems.push(Problem::new("tls.client_auth", what).help("set tls.client_ca_file, or remove it"));
        }
    }

    fn check_services(&self, problems: &mut Vec<Problem>) {
        for (service, _) in self.role.needs() {
            match self.remote(service) {
                Ok(remote) => problems.extend(
                    remote
                        .check()
                        .err()
                        .map(|error| Problem::of(format!("services.{service}.{}", error.field()), &error)),
                ),
                Err(problem) => problems.push(problem),
            }
        }
        for (name, secret) in &self.services.keys {
            let path = format!("services.keys.{name}");
            if name == OPERATOR {
                problems.push(Problem::new(path, "is made anew at each start and cannot be set").help("remove it"));
            } else if let Err(error) = ServiceKeys::new([(name.clone(), secret.clone())]) {
                problems.push(Problem::of(path, &error).help("make one with `openssl rand -hex 32`"));
            }
        }
        let calls = matches!(self.role, Role::Gateway | Role::Data);
        if calls && self.mode == Mode::Production && !self.services.keys.contains_key(GATEWAY_ACCOUNT) {
            let path = format!("services.keys.{GATEWAY_ACCOUNT}");
            let help = format!("make one with `openssl rand -hex 32` and set {} to it in both", variable(&path));
            let why = "must be set in production: the gateway proves with it to the data service who it is";
            problems.push(Problem::new(path, why).help(help));
        }
    }
}
