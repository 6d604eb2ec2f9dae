//! Services that are not reached, or do not serve.

use std::fs;

use mainstay_testkit::Engine;
use mainstay_testkit::server::free_port;
use mainstay_testkit::wait::until;

use super::{assert_told, doctor};
use crate::support::{System, notes};

#[tokio::test]
async fn services_that_are_not_reached_and_servers_that_lose_writes_are_named() {
    let system = System::three(Engine::Postgres, notes::folder()).await;
    let (said, _) = doctor(system.gateway.launch(), &[]);
    for service in ["services.auth.url", "services.data.url", "mainstay-gateway"] {
        assert!(said["fine"].to_string().contains(service), "{service}: {said:#}");
    }
    // The throw-away server of tests may lose everything.
    assert_told(&said, "problem", "data (PostgreSQL): fsync", &["is off", "ALTER SYSTEM SET fsync = on"]);
    assert_told(&said, "problem", "auth (PostgreSQL): synchronous_commit", &["is off"]);
    let launch = system.gateway.launch().clone();
    let closed = format!("http://127.0.0.1:{}", free_port());
    let launch = launch
        .environment("MAINSTAY__SERVICES__DATA__URL", closed.clone())
        .environment("MAINSTAY__TELEMETRY__OTLP_ENDPOINT", closed)
        .environment("MAINSTAY__DATA__STORE__POOL_SIZE", "1000");
    let (said, code) = doctor(&launch, &[]);
    assert_eq!(code, Some(2));
    assert_told(&said, "problem", "services.data.url", &["does not serve", "/readyz"]);
    assert_told(&said, "warning", "telemetry.otlp_endpoint", &["is not reached"]);
    assert_told(&said, "problem", "max_connections", &["data.store.pool_size"]);
}

#[tokio::test]
async fn a_server_that_runs_and_is_not_ready_is_told() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let data = system.folder.path().join("data");
    fs::rename(data.join("data.sqlite"), data.join("away.sqlite")).expect("it can be moved");
    let http = system.http();
    until("readiness says so", || async { (http.get("/readyz").await.status == 503).then_some(()) }).await;
    let (said, code) = doctor(system.gateway.launch(), &[]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_told(&said, "problem", "mainstay", &["it says that it is not ready", "/readyz"]);
    assert_told(&said, "note", "data.sqlite", &["the store is not there", "mainstay restore"]);
}
