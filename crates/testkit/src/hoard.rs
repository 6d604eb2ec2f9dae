//! Clients that ask for much and take nothing of it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// A frame of HTTP/2.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is short");
    let [_, a, b, c] = length.to_be_bytes();
    [&[a, b, c, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// Asks for a path of less than 127 bytes on a stream.
pub fn asking(stream: u32, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).ok().filter(|length| *length < 127).expect("the path is short");
    let head = [&[0x82, 0x86, 0x41, 1, b'x', 0x44, length][..], path.as_bytes()].concat();
    frame(1, 5, stream, &head)
}

/// Opens an HTTP/2 connection whose windows are closed, and asks for so many answers at once.
pub async fn hoarder(server: SocketAddr, streams: u32, path: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server).await?;
    let closed = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &closed[..]].concat()).await?;
    let requests: Vec<u8> = (0..streams).flat_map(|number| asking(2 * number + 1, path)).collect();
    stream.write_all(&requests).await?;
    Ok(stream)
}

/// Answers pings on a connection, as somebody who is there, until it ends.
pub async fn answers_pings(mut stream: TcpStream) {
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        let is_asked = (head[3], head[4] & 1) == (6, 0);
        if is_asked && stream.write_all(&frame(6, 1, 0, &payload)).await.is_err() {
            return;
        }
    }
}

/// Opens an HTTP/1.1 connection that has room for little, and asks for a path.
pub async fn slow_reader(server: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4 << 10)?;
    let mut stream = socket.connect(server).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await?;
    Ok(stream)
}
