//! `mainstay doctor`: looks a system over and changes nothing.

mod files;
mod finding;
mod machine;
mod postgres;
mod services;
mod settings;
mod stores;

use std::process::ExitCode;
use std::sync::OnceLock;

use mainstay_runtime::process::{self, Failure, Flags, Mode, Role};
use serde_json::json;

use crate::backup::System;
use crate::say::say;
use crate::serve::AllSettings;
use finding::{Findings, Level};

/// What the exit code says to a script: there is a problem. 1 says that nothing could be looked at.
const PROBLEM: u8 = 2;

/// Runs the command.
pub fn run(flags: &Flags, production: bool, pages: bool, json: bool) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, auth, data, gateway) = settings.split(Role::All);
    let log = std::mem::replace(&mut common.telemetry.log, "off".to_owned());
    // A process takes no more than there are descriptors for; what counts here is what was asked for.
    let max_connections = common.max_connections;
    let config = flags.config.clone();
    let ended = OnceLock::new();
    let status = process::run(common, env!("CARGO_PKG_VERSION"), async |process| {
        let mut common = process.common.clone();
        common.telemetry.log = log;
        common.max_connections = max_connections;
        let strict = production || common.mode == Mode::Production;
        let system = System { common, auth, data, gateway };
        let mut findings = Findings::default();
        settings::look(&system, config.as_deref(), (production, strict), &mut findings);
        files::look(&system, &mut findings);
        machine::look(&system, &mut findings);
        stores::look(&system, (strict, pages), &mut findings).await;
        services::look(&system, &mut findings).await;
        report(&findings, json);
        ended.get_or_init(
            || if findings.count(Level::Problem) > 0 { ExitCode::from(PROBLEM) } else { ExitCode::SUCCESS },
        );
        Ok::<(), Failure>(())
    });
    ended.into_inner().unwrap_or(status)
}

fn report(findings: &Findings, json: bool) {
    let counted = |level| findings.count(level);
    let (problems, warnings) = (counted(Level::Problem), counted(Level::Warning));
    if json {
        let ok = problems == 0;
        say!(
            "{}",
            json!({"ok": ok, "problems": problems, "warnings": warnings, "findings": findings.all(), "fine": findings.fine()})
        );
        return;
    }
    for finding in findings.all() {
        say!("{finding}");
    }
    for (place, what) in findings.fine() {
        say!("  fine       {place}: {what}");
    }
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (problems, warnings) {
        (0, 0) => say!("\n  nothing is wrong"),
        _ => say!("\n  {}, {}", plural(problems, "problem"), plural(warnings, "warning")),
    }
}
