//! What nobody waits for stops, and its place is free when it has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mainstay_db::{Asker, Atomic, Config, Database, Engine, Error, Lane, Rows, Statement};
use mainstay_record::Kind;
use mainstay_testkit::database::Place;
use mainstay_testkit::{both_engines, database, wait};

use crate::support::{add, keys, number, statement, table, text};

/// Long enough for any machine, short enough to end a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A read that takes hours.
fn endless(engine: Engine) -> Arc<Statement> {
    let sql = match engine {
        Engine::Sqlite => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT count(*) FROM n"
        }
        Engine::Postgres => {
            "SELECT count(*) FROM generate_series(1, 30000) AS a, generate_series(1, 30000) AS b, generate_series(1, 30000) AS c"
        }
    };
    statement(sql, &[])
}

fn one(engine: Engine) -> Arc<Statement> {
    statement(if engine == Engine::Sqlite { "SELECT 1" } else { "SELECT 1::int8" }, &[])
}

/// A store with room for one long read, which no limit of its own ends.
async fn narrow(place: &Place) -> Database {
    let config = Config { heavy_readers: 1, pool_size: 3, statement_timeout_ms: 0, ..place.config.clone() };
    Database::open(&config, &place.path).await.unwrap()
}

async fn long(db: &Database, statement: &Arc<Statement>) -> Result<Rows, Error> {
    db.fetch(Lane::Heavy, statement, Vec::new(), Rows::of(&[Kind::Int])).await
}

/// Waits until the server works on nothing of this database but the question.
async fn nothing_runs(place: &Place) {
    if place.url().is_none() {
        return;
    }
    let db = Database::open(&Config { pool_size: 1, ..place.config.clone() }, &place.path).await.unwrap();
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                   AND state = 'active'";
    wait::until("no query runs any more", || async { (number(&db, running).await == 0).then_some(()) }).await;
    db.close().await;
}

both_engines! {
    async fn a_long_read_whose_caller_goes_away_leaves_its_place(engine: Engine) {
        let place = database::place(engine).await;
        let db = narrow(&place).await;
        let endless = endless(engine);
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(50), long(&db, &endless)).await;
            assert!(given_up.is_err());
        }
        let next = tokio::time::timeout(PATIENCE, long(&db, &one(engine))).await;
        assert_eq!(next.expect("the place is free").unwrap().rows.len(), 1);
        nothing_runs(&place).await;
    }

    async fn a_long_read_ends_at_its_callers_deadline(engine: Engine) {
        let place = database::place(engine).await;
        let db = narrow(&place).await;
        let asker = Asker { deadline: Some(Instant::now() + Duration::from_millis(50)), ..Asker::default() };
        let endless = endless(engine);
        let read = db.fetch_for(asker, Lane::Heavy, &endless, Vec::new(), Rows::of(&[Kind::Int]));
        let outcome = tokio::time::timeout(PATIENCE, read).await.expect("it ends");
        assert!(matches!(outcome, Err(Error::StatementTimeout(_))), "{outcome:?}");
        assert_eq!(long(&db, &one(engine)).await.unwrap().rows.len(), 1);
        nothing_runs(&place).await;
    }

    async fn a_long_read_over_its_time_is_stopped(engine: Engine) {
        let place = database::place(engine).await;
        let config = Config { statement_timeout_ms: 50, ..place.config.clone() };
        let db = Database::open(&config, &place.path).await.unwrap();
        let outcome = tokio::time::timeout(PATIENCE, long(&db, &endless(engine))).await.expect("it ends");
        assert!(matches!(outcome, Err(Error::StatementTimeout(_))), "{outcome:?}");
    }

    async fn a_hundred_callers_who_hang_up_hold_up_nobody(engine: Engine) {
        let place = database::place(engine).await;
        let config = Config { statement_timeout_ms: 0, ..place.config.clone() };
        let db = Database::open(&config, &place.path).await.unwrap();
        table(&db).await;
        let endless = endless(engine);
        let leaving = async {
            for _ in 0..5 {
                let some = (0..20).map(|_| tokio::time::timeout(Duration::from_millis(20), long(&db, &endless)));
                for outcome in join_all(some).await {
                    assert!(matches!(outcome, Err(_) | Ok(Err(Error::Overloaded(_)))), "it was not given up");
                }
            }
        };
        let others = async {
            for round in 0..50 {
                add(&db, &format!("{round:02}")).await.unwrap();
                assert_eq!(keys(&db).await.len(), round + 1);
            }
        };
        tokio::time::timeout(PATIENCE, async { tokio::join!(leaving, others) }).await.expect("others go on");
        let next = tokio::time::timeout(PATIENCE, long(&db, &one(engine))).await;
        assert_eq!(next.expect("long reads go on").unwrap().rows.len(), 1);
        nothing_runs(&place).await;
    }

    async fn callers_take_turns_at_long_reads(engine: Engine) {
        let place = database::place(engine).await;
        let config = Config { heavy_queue: 2, ..place.config.clone() };
        let db = Database::open(&Config { heavy_readers: 1, pool_size: 3, ..config }, &place.path).await.unwrap();
        let endless = endless(engine);
        let of = |caller: u64, statement: Arc<Statement>| {
            let db = db.clone();
            let asker = Asker { caller: Some(caller), ..Asker::default() };
            tokio::spawn(async move { db.fetch_for(asker, Lane::Heavy, &statement, Vec::new(), Rows::of(&[Kind::Int])).await })
        };
        let mut greedy: Vec<_> = (0..3).map(|_| of(1, Arc::clone(&endless))).collect();
        wait::until("the greedy one has all that there is", || async {
            (db.counters().heavy_reads >= 3).then_some(())
        }).await;
        let other = of(2, one(engine));
        // The last of the greedy one's reads makes room for somebody else's.
        let refused = tokio::time::timeout(PATIENCE, greedy.remove(2)).await.expect("one is refused").unwrap();
        assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
        greedy.iter().for_each(tokio::task::JoinHandle::abort);
        let answered = tokio::time::timeout(PATIENCE, other).await.expect("the other has its turn").unwrap();
        assert_eq!(answered.unwrap().rows.len(), 1);
    }
}

/// On SQLite such a job runs to its end: it is the process's own, and bounded.
#[tokio::test]
async fn a_job_that_reads_stops_with_its_caller() {
    let place = database::place(Engine::Postgres).await;
    let db = narrow(&place).await;
    let limit = Duration::from_millis(50);
    let read = db.read(Lane::Heavy, |conn| Box::pin(run_endless(conn)));
    assert!(tokio::time::timeout(limit, read).await.is_err());
    nothing_runs(&place).await;
    let snapshot = db.snapshot(|conn| Box::pin(run_endless(conn)));
    assert!(tokio::time::timeout(limit, snapshot).await.is_err());
    nothing_runs(&place).await;
    assert_eq!(long(&db, &one(Engine::Postgres)).await.unwrap().rows.len(), 1);
}

async fn run_endless(conn: &mut mainstay_db::Conn<'_>) -> Result<usize, Error> {
    let endless = endless(conn.engine());
    conn.query(&endless, &[], &mut |_| ()).await
}

#[tokio::test]
async fn a_write_that_waits_for_a_lock_ends_at_its_callers_deadline() {
    let place = database::place(Engine::Postgres).await;
    let config = Config { statement_timeout_ms: 0, ..place.config.clone() };
    let db = Database::open(&config, &place.path).await.unwrap();
    table(&db).await;
    add(&db, "a").await.unwrap();
    let (gate, arrived) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let holder = tokio::spawn({
        let (db, gate, arrived) = (db.clone(), Arc::clone(&gate), Arc::clone(&arrived));
        async move {
            db.write(Atomic::Locked, move |conn| {
                let (gate, arrived) = (Arc::clone(&gate), Arc::clone(&arrived));
                Box::pin(async move {
                    set(conn, 1).await?;
                    arrived.notify_one();
                    gate.notified().await;
                    Ok::<_, Error>(())
                })
            })
            .await
        }
    });
    arrived.notified().await;
    for atomic in [Atomic::Statement, Atomic::Locked, Atomic::Transaction] {
        let deadline = Some(Instant::now() + Duration::from_millis(100));
        let write = db.write_until(deadline, atomic, |conn| Box::pin(set(conn, 2)));
        let outcome = tokio::time::timeout(PATIENCE, write).await.expect("it ends");
        assert!(
            matches!(outcome, Err(Error::StatementTimeout(_) | Error::CommitUnknown(_))),
            "{atomic:?}: {outcome:?}"
        );
    }
    gate.notify_one();
    holder.await.unwrap().unwrap();
    nothing_runs(&place).await;
    assert_eq!(number(&db, "SELECT n FROM t").await, 1, "none of them came through afterwards");
}

async fn set(conn: &mut mainstay_db::Conn<'_>, n: i64) -> Result<usize, Error> {
    let update = statement("UPDATE t SET n = ? WHERE id = ?", &[Kind::Int, Kind::Text]);
    conn.execute(&update, &[mainstay_record::Value::Int(n), text("a")]).await
}
