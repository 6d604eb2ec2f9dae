//! What the threads of one store share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::answers::Dispatchers;
use super::gate::Gate;
use super::job::{HeavyTask, Task};
use super::place::Place;
use super::reader::{Generation, Reader};
use crate::condition::Condition;
use crate::config::Config;
use crate::counters::Tally;
use crate::error::Error;
use crate::queue::Queue;
use crate::turns::Turns;

/// The queues, the counters and the readers of one SQLite file.
pub(super) struct Shared {
    pub path: PathBuf,
    pub id: u64,
    /// Counts commits; a snapshot taken at an older count is old.
    pub commits: AtomicU64,
    /// Counts calls of `refresh`.
    pub generation: Generation,
    /// Above this a statement is too slow to run inline.
    pub inline_limit: Duration,
    pub tally: Tally,
    pub condition: Condition,
    pub place: Place,
    pub writes: Queue<Box<dyn Task>>,
    /// Who may put something into the queue of the heavy lane, in which therefore nothing waits for long.
    pub turns: Arc<Turns>,
    pub heavy: Queue<HeavyTask>,
    /// How long a statement of the heavy lane may run.
    pub statement_limit: Option<Duration>,
    /// Before the heavy lane.
    pub gate: Gate,
    pub dispatchers: Dispatchers,
    readers: Mutex<Vec<Weak<Mutex<Reader>>>>,
    closed: AtomicBool,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    /// The shared part of a store whose file has just been opened.
    pub fn new(path: &Path, config: &Config) -> Shared {
        Shared {
            path: path.to_owned(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            commits: AtomicU64::new(0),
            generation: Generation::default(),
            inline_limit: config.inline_limit(),
            tally: Tally::default(),
            condition: Condition::default(),
            place: Place::of(path),
            writes: Queue::new(config.write_queue.max(1)),
            turns: Turns::new(config.heavy_readers, config.heavy_queue),
            heavy: Queue::new(usize::MAX),
            statement_limit: config.statement_limit(),
            gate: Gate::default(),
            dispatchers: Dispatchers::default(),
            readers: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes no more work; what is queued is still done.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.writes.close();
        self.turns.close();
        self.heavy.close();
    }

    /// Takes note of what a statement failed with.
    pub fn note<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| self.condition.failed(error))
    }

    pub fn register(&self, reader: &Arc<Mutex<Reader>>) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(Arc::downgrade(reader));
        if self.closed.load(Ordering::Acquire) {
            Reader::close(reader);
        }
    }

    /// Ends the snapshots that a commit has made old. False where some reader was at work.
    pub fn end_stale_snapshots(&self) -> bool {
        let commits = self.commits.load(Ordering::Acquire);
        let mut all = true;
        for reader in self.alive_readers() {
            all &= Reader::end_if_stale(&reader, commits);
        }
        all
    }

    /// Ends the snapshots that nobody reads from now, old or not.
    pub fn end_idle_snapshots(&self) {
        for reader in self.alive_readers() {
            Reader::end_if_idle(&reader);
        }
    }

    pub fn close_readers(&self) {
        for reader in self.alive_readers() {
            Reader::close(&reader);
        }
    }

    fn alive_readers(&self) -> Vec<Arc<Mutex<Reader>>> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.iter().filter_map(Weak::upgrade).collect()
    }
}
