//! What a start prints for people.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::say::say;
use mainstay_data::FolderOutcome;

/// What the banner says.
pub struct Banner<'a> {
    pub age: Duration,
    pub address: SocketAddr,
    pub tls: bool,
    pub contracts: Option<&'a Path>,
    pub resources: usize,
    pub outcome: &'a FolderOutcome,
    pub data_dir: &'a Path,
    pub engine: mainstay_db::Engine,
}

impl Banner<'_> {
    /// Prints it.
    pub fn print(&self) {
        let scheme = if self.tls { "https" } else { "http" };
        say!("  mainstay {} is ready in {} ms", env!("CARGO_PKG_VERSION"), self.age.as_millis());
        say!("  gateway    {scheme}://{}      REST and gRPC on one port", self.address);
        say!("  contract   {}", self.contract());
        let store = match self.engine {
            mainstay_db::Engine::Sqlite => format!("{} (SQLite)", self.data_dir.display()),
            mainstay_db::Engine::Postgres => "PostgreSQL".to_owned(),
        };
        say!("  data       {store}");
        report(self.outcome);
    }

    fn contract(&self) -> String {
        let plural = if self.resources == 1 { "resource" } else { "resources" };
        match self.contracts {
            Some(folder) => format!("{} ({} {plural}, {})", folder.display(), self.resources, self.outcome),
            None => format!("{} {plural} (no folder is watched; --contracts DIR names one)", self.resources),
        }
    }
}

/// Prints what became of the contract folder, where there is more to say than that all is well.
pub fn report(outcome: &FolderOutcome) {
    match outcome {
        FolderOutcome::NoFolder | FolderOutcome::UpToDate | FolderOutcome::Differs => {}
        FolderOutcome::Applied(plan) if plan.is_empty() => {
            say!("\n  contract applied: nothing to do in the database\n");
        }
        FolderOutcome::Applied(plan) => say!("\n  contract applied:\n\n{}", indented(&plan.to_string())),
        FolderOutcome::Waiting(plan) => {
            say!("\n  the contract waits; what was applied before is served:\n\n{}", indented(&plan.to_string()));
        }
        FolderOutcome::Invalid(diagnostics) => {
            say!("\n  the contract has problems; what was applied before is served:\n\n{diagnostics}");
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}
