//! What a caller may choose of a store, or has to know of it.

use std::time::{Duration, Instant};

/// Which database is behind a [`Database`](crate::Database).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// What became of the wish that a store give up what it holds of former rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compacted {
    /// Its files hold what there is, and nothing else.
    Rewritten,
    /// The same, but for the write-ahead log, which something reads for so long that it could not be cut. It is later, by itself.
    LogInUse,
    /// It is PostgreSQL, whose VACUUM does that.
    NotHere,
}

impl Compacted {
    /// How reports call it.
    pub fn word(self) -> &'static str {
        match self {
            Compacted::Rewritten => "rewritten",
            Compacted::LogInUse => "rewritten, but for the write-ahead log",
            Compacted::NotHere => "left to VACUUM",
        }
    }
}

/// Who runs a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The calling worker itself: key lookups and short pages in the order of an index.
    Inline,
    /// Threads of low priority behind a bounded queue that refuses: everything else.
    Heavy,
}

/// For whom something is read. Where more is asked for than there is room for, callers take turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asker {
    /// When the answer is of no more use: what runs then is broken off.
    pub deadline: Option<Instant>,
    /// What tells one caller from another; nothing for work of the process's own.
    pub caller: Option<u64>,
    /// Whether it is known to ask much of every row that it looks at. Such reads leave places to others.
    pub costly: bool,
}

/// What a write promises about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Atomic {
    /// The job runs exactly one statement and fails only with it. READ COMMITTED on PostgreSQL, without BEGIN and COMMIT.
    Statement,
    /// The job runs several statements. Whatever row decides what it does, it has locked (`SELECT … FOR`), and the rest is
    /// decided by constraints. READ COMMITTED on PostgreSQL, where only a deadlock can be in its way.
    ///
    /// It finds nearly every reason to fail before it changes anything. So on SQLite it runs without a savepoint, which
    /// would copy each page that it touches; should it fail later after all, its group is run again with savepoints.
    Locked,
    /// The same for a job that may well fail after it has changed something, or is to be taken back in any case.
    Tentative,
    /// The job runs several statements, and rows that it has only read decide what it does. SERIALIZABLE on PostgreSQL,
    /// repeated after conflicts.
    Transaction,
}

/// How long a write whose caller has no deadline is repeated after conflicts.
pub const PATIENCE: Duration = Duration::from_secs(10);
