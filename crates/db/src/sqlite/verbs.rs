//! The statements that begin and end transactions, kept prepared.

use std::sync::LazyLock;

use diesel::connection::Connection;
use diesel::sqlite::SqliteConnection;
use mainstay_record::Piece;

use crate::statement::Statement;

/// A statement without binds that is part of the executor itself.
pub(super) struct Verb(LazyLock<Statement>);

macro_rules! verbs {
    ($($name:ident = $sql:literal;)*) => {
        $(pub(super) static $name: Verb =
            Verb(LazyLock::new(|| Statement::from_pieces(vec![Piece::Text($sql.to_owned())], true)));)*
    };
}

verbs! {
    BEGIN = "BEGIN";
    BEGIN_IMMEDIATE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    SAVEPOINT = "SAVEPOINT job";
    RELEASE = "RELEASE job";
    ROLLBACK_TO = "ROLLBACK TO job";
}

impl Verb {
    pub fn run(&self, link: &mut SqliteConnection) -> diesel::QueryResult<()> {
        link.execute_returning_count(&self.0.bind(&[])).map(drop)
    }
}
