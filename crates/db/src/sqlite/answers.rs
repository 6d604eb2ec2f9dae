//! Answers that reach a runtime with one wake.
//!
//! Waking a task from another thread costs a system call each. A group's answers therefore go to one task of the
//! callers' runtime, which hands them out there.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id};
use tokio::sync::mpsc;

/// From how many answers on a runtime is woken once instead of for each. A few are faster sent directly.
const BUNDLE: usize = 4;

/// Something whose answer waits for its commit.
pub(super) trait Answered: Send {
    /// Sends the answer.
    fn answer(self: Box<Self>);
    /// Who wakes the caller; nobody where the answer is sent directly.
    fn dispatcher(&self) -> Option<&Dispatcher> {
        None
    }
}

/// The task of one runtime that hands out answers.
#[derive(Clone)]
pub(super) struct Dispatcher {
    runtime: Id,
    bundles: mpsc::UnboundedSender<Vec<Box<dyn Answered>>>,
}

/// The dispatchers of all runtimes that write to a store.
#[derive(Default)]
pub(super) struct Dispatchers {
    /// One for each: a handful at most.
    all: Mutex<Vec<Dispatcher>>,
}

impl Dispatchers {
    /// The current runtime's dispatcher; nothing outside of a runtime.
    pub fn here(&self) -> Option<Dispatcher> {
        let runtime = Handle::try_current().ok()?;
        let mut dispatchers = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dispatcher) = dispatchers.iter().find(|known| known.runtime == runtime.id())
            && !dispatcher.bundles.is_closed()
        {
            return Some(dispatcher.clone());
        }
        dispatchers.retain(|dispatcher| !dispatcher.bundles.is_closed());
        let (bundles, mut incoming) = mpsc::unbounded_channel::<Vec<Box<dyn Answered>>>();
        runtime.spawn(async move {
            while let Some(bundle) = incoming.recv().await {
                bundle.into_iter().for_each(Answered::answer);
            }
        });
        let dispatcher = Dispatcher { runtime: runtime.id(), bundles };
        dispatchers.push(dispatcher.clone());
        Some(dispatcher)
    }
}

/// Sends the results of a group.
pub(super) fn deliver(tasks: Vec<Box<dyn Answered>>) {
    if tasks.len() < BUNDLE {
        tasks.into_iter().for_each(Answered::answer);
        return;
    }
    let mut bundles: Vec<(Dispatcher, Vec<Box<dyn Answered>>)> = Vec::new();
    for task in tasks {
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
            refused.0.into_iter().for_each(Answered::answer);
        }
    }
}
