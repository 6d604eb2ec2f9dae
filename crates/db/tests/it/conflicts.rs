//! Transactions on PostgreSQL that meet each other, and connections that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mainstay_db::{Atomic, Config, Conn, Database, Engine, Error, Lane, Rows};
use mainstay_record::{Kind, Value};
use mainstay_testkit::{both_engines, database};
use tokio::sync::{Barrier, Notify};

use crate::support::{add, batch, insert, keys, number, statement, table, text};

async fn read_number(conn: &mut Conn<'_>, id: &str) -> Result<i64, Error> {
    let mut n = 0;
    let select = statement("SELECT n FROM t WHERE id = ?", &[Kind::Text]);
    conn.query(&select, &[text(id)], &mut |row| {
        if let Value::Int(found) = mainstay_record::Row::get(row, 0, Kind::Int) {
            n = found;
        }
    })
    .await?;
    Ok(n)
}

async fn set_number(conn: &mut Conn<'_>, id: &str, n: i64) -> Result<usize, Error> {
    let update = statement("UPDATE t SET n = ? WHERE id = ?", &[Kind::Int, Kind::Text]);
    conn.execute(&update, &[Value::Int(n), text(id)]).await
}

/// Reads a row that nobody else changes before this transaction ends.
async fn read_locked(conn: &mut Conn<'_>, id: &str) -> Result<i64, Error> {
    if conn.engine() == Engine::Postgres {
        let lock = statement("SELECT n FROM t WHERE id = ? FOR NO KEY UPDATE", &[Kind::Text]);
        conn.query(&lock, &[text(id)], &mut |_| ()).await?;
    }
    read_number(conn, id).await
}

async fn increment(db: &Database) -> Result<usize, Error> {
    db.write(Atomic::Transaction, |conn| {
        Box::pin(async move {
            let n = read_number(conn, "a").await?;
            set_number(conn, "a", n + 1).await
        })
    })
    .await
}

both_engines! {
    async fn no_increment_is_lost(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "a").await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let db = db.clone();
            tasks.spawn(async move {
                for _ in 0..8 {
                    // A conflict that lasts is the caller's to repeat.
                    while let Err(error) = increment(&db).await {
                        assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
                    }
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(number(&db, "SELECT n FROM t").await, 48);
    }

    async fn no_increment_under_a_lock_is_lost_and_none_is_run_again(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "a").await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let db = db.clone();
            tasks.spawn(async move {
                for _ in 0..8 {
                    let write = db.write(Atomic::Locked, |conn| Box::pin(async move {
                        let n = read_locked(conn, "a").await?;
                        set_number(conn, "a", n + 1).await
                    }));
                    assert_eq!(write.await.unwrap(), 1);
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(number(&db, "SELECT n FROM t").await, 128);
        assert_eq!(db.counters().retries, 0);
    }
}

#[tokio::test]
async fn a_transaction_that_lost_is_run_again() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    add(&db, "a").await.unwrap();
    let (has_read, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let attempts = Arc::new(AtomicU32::new(0));
    let loser = tokio::spawn({
        let (db, has_read, go_on, attempts) = (db.clone(), has_read.clone(), go_on.clone(), attempts.clone());
        async move {
            db.write(Atomic::Transaction, move |conn| {
                let (has_read, go_on, attempts) = (has_read.clone(), go_on.clone(), attempts.clone());
                Box::pin(async move {
                    let n = read_number(conn, "a").await?;
                    if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
                        has_read.notify_one();
                        go_on.notified().await;
                    }
                    set_number(conn, "a", n + 1).await
                })
            })
            .await
        }
    });
    has_read.notified().await;
    increment(&db).await.unwrap();
    go_on.notify_one();
    assert_eq!(loser.await.unwrap().unwrap(), 1);
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert_eq!(db.counters().retries, 1);
    assert_eq!(number(&db, "SELECT n FROM t").await, 2);
}

#[tokio::test]
async fn a_transaction_that_always_loses_is_a_conflict_when_its_caller_has_no_more_time() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    add(&db, "a").await.unwrap();
    let other = db.clone();
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = attempts.clone();
    let deadline = Instant::now() + Duration::from_millis(200);
    let outcome = db
        .write_until(Some(deadline), Atomic::Transaction, move |conn| {
            let (other, attempts) = (other.clone(), attempts.clone());
            Box::pin(async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                let n = read_number(conn, "a").await?;
                increment(&other).await?;
                set_number(conn, "a", n + 1).await
            })
        })
        .await;
    let made = counted.load(Ordering::Relaxed);
    assert!(Instant::now() <= deadline + Duration::from_millis(100), "not for longer than it has");
    assert!(made > 2, "again and again: {made}");
    let error = outcome.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    match error {
        Error::Conflict { attempts, .. } => {
            assert_eq!(attempts, made);
            assert!(cause.contains("could not serialize access"), "{cause}");
        }
        // On a slow machine the time is over in the middle of a try.
        Error::CommitUnknown(_) => {}
        other => panic!("{other:?} {made}"),
    }
}

#[tokio::test]
async fn a_deadlock_is_resolved_by_running_one_side_again() {
    let mut place = database::place(Engine::Postgres).await;
    let url = secrecy::ExposeSecret::expose_secret(place.config.database_url.as_ref().unwrap()).to_owned();
    place.config.database_url = Some(format!("{url}?options=-c%20deadlock_timeout%3D20ms").into());
    let db = Database::open(&place.config, &place.path).await.unwrap();
    table(&db).await;
    add(&db, "a").await.unwrap();
    add(&db, "b").await.unwrap();
    let meet = Arc::new(Barrier::new(2));
    let cross = |first: &'static str, second: &'static str| {
        let (db, meet, attempts) = (db.clone(), meet.clone(), Arc::new(AtomicU32::new(0)));
        tokio::spawn(async move {
            db.write(Atomic::Transaction, move |conn| {
                let (meet, attempts) = (meet.clone(), attempts.clone());
                Box::pin(async move {
                    set_number(conn, first, 1).await?;
                    if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
                        meet.wait().await;
                    }
                    set_number(conn, second, 1).await
                })
            })
            .await
        })
    };
    let (one, two) = (cross("a", "b"), cross("b", "a"));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    assert!(db.counters().retries >= 1);
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_stores_nothing() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    let outcome: Result<(), Error> = db
        .write(Atomic::Transaction, |conn| {
            Box::pin(async move {
                insert(conn, "a").await?;
                conn.batch("SELECT pg_terminate_backend(pg_backend_pid())").await
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(keys(&db).await.is_empty());
    add(&db, "b").await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_commit_is_not_known_and_not_repeated() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    batch(
        &db,
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION die()",
    )
    .await;
    for atomic in [Atomic::Transaction, Atomic::Statement] {
        let attempts = Arc::new(AtomicU32::new(0));
        let counted = attempts.clone();
        let outcome = db
            .write(atomic, move |conn| {
                counted.fetch_add(1, Ordering::Relaxed);
                Box::pin(async move { insert(conn, "a").await })
            })
            .await;
        assert!(matches!(outcome, Err(Error::CommitUnknown(_))), "{outcome:?}");
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_statement_over_its_time_is_stopped() {
    let place = database::place(Engine::Postgres).await;
    let config = Config { statement_timeout_ms: 20, ..place.config.clone() };
    let db = Database::open(&config, &place.path).await.unwrap();
    let sleep = statement("SELECT pg_sleep(60)", &[]);
    let outcome = db.fetch(Lane::Inline, &sleep, Vec::new(), Rows::of(&[])).await;
    assert!(matches!(outcome, Err(Error::StatementTimeout(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://nobody@127.0.0.1:{port}/nothing");
    let Err(error) = Database::open_postgres(&url, &Config::default()).await else { panic!("it answered") };
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn only_a_transaction_without_locks_is_serialisable() {
    let db = database::fresh(Engine::Postgres).await;
    let level = async |atomic| {
        db.write(atomic, |conn| {
            Box::pin(async move {
                let mut rows = Rows::of(&[Kind::Text]);
                let show = statement("SHOW transaction_isolation", &[]);
                conn.query(&show, &[], &mut |row| _ = mainstay_db::Sink::row(&mut rows, row)).await?;
                Ok::<_, Error>(rows.rows)
            })
        })
        .await
        .unwrap()
    };
    assert_eq!(level(Atomic::Statement).await, [vec![text("read committed")]]);
    assert_eq!(level(Atomic::Locked).await, [vec![text("read committed")]]);
    assert_eq!(level(Atomic::Tentative).await, [vec![text("read committed")]]);
    assert_eq!(level(Atomic::Transaction).await, [vec![text("serializable")]]);
}

#[tokio::test]
async fn reads_that_share_connections_get_their_own_rows() {
    let db = database::fresh(Engine::Postgres).await;
    let echo = statement("SELECT ? + 0 * length(pg_sleep(0.001)::text)", &[Kind::Int]);
    let reads = (0..200).map(|i| {
        let (db, echo) = (&db, &echo);
        async move {
            let rows = db.fetch(Lane::Inline, echo, vec![Value::Int(i)], Rows::of(&[Kind::Int])).await.unwrap();
            assert_eq!(rows.rows, [vec![Value::Int(i)]]);
        }
    });
    futures_util::future::join_all(reads).await;
}

#[tokio::test]
async fn a_read_that_meets_a_lost_connection_is_run_again() {
    let db = database::fresh(Engine::Postgres).await;
    let one = statement("SELECT 1::int8", &[]);
    for _ in 0..8 {
        db.fetch(Lane::Inline, &one, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    }
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    batch(&db, kill).await;
    for _ in 0..8 {
        let rows = db.fetch(Lane::Inline, &one, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
        assert_eq!(rows.rows, [vec![Value::Int(1)]]);
    }
    db.read::<(), Error, _>(Lane::Heavy, |conn| Box::pin(async move { conn.batch("SELECT 1").await })).await.unwrap();
}

#[tokio::test]
async fn a_read_that_is_given_up_leaves_its_connection_usable() {
    let db = database::fresh(Engine::Postgres).await;
    let one = statement("SELECT 1::int8", &[]);
    for _ in 0..20 {
        let mut given_up = Box::pin(db.fetch(Lane::Inline, &one, Vec::new(), Rows::of(&[Kind::Int])));
        let _ = futures_util::poll!(&mut given_up);
        drop(given_up);
        assert_eq!(number(&db, "SELECT 1::int8").await, 1);
    }
}
