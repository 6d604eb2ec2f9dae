//! Long reads do not hold up short ones, and too many are refused.

use std::sync::Arc;

use mainstay_db::{Atomic, Config, Database, Engine, Error, Lane, Rows};
use mainstay_record::Kind;
use mainstay_testkit::database;
use tokio::sync::Notify;

use crate::support::{Gate, keys, number, statement, table};

#[tokio::test]
async fn long_reads_on_sqlite_are_refused_when_too_many_wait() {
    let place = database::place(Engine::Sqlite).await;
    let config = Config { heavy_readers: 1, heavy_queue: 1, ..place.config.clone() };
    let db = Database::open_sqlite(&place.path, &config).unwrap();
    table(&db).await;
    let gate = Gate::new();
    let (reader, stop) = (db.clone(), gate.clone());
    let running = tokio::spawn(async move {
        reader
            .read::<(), Error, _>(Lane::Heavy, move |_| {
                let stop = stop.clone();
                Box::pin(async move {
                    stop.stop();
                    Ok(())
                })
            })
            .await
    });
    gate.reached().await;
    let one = statement("SELECT 1", &[]);
    let mut waiting = Box::pin(db.fetch(Lane::Heavy, &one, Vec::new(), Rows::of(&[Kind::Int])));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let refused = db.fetch(Lane::Heavy, &one, Vec::new(), Rows::of(&[Kind::Int])).await;
    assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
    assert!(keys(&db).await.is_empty(), "short reads go on");
    gate.open();
    running.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().rows.len(), 1);
    assert_eq!(db.counters().refusals, 1);
}

#[tokio::test]
async fn long_reads_on_postgres_are_refused_when_too_many_wait() {
    let place = database::place(Engine::Postgres).await;
    let config = Config { pool_size: 2, heavy_queue: 1, ..place.config.clone() };
    let db = Database::open(&config, &place.path).await.unwrap();
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = tokio::spawn({
        let (db, started, go_on) = (db.clone(), Arc::clone(&started), Arc::clone(&go_on));
        async move {
            db.read::<(), Error, _>(Lane::Heavy, move |_| {
                let (started, go_on) = (Arc::clone(&started), Arc::clone(&go_on));
                Box::pin(async move {
                    started.notify_one();
                    go_on.notified().await;
                    Ok(())
                })
            })
            .await
        }
    });
    started.notified().await;
    let one = statement("SELECT 1::int8", &[]);
    let mut waiting = Box::pin(db.fetch(Lane::Heavy, &one, Vec::new(), Rows::of(&[Kind::Int])));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let refused = db.fetch(Lane::Heavy, &one, Vec::new(), Rows::of(&[Kind::Int])).await;
    assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
    assert_eq!(number(&db, "SELECT 1::int8").await, 1, "short reads go on");
    go_on.notify_one();
    running.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_postgres_pool_that_is_used_up_refuses() {
    let place = database::place(Engine::Postgres).await;
    let config = Config { pool_size: 1, pool_wait_ms: 20, ..place.config.clone() };
    let db = Database::open(&config, &place.path).await.unwrap();
    let inner = db.clone();
    let outcome: Result<(), Error> = db
        .read(Lane::Inline, move |_| {
            let inner = inner.clone();
            Box::pin(async move {
                let second = inner.read::<(), Error, _>(Lane::Inline, |_| Box::pin(async { Ok(()) })).await;
                assert!(matches!(second, Err(Error::Overloaded(_))), "{second:?}");
                Ok(())
            })
        })
        .await;
    outcome.unwrap();
    assert_eq!(db.counters().refusals, 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn long_reads_on_sqlite_run_at_low_priority() {
    let db = database::fresh(Engine::Sqlite).await;
    let stat: Result<String, Error> = db
        .read(Lane::Heavy, |_| Box::pin(async { Ok(std::fs::read_to_string("/proc/thread-self/stat").unwrap()) }))
        .await;
    // Field 19, counted from the name in brackets, which is field 2.
    let stat = stat.unwrap();
    let nice = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(16));
    assert_eq!(nice, Some("10"));
}

#[tokio::test]
async fn a_read_lane_cannot_write() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    for lane in [Lane::Inline, Lane::Heavy] {
        let outcome = db.read(lane, |conn| Box::pin(async move { crate::support::insert(conn, "a").await })).await;
        assert!(outcome.is_err());
    }
    let written = db.write(Atomic::Statement, |conn| Box::pin(crate::support::insert(conn, "b"))).await;
    written.unwrap();
    assert_eq!(keys(&db).await, ["b"]);
}

#[tokio::test]
async fn a_statement_that_proves_slow_leaves_the_inline_lane() {
    let db = database::fresh(Engine::Sqlite).await;
    let slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n";
    let slow = statement(slow, &[]);
    while !slow.is_slow() {
        db.fetch(Lane::Inline, &slow, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    }
    let before = db.counters();
    db.fetch(Lane::Inline, &slow, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    let after = db.counters();
    assert_eq!((after.inline_reads - before.inline_reads, after.heavy_reads - before.heavy_reads), (0, 1));
}
