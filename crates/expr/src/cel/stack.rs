//! A stack for rules that are nested as deep as the limits let them be: the parser takes tens of kilobytes for each level,
//! and whoever compiles a contract may have no more than two megabytes.

use crate::problem::{Problem, ProblemKind};

/// How deep a rule is nested that any thread has room for.
const SHALLOW: usize = 4;
const STACK_BYTES: usize = 32 << 20;

/// Compiles something that is nested so deep, where there is room for it.
pub(super) fn with_room<T: Send>(
    nesting: usize,
    compile: impl FnOnce() -> Result<T, Vec<Problem>> + Send,
) -> Result<T, Vec<Problem>> {
    if nesting <= SHALLOW {
        return compile();
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("rule".to_owned()).stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, compile).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(compiled)) => compiled,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => {
                let message = "there is no memory for a rule that is nested so deep";
                Err(vec![Problem::new(0..0, ProblemKind::Limit, message)])
            }
        }
    })
}
