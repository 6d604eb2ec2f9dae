//! Runs data migrations: a statement, or as much of it as one transaction is to hold, at a time, each with its progress in the
//! ledger. What was broken off goes on where it stopped.

use std::sync::Arc;

use mainstay_contract::{Contract, Migration};
use mainstay_db::{Atomic, Conn, Database, Engine, Error, Statement, failpoint};
use mainstay_ledger::MigrationEntry;
use mainstay_record::Piece;

use super::ApplyError;
use super::ledger::ledger_of;
use crate::store::contracts;

/// What one transaction came to.
enum Came {
    /// Every migration is done, or the contract is no longer the one that is applied.
    ToTheEnd,
    /// There is more to do.
    On(MigrationEntry),
}

/// Runs what is left of a contract's migrations. Says how many were brought to an end.
pub async fn run(db: &Database, contract: &Arc<Contract>) -> Result<usize, ApplyError> {
    let mut done = 0;
    loop {
        let own = Arc::clone(contract);
        let came = db.write(Atomic::Transaction, move |conn| {
            let contract = Arc::clone(&own);
            Box::pin(async move { one_transaction(conn, &contract).await })
        });
        match came.await? {
            Came::ToTheEnd => return Ok(done),
            Came::On(entry) => {
                tracing::info!(
                    migration = entry.name,
                    statement = entry.statement,
                    rows = entry.rows,
                    done = entry.done,
                    "a data migration goes on"
                );
                done += usize::from(entry.done);
            }
        }
    }
}

async fn one_transaction(conn: &mut Conn<'_>, contract: &Contract) -> Result<Came, ApplyError> {
    let Some(applied) = contracts::newest(conn).await? else { return Ok(Came::ToTheEnd) };
    if !applied.is(contract) {
        return Ok(Came::ToTheEnd);
    }
    let ledger = ledger_of(Some(&applied));
    let Some(migration) = contract.migrations.iter().find(|migration| !ledger.has_run(migration.number)) else {
        return Ok(Came::ToTheEnd);
    };
    let mut entry = ledger.migration(migration);
    advance(conn, migration, &mut entry).await?;
    contracts::set_ledger(conn, applied.revision, &ledger.with_migration(migration.number, entry.clone())).await?;
    failpoint!(&format!("apply.migration.{}.{}", migration.number, entry.statement));
    Ok(Came::On(entry))
}

/// It is run now and never again.
fn uncached(sql: &str) -> Arc<Statement> {
    Statement::new(vec![Piece::Text(sql.to_owned())], false)
}

/// Runs the next statement once, or asks whether all is as it should be.
async fn advance(conn: &mut Conn<'_>, migration: &Migration, entry: &mut MigrationEntry) -> Result<(), ApplyError> {
    let script = match conn.engine() {
        Engine::Sqlite => &migration.sqlite,
        Engine::Postgres => &migration.postgres,
    };
    let failed = |statement: usize| {
        let name = migration.name.clone();
        move |source: Error| match source.is_transient() {
            true => ApplyError::from(source),
            false => ApplyError::Migration { name, statement: statement + 1, source },
        }
    };
    if let Some(statement) = script.statements.get(entry.statement) {
        let changed = conn.execute(&uncached(&statement.sql), &[]).await.map_err(failed(entry.statement))?;
        entry.rows += changed as u64;
        if !statement.repeat || changed == 0 {
            entry.statement += 1;
        }
        return Ok(());
    }
    let mut found = 0_u64;
    let verify = uncached(&script.verify);
    conn.query(&verify, &[], &mut |_| found += 1).await.map_err(failed(entry.statement))?;
    if found > 0 {
        return Err(ApplyError::Unverified { name: migration.name.clone(), rows: found });
    }
    entry.done = true;
    Ok(())
}
