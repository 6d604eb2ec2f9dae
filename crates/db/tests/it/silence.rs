//! A network on which everything gets lost, and that closes nothing.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstay_db::{Asker, Atomic, Config, Database, Engine, Error, Lane, Rows};
use mainstay_record::Kind;
use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::database::{self, Place};
use mainstay_testkit::proxy::Proxy;
use mainstay_testkit::wait;

use crate::support::{add, insert, keys, number, statement, table};

/// Long enough for any machine, short enough to end a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store behind a proxy.
async fn behind_a_proxy() -> (Place, Proxy, Database) {
    let mut place = database::place(Engine::Postgres).await;
    let url = place.url().unwrap().to_owned();
    let authority = url.split_once("://").unwrap().1.split_once('/').unwrap().0;
    let host = authority.rsplit('@').next().unwrap();
    let server: SocketAddr = host.parse().unwrap_or_else(|error| panic!("{host}: {error}"));
    let proxy = Proxy::to(server).await;
    place.config.database_url = Some(url.replace(host, &proxy.address().to_string()).into());
    let config = Config { statement_timeout_ms: 0, connect_timeout_ms: 2_000, ..place.config.clone() };
    let db = Database::open(&config, &place.path).await.unwrap();
    table(&db).await;
    (place, proxy, db)
}

/// Uses every connection of the pool and of the pipelines.
async fn use_all(db: &Database) {
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..24 {
        let db = db.clone();
        tasks.spawn(async move {
            add(&db, &format!("all-{i}")).await.unwrap();
            keys(&db).await;
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn reads_and_writes_under_way_do_not_wait_for_answers_that_got_lost() {
    let (_place, proxy, db) = behind_a_proxy().await;
    use_all(&db).await;
    proxy.lose_connections();
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..40 {
        let db = db.clone();
        tasks.spawn(async move {
            // A read is repeated by itself, a write is not: nobody knows what became of it.
            assert!(!keys(&db).await.is_empty());
            let id = format!("new-{i}");
            while let Err(error) = add(&db, &id).await {
                let taken = error.violates("t_pkey");
                assert!(
                    taken || matches!(error, Error::Unavailable(_) | Error::CommitUnknown(_) | Error::Overloaded(_)),
                    "{error:?}"
                );
                if taken {
                    break;
                }
            }
        });
    }
    tokio::time::timeout(PATIENCE, tasks.join_all()).await.expect("reads and writes recover");
    println!("recovered after {:?}", started.elapsed());
    assert_eq!(number(&db, "SELECT count(*) FROM t WHERE id LIKE 'new-%'").await, 40);
    db.ping().await.unwrap();
}

#[tokio::test]
async fn readiness_says_that_nothing_comes_through_and_when_it_does_again() {
    let (_place, proxy, db) = behind_a_proxy().await;
    use_all(&db).await;
    db.ping().await.unwrap();
    proxy.lose_everything();
    let said = tokio::time::timeout(PATIENCE, db.ping()).await.expect("a ping has a limit");
    assert!(matches!(said, Err(Error::Unavailable(_))), "{said:?}");
    proxy.heal();
    let healed = Instant::now();
    wait::until("requests are answered", || async { db.ping().await.ok() }).await;
    tokio::time::timeout(PATIENCE, use_all_again(&db)).await.expect("reads and writes recover");
    println!("recovered after {:?}", healed.elapsed());
}

async fn use_all_again(db: &Database) {
    for i in 0..24 {
        add(db, &format!("again-{i}")).await.unwrap();
        keys(db).await;
    }
}

#[tokio::test]
async fn a_query_that_takes_long_is_not_taken_for_a_lost_one() {
    let (_place, _proxy, db) = behind_a_proxy().await;
    let slow = statement("SELECT 1::int8 FROM pg_sleep(5)", &[]);
    let asker = Asker { deadline: Some(Instant::now() + PATIENCE), ..Asker::default() };
    for lane in [Lane::Heavy, Lane::Inline] {
        let rows = db.fetch_for(asker, lane, &slow, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
        assert_eq!(rows.rows.len(), 1, "{lane:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_asks_nothing_for_a_while_is_not_taken_for_a_lost_one() {
    let (_place, _proxy, db) = behind_a_proxy().await;
    let asked = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&asked);
    let written: Result<usize, Error> = db
        .write(Atomic::Locked, move |conn| {
            let told = Arc::clone(&told);
            Box::pin(async move {
                insert(conn, "a").await?;
                told.notify_one();
                tokio::time::sleep(Duration::from_secs(5)).await;
                insert(conn, "b").await
            })
        })
        .await;
    written.unwrap();
    asked.notified().await;
    assert_eq!(keys(&db).await, ["a", "b"]);
}

const CHILD: &str = "MAINSTAY_DB_TEST_NETWORK";

/// The same with real packets: in a network of its own, whose only device drops them all for a while. Where the machine cannot
/// make such a network, the test says so.
#[cfg(target_os = "linux")]
#[test]
fn a_network_that_drops_packets_is_noticed_and_recovered_from() {
    let alone = "ip link set lo up && exec \"$0\" --exact silence::child_on_a_network_of_its_own --ignored --nocapture";
    let child = Command::new("unshare")
        .args(["--net", "sh", "-c", alone])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .output();
    let output = match child {
        Ok(output) => output,
        Err(error) => return println!("not tested: this machine cannot make networks ({error})"),
    };
    let (said, problem) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains("on a network of its own") {
        return println!("not tested: this machine cannot make networks ({})", problem.trim());
    }
    assert!(output.status.success(), "{said}{problem}");
    println!("{said}");
}

#[tokio::test]
#[ignore = "runs as the child process of the test above"]
async fn child_on_a_network_of_its_own() {
    if std::env::var_os(CHILD).is_none() || !drop_packets(true) {
        return;
    }
    assert!(drop_packets(false));
    println!("on a network of its own");
    let cluster = Cluster::with(&["lossy"]).await;
    let config = Config { connect_timeout_ms: 2_000, ..Config::default() };
    let db = Database::open_postgres(&cluster.url("lossy"), &config).await.unwrap();
    table(&db).await;
    use_all(&db).await;
    db.ping().await.unwrap();
    drop_packets(true);
    let under_way = tokio::spawn({
        let db = db.clone();
        async move { keys(&db).await.len() }
    });
    wait::until("readiness says so", || async { db.ping().await.err() }).await;
    // Longer than what was sent may stay unacknowledged.
    tokio::time::sleep(Duration::from_secs(8)).await;
    drop_packets(false);
    let healed = Instant::now();
    wait::until("requests are answered", || async { db.ping().await.ok() }).await;
    tokio::time::timeout(PATIENCE, use_all_again(&db)).await.expect("reads and writes recover");
    println!("recovered after {:?}", healed.elapsed());
    // It was answered, or it learned that it is not: it does not wait for ever.
    let _ = tokio::time::timeout(PATIENCE, under_way).await.expect("nobody waits for ever");
}

/// A queue that takes no packet drops them all, and tells nobody.
fn drop_packets(all: bool) -> bool {
    let mut command = Command::new("tc");
    command.args(["qdisc", if all { "add" } else { "del" }, "dev", "lo", "root"]);
    if all {
        command.args(["tbf", "rate", "8bit", "burst", "1", "latency", "1ms"]);
    }
    command.status().is_ok_and(|status| status.success())
}
