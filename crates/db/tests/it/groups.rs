//! Group commit on SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mainstay_db::{Atomic, Config, Database, Engine, Error};
use mainstay_testkit::database;

use crate::support::{add, hold_writer, insert, keys, statement, table};

type Waiting<T> = tokio::task::JoinHandle<Result<T, Error>>;

/// Queues writes while the writer is held: they meet in one group, in this order.
struct Group {
    db: Database,
}

impl Group {
    async fn add(&self, id: &str) -> Waiting<usize> {
        let (db, id) = (self.db.clone(), id.to_owned());
        self.queued(async move { add(&db, &id).await }).await
    }

    async fn queued<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Waiting<T> {
        let mut write = Box::pin(write);
        // The first poll queues it.
        assert!(futures_util::poll!(&mut write).is_pending());
        tokio::spawn(write)
    }
}

#[tokio::test]
async fn callers_that_come_together_share_one_commit() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let before = db.counters();
    let group = Group { db: db.clone() };
    let mut writes = Vec::new();
    for i in 0..100 {
        writes.push(group.add(&format!("{i:03}")).await);
    }
    gate.open();
    held.await.unwrap().unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let after = db.counters();
    assert_eq!(after.batches - before.batches, 1);
    assert_eq!(after.jobs - before.jobs, 100);
    assert_eq!(keys(&db).await.len(), 100);
}

#[tokio::test]
async fn one_callers_failure_is_its_own() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let first = group.add("a").await;
    let second = group.add("a").await;
    let third = group.add("b").await;
    gate.open();
    held.await.unwrap().unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 1);
    assert!(second.await.unwrap().unwrap_err().violates("t_pkey"));
    assert_eq!(third.await.unwrap().unwrap(), 1);
    assert_eq!(keys(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn a_transaction_inside_a_group_undoes_only_itself() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let first = group.add("a").await;
    let other = db.clone();
    let second = group
        .queued(async move {
            other
                .write::<usize, Error, _>(Atomic::Transaction, |conn| {
                    Box::pin(async move {
                        insert(conn, "b").await?;
                        insert(conn, "a").await
                    })
                })
                .await
        })
        .await;
    let third = group.add("c").await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert!(second.await.unwrap().unwrap_err().violates("t_pkey"));
    third.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "c"]);
}

#[tokio::test]
async fn a_statement_that_its_job_regrets_is_undone_without_harm_to_the_group() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let before = db.counters();
    let group = Group { db: db.clone() };
    let first = group.add("a").await;
    let other = db.clone();
    let regret = group
        .queued(async move {
            other
                .write::<usize, Error, _>(Atomic::Statement, |conn| {
                    Box::pin(async move {
                        insert(conn, "b").await?;
                        Err(Error::Config("regretted".to_owned()))
                    })
                })
                .await
        })
        .await;
    let third = group.add("c").await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert!(matches!(regret.await.unwrap(), Err(Error::Internal(_))));
    third.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "c"]);
    assert_eq!(db.counters().batches - before.batches, 1);
}

/// Queues a job that inserts a row and then fails, and says how it ended.
async fn regretted(
    group: &Group,
    atomic: Atomic,
    runs: &Arc<AtomicU32>,
) -> tokio::task::JoinHandle<Result<usize, Error>> {
    let (other, runs) = (group.db.clone(), Arc::clone(runs));
    group
        .queued(async move {
            other
                .write::<usize, Error, _>(atomic, move |conn| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    Box::pin(async move {
                        insert(conn, "regretted").await?;
                        Err(Error::Config("regretted".to_owned()))
                    })
                })
                .await
        })
        .await
}

/// Queues a job that inserts a row after a look at the others, and counts how often it runs.
async fn counted(
    group: &Group,
    id: &'static str,
    runs: &Arc<AtomicU32>,
) -> tokio::task::JoinHandle<Result<usize, Error>> {
    let (other, runs) = (group.db.clone(), Arc::clone(runs));
    group
        .queued(async move {
            other
                .write::<usize, Error, _>(Atomic::Locked, move |conn| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    Box::pin(async move {
                        conn.query(&statement("SELECT id FROM t", &[]), &[], &mut |_| {}).await?;
                        insert(conn, id).await
                    })
                })
                .await
        })
        .await
}

#[tokio::test]
async fn who_fails_before_a_change_costs_nobody_a_second_run() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    add(&db, "taken").await.unwrap();
    let (gate, held) = hold_writer(&db).await;
    let (group, runs) = (Group { db: db.clone() }, Arc::new(AtomicU32::new(0)));
    let first = counted(&group, "a", &runs).await;
    let refused = counted(&group, "taken", &runs).await;
    let last = counted(&group, "b", &runs).await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert!(refused.await.unwrap().unwrap_err().violates("t_pkey"));
    last.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "b", "taken"]);
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn who_fails_after_a_change_is_undone_alone_by_a_second_run_of_all() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let (group, runs) = (Group { db: db.clone() }, Arc::new(AtomicU32::new(0)));
    let first = counted(&group, "a", &runs).await;
    let regret = regretted(&group, Atomic::Locked, &runs).await;
    let last = counted(&group, "b", &runs).await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert!(matches!(regret.await.unwrap(), Err(Error::Config(_))));
    last.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "b"]);
    // The last one was not reached the first time.
    assert_eq!(runs.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_trial_is_taken_back_and_costs_nobody_a_second_run() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let (group, runs) = (Group { db: db.clone() }, Arc::new(AtomicU32::new(0)));
    let first = counted(&group, "a", &runs).await;
    let trial = regretted(&group, Atomic::Tentative, &runs).await;
    let last = counted(&group, "b", &runs).await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert!(matches!(trial.await.unwrap(), Err(Error::Config(_))));
    last.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "b"]);
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_a_caller_gave_up_before_it_began_is_not_done() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let given_up = group.add("a").await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let kept = group.add("b").await;
    gate.open();
    held.await.unwrap().unwrap();
    kept.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["b"]);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let place = database::place(Engine::Sqlite).await;
    let config = Config { write_queue: 2, ..place.config.clone() };
    let db = Database::open_sqlite(&place.path, &config).unwrap();
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let (first, second) = (group.add("a").await, group.add("b").await);
    let refused = add(&db, "c").await;
    assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
    assert_eq!(db.counters().refusals, 1);
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(keys(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn a_schema_change_in_the_queue_runs_alone_and_in_its_turn() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (gate, held) = hold_writer(&db).await;
    let before = db.counters();
    let group = Group { db: db.clone() };
    let first = group.add("a").await;
    let other = db.clone();
    let change = group
        .queued(async move {
            other
                .exclusive::<(), Error, _>(|conn| {
                    Box::pin(async move {
                        conn.begin().await?;
                        conn.batch("ALTER TABLE t ADD COLUMN extra TEXT; UPDATE t SET extra = id").await?;
                        conn.commit().await
                    })
                })
                .await
        })
        .await;
    let third = group.add("b").await;
    gate.open();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    change.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    assert_eq!(db.counters().batches - before.batches, 3);
    assert_eq!(crate::support::number(&db, "SELECT count(*) FROM t WHERE extra IS NOT NULL").await, 1);
}

#[tokio::test]
async fn a_job_that_waits_for_something_else_is_an_internal_error() {
    let db = database::fresh(Engine::Sqlite).await;
    let outcome: Result<(), Error> = db
        .write(Atomic::Statement, |_| {
            Box::pin(async {
                tokio::task::yield_now().await;
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
}

#[tokio::test]
async fn more_callers_than_a_group_holds_are_all_answered() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let answered = Arc::new(AtomicU32::new(0));
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let mut writes = Vec::new();
    for i in 0..600 {
        writes.push(group.add(&format!("{i:03}")).await);
    }
    gate.open();
    held.await.unwrap().unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
        answered.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(answered.load(Ordering::Relaxed), 600);
    assert_eq!(keys(&db).await.len(), 600);
}

#[tokio::test]
async fn a_job_is_refused_a_nested_call() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let inner = db.clone();
    let outcome: Result<usize, Error> = db
        .write(Atomic::Statement, move |_| {
            let inner = inner.clone();
            Box::pin(async move { add(&inner, "a").await })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
    let nested = db.clone();
    let read: Result<Vec<i64>, Error> = db
        .read(mainstay_db::Lane::Inline, move |_| {
            let nested = nested.clone();
            Box::pin(async move {
                let mut seen = Vec::new();
                let one = statement("SELECT 1", &[]);
                let rows = mainstay_db::Rows::of(&[mainstay_record::Kind::Int]);
                let found = nested.fetch(mainstay_db::Lane::Inline, &one, Vec::new(), rows).await?;
                seen.push(i64::try_from(found.rows.len()).unwrap());
                Ok(seen)
            })
        })
        .await;
    assert!(matches!(read, Err(Error::Internal(_))), "{read:?}");
}

#[tokio::test]
async fn when_sqlite_gives_the_transaction_up_nobody_in_the_group_is_stored() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    add(&db, "taken").await.unwrap();
    let (gate, held) = hold_writer(&db).await;
    let group = Group { db: db.clone() };
    let first = group.add("a").await;
    let other = db.clone();
    let rollback = group
        .queued(async move {
            other
                .write::<usize, Error, _>(Atomic::Statement, |conn| {
                    let sql = "INSERT OR ROLLBACK INTO t (id) VALUES ('taken')";
                    Box::pin(async move { conn.execute(&statement(sql, &[]), &[]).await })
                })
                .await
        })
        .await;
    let third = group.add("b").await;
    gate.open();
    held.await.unwrap().unwrap();
    for outcome in [first.await.unwrap(), rollback.await.unwrap(), third.await.unwrap()] {
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(keys(&db).await, ["taken"]);
}
