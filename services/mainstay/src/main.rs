//! The one-process binary and the command line: composes the three services, owns no logic.

mod admin;
mod banner;
mod cli;
mod contract;
mod explain;
mod init;
mod local;
mod say;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.command {
        cli::Command::Serve { role, seed } => serve::run(&cli.flags, role, seed),
        cli::Command::Init { name, dir } => init::run(&name, dir),
        cli::Command::Contract { command, reach } => contract::run(&cli.flags, &reach, command),
        cli::Command::Admin { command, reach } => admin::run(&cli.flags, reach, command),
    }
}
