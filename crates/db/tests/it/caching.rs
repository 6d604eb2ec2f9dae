//! Prepared statements are kept for admitted shapes only.

use mainstay_db::{Config, Database, Engine, Lane, Rows};
use mainstay_record::{Kind, Value};
use mainstay_testkit::database;

use crate::support::{number, shape};

const PREPARED: &str = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%/* shape %'";

/// One connection, so that it can be asked what it has prepared.
async fn single_connection() -> (Database, database::Place) {
    let place = database::place(Engine::Postgres).await;
    let config = Config { pool_size: 1, ..place.config.clone() };
    (Database::open(&config, &place.path).await.unwrap(), place)
}

async fn run(db: &Database, sql: &str, cacheable: bool) {
    let statement = shape(sql, &[Kind::Int], cacheable);
    let rows = db.fetch(Lane::Inline, &statement, vec![Value::Int(7)], Rows::of(&[Kind::Int])).await.unwrap();
    assert_eq!(rows.rows, [vec![Value::Int(7)]]);
}

#[tokio::test]
async fn an_admitted_shape_is_prepared_once_and_others_are_not_kept() {
    let (db, _place) = single_connection().await;
    for _ in 0..10 {
        run(&db, "SELECT ? /* shape kept */", true).await;
    }
    for i in 0..10 {
        run(&db, &format!("SELECT ? /* shape {i} */"), false).await;
    }
    // Closing a statement is sent along with a later message.
    assert_eq!(number(&db, "SELECT 1::int8").await, 1);
    assert_eq!(number(&db, PREPARED).await - 1, 1, "the question itself is one of them");
}

#[tokio::test]
async fn a_refresh_forgets_what_was_prepared() {
    let (db, _place) = single_connection().await;
    run(&db, "SELECT ? /* shape kept */", true).await;
    db.refresh();
    assert_eq!(number(&db, PREPARED).await - 1, 0);
}
