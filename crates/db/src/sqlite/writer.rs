//! The thread that writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, Connection, SimpleConnection};
use diesel::sqlite::SqliteConnection;

use super::answers::{self, Answered};
use super::group;
use super::job::Task;
use super::log::{LOOK_AGAIN, Log};
use super::shared::Shared;
use super::verbs::ROLLBACK;
use crate::conn::Promise;
use crate::counters::count;
use crate::error::Error;
use crate::queue::Waited;

/// How many callers share one commit at most. More gain nothing and make the first one wait.
pub(super) const GROUP: usize = 256;

/// How long a reader may keep a snapshot that a commit has made old. A thread that reads no more would otherwise keep
/// the write-ahead log from being reused.
const STALE_SNAPSHOT: Duration = Duration::from_millis(100);

/// Takes what is queued, never waits for more, and stores it, until the queue is closed.
pub(super) fn run(mut link: SqliteConnection, mut log: Log, shared: &Arc<Shared>) {
    let _open = OpenAtLast(shared);
    let mut tasks: Vec<Box<dyn Task>> = Vec::with_capacity(GROUP);
    let mut generation = 0;
    let mut unswept: Option<Instant> = None;
    loop {
        let timeout = if log.is_draining() { Some(LOOK_AGAIN) } else { unswept.map(|_| STALE_SNAPSHOT) };
        match shared.writes.drain(&mut tasks, GROUP, timeout, |group, next| fits(group, &**next)) {
            Waited::Closed => return,
            Waited::TimedOut => log.tend(&mut link, shared),
            Waited::Some => {
                generation = shared.generation.forget_statements(&mut link, generation);
                write(&mut link, shared, &mut tasks);
                log.tend(&mut link, shared);
                unswept.get_or_insert_with(Instant::now);
            }
        }
        if unswept.is_some_and(|since| since.elapsed() >= STALE_SNAPSHOT) {
            unswept = if shared.end_stale_snapshots() { None } else { Some(Instant::now()) };
        }
    }
}

/// Lets long reads go on when the writer ends, however it ends.
struct OpenAtLast<'s>(&'s Shared);

impl Drop for OpenAtLast<'_> {
    fn drop(&mut self) {
        self.0.gate.open();
    }
}

/// A schema change runs alone.
fn fits(group: &[Box<dyn Task>], next: &dyn Task) -> bool {
    let alone = |task: &dyn Task| task.promise() == Promise::Exclusive;
    group.is_empty() || (!alone(next) && !group.iter().any(|task| alone(&**task)))
}

fn write(link: &mut SqliteConnection, shared: &Shared, tasks: &mut Vec<Box<dyn Task>>) {
    for _ in tasks.iter() {
        count(&shared.tally.jobs);
    }
    count(&shared.tally.batches);
    let stored = match tasks.as_mut_slice() {
        [task] if task.promise() == Promise::Exclusive => {
            exclusive(link, shared, &mut **task);
            Ok(())
        }
        group => group::run(link, shared, group),
    };
    crate::failpoint!("db.group.committed", shared.path.to_str().unwrap_or_default());
    match stored.and_then(|()| in_place(shared, tasks)) {
        Ok(()) => count(&shared.tally.syncs),
        Err(error) => {
            let (error, writes) = (&error as &(dyn std::error::Error + 'static), tasks.len());
            let store = shared.path.to_str();
            tracing::error!(error, store, writes, "a commit failed: nothing of it is stored");
        }
    }
    // Before the answers, so that who got one reads what it wrote.
    shared.commits.fetch_add(1, Ordering::Release);
    answers::deliver(tasks.drain(..).map(|task| task as Box<dyn Answered>).collect());
}

/// Acknowledges nothing that went into a file that is not the store's any more.
fn in_place(shared: &Shared, tasks: &mut [Box<dyn Task>]) -> Result<(), Error> {
    let place = shared.place.check();
    if let Err(gone) = &place {
        shared.condition.failed(gone);
        tasks.iter_mut().for_each(|task| task.fail(gone.clone()));
    }
    place
}

fn exclusive(link: &mut SqliteConnection, shared: &Shared, task: &mut dyn Task) {
    if task.abandoned() {
        return;
    }
    if let Some(error) = task.run(link, &shared.path).failed {
        shared.condition.failed(&error);
    }
    // Succeeds only where the job left a transaction open.
    if ROLLBACK.run(link).is_ok() {
        tracing::warn!("a schema change left a transaction open: it is rolled back");
    }
    if let Err(error) = link.batch_execute("PRAGMA foreign_keys = ON") {
        tracing::error!(%error, "foreign keys cannot be switched on again");
    }
    // Prepared statements hold on to the old schema's plans.
    link.set_prepared_statement_cache_size(CacheSize::Disabled);
    link.set_prepared_statement_cache_size(CacheSize::Unbounded);
}
