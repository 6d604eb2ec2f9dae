//! `mainstay contract diff`: what one contract says otherwise than another.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mainstay_data::step_message;
use mainstay_ledger::{Diff, diff};
use mainstay_runtime::process::Failure;

use super::plan::{System, WAITS, on_system, step_json};
use super::side::Side;
use crate::say::say;

/// What is compared: `before` with `after`, or with the configured folder.
pub struct Sides {
    pub before: String,
    pub after: Option<String>,
}

/// Runs the command to its end. `configured` is the folder of the configuration.
pub fn run(system: System, sides: Sides, configured: Option<PathBuf>, json: bool) -> ExitCode {
    on_system(system, move |system| async move {
        let (before, after) = parse(&sides, configured)?;
        let found = diff(&before.contract(&system).await?, &after.contract(&system).await?)?;
        if json {
            say!("{}", as_json(&found));
        } else {
            say!("{}", found.to_string().trim_end_matches('\n'));
        }
        let breaks = found.breaking().next().is_some();
        Ok(if breaks { ExitCode::from(WAITS) } else { ExitCode::SUCCESS })
    })
}

fn parse(sides: &Sides, configured: Option<PathBuf>) -> Result<(Side, Side), Failure> {
    let folder = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_dir());
    let Some(after) = &sides.after else {
        let configured =
            configured.ok_or("nothing to compare with: name a second side, or set `contracts` in the configuration")?;
        return Ok((Side::parse(&sides.before, Some(&configured))?, Side::Folder(configured)));
    };
    let other = |text: &str| folder(text).or_else(|| configured.clone());
    let before = Side::parse(&sides.before, other(after).as_deref().map(Path::new))?;
    Ok((before, Side::parse(after, other(&sides.before).as_deref())?))
}

fn as_json(diff: &Diff) -> serde_json::Value {
    let differences = diff.steps.iter().map(|step| {
        let mut difference = step_json(&step_message(step));
        difference["breaking"] = step.breaks().into();
        difference
    });
    serde_json::json!({"breaking": diff.breaking().count(), "differences": differences.collect::<Vec<_>>()})
}
