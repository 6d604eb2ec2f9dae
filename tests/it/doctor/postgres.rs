//! Servers of PostgreSQL and what they promise.

use mainstay_testkit::Engine;
use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::faults::Faults;
use mainstay_testkit::server::Launch;
use serde_json::Value;

use super::{about, assert_told, doctor};
use crate::support::{System, notes};

/// What the doctor says of a database of a server, after this was done to it. No service ever used it.
fn said_of(cluster: &Cluster, sql: &[&str], change: impl FnOnce(Launch) -> Launch) -> (Value, Option<i32>) {
    for sql in sql {
        cluster.run(sql);
    }
    let folder = notes::folder();
    let launch = Launch::new(folder.path()).environment("MAINSTAY__DATA__DATABASE_URL", cluster.url("data"));
    doctor(&change(launch), &[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_that_a_server_does_not_keep_is_told_with_its_remedy() {
    let cluster = Cluster::with(&["data"]).await;
    let (said, code) = said_of(&cluster, &[], |launch| launch);
    assert_eq!(code, Some(2), "{said:#}");
    for (level, setting, what) in [
        ("problem", "fsync", "damages the database"),
        ("problem", "full_page_writes", "half written"),
        ("problem", "synchronous_commit", "a crash loses them"),
        ("warning", "autovacuum", "tables grow without end"),
    ] {
        let remedy = format!("ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();");
        assert_told(&said, level, &format!("data (PostgreSQL): {setting}"), &["is off", what, &remedy]);
    }
    assert_told(&said, "note", "data (PostgreSQL)", &["the role is a superuser", "CREATE ROLE mainstay LOGIN"]);
    let (said, _) = said_of(&cluster, &[], |launch| launch.environment("MAINSTAY__MODE", "production"));
    assert_told(&said, "warning", "data (PostgreSQL)", &["the role is a superuser"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_store_everything_or_takes_no_writes_is_told() {
    let cluster = Cluster::durable_with(&[]).await;
    let (said, _) =
        said_of(&cluster, &["CREATE DATABASE data ENCODING 'SQL_ASCII' TEMPLATE template0"], |launch| launch);
    assert_told(&said, "problem", "data (PostgreSQL)", &["encoding is SQL_ASCII", "ENCODING 'UTF8'"]);
    let (said, code) =
        said_of(&cluster, &["ALTER DATABASE data SET default_transaction_read_only = on"], |launch| launch);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "data (PostgreSQL)", &["takes no writes", "standby", "name the primary"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_not_the_servers_is_told() {
    let cluster = Cluster::durable_with(&["data"]).await;
    let faults = match Faults::below(&std::env::temp_dir()) {
        Ok(faults) => faults,
        Err(why) => return eprintln!("another clock is not shown on this machine: {why}"),
    };
    for (seconds, level) in [(10, "warning"), (-10, "warning"), (100, "problem")] {
        // The time between the two questions is nobody's fault.
        faults.clock_is_off_by(seconds);
        let (said, _) = said_of(&cluster, &[], |launch| faults.of(launch));
        let told = about(&said, level, "data (PostgreSQL): clock").concat();
        let off = told.split(' ').find_map(|word| word.parse::<i64>().ok()).unwrap_or_default();
        assert!(seconds.abs() - off <= 1 && told.contains("timedatectl"), "{seconds}: {said:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_look_and_one_that_may_do_more_than_it_has_to() {
    let cluster = Cluster::durable_with(&["data"]).await;
    cluster.run("CREATE ROLE plain LOGIN");
    let plain = cluster.url("data").replace("postgres@", "plain@");
    let as_plain = |launch: Launch| launch.environment("MAINSTAY__DATA__DATABASE_URL", plain.clone());
    let (said, code) = said_of(&cluster, &[], as_plain);
    assert_eq!(code, Some(0), "{said:#}");
    assert!(!said.to_string().contains("superuser"), "{said:#}");
    cluster.run_in("data", "REVOKE SELECT ON pg_catalog.pg_settings FROM PUBLIC");
    let (said, code) = said_of(&cluster, &[], as_plain);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "data (PostgreSQL)", &["let the role read pg_settings"]);
}

#[tokio::test]
async fn pools_that_do_not_fit_a_server_are_told() {
    let system = System::one(Engine::Postgres, notes::folder()).await;
    let launch = system.gateway.launch().clone().environment("MAINSTAY__AUTH__DATABASE_POOL_SIZE", "1000");
    let (said, code) = doctor(&launch, &[]);
    assert_eq!(code, Some(2));
    let words = ["the pools may open", "auth.database_pool_size", "raise max_connections"];
    assert_told(&said, "problem", "PostgreSQL: max_connections", &words);
}
