//! Mainstay, one process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use crate::count;
use crate::load::grpc;
use crate::process::{Server, free_port};
use crate::{records, requests};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The method that is measured over gRPC.
pub const GET: &str = "/bench.v1.ProductService/GetProduct";

/// How a server is started.
#[derive(Clone)]
pub struct Mainstay {
    pub binary: PathBuf,
    pub contract: PathBuf,
    pub data_dir: PathBuf,
    /// `postgres://…` for the data service; nothing for SQLite.
    pub postgres: Option<String>,
}

impl Mainstay {
    /// Starts a server and says how long it took to its first answer.
    pub fn start(&self, log: &Path) -> Result<(Server, Duration), Failure> {
        self.run(Command::new(&self.binary), log)
    }

    /// The same under callgrind, which writes its count into a file when the server has ended.
    pub fn start_under(&self, counting: &Path, log: &Path) -> Result<(Server, Duration), Failure> {
        let mut command = count::under(counting, self.binary.as_os_str());
        // Everything takes fifty times as long there: by the clock, every read would be a long one.
        command.env("MAINSTAY__DATA__STORE__INLINE_LIMIT_US", "1000000");
        self.run(command, log)
    }

    fn run(&self, mut command: Command, log: &Path) -> Result<(Server, Duration), Failure> {
        let (port, operations) = (free_port()?, free_port()?);
        command
            .arg("serve")
            .arg("--contracts")
            .arg(&self.contract)
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .env("MAINSTAY__OPERATIONS_LISTEN", format!("127.0.0.1:{operations}"))
            .env("MAINSTAY__TELEMETRY__LOG", "warn");
        if let Some(url) = &self.postgres {
            command.env("MAINSTAY__DATA__DATABASE_URL", url);
        }
        let started = Instant::now();
        let server = Server::start(&mut command, port, log)?.wait()?;
        let path = format!("/bench/v1/products/{}", records::id(1));
        let mut client = Client::connect(port)?;
        // A record or its absence: either is an answer of the whole system.
        let _ = client.ask("GET", &path, None);
        Ok((server, started.elapsed()))
    }

    /// Stores the records, as a signed-in user whose token comes back.
    pub fn fill(server: &Server) -> Result<String, Failure> {
        let mut client = Client::connect(server.port)?;
        let credentials = json!({"email": "bench@example.org", "password": "correct horse battery"});
        client.ask("POST", "/auth/v1/accounts:signUp", Some(&credentials))?;
        client.authorize(&format!("Bearer {}", token(server)?));
        for index in 0..records::COUNT {
            let id = records::id(index);
            let fields = records::fields(index);
            client.ask("POST", &format!("/bench/v1/products?productId={id}"), Some(&fields))?;
            client.ask("POST", &format!("/bench/v1/documents?documentId={id}"), Some(&fields))?;
        }
        token(server)
    }

    /// Stores orders of five lines each, and what they reserve.
    pub fn fill_orders(server: &Server) -> Result<(), Failure> {
        const TOGETHER: usize = 100;
        let mut client = Client::connect(server.port)?;
        let variant = |index: usize| json!({"variantId": records::id(index), "variant": {"price": 700 + index % 100, "onHand": "1000000000000"}});
        let line = |order: usize, line: usize| json!({"variant": format!("variants/{}", records::id(order * 5 + line)), "quantity": 1 + line});
        let order = |index: usize| {
            let lines: Vec<_> = (0..5).map(|at| line(index, at)).collect();
            json!({"orderId": records::id(index), "order": {"lines": lines}})
        };
        for first in (0..requests::RECORDS * 5).step_by(TOGETHER) {
            let all: Vec<_> = (first..first + TOGETHER).map(variant).collect();
            client.ask("POST", "/bench/v1/variants:batchCreate", Some(&json!({"requests": all})))?;
        }
        for first in (0..requests::RECORDS).step_by(TOGETHER) {
            let all: Vec<_> = (first..first + TOGETHER).map(order).collect();
            client.ask("POST", "/bench/v1/orders:batchCreate", Some(&json!({"requests": all})))?;
        }
        Ok(())
    }
}

/// What the limits answer: the same record as Mainstay sends it.
pub struct Answers {
    pub json: Vec<u8>,
    /// In hexadecimal, as plans have messages.
    pub message: String,
}

impl Answers {
    /// Asks a server that has the records.
    pub fn of(server: &Server) -> Result<Answers, Failure> {
        let name = format!("products/{}", records::id(1));
        let json = Client::connect(server.port)?.bytes("GET", &format!("/bench/v1/{name}"), None)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let message = runtime.block_on(grpc::once(server.port, GET, &get_message(&name)))?;
        Ok(Answers { json, message })
    }
}

/// Signs in; tokens live five minutes, so every measurement takes a new one.
pub fn token(server: &Server) -> Result<String, Failure> {
    let credentials = json!({"email": "bench@example.org", "password": "correct horse battery"});
    let answer = Client::connect(server.port)?.ask("POST", "/auth/v1/sessions:signIn", Some(&credentials))?;
    answer["accessToken"].as_str().map(str::to_owned).ok_or_else(|| "no access token".into())
}

/// A GetRequest for a name, in hexadecimal.
pub fn get_message(name: &str) -> String {
    requests::get_message(name).bytes().map(|byte| format!("{byte:02x}")).collect()
}
