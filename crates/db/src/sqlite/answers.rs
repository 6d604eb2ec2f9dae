//! Answers that reach a runtime with one wake.
//!
//! Waking a task from another thread costs a system call each. A group's answers therefore go to one task of the
//! callers' runtime, which hands them out there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id};
use tokio::sync::mpsc;

use super::job::Task;

/// From how many answers on a runtime is woken once instead of for each. A few are faster sent directly.
const BUNDLE: usize = 4;

/// The task of one runtime that hands out answers.
#[derive(Clone)]
pub(super) struct Dispatcher {
    runtime: Id,
    bundles: mpsc::UnboundedSender<Vec<Box<dyn Task>>>,
}

/// The dispatchers of all runtimes that write to a store.
#[derive(Default)]
pub(super) struct Dispatchers {
    by_runtime: Mutex<HashMap<Id, Dispatcher>>,
}

impl Dispatchers {
    /// The current runtime's dispatcher; nothing outside of a runtime.
    pub fn here(&self) -> Option<Dispatcher> {
        let runtime = Handle::try_current().ok()?;
        let mut dispatchers = self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dispatcher) = dispatchers.get(&runtime.id())
            && !dispatcher.bundles.is_closed()
        {
            return Some(dispatcher.clone());
        }
        dispatchers.retain(|_, dispatcher| !dispatcher.bundles.is_closed());
        let (bundles, mut incoming) = mpsc::unbounded_channel::<Vec<Box<dyn Task>>>();
        runtime.spawn(async move {
            while let Some(bundle) = incoming.recv().await {
                bundle.into_iter().for_each(Task::answer);
            }
        });
        let dispatcher = Dispatcher { runtime: runtime.id(), bundles };
        dispatchers.insert(runtime.id(), dispatcher.clone());
        Some(dispatcher)
    }
}

/// Sends the results of a group.
pub(super) fn deliver(tasks: &mut Vec<Box<dyn Task>>) {
    if tasks.len() < BUNDLE {
        tasks.drain(..).for_each(Task::answer);
        return;
    }
    let mut bundles: Vec<(Dispatcher, Vec<Box<dyn Task>>)> = Vec::new();
    for task in tasks.drain(..) {
        let Some(dispatcher) = task.dispatcher() else {
            task.answer();
            continue;
        };
        match bundles.iter_mut().find(|(other, _)| other.runtime == dispatcher.runtime) {
            Some((_, bundle)) => bundle.push(task),
            None => bundles.push((dispatcher.clone(), vec![task])),
        }
    }
    for (dispatcher, bundle) in bundles {
        if let Err(refused) = dispatcher.bundles.send(bundle) {
            refused.0.into_iter().for_each(Task::answer);
        }
    }
}
