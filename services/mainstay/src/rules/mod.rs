//! `mainstay rules test FILE…`: calls by invented callers on invented rows, and what has to become of them.
//!
//! The calls go through a data service of their own, on a store that is thrown away: what is tried is what will decide.

mod file;
mod play;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mainstay_contract::Contract;
use mainstay_runtime::process::{self, Failure, Flags, Role};
use serde_json::json;

use self::file::File;
use self::play::play;
use self::stage::Stage;
use crate::cli::RulesCommand;
use crate::contract::load;
use crate::say::say;
use crate::serve::AllSettings;

/// Runs the command.
pub fn run(flags: &Flags, command: RulesCommand) -> ExitCode {
    let settings: AllSettings = match flags.load() {
        Ok(settings) => settings,
        Err(problems) => return process::failed(&problems),
    };
    let (common, ..) = settings.split(Role::All);
    let RulesCommand::Test { files, json } = command;
    let Some(folder) = common.contracts else { return process::failed(&*no_folder()) };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(test(&folder, &files, json)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => process::failed(error.as_ref()),
    }
}

fn no_folder() -> Failure {
    "no contract folder: name one with --contracts, or set `contracts` in the configuration".into()
}

/// What became of one test.
struct Outcome {
    line: u64,
    says: String,
    problem: Option<String>,
}

/// Says whether all tests passed.
async fn test(folder: &Path, files: &[PathBuf], as_json: bool) -> Result<bool, Failure> {
    let mut all = Vec::new();
    for path in files {
        let file = File::read(path)?;
        let outcomes =
            outcomes(load(folder)?, folder, &file).await.map_err(|error| format!("{}: {error}", path.display()))?;
        if !as_json {
            print(path, &outcomes);
        }
        all.push((path, outcomes));
    }
    let count =
        |failed: bool| all.iter().flat_map(|(_, tests)| tests).filter(|test| test.problem.is_some() == failed).count();
    let (passed, failed) = (count(false), count(true));
    if as_json {
        let tests: Vec<_> = all
            .iter()
            .flat_map(|(path, tests)| tests.iter().map(move |test| (path, test)))
            .map(|(path, test)| {
                json!({"file": path, "line": test.line, "says": test.says, "ok": test.problem.is_none(), "problem": test.problem})
            })
            .collect();
        say!("{}", json!({"ok": failed == 0, "passed": passed, "failed": failed, "tests": tests}));
    } else {
        say!("{passed} passed, {failed} failed");
    }
    Ok(failed == 0)
}

async fn outcomes(contract: Contract, folder: &Path, file: &File) -> Result<Vec<Outcome>, Failure> {
    let stage = Stage::set(contract, folder, file).await?;
    let mut outcomes = Vec::with_capacity(file.tests.len());
    for test in &file.tests {
        let line = test.referenced.line();
        let problem = play(&stage, file, &test.value).await.err();
        let says = test.value.says.clone().unwrap_or_else(|| format!("the test in line {line}"));
        outcomes.push(Outcome { line, says, problem });
    }
    stage.clear().await;
    Ok(outcomes)
}

fn print(path: &Path, outcomes: &[Outcome]) {
    say!("{}", path.display());
    for Outcome { line, says, problem } in outcomes {
        match problem {
            None => say!("  ok      {says}"),
            Some(problem) => say!("  FAILED  {says} (line {line})\n          {problem}"),
        }
    }
}
