//! Tables that SQLite makes anew, because it gives a table a reference, or takes one away, in no other way.

use mainstay_db::{Conn, Engine, Error, Statement, failpoint};
use mainstay_ledger::Ledger;
use mainstay_record::{Kind, Piece, Row as _, Value};
use mainstay_sql::{SchemaStep, same_rows, schema_sql};

use super::{ApplyError, dialect};

/// How many statements of a table's remaking come before the old table goes.
const BEFORE_THE_OLD_GOES: usize = 2;

/// Switches references off where tables go, which is of no use once a transaction has begun. Whoever holds the connection next
/// has them on again, and [`intact`] looks at them before the transaction ends.
pub async fn loosen(conn: &mut Conn<'_>, steps: &[&SchemaStep]) -> Result<(), Error> {
    if lets_go(steps) && conn.engine() == Engine::Sqlite {
        conn.batch("PRAGMA foreign_keys = OFF").await?;
    }
    Ok(())
}

/// Runs a step. `done` counts statements, for failpoints.
pub async fn run(conn: &mut Conn<'_>, step: &SchemaStep, done: &mut usize) -> Result<(), ApplyError> {
    let is_remade = conn.engine() == Engine::Sqlite && matches!(step, SchemaStep::RemakeTable { .. });
    for (index, sql) in schema_sql(dialect(conn.engine()), step).iter().enumerate() {
        if is_remade && index == BEFORE_THE_OLD_GOES {
            has_same_rows(conn, step).await?;
        }
        conn.batch(sql).await?;
        failpoint!(&format!("apply.step.{done}"));
        *done += 1;
    }
    Ok(())
}

async fn has_same_rows(conn: &mut Conn<'_>, step: &SchemaStep) -> Result<(), ApplyError> {
    let (SchemaStep::RemakeTable { table, .. }, Some(sql)) = (step, same_rows(step)) else { return Ok(()) };
    match number(conn, &sql).await? {
        1 => Ok(()),
        _ => Err(ApplyError::NotTheSame { table: table.clone() }),
    }
}

/// Looks whether every row still refers to one that is there: in tables that were made anew, and in those that refer to them.
pub async fn intact(conn: &mut Conn<'_>, steps: &[&SchemaStep], ledger: &Ledger) -> Result<(), ApplyError> {
    if !lets_go(steps) || conn.engine() == Engine::Postgres {
        return Ok(());
    }
    for (_, entry) in ledger.entries().filter(|(_, entry)| !entry.references.is_empty()) {
        let table = entry.table.replace('\'', "''");
        let broken = number(conn, &format!("SELECT COUNT(*) FROM pragma_foreign_key_check('{table}')")).await?;
        if broken > 0 {
            return Err(ApplyError::NotTheSame { table: entry.table.clone() });
        }
    }
    Ok(())
}

fn lets_go(steps: &[&SchemaStep]) -> bool {
    steps.iter().any(|step| matches!(step, SchemaStep::RemakeTable { .. } | SchemaStep::DropTable { .. }))
}

async fn number(conn: &mut Conn<'_>, sql: &str) -> Result<i64, Error> {
    let statement = Statement::new(vec![Piece::Text(sql.to_owned())], false);
    let mut found = 0;
    conn.query(&statement, &[], &mut |row| {
        if let Value::Int(number) = row.get(0, Kind::Int) {
            found = number;
        }
    })
    .await?;
    Ok(found)
}
