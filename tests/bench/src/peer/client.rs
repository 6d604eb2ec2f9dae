//! A small blocking HTTP client for setting things up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value as Json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One connection that asks one thing after the other.
pub struct Client {
    stream: TcpStream,
    token: Option<String>,
}

impl Client {
    /// Connects to a port of this machine.
    pub fn connect(port: u16) -> Result<Client, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, token: None })
    }

    /// Sends this token with every request from now on.
    pub fn authorize(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Sends a request and takes a JSON answer; any other status than 2xx is an error.
    pub fn ask(&mut self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, Failure> {
        let body = self.bytes(method, path, body)?;
        Ok(if body.is_empty() { Json::Null } else { serde_json::from_slice(&body)? })
    }

    /// Sends a request and takes the body of the answer as it comes; any other status than 2xx is an error.
    pub fn bytes(&mut self, method: &str, path: &str, body: Option<&Json>) -> Result<Vec<u8>, Failure> {
        let body = body.map(Json::to_string).unwrap_or_default();
        let token = self.token.as_ref().map(|token| format!("authorization: {token}\r\n")).unwrap_or_default();
        write!(
            self.stream,
            "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{token}\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        let mut chunk = [0; 65536];
        let (head, length) = loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            answer.extend_from_slice(&chunk[..read]);
            if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                break (end + 4, length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0));
            }
        };
        while answer.len() < head + length {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            answer.extend_from_slice(&chunk[..read]);
        }
        if !answer.starts_with(b"HTTP/1.1 2") {
            return Err(format!("{method} {path}: {}", String::from_utf8_lossy(&answer)).into());
        }
        answer.truncate(head + length);
        Ok(answer.split_off(head))
    }
}
