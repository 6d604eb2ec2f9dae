//! A connection that stays inside a snapshot from one read to the next.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use diesel::connection::{CacheSize, Connection};
use diesel::sqlite::SqliteConnection;

use super::open::{self, Role};
use super::verbs::{BEGIN, COMMIT};
use crate::error::{Error, classify};

/// Counts how often prepared statements were to be forgotten.
#[derive(Default)]
pub(super) struct Generation(AtomicU64);

impl Generation {
    /// Makes every connection forget its prepared statements before it is used again.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Drops a connection's prepared statements where the count went on since `seen`. Returns the count now.
    pub fn forget_statements(&self, link: &mut SqliteConnection, seen: u64) -> u64 {
        let now = self.0.load(Ordering::Acquire);
        if now != seen {
            link.set_prepared_statement_cache_size(CacheSize::Disabled);
            link.set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
        now
    }
}

/// One thread's connection to one store.
#[derive(Default)]
pub(super) struct Reader {
    link: Option<SqliteConnection>,
    /// The commit counter when the snapshot was taken; nothing while none is held.
    snapshot: Option<u64>,
    generation: u64,
    closed: bool,
}

impl Reader {
    /// Hands out the connection to `path` inside a snapshot that holds every commit counted so far.
    pub fn snapshot(
        &mut self,
        path: &Path,
        commits: &AtomicU64,
        generation: &Generation,
    ) -> Result<&mut SqliteConnection, Error> {
        if self.closed {
            return Err(Error::unavailable("the store is closed"));
        }
        // Before the snapshot is taken: what is committed in between makes it look older than it is, never younger.
        let commits = commits.load(Ordering::Acquire);
        if self.snapshot != Some(commits) {
            self.end();
        }
        if self.link.is_none() {
            self.link = Some(open::connect(path, Role::Reader)?);
        }
        let Some(link) = &mut self.link else { return Err(Error::internal("a reader lost its connection")) };
        self.generation = generation.forget_statements(link, self.generation);
        if self.snapshot.is_none() {
            BEGIN.run(link).map_err(|error| classify::sqlite(error, path, link))?;
            self.snapshot = Some(commits);
        }
        Ok(link)
    }

    /// Ends the snapshot, if one is held.
    pub fn end(&mut self) {
        if self.snapshot.take().is_some()
            && let Some(link) = &mut self.link
            && COMMIT.run(link).is_err()
        {
            // A connection that cannot even end a read is not worth keeping.
            self.link = None;
        }
    }

    /// Says whether the reader was closed for good.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Ends a snapshot that a commit has made old. False where the reader is at work: ask again later.
    pub fn end_if_stale(reader: &Mutex<Reader>, commits: u64) -> bool {
        match reader.try_lock() {
            Ok(mut reader) => {
                if reader.snapshot.is_some_and(|seen| seen != commits) {
                    reader.end();
                }
                true
            }
            Err(TryLockError::Poisoned(_)) => true,
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Ends the snapshot of a reader that is not at work.
    pub fn end_if_idle(reader: &Mutex<Reader>) {
        if let Ok(mut reader) = reader.try_lock() {
            reader.end();
        }
    }

    /// Closes a reader for good, wherever its thread is.
    pub fn close(reader: &Mutex<Reader>) {
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.end();
        reader.link = None;
        reader.closed = true;
    }
}
