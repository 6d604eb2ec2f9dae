//! Answers that nobody reads: what they take of the process's memory while they wait, that it is given back, and that others are
//! served meanwhile.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mainstay_testkit::http::Http;
use mainstay_testkit::{Engine, server::Server};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{System, notes};

const MIB: u64 = 1 << 20;

/// What all answers that are not read may add to an idle process.
const MOST: u64 = 256 * MIB;

/// What may be left of that a minute later.
const LEFT: u64 = 64 * MIB;

/// How long somebody else may wait meanwhile, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(5);

const READERS: usize = 120;

const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);

/// What a process has in memory.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system says what is resident");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number")
}

/// Asks for something large, and takes nothing of it.
async fn reader(address: SocketAddr, asked: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    // Somebody else than those who are to be served.
    socket.bind(ELSEWHERE).expect("all of 127.0.0.0/8 is this machine");
    socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
    let mut stream = socket.connect(address).await.expect("it is taken in");
    stream.write_all(asked).await.expect("it may ask");
    stream
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&[a, b, c, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// The beginning of an HTTP/2 connection whose windows are closed, on which so many lists are asked for.
fn lists(streams: u32) -> Vec<u8> {
    const PATH: &[u8] = b"/notes/v1/notes?pageSize=90";
    let length = u8::try_from(PATH.len()).expect("a short path");
    let head = [&[0x82, 0x86, 0x41, 1, b'x', 0x44][..], &[length], PATH].concat();
    let closed = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let asked = (0..streams).flat_map(|number| frame(1, 5, 2 * number + 1, &head));
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &closed[..]].concat().into_iter().chain(asked).collect()
}

/// Has so many ask, and watches the process while somebody else is served, and until it is as it was. Who asks for so much is
/// nobody, and nobody is one caller: somebody else is who is signed in.
async fn watched(system: &System, other: &Http, asked: &[u8], readers: usize) {
    let (server, http) = (&system.gateway, system.http());
    let address = server.address().parse().expect("a server has an address");
    let idle = resident(server);
    let mut waiting = Vec::new();
    for _ in 0..readers {
        waiting.push(reader(address, asked).await);
    }
    let (began, mut most, mut took) = (Instant::now(), 0, Vec::new());
    while began.elapsed() < Duration::from_secs(8) {
        let asked = Instant::now();
        other.get("/notes/v1/notes/small").await.ok();
        took.push(asked.elapsed());
        most = most.max(resident(server));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    took.sort_unstable();
    let longest = took.last().copied().unwrap_or_default();
    println!("idle {} MiB, at most {} MiB", idle / MIB, most / MIB);
    println!(
        "somebody else served {} times meanwhile, half within {:?}, all within {longest:?}",
        took.len(),
        took[took.len() / 2]
    );
    assert!(longest < LONGEST, "somebody else waited for {longest:?}");
    assert!(most < idle + MOST, "{} MiB above {} MiB", (most - idle) / MIB, idle / MIB);
    drop(waiting);
    let ended = Instant::now();
    while resident(server) > idle + LEFT {
        assert!(ended.elapsed() < Duration::from_secs(60), "{} MiB a minute later", resident(server) / MIB);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{} MiB after {:?}", resident(server) / MIB, ended.elapsed());
    // What was asked for by those who are gone is let go of one after the other; meanwhile some are told to come again.
    while http.get("/notes/v1/notes?pageSize=90").await.status != 200 {
        assert!(ended.elapsed() < Duration::from_secs(60), "others are not served a minute later");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_take_so_much_memory_and_give_it_back() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let (http, other) = (system.http(), system.user("ada@example.org").await);
    let make = async |id: &str, bytes: usize| {
        let path = format!("/notes/v1/notes?noteId={id}");
        let asked = Instant::now();
        while http.post(&path, json!({"body": "x".repeat(bytes)})).await.status == 503 {
            assert!(asked.elapsed() < Duration::from_secs(20), "it is told to come again for ever");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        other.get(&format!("/notes/v1/notes/{id}")).await.ok();
    };
    make("small", 10).await;
    for number in 0..88 {
        make(&format!("middle-{number}"), 3_800).await;
    }
    watched(&system, &other, &lists(250), 30).await;
    make("large", 3_900_000).await;
    watched(&system, &other, b"GET /notes/v1/notes/large HTTP/1.1\r\nhost: x\r\n\r\n", READERS).await;
}
