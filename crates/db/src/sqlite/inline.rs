//! Reads on the calling thread.
//!
//! Opening and ending a read transaction costs more than a key lookup (two `fcntl`, one `stat`). Each thread therefore
//! keeps its reader inside a transaction as long as nothing was committed. A snapshot that a commit has made old is ended by
//! the thread's next read, or by the writer, which looks for old ones: they would keep the write-ahead log from being reused.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::sqlite::SqliteConnection;

use super::reader::Reader;
use super::shared::Shared;
use crate::error::Error;

thread_local! {
    /// This thread's readers: one for each store, a handful at most.
    static READERS: RefCell<Vec<(u64, Arc<Mutex<Reader>>)>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read` on this thread's reader in a snapshot that holds everything committed before the call.
pub(super) fn with_reader<T>(
    shared: &Shared,
    read: impl FnOnce(&mut SqliteConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let _busy = Busy::enter()?;
    let reader = mine(shared);
    let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
    let result = reader.snapshot(&shared.path, &shared.commits, &shared.generation).and_then(read);
    if result.is_err() {
        reader.end();
    }
    result
}

/// This thread's reader for a store, made at its first read.
fn mine(shared: &Shared) -> Arc<Mutex<Reader>> {
    READERS.with_borrow_mut(|readers| {
        if let Some((_, reader)) = readers.iter().find(|(id, _)| *id == shared.id) {
            return Arc::clone(reader);
        }
        readers.retain(|(_, reader)| !reader.lock().unwrap_or_else(PoisonError::into_inner).is_closed());
        let reader = Arc::new(Mutex::new(Reader::default()));
        shared.register(&reader);
        readers.push((shared.id, Arc::clone(&reader)));
        reader
    })
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
