//! Rows under a cursor, read without copying them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use diesel::pg::PgValue;
use diesel::row::{Field, Row as _};
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteValue};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use mainstay_record::{Kind, Row, Value, ValueRef};

use crate::statement::bound::{JSONB_VERSION, POSTGRES_EPOCH_MICROS};

/// The type identifier of `jsonb` (`pg_type.oid`).
const JSONB_OID: u32 = 3802;

pub(crate) type SqliteRow<'s, 'q> = <SqliteConnection as diesel::connection::LoadConnection>::Row<'s, 'q>;
pub(crate) type PostgresRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;

/// One row of a result; lives until the cursor moves on.
pub struct RowRef<'r>(&'r dyn Cells);

/// A row of which the type is not known any more.
trait Cells {
    fn cell(&self, index: usize, kind: Kind, f: &mut dyn FnMut(ValueRef<'_>));
}

impl<R: Row> Cells for R {
    fn cell(&self, index: usize, kind: Kind, f: &mut dyn FnMut(ValueRef<'_>)) {
        self.read(index, kind, f);
    }
}

impl<'r> RowRef<'r> {
    pub(crate) fn of<R: Row>(row: &'r R) -> RowRef<'r> {
        RowRef(row)
    }
}

impl Row for RowRef<'_> {
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        let mut f = Some(f);
        let mut out = None;
        self.0.cell(index, kind, &mut |value| out = f.take().map(|f| f(value)));
        out.expect("a row hands over each cell it is asked for exactly once")
    }
}

/// A row under SQLite's cursor.
pub(crate) struct SqliteCells<'s, 'q>(pub(crate) SqliteRow<'s, 'q>);

impl<'s> Row for SqliteCells<'s, '_> {
    #[inline]
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        match diesel::row::Row::<'s, Sqlite>::get(&self.0, index) {
            Some(field) => read_sqlite(field.value(), kind, f),
            None => f(ValueRef::Null),
        }
    }
}

/// A row that PostgreSQL sent.
pub(crate) struct PostgresCells(pub(crate) PostgresRow);

impl Row for PostgresCells {
    #[inline]
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        match self.0.get(index) {
            Some(field) => read_postgres(field.value(), kind, f),
            None => f(ValueRef::Null),
        }
    }
}

#[inline]
fn read_sqlite<R>(value: Option<SqliteValue<'_, '_, '_>>, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
    let Some(mut value) = value else { return f(ValueRef::Null) };
    f(match kind {
        Kind::Bool => ValueRef::Bool(value.read_long() != 0),
        Kind::Int => ValueRef::Int(value.read_long()),
        Kind::Timestamp => ValueRef::Timestamp(value.read_long()),
        Kind::Double => ValueRef::Double(value.read_double()),
        Kind::Text => ValueRef::Text(value.read_text()),
        Kind::Json => ValueRef::Json(value.read_text()),
        Kind::Bytes => ValueRef::Bytes(value.read_blob()),
    })
}

/// Reads PostgreSQL's binary format: numbers are big-endian, `timestamptz` counts microseconds from 2000.
fn read_postgres<R>(value: Option<PgValue<'_>>, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
    let Some(value) = value else { return f(ValueRef::Null) };
    let bytes = value.as_bytes();
    match kind {
        Kind::Bool => f(ValueRef::Bool(bytes.first().is_some_and(|byte| *byte != 0))),
        Kind::Int => f(ValueRef::Int(integer(bytes))),
        Kind::Timestamp => f(ValueRef::Timestamp(integer(bytes).saturating_add(POSTGRES_EPOCH_MICROS))),
        Kind::Double => f(ValueRef::Double(double(bytes))),
        Kind::Bytes => f(ValueRef::Bytes(bytes)),
        Kind::Text => f(ValueRef::Text(&text(bytes))),
        Kind::Json => {
            let json = match bytes.split_first() {
                Some((&JSONB_VERSION, json)) if value.get_oid().get() == JSONB_OID => json,
                _ => bytes,
            };
            f(ValueRef::Json(&text(json)))
        }
    }
}

/// An `int8`, `int4` or `int2` by its length.
fn integer(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i64::from(i16::from_be_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

/// A `float8` or `float4` by its length.
fn double(bytes: &[u8]) -> f64 {
    match *bytes {
        [a, b, c, d] => f64::from(f32::from_be_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
        _ => 0.0,
    }
}

/// A database in another encoding than UTF-8 is the only way to get bytes that need replacing.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What takes the rows of a result: made for each type of row, since a page of them is thousands of cells.
pub trait Sink: Send {
    /// Takes a row, and says whether to go on. After [`ControlFlow::Break`] no further row is read.
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()>;
}

/// The sink that copies rows, for callers that are in no hurry.
#[derive(Debug, Default)]
pub struct Rows {
    kinds: Vec<Kind>,
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Makes a sink for rows of columns of these kinds.
    pub fn of(kinds: &[Kind]) -> Rows {
        Rows { kinds: kinds.to_vec(), rows: Vec::new() }
    }
}

impl Sink for Rows {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.rows.push(self.kinds.iter().enumerate().map(|(i, kind)| row.get(i, *kind)).collect());
        ControlFlow::Continue(())
    }
}
