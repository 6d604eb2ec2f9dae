//! HTTP/1.1: one request at a time on each connection.

use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Failure, Shared, Work};

/// Sends requests on one connection until the run is over.
pub async fn worker(shared: Rc<Shared>, index: usize) -> Result<(), Failure> {
    let measured = index < shared.plan.connections;
    let work = if measured { shared.plan.work.clone() } else { shared.plan.beside.clone().ok_or("no work beside")? };
    let head: String = shared.plan.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", shared.plan.port)).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut turn = index.wrapping_mul(7919);
    let prepared: Vec<Vec<u8>> = match &work {
        Work::Get { paths } => {
            paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{head}\r\n").into_bytes()).collect()
        }
        Work::Ask { path, content_type, bodies } => {
            let request = |body: &String| post(path, content_type, body, &head).into_bytes();
            bodies.iter().map(request).collect()
        }
        _ => Vec::new(),
    };
    while shared.sends_one() {
        let made;
        let request: &[u8] = match &work {
            Work::Send { method, paths, bodies } => {
                let (path, body) = (&paths[turn % paths.len()], &bodies[turn % bodies.len()]);
                let (path, body) = numbered(path, body, shared.number());
                let length = body.len();
                made = format!(
                    "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
                     content-length: {length}\r\n{head}\r\n{body}"
                );
                made.as_bytes()
            }
            _ => &prepared[turn % prepared.len()],
        };
        turn = turn.wrapping_add(1);
        let asked = Instant::now();
        stream.write_all(request).await?;
        let problem = answer(&mut stream, &mut buffer).await?;
        if measured {
            shared.count(asked, problem);
        }
    }
    Ok(())
}

fn post(path: &str, content_type: &str, body: &str, head: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    )
}

/// Puts a number in the places that stand for one.
fn numbered(path: &str, body: &str, number: u64) -> (String, String) {
    let uuid = format!("00000000-0000-4000-8000-{:012x}", number & 0xffff_ffff_ffff);
    let put = |text: &str| text.replace("{n}", &number.to_string()).replace("{uuid}", &uuid);
    (put(path), put(body))
}

/// Reads one answer; says what is wrong unless its status is 200.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<String>, Failure> {
    buffer.clear();
    let head = loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let length = content_length(&buffer[..head]);
    // Chunked answers are read to their last chunk; nobody here sends trailers.
    let whole = |buffer: &[u8]| match length {
        Some(length) => buffer.len() >= head + length,
        None => buffer.ends_with(b"\r\n0\r\n\r\n"),
    };
    while !whole(buffer) {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200") && buffer.len() > head {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&buffer[..buffer.len().min(400)]).into_owned()))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let at = head.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))?;
    let rest = &head[at + NAME.len()..];
    let end = rest.iter().position(|byte| *byte == b'\r')?;
    std::str::from_utf8(&rest[..end]).ok()?.trim().parse().ok()
}
