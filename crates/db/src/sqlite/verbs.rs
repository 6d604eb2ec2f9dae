//! The statements that begin and end transactions, kept prepared.

use diesel::connection::Connection;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sqlite::{Sqlite, SqliteConnection};

/// A statement without binds that is part of the executor itself.
pub(super) struct Verb(fn(&mut SqliteConnection) -> QueryResult<()>);

pub(super) static BEGIN: Verb = Verb(run::<0>);
pub(super) static BEGIN_IMMEDIATE: Verb = Verb(run::<1>);
pub(super) static COMMIT: Verb = Verb(run::<2>);
pub(super) static ROLLBACK: Verb = Verb(run::<3>);
pub(super) static SAVEPOINT: Verb = Verb(run::<4>);
pub(super) static RELEASE: Verb = Verb(run::<5>);
pub(super) static ROLLBACK_TO: Verb = Verb(run::<6>);

/// Their texts, by their numbers.
const TEXTS: [&str; 7] =
    ["BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT job", "RELEASE job", "ROLLBACK TO job"];

impl Verb {
    pub fn run(&self, link: &mut SqliteConnection) -> QueryResult<()> {
        self.0(link)
    }
}

fn run<const NUMBER: usize>(link: &mut SqliteConnection) -> QueryResult<()> {
    link.execute_returning_count(&Fixed::<NUMBER>).map(drop)
}

/// A text that is known when the program is made: each is a type, by which Diesel finds what it has prepared without writing
/// the text and hashing it.
struct Fixed<const NUMBER: usize>;

impl<const NUMBER: usize> QueryId for Fixed<NUMBER> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const NUMBER: usize> QueryFragment<Sqlite> for Fixed<NUMBER> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql(TEXTS[NUMBER]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_is_its_own() {
        let mut link = SqliteConnection::establish(":memory:").unwrap();
        for _ in 0..2 {
            BEGIN_IMMEDIATE.run(&mut link).unwrap();
            assert!(BEGIN.run(&mut link).is_err(), "one is open");
            SAVEPOINT.run(&mut link).unwrap();
            ROLLBACK_TO.run(&mut link).unwrap();
            RELEASE.run(&mut link).unwrap();
            assert!(RELEASE.run(&mut link).is_err(), "it was released");
            COMMIT.run(&mut link).unwrap();
            BEGIN.run(&mut link).unwrap();
            ROLLBACK.run(&mut link).unwrap();
            assert!(COMMIT.run(&mut link).is_err(), "none is open");
        }
    }
}
