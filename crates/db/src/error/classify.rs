//! Diesel's errors in our words.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind as Kind, Error as Diesel};
use diesel::sqlite::SqliteConnection;

use super::{Cause, Error, constraint};

/// SQLite's texts (`sqlite3_errstr`), because Diesel does not pass its codes on.
const SQLITE_DAMAGED: &[&str] = &["database disk image is malformed", "file is not a database"];
const SQLITE_UNAVAILABLE: &[&str] = &[
    "database or disk is full",
    "disk I/O error",
    "database is locked",
    "database table is locked",
    "unable to open database file",
    "out of memory",
    "locking protocol",
    "attempt to write a readonly database",
    "cannot rollback - no transaction is active",
    "cannot commit - no transaction is active",
];

const SQLITE_STALE: &[&str] = &["no such column", "no such table", "has no column named"];

/// What the triggers say that stand for exclusion constraints, in front of the constraint's name (see `mainstay_sql`).
const SQLITE_OVERLAP: &str = "EXCLUSION constraint failed: ";

/// PostgreSQL's primary messages; connections ask for them in English.
const POSTGRES_DEADLOCK: &str = "deadlock detected";
const POSTGRES_ROW_TOO_LARGE: &str = "row is too big";
const POSTGRES_CANCELLED: &str = "canceling statement due to user request";
const POSTGRES_TIMEOUT: &[&str] =
    &["canceling statement due to statement timeout", "canceling statement due to lock timeout"];
const POSTGRES_UNAVAILABLE: &[&str] = &[
    "terminating connection",
    "the database system is",
    "could not extend file",
    "No space left on device",
    "out of memory",
    "sorry, too many clients already",
    "remaining connection slots are reserved",
];

/// What PostgreSQL says where there is no room for a write. Nothing of it is stored.
const POSTGRES_FULL: &[&str] = &["could not extend file", "No space left on device"];

/// What PostgreSQL says of pages, and of large values, that it cannot read any more.
const POSTGRES_DAMAGED: &[&str] =
    &["invalid page in block", "could not read block", "missing chunk number", "unexpected chunk number"];

/// Says whether there was no room for a write.
pub(crate) fn is_full(cause: &Cause) -> bool {
    let said = cause.to_string();
    POSTGRES_FULL.iter().any(|text| said.contains(text))
}

/// `relation "t" does not exist`, `column t.a does not exist`, `prepared statement "s1" does not exist`.
fn is_stale(message: &str) -> bool {
    message == "cached plan must not change result type"
        || (message.ends_with("does not exist")
            && ["relation ", "column ", "prepared statement "].iter().any(|subject| message.starts_with(subject)))
}

/// The words of the database with what it adds to them. Never shown to a client.
#[derive(Debug, thiserror::Error)]
#[error("{message}{}{}", separated(detail), separated(hint))]
pub(crate) struct Reported {
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

fn separated(text: &Option<String>) -> String {
    text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

fn reported(information: &dyn DatabaseErrorInformation) -> Cause {
    Arc::new(Reported {
        message: information.message().to_owned(),
        detail: information.details().map(str::to_owned),
        hint: information.hint().map(str::to_owned),
    })
}

/// What the database says of a violated constraint, without its detail: that repeats the row's values, which no log may
/// hold.
fn violated(information: &dyn DatabaseErrorInformation) -> Cause {
    Arc::new(Reported { message: information.message().to_owned(), detail: None, hint: None })
}

/// Classifies an error of SQLite; looks the violated constraint's name up on the connection.
pub(crate) fn sqlite(error: Diesel, path: &Path, link: &mut SqliteConnection) -> Error {
    match error {
        Diesel::DatabaseError(kind, information) => {
            let (message, source) = (information.message(), violated(&*information));
            match kind {
                Kind::UniqueViolation => {
                    Error::UniqueViolation { constraint: constraint::sqlite_unique(message, link), source }
                }
                Kind::ForeignKeyViolation => Error::ForeignKeyViolation { constraint: None, source },
                Kind::NotNullViolation => {
                    Error::NotNullViolation { column: constraint::subject(message).to_owned(), source }
                }
                Kind::CheckViolation => {
                    Error::CheckViolation { constraint: constraint::subject(message).to_owned(), source }
                }
                _ => match message.strip_prefix(SQLITE_OVERLAP) {
                    Some(name) => Error::UniqueViolation { constraint: name.to_owned(), source },
                    None => sqlite_by_message(message, path),
                },
            }
        }
        other => Error::internal(other),
    }
}

/// Classifies by SQLite's text alone.
pub(crate) fn sqlite_by_message(message: &str, path: &Path) -> Error {
    let source: Box<dyn StdError + Send + Sync> = message.into();
    if SQLITE_DAMAGED.iter().any(|text| message.contains(text)) {
        Error::Corrupt { path: path.to_owned(), source: Arc::from(source) }
    } else if SQLITE_UNAVAILABLE.iter().any(|text| message.contains(text)) {
        Error::unavailable(source)
    } else if SQLITE_STALE.iter().any(|text| message.contains(text)) {
        Error::StaleSchema(Arc::from(source))
    } else {
        Error::internal(source)
    }
}

/// Classifies what a migration failed with. What is wrong with the migration itself stays internal.
pub(crate) fn sqlite_migration(failure: Box<dyn StdError + Send + Sync>, path: &Path) -> Error {
    match sqlite_by_message(&failure.to_string(), path) {
        error @ (Error::Corrupt { .. } | Error::Unavailable(_)) => error,
        _ => Error::internal(failure),
    }
}

/// Classifies an error of PostgreSQL. A transaction that lost against others is `Conflict` with 0 attempts until the
/// loop that repeats it gives up. That the connection counts as broken says nothing: it does in every failed transaction.
pub(crate) fn postgres(error: Diesel) -> Error {
    let Diesel::DatabaseError(kind, information) = error else { return Error::internal(error) };
    let message = information.message();
    let name = || information.constraint_name().unwrap_or_default().to_owned();
    let source = || violated(&*information);
    match kind {
        Kind::UniqueViolation | Kind::ExclusionViolation => {
            Error::UniqueViolation { constraint: name(), source: source() }
        }
        Kind::ForeignKeyViolation | Kind::RestrictViolation => {
            let constraint = information.constraint_name().map(str::to_owned);
            Error::ForeignKeyViolation { constraint, source: source() }
        }
        Kind::NotNullViolation => Error::NotNullViolation { column: qualified_column(&*information), source: source() },
        Kind::CheckViolation => Error::CheckViolation { constraint: name(), source: source() },
        Kind::SerializationFailure => Error::Conflict { attempts: 0, source: reported(&*information) },
        Kind::UnableToSendCommand | Kind::ClosedConnection => Error::Unavailable(reported(&*information)),
        _ if message.starts_with(POSTGRES_ROW_TOO_LARGE) => Error::RowTooLarge(reported(&*information)),
        _ if message == POSTGRES_DEADLOCK => Error::Conflict { attempts: 0, source: reported(&*information) },
        _ if message == POSTGRES_CANCELLED => Error::BrokenOff(reported(&*information)),
        _ if POSTGRES_TIMEOUT.contains(&message) => Error::StatementTimeout(reported(&*information)),
        _ if is_stale(message) => Error::StaleSchema(reported(&*information)),
        _ if POSTGRES_DAMAGED.iter().any(|text| message.contains(text)) => {
            Error::Corrupt { path: PathBuf::from("the PostgreSQL database"), source: reported(&*information) }
        }
        _ if POSTGRES_UNAVAILABLE.iter().any(|text| message.contains(text)) => {
            Error::Unavailable(reported(&*information))
        }
        _ => Error::Internal(reported(&*information)),
    }
}

fn qualified_column(information: &dyn DatabaseErrorInformation) -> String {
    match (information.table_name(), information.column_name()) {
        (Some(table), Some(column)) => format!("{table}.{column}"),
        (_, column) => column.unwrap_or_default().to_owned(),
    }
}
