//! Rows in a table.

use std::sync::Arc;

use mainstay_db::{Atomic, Database, Error, Statement};
use mainstay_record::Value;

/// Runs a statement for each of the rows, all or none.
pub async fn store_rows(database: &Database, statement: Arc<Statement>, rows: Vec<Vec<Value>>) {
    let stored = database.write(Atomic::Transaction, move |conn| {
        let (statement, rows) = (statement.clone(), rows.clone());
        Box::pin(async move {
            for row in &rows {
                conn.execute(&statement, row).await?;
            }
            Ok::<(), Error>(())
        })
    });
    stored.await.expect("the rows are stored");
}
