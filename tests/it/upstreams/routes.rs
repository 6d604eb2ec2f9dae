//! Requests that Google's own clients make of a contract's routes, and what comes through of them.

use std::process::Command;

use mainstay_testkit::Engine;
use mainstay_testkit::server::free_port;
use mainstay_testkit::tools::python_from;
use serde_json::json;

use super::python::sources;
use crate::clients::workshop::Follower;
use crate::support::{Folder, System};

#[tokio::test]
async fn every_route_takes_what_googles_clients_send() {
    let port = free_port();
    let upstream = format!("http://127.0.0.1:{port}");
    let system = System::one_with(Engine::Sqlite, Folder::of_tests("routes"), |launch| {
        // It is made for the calls, and answers nothing else.
        let launch = launch.environment("MAINSTAY__GATEWAY__UPSTREAMS__ECHO__HEALTH", "false");
        launch.environment("MAINSTAY__GATEWAY__UPSTREAMS__ECHO__URLS", upstream)
    });
    let system = system.await;
    let mut command = Command::new(python_from(&sources().join("routes.txt")));
    command.arg(sources().join("routes.py")).arg(port.to_string()).arg(system.gateway.url());
    assert_eq!(Follower::start(&mut command).report(), json!({"calls": 109, "wrong": []}));
}
