//! Somebody follows the contract over REST, in the browser's way and in others.

use std::time::Duration;

use http::Method;
use mainstay_testkit::Engine;
use mainstay_testkit::http::{Http, Opened};
use serde_json::Value;

use crate::support::{System, notes};

const WATCH: &str = "/data/v1/contract:watch?$fields=revision,applyTime";

mainstay_testkit::both_engines! {
    async fn an_administrator_follows_the_contract_in_one_process(engine: Engine) {
        follow(&System::one(engine, notes::folder()).await).await;
    }

    async fn an_administrator_follows_the_contract_through_three_processes(engine: Engine) {
        follow(&System::three(engine, notes::folder()).await).await;
    }
}

async fn open(http: &Http, accept: &str, path: &str) -> Opened {
    http.with_header("accept", accept).open(Method::GET, path, None).await.expect("an answer begins")
}

/// The revision that the next event is about.
async fn event(stream: &mut Opened) -> (String, i64) {
    let id = stream.line("id: ").await;
    let data = stream.line("data: ").await;
    let contract: Value = serde_json::from_str(data.trim_start_matches("data: ")).expect("data is JSON");
    let revision = contract["revision"].as_str().and_then(|revision| revision.parse().ok());
    (id.trim_start_matches("id: ").to_owned(), revision.unwrap_or_else(|| panic!("a revision in {contract}")))
}

async fn follow(system: &System) {
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    for (http, status) in [(system.http(), 401), (system.user("ada@example.org").await, 403)] {
        for accept in ["text/event-stream", "application/x-ndjson", "application/json"] {
            assert_eq!(open(&http, accept, WATCH).await.status, status, "{accept}");
        }
    }
    let mut events = open(&admin, "text/event-stream", WATCH).await;
    assert_eq!((events.status, &events.headers["content-type"]), (200, &"text/event-stream".parse().expect("a value")));
    let mut lines = open(&admin, "application/x-ndjson", WATCH).await;
    let mut array = open(&admin, "application/json", WATCH).await;
    assert_eq!(event(&mut events).await, ("1".to_owned(), 1));
    for stream in [&mut lines, &mut array] {
        stream.line("{\"revision\":\"1\"").await;
    }
    system.folder.write(notes::FILE, &notes::contract(1));
    assert_eq!(event(&mut events).await, ("2".to_owned(), 2));
    lines.line("{\"revision\":\"2\"").await;
    array.line("{\"revision\":\"2\"").await;
    drop((events, lines, array));
    // Who comes again goes on behind what was seen last.
    let mut again = open(&admin.with_header("last-event-id", "2"), "text/event-stream", WATCH).await;
    let silent = tokio::time::timeout(Duration::from_millis(300), again.line("data: ")).await;
    assert!(silent.is_err(), "{silent:?}");
    system.folder.write(notes::FILE, &notes::contract(2));
    assert_eq!(event(&mut again).await, ("3".to_owned(), 3));
    let mut missed = open(&admin.with_header("last-event-id", "2"), "text/event-stream", WATCH).await;
    assert_eq!(event(&mut missed).await, ("3".to_owned(), 3));
}

#[tokio::test]
async fn streams_that_are_left_or_go_on_take_no_place_from_others() {
    let few = |launch: mainstay_testkit::server::Launch| launch.environment("MAINSTAY__MAX_REQUESTS", "2");
    let mut system = System::one_with(Engine::Sqlite, notes::folder(), few).await;
    let admin = system.user_with_role("root@example.org", "mainstay.admin").await;
    notes::create(&system.http(), "a").await;
    let mut held = Vec::new();
    for round in 0..40 {
        let accept = ["text/event-stream", "application/x-ndjson", "application/json"][round % 3];
        let mut stream = open(&admin, accept, WATCH).await;
        assert_eq!(stream.status, 200, "{round}");
        assert!(stream.piece().await.is_some());
        if round % 2 == 0 {
            held.push(stream);
        }
        system.http().get("/notes/v1/notes/a").await.ok();
    }
    // A server that stops ends its streams, and does not wait for those who only listen.
    let stopped = tokio::time::timeout(Duration::from_secs(10), system.gateway.stop()).await;
    assert!(stopped.is_ok(), "{}", system.gateway.log());
}
