//! The one-process binary and the command line: composes the three services, owns no logic.

mod admin;
mod audit;
mod backup;
mod banner;
mod cli;
mod commands;
mod contract;
mod doctor;
mod editor;
mod explain;
mod init;
mod local;
mod rules;
mod say;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    commands::run(cli::Cli::parse())
}
