//! Reads on the calling thread.
//!
//! Opening and ending a read transaction costs more than a key lookup (two `fcntl`, one `stat`). Each thread therefore
//! keeps its reader inside a transaction as long as nothing was committed. A snapshot that a commit has made old is ended by
//! the thread's next read, or by the writer, which looks for old ones: they would keep the write-ahead log from being reused.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use diesel::sqlite::SqliteConnection;

use super::open::{self, Role};
use super::store::Shared;
use super::verbs::{BEGIN, COMMIT};
use crate::error::{Error, classify};

thread_local! {
    /// This thread's readers: one for each store, a handful at most.
    static READERS: RefCell<Vec<(u64, Arc<Mutex<Reader>>)>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// One thread's connection to one store.
pub(super) struct Reader {
    link: Option<SqliteConnection>,
    /// The commit counter when the snapshot was taken; nothing while none is held.
    snapshot: Option<u64>,
    generation: u64,
    closed: bool,
}

/// Runs `read` on this thread's reader in a snapshot that holds everything committed before the call.
pub(super) fn with_reader<T>(
    shared: &Shared,
    read: impl FnOnce(&mut SqliteConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let _busy = Busy::enter()?;
    let reader = mine(shared);
    let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
    let result = reader.snapshot(shared).and_then(read);
    if result.is_err() {
        reader.end();
    }
    result
}

impl Reader {
    /// Hands out the connection inside a snapshot that is up to date.
    fn snapshot(&mut self, shared: &Shared) -> Result<&mut SqliteConnection, Error> {
        if self.closed {
            return Err(Error::unavailable("the store is closed"));
        }
        // Before the snapshot is taken: what is committed in between makes it look older than it is, never younger.
        let commits = shared.commits.load(Ordering::Acquire);
        if self.snapshot != Some(commits) {
            self.end();
        }
        if self.link.is_none() {
            self.link = Some(open::connect(&shared.path, Role::Reader)?);
        }
        let Some(link) = &mut self.link else { return Err(Error::internal("a reader lost its connection")) };
        self.generation = shared.forget_statements(link, self.generation);
        if self.snapshot.is_none() {
            BEGIN.run(link).map_err(|error| classify::sqlite(error, &shared.path, link))?;
            self.snapshot = Some(commits);
        }
        Ok(link)
    }

    fn end(&mut self) {
        if self.snapshot.take().is_some()
            && let Some(link) = &mut self.link
            && COMMIT.run(link).is_err()
        {
            // A connection that cannot even end a read is not worth keeping.
            self.link = None;
        }
    }
}

/// This thread's reader for a store, made at its first read.
fn mine(shared: &Shared) -> Arc<Mutex<Reader>> {
    READERS.with_borrow_mut(|readers| {
        if let Some((_, reader)) = readers.iter().find(|(id, _)| *id == shared.id) {
            return Arc::clone(reader);
        }
        readers.retain(|(_, reader)| !reader.lock().unwrap_or_else(PoisonError::into_inner).closed);
        let reader = Arc::new(Mutex::new(Reader { link: None, snapshot: None, generation: 0, closed: false }));
        shared.register(&reader);
        readers.push((shared.id, Arc::clone(&reader)));
        reader
    })
}

/// Ends a snapshot that a commit has made old. False where the reader is at work: ask again later.
pub(super) fn end_if_stale(reader: &Mutex<Reader>, commits: u64) -> bool {
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
pub(super) fn end_if_idle(reader: &Mutex<Reader>) {
    if let Ok(mut reader) = reader.try_lock() {
        reader.end();
    }
}

/// Closes a reader for good, wherever its thread is.
pub(super) fn close(reader: &Mutex<Reader>) {
    let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
    reader.end();
    reader.link = None;
    reader.closed = true;
}

/// Keeps a job from reading inside a read of the same thread, which would wait for itself.
struct Busy;

impl Busy {
    fn enter() -> Result<Busy, Error> {
        if BUSY.replace(true) {
            return Err(Error::internal("a read was started inside another read: use the connection at hand"));
        }
        Ok(Busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(false);
    }
}
