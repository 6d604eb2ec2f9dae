//! The data service as a process of its own; `mainstay serve data` is the same.

use std::process::ExitCode;

use mainstay_runtime::process::Flags;

fn main() -> ExitCode {
    mainstay_data::process::run(&Flags::parse())
}
