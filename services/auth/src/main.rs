//! The auth service as a process of its own; `mainstay serve auth` is the same.

use std::process::ExitCode;

use mainstay_runtime::process::Flags;

fn main() -> ExitCode {
    mainstay_auth::process::run(&Flags::parse())
}
