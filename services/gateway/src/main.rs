//! The gateway as a process of its own; `mainstay serve gateway` is the same.

use std::process::ExitCode;

use mainstay_runtime::process::Flags;

fn main() -> ExitCode {
    mainstay_gateway::process::run(&Flags::parse())
}
