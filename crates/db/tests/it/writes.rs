//! What a write promises.

use std::sync::Arc;
use std::time::Duration;

use mainstay_db::{Atomic, Engine, Error, Lane};
use mainstay_record::Kind;
use mainstay_testkit::{both_engines, database};
use tokio::sync::Notify;

use crate::support::{add, batch, insert, keys, shape, statement, table, text};

both_engines! {
    async fn what_was_written_is_read(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        assert_eq!(add(&db, "a").await.unwrap(), 1);
        assert_eq!(keys(&db).await, ["a"]);
    }

    async fn an_error_undoes_the_whole_transaction(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let outcome: Result<(), Error> = db
            .write(Atomic::Transaction, |conn| Box::pin(async move {
                insert(conn, "a").await?;
                insert(conn, "b").await?;
                Err(Error::Config("the job changed its mind".to_owned()))
            }))
            .await;
        assert!(matches!(outcome, Err(Error::Config(_))), "{outcome:?}");
        assert!(keys(&db).await.is_empty());
    }

    async fn a_job_of_one_statement_must_not_fail_after_it(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let outcome: Result<(), Error> = db
            .write(Atomic::Statement, |conn| Box::pin(async move {
                insert(conn, "a").await?;
                Err(Error::Config("regretted".to_owned()))
            }))
            .await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
        let refused: Result<(), Error> = db
            .write(Atomic::Statement, |conn| Box::pin(async move {
                conn.execute(&statement("DELETE FROM t WHERE id = 'nobody'", &[]), &[]).await?;
                Err(Error::Config("not found".to_owned()))
            }))
            .await;
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    }

    async fn an_atomic_statement_runs_one_statement_only(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let outcome = db
            .write(Atomic::Statement, |conn| Box::pin(async move {
                let _ = conn.execute(&statement("DELETE FROM t", &[]), &[]).await?;
                insert(conn, "b").await
            }))
            .await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
        assert!(keys(&db).await.is_empty());
    }

    async fn after_a_failed_statement_the_transaction_can_only_fail(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "a").await.unwrap();
        let outcome: Result<(), Error> = db
            .write(Atomic::Transaction, |conn| Box::pin(async move {
                insert(conn, "b").await?;
                // The job looks away.
                let _ = insert(conn, "a").await;
                Ok(())
            }))
            .await;
        assert!(outcome.unwrap_err().violates("t_pkey"));
        assert_eq!(keys(&db).await, ["a"]);
    }

    async fn a_panic_undoes_the_job_and_harms_nobody_else(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let outcome: Result<(), Error> = db
            .write(Atomic::Transaction, |conn| Box::pin(async move {
                insert(conn, "a").await?;
                panic!("out of cheese")
            }))
            .await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
        add(&db, "b").await.unwrap();
        assert_eq!(keys(&db).await, ["b"]);
    }

    async fn constraints_have_the_same_names_on_both_engines(engine: Engine) {
        let db = database::fresh(engine).await;
        batch(&db, "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY);
            CREATE TABLE c (a BIGINT NOT NULL, b BIGINT NOT NULL UNIQUE, d BIGINT, e TEXT,
                p BIGINT, CONSTRAINT c_p_known FOREIGN KEY (p) REFERENCES p (id),
                PRIMARY KEY (a, b), CONSTRAINT c_d_positive CHECK (d > 0));
            CREATE UNIQUE INDEX c_d_taken ON c (d);
            CREATE UNIQUE INDEX c_e_taken ON c (lower(e));
            INSERT INTO c VALUES (1, 1, 1, 'x')".replace("'x')", "'x', NULL)").as_str()).await;
        let fails = async |values: &str| {
            let sql = format!("INSERT INTO c VALUES ({values})");
            let outcome = db.write(Atomic::Statement, move |conn| {
                let sql = sql.clone();
                Box::pin(async move { conn.execute(&statement(&sql, &[]), &[]).await })
            });
            outcome.await.unwrap_err()
        };
        assert!(fails("1, 1, 2, 'y', NULL").await.violates("c_pkey"));
        assert!(fails("2, 1, 2, 'y', NULL").await.violates("c_b_key"));
        assert!(fails("2, 2, 1, 'y', NULL").await.violates("c_d_taken"));
        assert!(fails("2, 2, 2, 'X', NULL").await.violates("c_e_taken"));
        let null = fails("2, NULL, 2, 'y', NULL").await;
        assert!(matches!(&null, Error::NotNullViolation { column, .. } if column == "c.b"), "{null:?}");
        let check = fails("2, 2, -2, 'y', NULL").await;
        assert!(matches!(&check, Error::CheckViolation { constraint, .. } if constraint == "c_d_positive"), "{check:?}");
        let foreign = fails("2, 2, 2, 'y', 7").await;
        assert!(matches!(&foreign, Error::ForeignKeyViolation { .. }), "{foreign:?}");
    }

    async fn a_violated_constraint_keeps_its_cause_without_the_values(engine: Engine) {
        let db = database::fresh(engine).await;
        batch(&db, "CREATE TABLE p (id TEXT NOT NULL PRIMARY KEY);
            CREATE TABLE c (id TEXT NOT NULL PRIMARY KEY, d BIGINT CHECK (d > 0), p TEXT REFERENCES p (id));
            INSERT INTO c VALUES ('secret', 1, NULL)").await;
        for values in ["'secret', 1, NULL", "NULL, 1, NULL", "'secret2', -1, NULL", "'x', 1, 'secret'"] {
            let sql = format!("INSERT INTO c VALUES ({values})");
            let outcome = db.write::<usize, Error, _>(Atomic::Statement, move |conn| {
                let sql = sql.clone();
                Box::pin(async move { conn.execute(&statement(&sql, &[]), &[]).await })
            });
            let error = outcome.await.unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(!cause.is_empty() && !cause.contains("secret"), "{error}: {cause}");
        }
    }

    async fn a_statement_that_is_not_kept_fails_like_one_that_is(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        add(&db, "a").await.unwrap();
        let again = || db.write::<usize, Error, _>(Atomic::Statement, |conn| Box::pin(async move {
            conn.execute(&shape("INSERT INTO t (id) VALUES (?)", &[Kind::Text], false), &[text("a")]).await
        }));
        for _ in 0..3 {
            assert!(again().await.unwrap_err().violates("t_pkey"));
        }
        add(&db, "b").await.unwrap();
    }

    async fn a_statement_for_another_schema_is_told_apart(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        for sql in ["SELECT x.id FROM missing x", "SELECT x.missing FROM t x", "INSERT INTO t (missing) VALUES (1)"] {
            let sql = sql.to_owned();
            let outcome = db.write(Atomic::Statement, move |conn| {
                let sql = sql.clone();
                Box::pin(async move { conn.execute(&statement(&sql, &[]), &[]).await })
            });
            let outcome = outcome.await;
            assert!(matches!(outcome, Err(Error::StaleSchema(_))), "{outcome:?}");
        }
    }

    async fn a_job_opens_no_transaction_of_its_own(engine: Engine) {
        let db = database::fresh(engine).await;
        let outcome: Result<(), Error> =
            db.write(Atomic::Transaction, |conn| Box::pin(async move { conn.begin().await })).await;
        assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
    }

    async fn a_transaction_that_a_schema_change_leaves_open_is_rolled_back(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        let left: Result<usize, Error> = db
            .exclusive(|conn| Box::pin(async move {
                conn.begin().await?;
                insert(conn, "a").await
            }))
            .await;
        left.unwrap();
        add(&db, "b").await.unwrap();
        assert_eq!(keys(&db).await, ["b"]);
    }

    async fn a_closed_store_is_unavailable(engine: Engine) {
        let db = database::fresh(engine).await;
        table(&db).await;
        db.close().await;
        assert!(add(&db, "a").await.unwrap_err().is_transient());
        let read = db.read::<_, Error, _>(Lane::Inline, |conn| Box::pin(async move { conn.batch("SELECT 1").await }));
        assert!(read.await.unwrap_err().is_transient());
    }
}

#[tokio::test]
async fn a_write_on_postgres_runs_to_its_end_without_its_caller() {
    let db = database::fresh(Engine::Postgres).await;
    table(&db).await;
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let caller = tokio::spawn({
        let (db, started, go_on) = (db.clone(), Arc::clone(&started), Arc::clone(&go_on));
        async move {
            db.write::<_, Error, _>(Atomic::Transaction, move |conn| {
                let (started, go_on) = (Arc::clone(&started), Arc::clone(&go_on));
                Box::pin(async move {
                    insert(conn, "a").await?;
                    started.notify_one();
                    go_on.notified().await;
                    insert(conn, "b").await
                })
            })
            .await
        }
    });
    started.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    tokio::time::timeout(Duration::from_secs(30), async { while keys(&db).await != ["a", "b"] {} }).await.unwrap();
}
