//! A server comes first.

/// What is added to the priority of who copies, stretches and seals: it takes what a server on the same machine leaves over.
const NICENESS: i32 = 15;

/// Lowers the priority of this thread, and of those that it begins.
pub fn give_way() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a backup keeps normal priority");
    }
}
