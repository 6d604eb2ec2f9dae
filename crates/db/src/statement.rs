//! Statements whose text is made at run time and stays prepared.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Bool, Double, Nullable, Text};
use diesel::sqlite::Sqlite;
use mainstay_record::{Kind, Value};

/// Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin.
pub(crate) const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Above this average a statement leaves the inline lane, because it would hold up every other call of its worker.
pub const INLINE_LIMIT: Duration = Duration::from_micros(250);

/// Below this average a statement that was sent to the heavy lane comes back.
const INLINE_AGAIN: Duration = Duration::from_micros(60);

/// One run counts as at most this much, so that a single cold read demotes nothing.
const SAMPLE_CAP: Duration = Duration::from_millis(1);

/// A piece of a statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// The value in position `slot` of the binds. The kind gives a NULL its type.
    Bind {
        slot: usize,
        kind: Kind,
    },
}

/// One statement shape, made once and run often.
///
/// Diesel keeps prepared statements by their text and never lets go of one, so only a bounded number of shapes may be
/// cacheable; the others are prepared on every run.
pub struct Statement {
    pieces: Vec<Piece>,
    slots: usize,
    cacheable: bool,
    pace: Pace,
}

impl Statement {
    /// Makes a statement from its pieces.
    pub fn new(pieces: Vec<Piece>, cacheable: bool) -> Arc<Statement> {
        Arc::new(Statement::from_pieces(pieces, cacheable))
    }

    /// Makes a cacheable statement without binds.
    pub fn text(sql: &str) -> Arc<Statement> {
        Statement::new(vec![Piece::Text(sql.to_owned())], true)
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>, cacheable: bool) -> Statement {
        let slots = pieces.iter().map(|piece| if let Piece::Bind { slot, .. } = piece { slot + 1 } else { 0 });
        Statement { slots: slots.max().unwrap_or(0), pieces, cacheable, pace: Pace::default() }
    }

    /// How many binds the statement needs.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Says whether the prepared form is kept.
    pub fn is_cacheable(&self) -> bool {
        self.cacheable
    }

    /// Says whether the statement proved too slow to run inline (see [`INLINE_LIMIT`]).
    pub fn is_slow(&self) -> bool {
        self.pace.is_slow()
    }

    pub(crate) fn ran_for(&self, elapsed: Duration) {
        self.pace.record(elapsed);
    }

    pub(crate) fn bind<'a>(&'a self, binds: &'a [Value]) -> Bound<'a> {
        Bound { statement: self, binds }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Bind { slot, .. } => write!(f, "?{}", slot + 1)?,
            }
        }
        Ok(())
    }
}

/// A moving average of how long a statement takes, in nanoseconds, and what follows from it.
#[derive(Default)]
struct Pace {
    average: AtomicU32,
    slow: AtomicU32,
}

impl Pace {
    fn record(&self, elapsed: Duration) {
        let sample = elapsed.min(SAMPLE_CAP).as_nanos() as u32;
        let old = self.average.load(Ordering::Relaxed);
        let new = old - old / 8 + sample / 8;
        self.average.store(new, Ordering::Relaxed);
        if u128::from(new) > INLINE_LIMIT.as_nanos() {
            self.slow.store(1, Ordering::Relaxed);
        } else if u128::from(new) < INLINE_AGAIN.as_nanos() {
            self.slow.store(0, Ordering::Relaxed);
        }
    }

    fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) != 0
    }
}

/// A statement with its values: what Diesel runs.
///
/// It has no static query id, so Diesel's statement cache goes by text and bind types.
pub(crate) struct Bound<'a> {
    statement: &'a Statement,
    binds: &'a [Value],
}

impl QueryId for Bound<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Bound<'_> {
    type SqlType = Untyped;
}

impl Bound<'_> {
    fn walk<'b, DB: Backend>(
        &'b self,
        mut pass: AstPass<'_, 'b, DB>,
        push: impl Fn(&mut AstPass<'_, 'b, DB>, Kind, &'b Value) -> QueryResult<()>,
    ) -> QueryResult<()> {
        if !self.statement.cacheable {
            pass.unsafe_to_cache_prepared();
        }
        for piece in &self.statement.pieces {
            match piece {
                Piece::Text(text) => pass.push_sql(text),
                Piece::Bind { slot, kind } => match self.binds.get(*slot) {
                    Some(value) => push(&mut pass, *kind, value)?,
                    None => return Err(diesel::result::Error::QueryBuilderError("a bind is missing".into())),
                },
            }
        }
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Bound<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk(pass, |pass, _, value| match value {
            Value::Bool(v) => pass.push_bind_param::<Bool, bool>(v),
            Value::Int(v) | Value::Timestamp(v) => pass.push_bind_param::<BigInt, i64>(v),
            Value::Double(v) => pass.push_bind_param::<Double, f64>(v),
            Value::Text(v) | Value::Json(v) => pass.push_bind_param::<Text, str>(v.as_str()),
            Value::Bytes(v) => pass.push_bind_param::<Binary, [u8]>(v.as_slice()),
            Value::Null => pass.push_bind_param::<Nullable<BigInt>, Option<i64>>(&None),
        })
    }
}

impl QueryFragment<Pg> for Bound<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk(pass, |pass, kind, value| match value {
            Value::Bool(v) => pass.push_bind_param::<Bool, bool>(v),
            Value::Int(v) => pass.push_bind_param::<BigInt, i64>(v),
            Value::Double(v) => pass.push_bind_param::<Double, f64>(v),
            Value::Text(v) => pass.push_bind_param::<Text, str>(v.as_str()),
            Value::Bytes(v) => pass.push_bind_param::<Binary, [u8]>(v.as_slice()),
            Value::Timestamp(_) => pass.push_bind_param::<Moment, Value>(value),
            Value::Json(_) => pass.push_bind_param::<JsonText, Value>(value),
            Value::Null => push_null(pass, kind),
        })
    }
}

/// PostgreSQL infers nothing from a NULL: it needs the type of the column.
fn push_null(pass: &mut AstPass<'_, '_, Pg>, kind: Kind) -> QueryResult<()> {
    match kind {
        Kind::Bool => pass.push_bind_param::<Nullable<Bool>, Option<bool>>(&None),
        Kind::Int => pass.push_bind_param::<Nullable<BigInt>, Option<i64>>(&None),
        Kind::Double => pass.push_bind_param::<Nullable<Double>, Option<f64>>(&None),
        Kind::Text => pass.push_bind_param::<Nullable<Text>, Option<&'static str>>(&None),
        Kind::Bytes => pass.push_bind_param::<Nullable<Binary>, Option<&'static [u8]>>(&None),
        Kind::Timestamp => pass.push_bind_param::<Moment, Value>(&Value::Null),
        Kind::Json => pass.push_bind_param::<JsonText, Value>(&Value::Null),
    }
}

/// PostgreSQL's `timestamptz`, bound from microseconds since 1970.
#[derive(Debug, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
struct Moment;

/// PostgreSQL's `jsonb`, bound from text.
#[derive(Debug, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807))]
struct JsonText;

/// The version that stands before the text in `jsonb`'s binary format.
pub(crate) const JSONB_VERSION: u8 = 1;

impl ToSql<Moment, Pg> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let Value::Timestamp(micros) = self else { return Ok(IsNull::Yes) };
        out.write_all(&micros.saturating_sub(POSTGRES_EPOCH_MICROS).to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<JsonText, Pg> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let Value::Json(text) = self else { return Ok(IsNull::Yes) };
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(text.as_bytes())?;
        Ok(IsNull::No)
    }
}
