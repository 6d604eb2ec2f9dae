//! The write-ahead log begins anew however the store is read.

use futures_util::future::BoxFuture;
use mainstay_db::{Config, Database, Engine, Error, Lane};
use mainstay_testkit::database;

use crate::support::{Gate, add, keys, statement, table};

/// More than the thousand pages after which SQLite writes the log back.
const WRITTEN_BYTES: usize = 5 << 20;

/// A long read that holds its snapshot until its gate opens.
fn long_read(db: &Database) -> (Gate, BoxFuture<'static, Result<(), Error>>) {
    let (db, gate) = (db.clone(), Gate::new());
    let stop = gate.clone();
    let read = async move {
        db.read(Lane::Heavy, move |conn| {
            let stop = stop.clone();
            Box::pin(async move {
                conn.query(&statement("SELECT count(*) FROM t", &[]), &[], &mut |_| ()).await?;
                stop.stop();
                Ok(())
            })
        })
        .await
    };
    (gate, Box::pin(read))
}

#[tokio::test]
async fn the_log_stays_small_although_there_is_always_a_long_read() {
    let place = database::place(Engine::Sqlite).await;
    let config = Config { heavy_readers: 2, log_limit_bytes: 1 << 20, ..place.config.clone() };
    let db = Database::open_sqlite(&place.path, &config).unwrap();
    table(&db).await;
    let (mut gate, mut running) = long_read(&db);
    assert!(futures_util::poll!(&mut running).is_pending());
    gate.reached().await;
    let mut largest = 0;
    for round in 0..6 {
        add(&db, &format!("{round}-{}", "x".repeat(WRITTEN_BYTES))).await.unwrap();
        largest = largest.max(std::fs::metadata(place.path.with_extension("db-wal")).unwrap().len());
        let (next_gate, mut next) = long_read(&db);
        assert!(futures_util::poll!(&mut next).is_pending());
        gate.open();
        running.await.unwrap();
        next_gate.reached().await;
        (gate, running) = (next_gate, next);
    }
    gate.open();
    running.await.unwrap();
    // A round writes its row and the same text in the index of the key. The answer to a write comes before the writer looks
    // at the log, so the log may be as large as two rounds, and never as the six.
    assert!(largest < 3 * 2 * WRITTEN_BYTES as u64, "the log had {largest} bytes");
    assert_eq!(keys(&db).await.len(), 6);
}

#[tokio::test]
async fn a_store_that_is_closed_lets_the_waiting_reads_go() {
    let place = database::place(Engine::Sqlite).await;
    let config = Config { heavy_readers: 2, log_limit_bytes: 1 << 20, ..place.config.clone() };
    let db = Database::open_sqlite(&place.path, &config).unwrap();
    table(&db).await;
    let (gate, mut running) = long_read(&db);
    assert!(futures_util::poll!(&mut running).is_pending());
    gate.reached().await;
    add(&db, &"x".repeat(WRITTEN_BYTES)).await.unwrap();
    let (next_gate, mut next) = long_read(&db);
    assert!(futures_util::poll!(&mut next).is_pending());
    let mut close = Box::pin(db.close());
    assert!(futures_util::poll!(&mut close).is_pending());
    gate.open();
    next_gate.open();
    close.await;
    running.await.unwrap();
    next.await.unwrap();
}
