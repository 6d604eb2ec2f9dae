//! Panics as log lines.

use std::panic::PanicHookInfo;

/// Writes every panic of this process to the log, like anything else that a human must act on. The usual way writes plain
/// text between JSON lines, and names source files by where they were on the machine that built this binary.
pub(super) fn to_log() {
    std::panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|at| format!("{}:{}", source(at.file()), at.line())).unwrap_or_default();
    let text = panic.payload_as_str().unwrap_or("without a text");
    tracing::error!(%place, "a thread panicked: {text}");
}

/// A source file without what is before its package: the path in this workspace, in a dependency or in the standard library.
fn source(file: &str) -> &str {
    for folder in ["/registry/src/", "/git/checkouts/", "/rustc/"] {
        if let Some((_, rest)) = file.split_once(folder) {
            return rest.split_once('/').map_or(rest, |(_, inside)| inside);
        }
    }
    if file.starts_with('/') { file.rsplit('/').next().unwrap_or_default() } else { file }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_does_not_name_the_machine_that_built() {
        for (file, shown) in [
            ("crates/runtime/src/lib.rs", "crates/runtime/src/lib.rs"),
            ("/home/me/.cargo/registry/src/index.crates.io-0/h2-0.4.1/src/a.rs", "h2-0.4.1/src/a.rs"),
            ("/home/me/.cargo/git/checkouts/thing-0/1234/src/a.rs", "1234/src/a.rs"),
            ("/rustc/0123456789/library/core/src/option.rs", "library/core/src/option.rs"),
            ("/home/me/elsewhere/a.rs", "a.rs"),
        ] {
            assert_eq!(source(file), shown);
        }
    }
}
