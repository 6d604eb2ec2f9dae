//! SIGTERM: calls in flight finish, then the process ends well.

use std::time::{Duration, Instant};

use mainstay_testkit::Engine;
use mainstay_testkit::server::Launch;
use mainstay_testkit::wait::{PATIENCE, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{System, notes};

mainstay_testkit::both_engines! {
    async fn a_call_in_flight_finishes_and_the_process_ends_well(engine: Engine) {
        let mut system = System::one(engine, notes::folder()).await;
        let body = notes::note("late").to_string();
        let (begin, end) = body.split_at(body.len() / 2);
        let mut call = TcpStream::connect(system.gateway.address()).await.expect("the server listens");
        let head = format!(
            "POST /notes/v1/notes?noteId=late HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        call.write_all(head.as_bytes()).await.expect("the server reads");
        // The server asks for the body: the call is in its hands.
        assert!(read_until(&mut call, "\r\n\r\n").await.starts_with("HTTP/1.1 100"));
        call.write_all(begin.as_bytes()).await.expect("the server reads");

        system.gateway.terminate();
        let address = system.gateway.address();
        until("nobody new is let in", || async { TcpStream::connect(&address).await.err() }).await;
        assert!(system.gateway.has_ended().is_none(), "the call in flight was not waited for:\n{}", system.gateway.log());

        call.write_all(end.as_bytes()).await.expect("the server still reads");
        let answer = read_until(&mut call, "}").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(system.gateway.ended().await.code(), Some(0), "{}", system.gateway.log());
        assert!(!system.folder.path().join("data/run.json").exists(), "run.json is removed");

        system.gateway.restart().await;
        notes::assert_whole(&system.http().get("/notes/v1/notes/late").await.ok(), 0);
    }
}

/// A load balancer in front has time to notice, and a second signal to save it.
#[tokio::test]
async fn a_process_that_is_told_to_end_serves_on_for_its_delay_and_is_not_ready() {
    for (delay, hurries) in [("3", false), ("600", true)] {
        let delayed = |launch: Launch| launch.environment("MAINSTAY__DRAIN_DELAY_SECONDS", delay);
        let mut system = System::one_with(Engine::Sqlite, notes::folder(), delayed).await;
        let http = system.http();
        notes::create(&http, "before").await;
        let told = Instant::now();
        system.gateway.terminate();
        until("it says that it is not ready", || async {
            http.try_get("/readyz").await.ok().filter(|answer| answer.status == 503)
        })
        .await;
        notes::create(&http, "after").await;
        assert!(system.gateway.has_ended().is_none(), "{}", system.gateway.log());
        if hurries {
            system.gateway.terminate();
        }
        assert_eq!(system.gateway.ended().await.code(), Some(0), "{}", system.gateway.log());
        assert_eq!(told.elapsed() >= Duration::from_secs(3), !hurries, "{:?}", told.elapsed());
        assert!(told.elapsed() < Duration::from_secs(60));
    }
}

/// The three binaries that serve one service each.
#[tokio::test]
async fn each_of_three_processes_ends_well_in_any_order() {
    let folder = notes::folder();
    let base = Launch::new(folder.path()).own_binary();
    let mut system = System::three_from(base, folder).await;
    notes::create(&system.http(), "one").await;
    for server in [system.data.as_mut(), system.auth.as_mut(), Some(&mut system.gateway)].into_iter().flatten() {
        assert_eq!(server.stop().await, Some(0), "{}", server.log());
    }
    for role in ["auth", "data", "gateway"] {
        assert!(!system.folder.path().join("data").join(role).join("run.json").exists(), "{role}");
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(end) {
        assert!(Instant::now() < deadline, "no answer: {text}");
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer comes");
        let read = read.expect("the connection holds");
        assert_ne!(read, 0, "the connection was closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    text
}
