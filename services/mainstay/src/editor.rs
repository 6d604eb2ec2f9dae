//! `mainstay lsp`: serves a contract to an editor.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;

use mainstay_runtime::process::{self, Failure};
use tokio::fs::File;

/// Serves the editor at the other end of stdin and stdout, until it is done.
pub fn run(folder: Option<PathBuf>) -> ExitCode {
    match serve(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => process::failed(error.as_ref()),
    }
}

fn serve(folder: Option<PathBuf>) -> Result<(), Failure> {
    let (input, output) = (pipe(&io::stdin())?, pipe(&io::stdout())?);
    // Answers are short; compiling happens beside them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(mainstay_lsp::serve(input, output, folder));
    // A read of stdin that nobody answers any more must not hold the end up.
    runtime.shutdown_background();
    Ok(())
}

/// The pipe itself: what std and tokio lay between would hold back what was written of it.
fn pipe(of: &impl AsFd) -> io::Result<File> {
    let own: OwnedFd = of.as_fd().try_clone_to_owned()?;
    Ok(File::from_std(own.into()))
}
