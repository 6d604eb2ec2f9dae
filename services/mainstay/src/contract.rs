//! `mainstay contract`: check, plan, apply, diff, export, explain.

pub mod accept;
mod diff;
mod export;
mod plan;
mod side;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mainstay_contract::Diagnostics;
use mainstay_data::start;
use mainstay_runtime::process::{self, Failure, Flags, Role};

pub use self::plan::load;
use self::plan::{System, Wish};
use crate::cli::{ContractCommand, Reach};
use crate::explain;
use crate::say::say;
use crate::serve::AllSettings;

/// Runs the command.
pub fn run(flags: &Flags, reach: &Reach, command: ContractCommand) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (mut common, _, data, _) = settings.split(Role::All);
    common.telemetry.log = "warn".to_owned();
    let configured = common.contracts.clone();
    let folder = |given: Option<PathBuf>| given.or_else(|| configured.clone()).ok_or_else(no_folder);
    let outcome = match command {
        ContractCommand::Check { folder: given, json } => folder(given).map(|folder| check(&folder, json)),
        ContractCommand::Export { folder: given, out } => {
            folder(given).and_then(|folder| export::export(&load(&folder)?, &folder, &out))
        }
        ContractCommand::Explain { what, folder: given, database } => folder(given)
            .and_then(|folder| explain::print(&load(&folder)?, &what, database.as_deref()))
            .map(|()| ExitCode::SUCCESS),
        ContractCommand::Plan { folder: given, purge, json } => {
            folder(given).map(|folder| plan::plan(System { common, reach: reach.clone(), data }, folder, purge, json))
        }
        ContractCommand::Diff { before, after, json } => {
            let sides = diff::Sides { before, after };
            Ok(diff::run(System { common, reach: reach.clone(), data }, sides, configured.clone(), json))
        }
        ContractCommand::Apply { folder: given, plan_hash, accept, purge, json } => folder(given).map(|folder| {
            let wish = Wish { plan_hash, accept, purge, json };
            plan::apply(System { common, reach: reach.clone(), data }, folder, wish)
        }),
    };
    outcome.unwrap_or_else(|error| process::failed(error.as_ref()))
}

fn no_folder() -> Failure {
    "no contract folder: name one, or set `contracts` in the configuration".into()
}

/// Compiles and prints what is found. Warnings alone are a success.
fn check(folder: &Path, json: bool) -> ExitCode {
    let (found, errors) = match start::read(folder) {
        Ok(contract) => (Diagnostics(contract.model.warnings), false),
        Err(diagnostics) => (diagnostics, true),
    };
    if json {
        say!("{}", serde_json::json!({"ok": !errors, "diagnostics": found}));
    } else {
        if !found.0.is_empty() {
            say!("{found}");
        }
        if !errors {
            say!("{} is a valid contract", folder.display());
        }
    }
    if errors { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
