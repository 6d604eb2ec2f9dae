//! Queries that may take long, and that can be broken off.
//!
//! Diesel hands out no way to interrupt what a connection does. Statements made at run time, which are what clients'
//! filters and orders become, therefore run on a connection of rusqlite's: SQLite looks now and then whether anybody still
//! waits for the answer.

use std::borrow::Cow;
use std::ffi::c_int;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mainstay_record::{Kind, Piece, Row, Value, ValueRef};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef as Raw};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::functions;
use super::open::{self, Role, SHRINK};
use crate::error::{Error, classify};
use crate::row::Sink;
use crate::statement::Statement;

/// How often a query looks whether it is wanted, in instructions of SQLite's machine: a fraction of a millisecond apart.
const LOOK_EVERY: c_int = 10_000;

/// Whether somebody waits for an answer.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    gone: Arc<AtomicBool>,
    /// After this nobody gets it.
    until: Option<Instant>,
}

/// Whoever waits. With this value the answer is wanted no more.
pub(super) struct Waiter(Arc<AtomicBool>);

impl Wanted {
    pub fn until(until: Option<Instant>) -> (Wanted, Waiter) {
        let gone = Arc::new(AtomicBool::new(false));
        (Wanted { gone: Arc::clone(&gone), until }, Waiter(gone))
    }

    /// Says whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection for such queries. It only reads.
pub(super) struct LongReader {
    link: Connection,
}

impl LongReader {
    /// Opens the file, which must be there.
    pub fn open(path: &Path) -> Result<LongReader, Error> {
        let name = open::name(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let link = Connection::open_with_flags(&name, flags).map_err(|error| put(&error, path))?;
        let folding = link.create_collation(mainstay_record::FOLD, mainstay_record::compare_folded);
        folding.and_then(|()| functions::make_known(&link)).map_err(|error| put(&error, path))?;
        for batch in open::batches(Role::Reader, &name) {
            link.execute_batch(&batch).map_err(|error| put(&error, path))?;
        }
        Ok(LongReader { link })
    }

    /// Runs a statement as long as it is wanted. It sees one snapshot: a statement is a transaction of its own.
    pub fn fetch<S: Sink>(
        &mut self,
        path: &Path,
        wanted: &Wanted,
        (statement, binds): (&Statement, &[Value]),
        sink: &mut S,
    ) -> Result<(), Error> {
        let look = wanted.clone();
        let watched = self.link.progress_handler(LOOK_EVERY, Some(move || look.is_over()));
        let fetched = watched.and_then(|()| self.run(statement, binds, sink));
        let unwatched = self.link.progress_handler(0, None::<fn() -> bool>);
        fetched.and(unwatched).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Error::StatementTimeout(Arc::new(error)),
            _ => put(&error, path),
        })
    }

    /// Gives the page cache back.
    pub fn shrink(&self) -> rusqlite::Result<()> {
        self.link.execute_batch(SHRINK)
    }

    fn run<S: Sink>(&self, statement: &Statement, binds: &[Value], sink: &mut S) -> rusqlite::Result<()> {
        let mut prepared = self.link.prepare(statement.sqlite())?;
        let slots = statement.pieces().iter().filter_map(|piece| match piece {
            Piece::Bind { slot, .. } => Some(*slot),
            Piece::Text(_) => None,
        });
        for (number, slot) in (1..).zip(slots) {
            let value = binds.get(slot).ok_or(rusqlite::Error::InvalidParameterCount(slot + 1, binds.len()))?;
            prepared.raw_bind_parameter(number, Bind(value))?;
        }
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next()? {
            if sink.row(&Cells(row)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn put(error: &rusqlite::Error, path: &Path) -> Error {
    classify::sqlite_by_message(&error.to_string(), path)
}

struct Bind<'v>(&'v Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Bool(v) => Raw::Integer(i64::from(*v)),
            Value::Int(v) | Value::Timestamp(v) => Raw::Integer(*v),
            Value::Double(v) => Raw::Real(*v),
            Value::Text(v) | Value::Json(v) => Raw::Text(v.as_bytes()),
            Value::Bytes(v) => Raw::Blob(v),
            Value::Null => Raw::Null,
        }))
    }
}

/// A row under the cursor.
struct Cells<'r>(&'r rusqlite::Row<'r>);

impl Row for Cells<'_> {
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        let value = match self.0.get_ref(index) {
            Ok(Raw::Null) | Err(_) => return f(ValueRef::Null),
            Ok(value) => value,
        };
        match kind {
            Kind::Bool => f(ValueRef::Bool(integer(value) != 0)),
            Kind::Int => f(ValueRef::Int(integer(value))),
            Kind::Timestamp => f(ValueRef::Timestamp(integer(value))),
            Kind::Double => f(ValueRef::Double(double(value))),
            Kind::Text => f(ValueRef::Text(&text(value))),
            Kind::Json => f(ValueRef::Json(&text(value))),
            Kind::Bytes => f(ValueRef::Bytes(bytes(&value))),
        }
    }
}

/// Columns hold what their type says, so that what is converted here is a number that came without its point.
fn integer(value: Raw<'_>) -> i64 {
    match value {
        Raw::Integer(number) => number,
        other => text(other).parse().unwrap_or_default(),
    }
}

fn double(value: Raw<'_>) -> f64 {
    match value {
        Raw::Real(number) => number,
        other => text(other).parse().unwrap_or_default(),
    }
}

fn text(value: Raw<'_>) -> Cow<'_, str> {
    match value {
        Raw::Text(text) | Raw::Blob(text) => String::from_utf8_lossy(text),
        Raw::Integer(number) => Cow::Owned(number.to_string()),
        Raw::Real(number) => Cow::Owned(number.to_string()),
        Raw::Null => Cow::Borrowed(""),
    }
}

fn bytes<'v>(value: &Raw<'v>) -> &'v [u8] {
    match value {
        Raw::Text(bytes) | Raw::Blob(bytes) => bytes,
        Raw::Integer(_) | Raw::Real(_) | Raw::Null => &[],
    }
}
