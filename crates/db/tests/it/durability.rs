//! An answer means: stored.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures_util::future::join_all;
use mainstay_db::failpoint::{self, Action};
use mainstay_db::{Atomic, Config, Database, Engine, Error};
use mainstay_testkit::database;

use crate::support::{Gate, add, batch, hold_writer, insert, keys, statement, table};

/// Stops the writer of one store at a failpoint.
fn gate_at(name: &str, path: &Path) -> Gate {
    let gate = Gate::new();
    let (stop, path) = (gate.clone(), path.to_str().unwrap().to_owned());
    let here = move |place: &str| {
        if place == path {
            stop.stop();
        }
    };
    failpoint::attach(name, Action::Call(Arc::new(here)));
    gate
}

#[tokio::test]
async fn no_answer_leaves_before_the_commit() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let gate = gate_at("db.group.run", &db.place().path);
    let mut write = Box::pin(add(&db, "a"));
    assert!(futures_util::poll!(&mut write).is_pending());
    gate.reached().await;
    // The statement has run, the commit has not: nobody sees the row, and nobody is told.
    assert!(keys(&db).await.is_empty());
    assert!(futures_util::poll!(&mut write).is_pending());
    gate.open();
    write.await.unwrap();
    assert_eq!(keys(&db).await, ["a"]);
}

#[tokio::test]
async fn an_answer_comes_only_after_the_commit_has_returned() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let gate = gate_at("db.group.committed", &db.place().path);
    let before = db.counters();
    let mut write = Box::pin(add(&db, "a"));
    assert!(futures_util::poll!(&mut write).is_pending());
    gate.reached().await;
    assert!(futures_util::poll!(&mut write).is_pending());
    assert_eq!(db.counters().syncs, before.syncs);
    gate.open();
    write.await.unwrap();
    assert_eq!(db.counters().syncs, before.syncs + 1);
}

#[tokio::test]
async fn a_refusal_that_rests_on_an_uncommitted_row_waits_for_its_commit() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let (held_gate, held) = hold_writer(&db).await;
    let mut first = Box::pin(add(&db, "a"));
    let mut second = Box::pin(add(&db, "a"));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    held_gate.open();
    held.await.unwrap().unwrap();
    let gate = gate_at("db.group.run", &db.place().path);
    // The gate may be attached after the group has passed; both orders must end the same way.
    let mut third = Box::pin(add(&db, "b"));
    assert!(futures_util::poll!(&mut third).is_pending());
    gate.reached().await;
    gate.open();
    first.await.unwrap();
    assert!(second.await.unwrap_err().violates("t_pkey"));
    third.await.unwrap();
}

#[tokio::test]
async fn when_a_commit_fails_everyone_in_it_is_told_and_nothing_is_stored() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    // A deferred foreign key is checked by COMMIT, which makes COMMIT itself fail.
    batch(&db, "CREATE TABLE late (id TEXT REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)").await;
    let (gate, held) = hold_writer(&db).await;
    let mut good = Box::pin(add(&db, "a"));
    assert!(futures_util::poll!(&mut good).is_pending());
    let mut bad = Box::pin(db.write::<usize, Error, _>(Atomic::Statement, |conn| {
        Box::pin(async move { conn.execute(&statement("INSERT INTO late VALUES ('missing')", &[]), &[]).await })
    }));
    assert!(futures_util::poll!(&mut bad).is_pending());
    let mut refused = Box::pin(add(&db, "a"));
    assert!(futures_util::poll!(&mut refused).is_pending());
    gate.open();
    held.await.unwrap().unwrap();
    for outcome in [good.await, bad.await, refused.await] {
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    assert!(keys(&db).await.is_empty());
    add(&db, "b").await.unwrap();
    assert_eq!(keys(&db).await, ["b"]);
}

#[tokio::test]
async fn a_full_file_fails_its_own_job_and_leaves_the_store_usable() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    batch(&db, "PRAGMA max_page_count = 8").await;
    let big = "x".repeat(100_000);
    let outcome = add(&db, &big).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    add(&db, "a").await.unwrap();
    assert_eq!(keys(&db).await, ["a"]);
}

const CHILD: &str = "MAINSTAY_DB_TEST_CHILD";

/// The same with a real write that the system refuses: a child process with a limit to the size of files.
#[test]
fn when_the_disk_takes_no_more_every_acknowledged_row_is_stored_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let limited =
        "trap '' XFSZ; ulimit -f 600; exec \"$0\" --exact durability::child_with_a_full_disk --ignored --nocapture";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("unavailable: true"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
    let acknowledged = std::fs::read_to_string(folder.path().join("acknowledged")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::open_sqlite(&folder.path().join("store.db"), &Config::default()).unwrap();
        assert_eq!(keys(&db).await, acknowledged.lines().collect::<Vec<_>>());
    });
}

#[tokio::test]
#[ignore = "runs as the child process of the test above"]
async fn child_with_a_full_disk() {
    let Some(folder) = std::env::var_os(CHILD).map(std::path::PathBuf::from) else { return };
    let db = Database::open_sqlite(&folder.join("store.db"), &Config::default()).unwrap();
    table(&db).await;
    let mut acknowledged = Vec::new();
    let mut failed = 0;
    for round in 0..200 {
        let ids: Vec<String> = (0..8).map(|i| format!("{round:03}-{i}-{}", "x".repeat(500))).collect();
        let outcomes = join_all(ids.iter().map(|id| add(&db, id))).await;
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => acknowledged.push(id),
                Err(Error::Unavailable(_)) => failed += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(keys(&db).await, acknowledged);
    std::fs::write(folder.join("acknowledged"), acknowledged.join("\n")).unwrap();
    println!("unavailable: {}", failed > 0);
    // A refused write must not stop the process from ending.
    db.close().await;
}

const DYING: &str = "MAINSTAY_DB_TEST_DYING";

/// Runs `child_that_dies` until it is killed at the failpoint, and returns what is stored afterwards.
fn stored_after_dying_at(failpoint: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::child_that_dies", "--ignored", "--nocapture"])
        .env(CHILD, folder.path())
        .env(DYING, format!("{failpoint}=abort"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(!child.status.success() && said.contains("acknowledged: a"), "{said}");
    assert!(!said.contains("acknowledged: b"), "{said}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Database::open_sqlite(&folder.path().join("store.db"), &Config::default()).unwrap();
        keys(&db).await
    })
}

#[test]
fn a_process_killed_before_the_commit_leaves_only_what_was_acknowledged() {
    assert_eq!(stored_after_dying_at("db.group.run"), ["a"]);
}

#[test]
fn a_process_killed_after_the_commit_has_stored_what_it_could_not_acknowledge() {
    assert_eq!(stored_after_dying_at("db.group.committed"), ["a", "b"]);
}

#[tokio::test]
#[ignore = "runs as the child process of the tests above"]
async fn child_that_dies() {
    let (Some(folder), Ok(failpoint)) = (std::env::var_os(CHILD), std::env::var(DYING)) else { return };
    let db = Database::open_sqlite(&Path::new(&folder).join("store.db"), &Config::default()).unwrap();
    table(&db).await;
    add(&db, "a").await.unwrap();
    println!("acknowledged: a");
    failpoint::arm(&failpoint).unwrap();
    // Not a lone statement, which SQLite stores by itself: there is nothing between its run and its commit.
    let stored = db.write::<_, Error, _>(Atomic::Locked, |conn| Box::pin(async move { insert(conn, "b").await }));
    stored.await.unwrap();
    println!("acknowledged: b");
}

#[tokio::test]
async fn what_a_job_regrets_is_undone_also_when_it_is_alone_in_its_group() {
    let db = database::fresh(Engine::Sqlite).await;
    table(&db).await;
    let outcome: Result<(), Error> = db
        .write(Atomic::Locked, |conn| {
            Box::pin(async move {
                insert(conn, "a").await?;
                Err(Error::Config("regretted".to_owned()))
            })
        })
        .await;
    assert!(outcome.is_err());
    assert!(keys(&db).await.is_empty());
}
