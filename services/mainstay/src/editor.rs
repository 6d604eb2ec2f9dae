//! `mainstay lsp`: serves a contract to an editor.

use std::path::PathBuf;
use std::process::ExitCode;

use mainstay_runtime::process;

/// Serves the editor at the other end of stdin and stdout, until it is done.
pub fn run(folder: Option<PathBuf>) -> ExitCode {
    // Answers are short; compiling happens beside them.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(mainstay_lsp::serve(tokio::io::stdin(), tokio::io::stdout(), folder));
            // A read of stdin that nobody answers any more must not hold the end up.
            runtime.shutdown_background();
            ExitCode::SUCCESS
        }
        Err(error) => process::failed(&error),
    }
}
