//! Named places where a test can make the process die or stop.
//!
//! Always compiled and inert: one relaxed load each. A process arms them once at its start from its configuration
//! (the setting `failpoint`): `name=abort`, several separated by `;`. Tests in the same process may attach a function.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What happens at a failpoint; the text says where (for example the path of the store).
#[derive(Clone)]
pub enum Action {
    /// Ends the process at once, as `kill -9` would: nothing is flushed, no destructor runs.
    Abort,
    /// Panics.
    Panic,
    /// Calls the function.
    Call(Arc<dyn Fn(&str) + Send + Sync>),
}

/// The specification names an unknown action or has no `=`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failpoint `{0}`: write NAME=abort or NAME=panic, several separated by `;`")]
pub struct SpecError(String);

static ARMED: AtomicBool = AtomicBool::new(false);
static ACTIONS: LazyLock<Mutex<HashMap<String, Vec<Action>>>> = LazyLock::new(Mutex::default);

/// Arms the failpoints of a specification such as `data.apply.step=abort;db.group.committed=abort`.
pub fn arm(specification: &str) -> Result<(), SpecError> {
    for part in specification.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, action) = part.split_once('=').ok_or_else(|| SpecError(part.to_owned()))?;
        let action = match action.trim() {
            "abort" => Action::Abort,
            "panic" => Action::Panic,
            _ => return Err(SpecError(part.to_owned())),
        };
        attach(name.trim(), action);
    }
    Ok(())
}

/// Adds an action to a failpoint.
pub fn attach(name: &str, action: Action) {
    let mut actions = ACTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    actions.entry(name.to_owned()).or_default().push(action);
    ARMED.store(true, Ordering::Release);
}

/// Runs the actions of a failpoint; what [`failpoint!`](crate::failpoint!) expands to. Where it is, is said only where that is asked.
#[inline]
pub fn hit<'p>(name: &str, place: impl FnOnce() -> &'p str) {
    if ARMED.load(Ordering::Acquire) {
        run(name, place());
    }
}

#[cold]
fn run(name: &str, place: &str) {
    let actions = ACTIONS.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default();
    for action in actions {
        match action {
            Action::Abort => {
                eprintln!("failpoint {name}: aborting");
                std::process::abort();
            }
            Action::Panic => panic!("failpoint {name}"),
            Action::Call(function) => function(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_that_makes_no_sense_is_refused() {
        for specification in ["name", "name=explode", "a=abort;b"] {
            assert!(arm(specification).is_err(), "{specification}");
        }
        assert_eq!(arm(" ; "), Ok(()));
    }

    #[test]
    #[should_panic(expected = "failpoint tests.unit")]
    fn an_armed_failpoint_acts() {
        arm("tests.unit=panic").unwrap();
        hit("tests.unit", || "");
    }
}
