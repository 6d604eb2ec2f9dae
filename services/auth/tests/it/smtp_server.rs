//! An SMTP server that takes mails, or does not, as a test wants it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub to: Vec<String>,
    pub data: String,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    refused: usize,
    /// What every connection is greeted with instead of a welcome.
    answer: Option<u16>,
    /// By the address, with what.
    refuses: HashMap<String, u16>,
}

pub struct SmtpServer {
    port: u16,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl SmtpServer {
    pub async fn start() -> SmtpServer {
        SmtpServer::start_on(0).await
    }

    pub async fn start_on(port: u16) -> SmtpServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        SmtpServer { port, state, listening }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Greets with this code from now on, or takes mails again.
    pub fn answer(&self, code: Option<u16>) {
        self.state.lock().unwrap().answer = code;
    }

    /// Refuses mails to an address.
    pub fn refuse(&self, to: &str, code: u16) {
        self.state.lock().unwrap().refuses.insert(to.to_owned(), code);
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.state.lock().unwrap().taken.clone()
    }

    /// How many recipients were refused.
    pub fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn converse(stream: TcpStream, state: Arc<Mutex<State>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let greeting = state.lock().unwrap().answer.unwrap_or(220);
    let _ = writer.write_all(format!("{greeting} test\r\n").as_bytes()).await;
    let mut to = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME".to_owned(),
            "RCPT" => {
                let address = line.trim_start_matches("RCPT TO:").split(' ').next().unwrap_or_default().to_owned();
                let mut state = state.lock().unwrap();
                match state.refuses.get(&address).copied() {
                    Some(code) => {
                        state.refused += 1;
                        format!("{code} {address} is not taken")
                    }
                    None => {
                        to.push(address);
                        "250 ok".to_owned()
                    }
                }
            }
            "DATA" => {
                let _ = writer.write_all(b"354 go on\r\n").await;
                let mut data = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push_str("\r\n");
                }
                state.lock().unwrap().taken.push(Taken { to: std::mem::take(&mut to), data });
                "250 taken".to_owned()
            }
            "QUIT" => {
                let _ = writer.write_all(b"221 bye\r\n").await;
                return;
            }
            _ => "250 ok".to_owned(),
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
