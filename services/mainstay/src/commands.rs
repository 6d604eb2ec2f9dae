//! What each command runs.

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::{admin, audit, backup, contract, doctor, editor, init, rules, serve};

/// Runs a command to its end.
pub fn run(cli: Cli) -> ExitCode {
    let flags = &cli.flags;
    match cli.command {
        Command::Serve { role, seed } => serve::run(flags, role, seed),
        Command::Init { name, dir } => init::run(&name, dir),
        Command::Contract { command, reach } => contract::run(flags, &reach, command),
        Command::Rules { command } => rules::run(flags, command),
        Command::Lsp { folder } => editor::run(folder),
        Command::Backup { target, only, seal, json } => backup::take(flags, target, only, seal, json),
        Command::Restore { file, verify, scratch, seal, json } => {
            backup::restore(flags, file, seal, (verify, scratch), json)
        }
        Command::Doctor { production, pages, json } => doctor::run(flags, production, pages, json),
        Command::Audit { command, reach } => audit::run(flags, reach, command),
        Command::Admin { command, reach } => admin::run(flags, reach, command),
    }
}
