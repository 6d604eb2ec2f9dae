//! What a start prints for people.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::contract::accept;
use crate::say::say;
use mainstay_data::FolderOutcome;
use mainstay_ledger::{Plan, Stage, Step};
use mainstay_runtime::process::Moved;

/// What the banner says.
pub struct Banner<'a> {
    pub age: Duration,
    pub address: SocketAddr,
    /// Ports that are elsewhere than usual.
    pub moved: &'a [Moved],
    pub tls: bool,
    pub contracts: Option<&'a Path>,
    pub resources: usize,
    pub folder: &'a Told,
    /// Whether there is a page that shows what is served.
    pub docs: bool,
    pub data_dir: &'a Path,
    pub engine: mainstay_db::Engine,
    /// The token that makes the first administrator.
    pub first_administrator: Option<String>,
}

impl Banner<'_> {
    /// Prints it.
    pub fn print(&self) {
        let scheme = if self.tls { "https" } else { "http" };
        say!("  mainstay {} is ready in {} ms", env!("CARGO_PKG_VERSION"), self.age.as_millis());
        say!("  gateway    {scheme}://{}      REST, gRPC, gRPC-Web, Connect and WebSockets on one port", self.address);
        if self.docs {
            say!("  docs       {scheme}://{}/docs", self.address);
        }
        say!("  contract   {}", self.contract());
        let store = match self.engine {
            mainstay_db::Engine::Sqlite => format!("{} (SQLite)", self.data_dir.display()),
            mainstay_db::Engine::Postgres => "PostgreSQL".to_owned(),
        };
        say!("  data       {store}");
        for moved in self.moved {
            say!("  note       {moved}");
        }
        if let Some(token) = &self.first_administrator {
            say!("  admin      nobody administers yet; the first one is made once, within a day, from this machine:");
            say!("             curl {scheme}://{}/auth/v1/accounts:createFirstAdministrator -d \\", self.address);
            say!("               '{{\"token\": \"{token}\", \"email\": \"…\", \"password\": \"…\"}}'");
        }
        self.folder.print();
    }

    fn contract(&self) -> String {
        let plural = if self.resources == 1 { "resource" } else { "resources" };
        match self.contracts {
            Some(folder) => format!("{} ({} {plural}, {})", folder.display(), self.resources, self.folder.short),
            None => format!("{} {plural} (no folder is watched; --contracts DIR names one)", self.resources),
        }
    }
}

/// What the command that accepts a step has to name.
pub struct Acceptance<'a> {
    pub folder: Option<&'a Path>,
    pub data_dir: &'a Path,
    pub config: Option<&'a Path>,
}

/// What became of the contract folder, in words: what it is in itself takes as much as all that is known of the contract.
pub struct Told {
    /// `applied`
    short: String,
    /// What there is to say beside that; nothing where all is well.
    more: String,
}

impl Told {
    /// Puts it into words.
    pub fn of(outcome: &FolderOutcome, accept: &Acceptance<'_>) -> Told {
        let more = match outcome {
            FolderOutcome::NoFolder | FolderOutcome::UpToDate | FolderOutcome::Differs => String::new(),
            FolderOutcome::Applied(plan) if plan.is_empty() => {
                "\n  contract applied: nothing to do in the database\n".to_owned()
            }
            FolderOutcome::Applied(plan) => format!("\n  contract applied:\n\n{}", indented(&plan.to_string())),
            FolderOutcome::Waiting(plan) => {
                let text = indented(&waiting(plan, accept));
                format!("\n  the contract waits; what was applied before is served:\n\n{text}")
            }
            FolderOutcome::Partly { applied, waiting: plan } => {
                let applied = indented(&applied.to_string());
                let waits = indented(&waiting(plan, accept));
                format!(
                    "\n  contract applied, but for what waits:\n\n{applied}\n  this waits; it is served as it was:\n\n{waits}"
                )
            }
            FolderOutcome::Invalid(diagnostics) => {
                format!("\n  the contract has problems; what was applied before is served:\n\n{diagnostics}")
            }
        };
        Told { short: outcome.to_string(), more }
    }

    /// Prints what there is to say beside that all is well.
    pub fn print(&self) {
        if !self.more.is_empty() {
            say!("{}", self.more);
        }
    }
}

/// A folder that is followed: who has mended what was told of it wants to know that, though there is nothing to do.
#[derive(Debug, Default)]
pub struct Followed {
    was_held_up: AtomicBool,
}

impl Followed {
    /// Prints what a change of the folder came to.
    pub fn tell(&self, outcome: &FolderOutcome, accept: &Acceptance<'_>) {
        let is_held_up =
            matches!(outcome, FolderOutcome::Invalid(_) | FolderOutcome::Waiting(_) | FolderOutcome::Partly { .. });
        if self.was_held_up.swap(is_held_up, Ordering::Relaxed) && matches!(outcome, FolderOutcome::UpToDate) {
            say!("\n  the contract is what is served again\n");
        }
        Told::of(outcome, accept).print();
    }
}

/// The steps that hold a plan up, and the command that accepts them.
fn waiting(plan: &Plan, accept: &Acceptance<'_>) -> String {
    let refused: Vec<&Step> = plan.refused().collect();
    let waiting: Vec<&Step> = plan.waiting(&[], Stage::Development).collect();
    let ids: Vec<String> = waiting.iter().map(|step| step.id()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let steps: Vec<String> = waiting.iter().chain(&refused).map(ToString::to_string).collect();
    let command = accept.folder.map(|folder| accept::for_folder(folder, accept.data_dir, accept.config, &ids));
    let hint = command.map(|command| accept::hint(&command, ids.len(), !refused.is_empty()));
    format!("{}{}\n", steps.join("\n").trim_end(), hint.unwrap_or_default())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}
