//! Settings: what a start would refuse, and what production must not have.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mainstay_db::server;
use mainstay_runtime::process::{Mode, Section as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::finding::{Findings, Level};
use crate::backup::System;

/// What the password storage cheat sheet of OWASP asks for at least, in KiB times passes.
const HASHING: u64 = 19_456 * 2;

/// What stands in a line of a file that holds a secret.
const SECRETS: [&str; 5] = ["key_encryption_key", "database_url", "services.keys", "redis://", "rediss://"];

/// Looks at the settings, as those of a production system where they have to be.
pub fn look(system: &System, file: Option<&Path>, (production, strict): (bool, bool), findings: &mut Findings) {
    let before = findings.all().len();
    refused(system, production, findings);
    let unsafe_level = if strict { Level::Problem } else { Level::Note };
    if production && system.common.mode == Mode::Development {
        let what = "is development: keys are made up, contracts are applied by themselves, safe steps run unasked";
        findings.add(Level::Problem, "mode", what, "set MAINSTAY__MODE=production");
    }
    network(system, findings);
    secrets(system, file, unsafe_level, findings);
    tokens(system, unsafe_level, findings);
    if findings.all().len() == before {
        findings.looked("settings", if strict { "as production wants them" } else { "nothing to say" });
    }
}

/// What a server would say at its start, all services in one.
fn refused(system: &System, production: bool, findings: &mut Findings) {
    let mut common = system.common.clone();
    if production {
        common.mode = Mode::Production;
    }
    let sections = [system.auth.check(&common), system.data.check(&common), system.gateway.check(&common)];
    for problem in common.check().into_iter().chain(sections.into_iter().flatten()) {
        findings.add(
            Level::Problem,
            problem.path,
            problem.message,
            problem.help.unwrap_or_else(|| "change it".to_owned()),
        );
    }
}

fn network(system: &System, findings: &mut Findings) {
    let common = &system.common;
    let is_open =
        |listen: &mainstay_runtime::process::Listen| listen.at.addresses().iter().any(|at| !at.ip().is_loopback());
    if is_open(&common.listen) && common.tls.is_none() {
        let what = "is reached from other machines without TLS: passwords and tokens cross the network in the clear";
        let remedy = "set tls.cert_file and tls.key_file, or listen on 127.0.0.1 behind a proxy that speaks TLS";
        // Behind a proxy in a private network it is how it is done, and nobody can see that from here.
        findings.add(Level::Warning, "listen", what, remedy);
    }
    if is_open(&common.operations_listen) {
        let what = "is reached from other machines: metrics and probes are for operators, and ask for no password";
        findings.add(
            Level::Warning,
            "operations_listen",
            what,
            "listen on 127.0.0.1, or in a network of the operators' own",
        );
    }
}

/// Secrets that others can read, or guess.
fn secrets(system: &System, file: Option<&Path>, level: Level, findings: &mut Findings) {
    let databases = [
        ("auth.database_url", &system.auth.database_url),
        ("data.database_url", &system.data.database_url),
        ("gateway.database_url", &system.gateway.database_url),
    ];
    for (setting, url) in databases {
        if let Some(url) = url {
            database(setting, url, level, findings);
        }
    }
    if system.gateway.limits.redis.url.as_ref().is_some_and(is_open_redis) {
        let what = "goes over the network as it is: its password, and who calls";
        findings.add(Level::Warning, "gateway.limits.redis.url", what, "let the Redis speak TLS, and write rediss://");
    }
    let holds_secrets = |text: &str| SECRETS.iter().any(|word| text.contains(word));
    let Some(file) = file else { return };
    let (Ok(metadata), Ok(text)) = (fs::metadata(file), fs::read_to_string(file)) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && text.lines().any(|line| !line.trim_start().starts_with('#') && holds_secrets(line)) {
        let what = format!("holds secrets, and others may read it (mode {mode:04o})");
        findings.add(
            level.min(Level::Warning),
            file.display().to_string(),
            what,
            format!("chmod 600 {}", file.display()),
        );
    }
}

/// Whether a Redis on another machine is spoken to without TLS.
fn is_open_redis(url: &SecretString) -> bool {
    let Some(rest) = url.expose_secret().strip_prefix("redis://") else { return false };
    let place = rest.split('/').next().unwrap_or_default();
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    !["localhost", "127.0.0.1", "[::1]"].iter().any(|own| host == *own || host.starts_with(&format!("{own}:")))
}

fn database(setting: &str, url: &SecretString, level: Level, findings: &mut Findings) {
    let place = match server::place(url) {
        Ok(place) => place,
        Err(error) => {
            return findings.add(
                Level::Problem,
                setting,
                error.to_string(),
                "write postgres://user:password@host/database",
            );
        }
    };
    if place.password_is_known {
        findings.add(level, setting, "has a password that everybody knows", "make one with `openssl rand -hex 24`");
    }
    if !place.is_here && !place.is_verified {
        let what = format!("leads to {}, which does not have to prove who it is", place.address);
        findings.add(
            level.min(Level::Warning),
            setting,
            what,
            "add ?sslmode=verify-full (and sslrootcert=FILE for an authority of your own)",
        );
    }
}

fn tokens(system: &System, level: Level, findings: &mut Findings) {
    if system.common.tokens.issuer == "mainstay" {
        let remedy = "set it to the public URL, and gateways and services that verify tokens alike";
        findings.add(level, "tokens.issuer", "is what every installation has that nobody has named", remedy);
    }
    let hashing = &system.auth.password_hashing;
    if u64::from(hashing.memory_kib) * u64::from(hashing.iterations) < HASHING {
        let what = format!(
            "is {} KiB and {} passes: stolen hashes are guessed too fast",
            hashing.memory_kib, hashing.iterations
        );
        findings.add(level, "auth.password_hashing", what, "remove it: the default is 19456 KiB and 2 passes");
    }
    let log = &system.common.telemetry.log;
    if ["debug", "trace"].iter().any(|word| log.split(',').any(|part| part.trim() == *word)) {
        findings.add(
            level.max(Level::Warning),
            "telemetry.log",
            format!("is {log}: logs grow fast"),
            "set it to info, and name the parts that should say more",
        );
    }
}
