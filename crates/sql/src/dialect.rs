//! The two engines and the types of columns in them.

use mainstay_record::Kind;
use serde::{Deserialize, Serialize};

/// The engine that a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// A column's type: [`Kind`] in a form that a plan can be stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Timestamp,
    Json,
}

impl ColumnType {
    /// The type's name in DDL; the table is [`Kind`]'s.
    ///
    /// SQLite's tables are not STRICT: a STRICT table knows neither BOOLEAN nor BIGINT, and another tool that opens the
    /// file should see what a column means. The affinities that these names give (NUMERIC, INTEGER, REAL, TEXT, BLOB) keep
    /// every value that is ever bound to them as it is.
    pub fn sql(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (ColumnType::Bool, _) => "BOOLEAN",
            (ColumnType::Int, _) | (ColumnType::Timestamp, Dialect::Sqlite) => "BIGINT",
            (ColumnType::Double, Dialect::Sqlite) => "DOUBLE",
            (ColumnType::Double, Dialect::Postgres) => "DOUBLE PRECISION",
            (ColumnType::Text | ColumnType::Json, Dialect::Sqlite) => "TEXT",
            (ColumnType::Text, Dialect::Postgres) => "TEXT COLLATE \"C\"",
            (ColumnType::Bytes, Dialect::Sqlite) => "BLOB",
            (ColumnType::Bytes, Dialect::Postgres) => "BYTEA",
            (ColumnType::Timestamp, Dialect::Postgres) => "TIMESTAMPTZ",
            (ColumnType::Json, Dialect::Postgres) => "JSONB",
        }
    }

    /// The literal that an unset column of implicit presence holds, or nothing where unset is always NULL.
    pub fn zero(self, dialect: Dialect) -> Option<&'static str> {
        match (self, dialect) {
            (ColumnType::Bool, _) => Some("FALSE"),
            (ColumnType::Int, _) => Some("0"),
            (ColumnType::Double, _) => Some("0.0"),
            (ColumnType::Text, _) => Some("''"),
            (ColumnType::Bytes, Dialect::Sqlite) => Some("x''"),
            (ColumnType::Bytes, Dialect::Postgres) => Some("'\\x'::bytea"),
            (ColumnType::Timestamp | ColumnType::Json, _) => None,
        }
    }
}

impl From<Kind> for ColumnType {
    fn from(kind: Kind) -> ColumnType {
        match kind {
            Kind::Bool => ColumnType::Bool,
            Kind::Int => ColumnType::Int,
            Kind::Double => ColumnType::Double,
            Kind::Text => ColumnType::Text,
            Kind::Bytes => ColumnType::Bytes,
            Kind::Timestamp => ColumnType::Timestamp,
            Kind::Json => ColumnType::Json,
        }
    }
}
