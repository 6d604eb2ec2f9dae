//! The two engines and the types of columns in them.

use mainstay_record::Kind;

/// The engine that a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Both, with SQLite first.
    pub const ALL: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

    /// The engine as people call it.
    pub fn title(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        }
    }

    /// The name in DDL of a column's type; the table is [`Kind`]'s.
    ///
    /// SQLite's tables are not STRICT: a STRICT table knows neither BOOLEAN nor BIGINT, and another tool that opens the
    /// file should see what a column means. The affinities that these names give (NUMERIC, INTEGER, REAL, TEXT, BLOB) keep
    /// every value that is ever bound to them as it is.
    pub fn column_type(self, kind: Kind) -> &'static str {
        match (kind, self) {
            (Kind::Bool, _) => "BOOLEAN",
            (Kind::Int, _) | (Kind::Timestamp, Dialect::Sqlite) => "BIGINT",
            (Kind::Double, Dialect::Sqlite) => "DOUBLE",
            (Kind::Double, Dialect::Postgres) => "DOUBLE PRECISION",
            (Kind::Text | Kind::Json, Dialect::Sqlite) => "TEXT",
            (Kind::Text, Dialect::Postgres) => "TEXT COLLATE \"C\"",
            (Kind::Bytes, Dialect::Sqlite) => "BLOB",
            (Kind::Bytes, Dialect::Postgres) => "BYTEA",
            (Kind::Timestamp, Dialect::Postgres) => "TIMESTAMPTZ",
            (Kind::Json, Dialect::Postgres) => "JSONB",
        }
    }

    /// The literal that an unset column of implicit presence holds, or nothing where unset is always NULL.
    pub fn zero(self, kind: Kind) -> Option<&'static str> {
        match (kind, self) {
            (Kind::Bool, _) => Some("FALSE"),
            (Kind::Int, _) => Some("0"),
            (Kind::Double, _) => Some("0.0"),
            (Kind::Text, _) => Some("''"),
            (Kind::Bytes, Dialect::Sqlite) => Some("x''"),
            (Kind::Bytes, Dialect::Postgres) => Some("'\\x'::bytea"),
            (Kind::Timestamp | Kind::Json, _) => None,
        }
    }
}
