//! What a client can make a server do by frames that ask for nothing: so much, and no more.

use crate::echo::{Running, answering, any_port};
use http::Response;
use mainstay_layers::Body;
use mainstay_runtime::{ServerConfig, Shutdown};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

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
async fn code_after(
    server: &Running,
    mut frames: impl FnMut(u32) -> Vec<u8> + Send + 'static,
    count: u32,
) -> Option<u32> {
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
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
    let floods: [Flood; 7] = [
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
    ];
    for (what, frames) in floods {
        assert_eq!(code_after(&server, frames, 100_000).await, Some(ENHANCE_YOUR_CALM), "{what}");
    }
    assert_eq!(server.stop().await.cut, 0, "nothing is left of them");
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
        [frame(HEADERS, 5, stream, GET), ping, frame(8, 0, 0, &[0, 0, 1, 0])].concat()
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
