//! What a client can make a server do by frames that ask for nothing: so much, and no more.

use crate::echo::{Running, answering, any_port};
use http::Response;
use mainstay_layers::Body;
use mainstay_runtime::server::ACCEPT_PAUSE;
use mainstay_runtime::{ServerConfig, Shutdown};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `GET http://x/`, by HPACK's static table.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'x'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

fn server() -> Running {
    Running::serve(&ServerConfig::at(any_port()), answering(|_| Response::new(Body::empty())), Shutdown::new())
}

/// Sends what comes after the beginning of a connection, and gives the code with which the server ends it; nothing where it does
/// not, or closes without a word.
async fn code_after(server: &Running, frames: impl FnMut(u32) -> Vec<u8> + Send + 'static, count: u32) -> Option<u32> {
    code_of(server.address, frames, count).await
}

async fn code_of(
    address: SocketAddr,
    mut frames: impl FnMut(u32) -> Vec<u8> + Send + 'static,
    count: u32,
) -> Option<u32> {
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let writing = tokio::spawn(async move {
        write.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        for number in (0..count).step_by(100) {
            let batch: Vec<u8> = (number..number + 100).flat_map(&mut frames).collect();
            if write.write_all(&batch).await.is_err() {
                break;
            }
        }
        write
    });
    let code = async {
        let mut head = [0; 9];
        loop {
            read.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            read.read_exact(&mut payload).await.ok()?;
            if head[3] == GOAWAY {
                return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
    };
    let code = timeout(Duration::from_secs(20), code).await.ok().flatten();
    drop(read);
    drop(writing.await.unwrap());
    code
}

/// What it is, and its frames by their number.
type Flood = (&'static str, fn(u32) -> Vec<u8>);

#[tokio::test]
async fn a_flood_of_frames_that_ask_for_nothing_is_ended_with_enhance_your_calm() {
    let server = server();
    let floods: [Flood; 8] = [
        ("pings", |_| frame(PING, 0, 0, &[7; 8])),
        ("settings", |_| frame(SETTINGS, 0, 0, &[])),
        ("settings that say something", |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("priorities", |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("frames of no kind", |_| frame(0xbe, 0, 0, b"whatever")),
        ("requests that are taken back", |number| {
            let stream = 2 * number + 1;
            [frame(HEADERS, 5, stream, GET), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
        }),
        ("a body of nothing", |number| match number {
            0 => frame(HEADERS, 4, 1, GET),
            _ => frame(DATA, 0, 1, &[]),
        }),
        ("a body of padding", |number| match number {
            0 => frame(HEADERS, 4, 1, GET),
            _ => frame(DATA, 8, 1, &[3, 0, 0, 0]),
        }),
    ];
    for (what, frames) in floods {
        assert_eq!(code_after(&server, frames, 100_000).await, Some(ENHANCE_YOUR_CALM), "{what}");
    }
    assert_eq!(server.stop().await.cut, 0, "nothing is left of them");
}

/// RUSTSEC-2024-0003: what the server has to reset costs it as much as what the client resets.
#[tokio::test]
async fn s24_streams_that_have_to_be_refused_are_no_way_to_keep_a_server_busy() {
    let server = server();
    let floods: [Flood; 4] = [
        ("heads without a path", |number| frame(HEADERS, 5, 2 * number + 1, &[0x82])),
        ("names in capitals", |number| frame(HEADERS, 5, 2 * number + 1, &[GET, &[0, 1, b'A', 1, b'b']].concat())),
        ("windows that open by nothing", |number| {
            let stream = 2 * number + 1;
            [frame(HEADERS, 4, stream, GET), frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
        }),
        ("bodies that are longer than they were to be", |number| {
            let stream = 2 * number + 1;
            // `content-length: 0`, which HPACK has a number for the name of.
            let head = [GET, &[0x0f, 0x0d, 1, b'0']].concat();
            [frame(HEADERS, 4, stream, &head), frame(DATA, 1, stream, b"more")].concat()
        }),
    ];
    for (what, frames) in floods {
        let code = code_after(&server, frames, 100_000).await;
        assert!(matches!(code, Some(ENHANCE_YOUR_CALM | PROTOCOL_ERROR)), "{what}: {code:?}");
    }
    assert_eq!(server.stop().await.cut, 0, "nothing is left of them");
}

#[tokio::test]
async fn s24_windows_and_frames_that_no_connection_can_have_end_it() {
    let server = server();
    let most = 0x7fff_ffff_u32.to_be_bytes();
    let ends: [(&str, Vec<u8>, u32); 4] = [
        ("a window beyond its end", [frame(WINDOW_UPDATE, 0, 0, &most), frame(WINDOW_UPDATE, 0, 0, &most)].concat(), 3),
        ("a first window beyond its end", frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]), PROTOCOL_ERROR),
        ("a frame that is too long", frame(DATA, 0, 1, &[0; 20_000]), 6),
        ("a body of no request", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
    ];
    for (what, frames, expected) in ends {
        let code = code_after(&server, move |number| if number == 0 { frames.clone() } else { Vec::new() }, 100).await;
        assert_eq!(code, Some(expected), "{what}");
    }
    assert_eq!(server.stop().await.cut, 0);
}

/// `GET`, of which nothing is kept in the table of the connection, and so many times a header of 4,000 bytes that is.
fn unpacking(first: bool, times: usize) -> Vec<u8> {
    let kept = if first { [&[0x40, 1, b'a', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4_000]].concat() } else { Vec::new() };
    [&[0x82, 0x86, 0x84, 0x01, 1, b'x'], &kept[..], &vec![0xbe; times]].concat()
}

/// A head of 16 KiB that names one header of 4 KB twelve thousand times: 48 MB, where somebody unpacks them.
#[tokio::test]
async fn s24_a_head_that_unpacks_to_megabytes_ends_the_connection() {
    let server = server();
    let frames = |number| match number {
        0 => frame(HEADERS, 5, 1, &unpacking(true, 0)),
        1 => frame(HEADERS, 5, 3, &unpacking(false, 12_000)),
        _ => Vec::new(),
    };
    assert_eq!(code_after(&server, frames, 100).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn s24_a_head_that_unpacks_to_more_than_one_may_be_is_refused_and_the_connection_goes_on() {
    let server = server();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let heads = [(1, unpacking(true, 0)), (3, unpacking(false, 20)), (5, unpacking(false, 1))];
    let heads = heads.iter().flat_map(|(stream, head)| frame(HEADERS, 5, *stream, head)).collect::<Vec<u8>>();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &heads].concat()).await.unwrap();
    // `:status` 200 is one byte, by HPACK's static table; 431 is not in it.
    let (mut well, mut head) = (Vec::new(), [0; 9]);
    while well.len() < 3 {
        timeout(Duration::from_secs(20), stream.read_exact(&mut head)).await.unwrap().unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        assert_ne!(head[3], GOAWAY, "{payload:?}");
        if head[3] == HEADERS {
            well.push((head[8], payload.first() == Some(&0x88)));
        }
    }
    well.sort_unstable();
    assert_eq!(well, [(1, true), (3, false), (5, true)]);
}

#[tokio::test]
async fn a_head_that_goes_on_and_on_is_ended_with_enhance_your_calm() {
    let server = server();
    for payload in [0, 1, 100, 10_000] {
        let code = code_after(
            &server,
            move |number| match number {
                0 => frame(HEADERS, 0, 1, GET),
                // A header that is never whole.
                _ => frame(CONTINUATION, 0, 1, &vec![0; payload]),
            },
            10_000,
        );
        let code = code.await;
        assert!(matches!(code, Some(ENHANCE_YOUR_CALM | 1 | 9)), "{payload}: {code:?}");
    }
}

#[tokio::test]
async fn what_clients_usually_send_beside_requests_is_no_flood() {
    let server = server();
    let usual = |number: u32| {
        let stream = 2 * number + 1;
        let ping = if number.is_multiple_of(2) { frame(PING, 0, 0, &[1; 8]) } else { Vec::new() };
        [frame(HEADERS, 5, stream, GET), ping, frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0])].concat()
    };
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    // No more than there may be open at a time.
    for batch in 0..50 {
        let requests: Vec<u8> = (100 * batch..100 * (batch + 1)).flat_map(usual).collect();
        stream.write_all(&requests).await.unwrap();
        let (mut head, mut answers) = ([0; 9], 0);
        while answers < 100 {
            timeout(Duration::from_secs(20), stream.read_exact(&mut head)).await.unwrap().unwrap();
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut payload).await.unwrap();
            assert_ne!(head[3], GOAWAY);
            answers += u32::from(head[3] == HEADERS);
        }
    }
}

/// A request on a connection of its own. Gives the first bytes of the answer.
async fn asked(address: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s24_others_are_served_while_connections_are_flooded() {
    let server = server();
    let mut floods = JoinSet::new();
    for number in 0..8 {
        let address = server.address;
        floods.spawn(async move {
            loop {
                let _ = match number % 2 {
                    0 => code_of(address, |_| frame(PING, 0, 0, &[7; 8]), 100_000).await,
                    _ => {
                        let reset = |number: u32| {
                            let stream = 2 * number + 1;
                            [frame(HEADERS, 5, stream, GET), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
                        };
                        code_of(address, reset, 100_000).await
                    }
                };
            }
        });
    }
    for _ in 0..200 {
        let answer = timeout(Duration::from_secs(5), asked(server.address)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    }
    floods.shutdown().await;
}

/// By which a test knows that it runs in a process of its own, with few descriptors.
const FEW_DESCRIPTORS: &str = "MAINSTAY_TEST_FEW_DESCRIPTORS";

/// RUSTSEC-2024-0376: an error of accepting ends no server.
#[test]
fn s24_a_server_that_has_no_descriptors_left_goes_on_when_it_has_some() {
    if std::env::var_os(FEW_DESCRIPTORS).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(without_descriptors());
    }
    let name = "floods::s24_a_server_that_has_no_descriptors_left_goes_on_when_it_has_some";
    let limited = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(FEW_DESCRIPTORS, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");
}

async fn without_descriptors() {
    let server = server();
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    // One for the client, and none for the server's side of the connection.
    held.pop();
    let asking = tokio::spawn(asked(server.address));
    tokio::time::sleep(5 * ACCEPT_PAUSE).await;
    assert!(!asking.is_finished(), "nobody could be let in");
    held.clear();
    let answer = timeout(Duration::from_secs(10), asking).await.unwrap().unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(asked(server.address).await.unwrap().starts_with(b"HTTP/1.1 200"));
}
