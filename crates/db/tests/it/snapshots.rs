//! A reader that keeps its snapshot still sees every acknowledged write.

use std::sync::{Arc, Barrier};
use std::thread;

use mainstay_db::{Database, Engine, Error, Lane, Rows};
use mainstay_record::{Kind, Value};
use mainstay_testkit::{both_engines, database};

use crate::support::{add, batch, keys, number, statement, table};

fn on_a_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> thread::JoinHandle<T> {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    })
}

#[tokio::test]
async fn every_thread_reads_what_any_thread_was_told_is_written() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|me| {
            let (db, barrier): (Database, _) = (db.clone(), Arc::clone(&barrier));
            on_a_thread(async move {
                for round in 0..25 {
                    // A read first, so that there is a snapshot that could be stale.
                    keys(&db).await;
                    add(&db, &format!("{me}-{round}")).await.unwrap();
                    barrier.wait();
                    assert_eq!(number(&db, "SELECT count(*) FROM t").await, 4 * (round + 1));
                    barrier.wait();
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.join().unwrap())).await.unwrap();
}

both_engines! {
    async fn a_caller_reads_its_own_writes_in_both_lanes(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let count = statement("SELECT count(*) FROM t", &[]);
        for round in 1..=20 {
            add(&db, &format!("{round:02}")).await.unwrap();
            for lane in [Lane::Inline, Lane::Heavy] {
                let rows = db.fetch(lane, &count, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
                assert_eq!(rows.rows, [vec![Value::Int(round)]]);
            }
        }
    }
}

both_engines! {
    async fn a_snapshot_sees_one_moment_and_holds_up_no_writer(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "first").await.unwrap();
        let (began, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (reader, started, resume) = (db.clone(), Arc::clone(&began), Arc::clone(&go_on));
        let read = on_a_thread(async move {
            let counted: Result<Vec<i64>, Error> = reader
                .snapshot(move |conn| {
                    let (started, resume) = (Arc::clone(&started), Arc::clone(&resume));
                    Box::pin(async move {
                        let mut counts = Vec::new();
                        for round in 0..2 {
                            let count = statement("SELECT count(*) FROM t", &[]);
                            conn.query(&count, &[], &mut |row| {
                                if let Value::Int(n) = mainstay_record::Row::get(row, 0, Kind::Int) {
                                    counts.push(n);
                                }
                            })
                            .await?;
                            if round == 0 {
                                started.wait();
                                resume.wait();
                            }
                        }
                        Ok(counts)
                    })
                })
                .await;
            counted.unwrap()
        });
        let began = tokio::task::spawn_blocking(move || began.wait());
        began.await.unwrap();
        add(&db, "second").await.unwrap();
        // Nor does a schema change wait.
        let changed: Result<(), Error> = db.exclusive(|conn| Box::pin(async move { conn.batch("CREATE TABLE u (n BIGINT)").await })).await;
        changed.unwrap();
        tokio::task::spawn_blocking(move || { go_on.wait(); }).await.unwrap();
        let counts = tokio::task::spawn_blocking(move || read.join().unwrap()).await.unwrap();
        assert_eq!(counts, [1, 1]);
        assert_eq!(number(&db, "SELECT count(*) FROM t").await, 2);
    }

    async fn a_snapshot_writes_nothing(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let written: Result<(), Error> = db
            .snapshot(|conn| Box::pin(async move { conn.batch("DELETE FROM t").await }))
            .await;
        assert!(written.is_err());
    }
}

/// How much of the log a checkpoint could not write back, because somebody still reads from before it.
async fn held_back(db: &Database) -> i64 {
    let held: Result<i64, Error> = db
        .exclusive(|conn| {
            Box::pin(async move {
                let mut rows = Rows::of(&[Kind::Int, Kind::Int, Kind::Int]);
                let checkpoint = statement("PRAGMA wal_checkpoint(PASSIVE)", &[]);
                conn.query(&checkpoint, &[], &mut |row| _ = mainstay_db::Sink::row(&mut rows, row)).await?;
                match rows.rows[0][..] {
                    [_, Value::Int(log), Value::Int(done)] => Ok(log - done),
                    _ => panic!("{rows:?}"),
                }
            })
        })
        .await;
    held.unwrap()
}

#[tokio::test]
async fn a_snapshot_that_a_commit_made_old_is_ended_though_its_thread_reads_no_more() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    keys(&db).await;
    add(&db, "a").await.unwrap();
    // The writer ends it some time after the commit; nothing on this thread does.
    while held_back(&db).await > 0 {}
}

#[tokio::test]
async fn a_reader_survives_a_schema_change() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    add(&db, "a").await.unwrap();
    let all = statement("SELECT * FROM t", &[]);
    db.fetch(Lane::Inline, &all, Vec::new(), Rows::of(&[Kind::Text])).await.unwrap();
    batch(&db, "ALTER TABLE t ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'").await;
    db.refresh();
    let kinds = [Kind::Text, Kind::Int, Kind::Text];
    let rows = db.fetch(Lane::Inline, &all, Vec::new(), Rows::of(&kinds)).await.unwrap();
    assert_eq!(rows.rows[0][2], Value::Text("x".to_owned()));
}
