//! How large the write-ahead log may become.
//!
//! SQLite begins the log anew when all of it is written back and nobody reads from it. Reads that overlap without a pause
//! never let that happen, and the log grows for as long as they go on. Beyond its limit, therefore, long reads wait at the
//! [`Gate`] until those that are running have ended; then the log begins anew. Writes and short reads go on meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::gate::Gate;
use super::shared::Shared;

/// How long the gate stays shut for a read that does not end. After that the log may grow by its limit once more.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the writer looks whether the last long read has ended, while it has nothing to write.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long the writer waits for short reads that still use the log, milliseconds.
const SHORT_READS_MS: u32 = 50;

/// Watches the log of one store.
pub(super) struct Log {
    path: PathBuf,
    limit: u64,
    phase: Phase,
}

/// What the log is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To become larger than this.
    Growing { ceiling: u64 },
    /// For the long reads that began before the gate was shut.
    Draining { since: Instant, failed: u32 },
}

/// How often the log is tried to begin anew while no long read of this process is running. What still reads from it then is
/// another process, a backup: it is not waited for, and each try holds up the writes for a moment.
const TRIES: u32 = 3;

/// What is to be done about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Shut,
    Restart,
    GiveUp,
}

impl Log {
    pub fn new(store: &Path, limit: u64) -> Log {
        let mut path = store.as_os_str().to_owned();
        path.push("-wal");
        Log { path: PathBuf::from(path), limit, phase: Phase::Growing { ceiling: limit } }
    }

    /// Says whether long reads are kept waiting.
    pub fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    /// Looks after the log; outside of any transaction, after each commit and while [`is_draining`](Log::is_draining).
    pub fn tend(&mut self, link: &mut SqliteConnection, shared: &Shared) {
        let (size, now) = (self.size(), Instant::now());
        match self.step(size, &shared.gate, now) {
            Step::Nothing if size <= self.limit && !self.is_draining() => {
                self.phase = Phase::Growing { ceiling: self.limit };
            }
            Step::Nothing => {}
            Step::Shut => {
                shared.gate.shut();
                self.phase = Phase::Draining { since: now, failed: 0 };
            }
            Step::Restart => {
                if restart(link, shared) {
                    self.reopen(&shared.gate, self.limit);
                } else if self.failed() {
                    tracing::debug!(bytes = size, "the write-ahead log grows: another process reads the store");
                    self.reopen(&shared.gate, size.saturating_add(self.limit));
                }
            }
            Step::GiveUp => {
                tracing::warn!(bytes = size, "the write-ahead log grows: a long read keeps it from beginning anew");
                self.reopen(&shared.gate, size.saturating_add(self.limit));
            }
        }
    }

    /// Notes a try that failed, and says whether there were enough.
    fn failed(&mut self) -> bool {
        let Phase::Draining { failed, .. } = &mut self.phase else { return false };
        *failed += 1;
        *failed >= TRIES
    }

    fn step(&self, size: u64, gate: &Gate, now: Instant) -> Step {
        match self.phase {
            Phase::Growing { ceiling } if size > ceiling => Step::Shut,
            Phase::Growing { .. } => Step::Nothing,
            Phase::Draining { since, .. } if now.duration_since(since) >= PATIENCE => Step::GiveUp,
            Phase::Draining { .. } if gate.inside() == 0 => Step::Restart,
            Phase::Draining { .. } => Step::Nothing,
        }
    }

    fn reopen(&mut self, gate: &Gate, ceiling: u64) {
        gate.open();
        self.phase = Phase::Growing { ceiling };
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = BigInt)]
    busy: i64,
}

/// Writes the log back and cuts it. First what needs no waiting, so that the second step is short: until all is written
/// back, every short read that begins uses the log again.
pub(super) fn restart(link: &mut SqliteConnection, shared: &Shared) -> bool {
    let patient = format!("PRAGMA busy_timeout = {SHORT_READS_MS}");
    let done = link.batch_execute("PRAGMA wal_checkpoint(PASSIVE)").and_then(|()| {
        shared.end_idle_snapshots();
        link.batch_execute(&patient)?;
        diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(link)
    });
    if let Err(error) = link.batch_execute(super::open::WAIT) {
        tracing::error!(%error, "the writer cannot be made patient again");
    }
    match done {
        Ok(checkpoint) => checkpoint.busy == 0,
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be written back");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draining(since: Instant) -> Log {
        Log { phase: Phase::Draining { since, failed: 0 }, ..Log::new(Path::new("store.db"), 100) }
    }

    #[test]
    fn a_log_beyond_its_limit_shuts_the_gate() {
        let log = Log::new(Path::new("store.db"), 100);
        let gate = Gate::default();
        assert_eq!(log.step(100, &gate, Instant::now()), Step::Nothing);
        assert_eq!(log.step(101, &gate, Instant::now()), Step::Shut);
    }

    #[test]
    fn the_log_begins_anew_when_the_last_long_read_has_ended() {
        let (gate, now) = (Gate::default(), Instant::now());
        let read = gate.enter();
        assert_eq!(draining(now).step(101, &gate, now), Step::Nothing);
        drop(read);
        assert_eq!(draining(now).step(101, &gate, now), Step::Restart);
    }

    #[test]
    fn a_reader_in_another_process_is_not_waited_for() {
        let mut log = draining(Instant::now());
        assert_eq!([log.failed(), log.failed(), log.failed()], [false, false, true]);
    }

    #[test]
    fn a_read_that_does_not_end_holds_up_the_others_for_a_limited_time() {
        let (gate, now) = (Gate::default(), Instant::now());
        let _read = gate.enter();
        let mut log = draining(now);
        assert_eq!(log.step(101, &gate, now + PATIENCE), Step::GiveUp);
        log.reopen(&gate, 201);
        assert_eq!(log.step(201, &gate, now), Step::Nothing);
        assert_eq!(log.step(202, &gate, now), Step::Shut);
    }
}
