//! Statements whose text is made at run time and stays prepared.

pub(crate) mod bound;

use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mainstay_record::{Kind, Piece, Value};

use crate::pace::Pace;
use bound::Bound;

/// One statement shape, made once and run often.
///
/// Diesel keeps prepared statements by their text and never lets go of one, so only a bounded number of shapes may be
/// cacheable; the others are prepared on every run.
pub struct Statement {
    pieces: Vec<Piece>,
    /// Which bind stands in each of the text's places, and as what.
    binds: Box<[(usize, Kind)]>,
    slots: usize,
    cacheable: bool,
    reads: bool,
    pace: Pace,
    /// The text as SQLite takes it, made once: Diesel asks for it on every run.
    sqlite: OnceLock<Box<str>>,
    postgres: OnceLock<Box<str>>,
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

    /// Makes a cacheable statement with a bind for each `?` of its text.
    pub fn with_binds(sql: &str, binds: &[Kind]) -> Arc<Statement> {
        let mut pieces = Vec::new();
        for (slot, part) in sql.split('?').enumerate() {
            pieces.push(Piece::Text(part.to_owned()));
            pieces.extend(binds.get(slot).map(|kind| Piece::Bind { slot, kind: *kind }));
        }
        Statement::new(pieces, true)
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>, cacheable: bool) -> Statement {
        let bind = |piece: &Piece| if let Piece::Bind { slot, kind } = piece { Some((*slot, *kind)) } else { None };
        let binds: Box<[_]> = pieces.iter().filter_map(bind).collect();
        let slots = binds.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
        let (sqlite, postgres) = (OnceLock::new(), OnceLock::new());
        let reads = matches!(pieces.first(), Some(Piece::Text(text)) if text.starts_with("SELECT "));
        Statement { slots, binds, pieces, cacheable, reads, pace: Pace::default(), sqlite, postgres }
    }

    /// How many binds the statement needs.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Says whether it is known to change nothing.
    pub(crate) fn only_reads(&self) -> bool {
        self.reads
    }

    /// Says whether the prepared form is kept.
    pub(crate) fn is_cacheable(&self) -> bool {
        self.cacheable
    }

    /// Says whether the statement proved too slow to run inline, on average.
    pub fn is_slow(&self) -> bool {
        self.pace.is_slow()
    }

    pub(crate) fn ran_for(&self, elapsed: Duration, limit: Duration) {
        self.pace.record(elapsed, limit);
    }

    pub(crate) fn bind<'a>(&'a self, binds: &'a [Value]) -> Bound<'a> {
        Bound { statement: self, binds }
    }

    /// The binds in the order of their places.
    pub(crate) fn binds(&self) -> &[(usize, Kind)] {
        &self.binds
    }

    /// What the statement was made from.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text with `?` where a value stands.
    pub(crate) fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| self.written(|text, _| text.push('?')))
    }

    /// The text with `$1`, `$2` … where values stand.
    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| self.written(|text, number| _ = write!(text, "${number}")))
    }

    fn written(&self, mut put: impl FnMut(&mut String, usize)) -> Box<str> {
        let (mut text, mut number) = (String::new(), 0);
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Bind { .. } => {
                    number += 1;
                    put(&mut text, number);
                }
            }
        }
        text.into_boxed_str()
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
