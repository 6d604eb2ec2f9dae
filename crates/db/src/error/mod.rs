//! What can go wrong in storage, in words that hold for both engines.

pub(crate) mod classify;
mod constraint;

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;

/// The cause of an error. Shared, because one failing COMMIT is the cause of many callers' errors.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a statement, a transaction or the opening of a store failed.
///
/// Constraint names are the same on both engines: SQLite reports columns, from which the name of the index is looked
/// up; a primary key is `<table>_pkey` and an unnamed UNIQUE is `<table>_<column>_key`, as PostgreSQL names them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the unique constraint {constraint} is violated")]
    UniqueViolation {
        constraint: String,
        #[source]
        source: Cause,
    },

    /// SQLite does not say which foreign key is violated.
    #[error("a foreign key is violated")]
    ForeignKeyViolation {
        constraint: Option<String>,
        #[source]
        source: Cause,
    },

    #[error("{column} must not be null")]
    NotNullViolation {
        column: String,
        #[source]
        source: Cause,
    },

    #[error("the check {constraint} is violated")]
    CheckViolation {
        constraint: String,
        #[source]
        source: Cause,
    },

    /// A row is larger than a page of the table. Nothing was stored.
    #[error("the row is too large for a page")]
    RowTooLarge(#[source] Cause),

    /// A bounded queue or pool is full. Nothing was done; later it may work.
    #[error("the store has more work than it can take: {0}")]
    Overloaded(&'static str),

    /// A transaction lost against concurrent ones until its caller's time was over. Nothing was stored.
    #[error("the transaction conflicts with concurrent ones (after {attempts} attempts)")]
    Conflict {
        attempts: u32,
        #[source]
        source: Cause,
    },

    /// The statement ran into its time limit. Nothing was stored.
    #[error("the statement ran longer than allowed")]
    StatementTimeout(#[source] Cause),

    /// A build gave way to a change of the schema. It is to be begun again.
    #[error("it was broken off for a change of the schema, and begins again later")]
    BrokenOff(#[source] Cause),

    /// A schema change needs what a transaction of others holds, and does not wait for it: everybody would wait behind it.
    #[error("the tables are in use: {by}. End these transactions, or try again later")]
    InUse {
        by: String,
        #[source]
        source: Cause,
    },

    /// The store cannot be reached or cannot store. Nothing was stored.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),

    /// The connection was lost before the answer to COMMIT came: whether the write is stored is not known.
    #[error("the connection was lost during COMMIT: whether the write is stored is not known")]
    CommitUnknown(#[source] Cause),

    #[error("{} is damaged: restore it from a backup, or save what is readable{}", path.display(), rescue(path))]
    Corrupt {
        path: PathBuf,
        #[source]
        source: Cause,
    },

    /// A store in which a service has stored before has nothing in it. To begin anew must be somebody's will.
    #[error(
        "{place} has nothing in it, but the {service} service has stored there before ({} tells so): this is no first start. \
         Restore a backup with `mainstay restore`, or put back what is missing; to begin anew with nothing, start once with \
         `--accept-empty`",
        evidence.display()
    )]
    Emptied { service: &'static str, place: String, evidence: PathBuf },

    #[error("{}", locked_message(path, *pid, address.as_deref()))]
    Locked { path: PathBuf, pid: Option<u32>, address: Option<String> },

    #[error(
        "the store was written by a newer version: it has migration {found}, this version knows {known} as its last. \
         Run the newer version, or restore a backup from before the upgrade"
    )]
    NewerSchema { found: String, known: String },

    /// The configuration cannot work; the text says what to change.
    #[error("{0}")]
    Config(String),

    /// The statement names a table or column that is not there, or was prepared before the schema changed: it was made
    /// for another schema. Nothing was stored; make it again and repeat.
    #[error("the statement was made for another schema")]
    StaleSchema(#[source] Cause),

    /// A fault of the program: wrong SQL, a job that breaks its promise, a panic.
    #[error("the store met an internal error")]
    Internal(#[source] Cause),
}

impl Error {
    /// Says whether the same call may succeed when it is repeated later. False for `CommitUnknown`: repeating a write
    /// that may be stored is for the caller to decide.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Overloaded(_)
                | Error::Conflict { .. }
                | Error::StatementTimeout(_)
                | Error::Unavailable(_)
                | Error::BrokenOff(_)
                | Error::InUse { .. }
        )
    }

    /// Says whether the named unique constraint is the one that is violated.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Error::UniqueViolation { constraint, .. } if constraint == name)
    }

    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::Internal(Arc::from(source.into()))
    }

    pub(crate) fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::Unavailable(Arc::from(source.into()))
    }
}

/// How to save what is readable of a file.
fn rescue(path: &std::path::Path) -> &'static str {
    if path.is_file() { " with `sqlite3 FILE .recover`" } else { "" }
}

fn locked_message(path: &std::path::Path, pid: Option<u32>, address: Option<&str>) -> String {
    let mut message = format!("{} is in use by another process", path.display());
    match (pid, address) {
        (Some(pid), Some(address)) => message.push_str(&format!(" (pid {pid}, serving {address})")),
        (Some(pid), None) => message.push_str(&format!(" (pid {pid})")),
        _ => {}
    }
    message.push_str(". Stop it first, or give this one its own data directory");
    message
}
