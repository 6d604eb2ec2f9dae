//! Clients that take the service from others, if they are let.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Method;
use mainstay_testkit::Engine;
use mainstay_testkit::hoard::{answers_pings, hoarder, slow_reader};
use mainstay_testkit::wait::until;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::figures::{Failure, Figures, MIB};
use super::trial::{Pace, Trial};
use crate::support::{System, notes};

/// A system with so many notes that are not the clients'.
async fn filled(engine: Engine, rows: usize, pace: Pace) -> Trial {
    let mut system = System::one(engine, notes::folder()).await;
    system.gateway.stop().await;
    notes::fill(&system, engine, rows).await;
    system.gateway.restart().await;
    Trial::of(system, pace).await
}

fn address(system: &System) -> SocketAddr {
    system.gateway.address().parse().expect("a server has an address")
}

/// How it is for the others.
fn told(trial: &Trial, before: Duration, acknowledged: u64) -> String {
    let meanwhile = trial.witness.acknowledged() - acknowledged;
    format!("{meanwhile} writes meanwhile; p99 {:.0} ms, {:.0} ms meanwhile", ms(before), ms(trial.witness.p99()))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A list that looks at every row many times and finds none.
fn heavy() -> Value {
    let parts: Vec<String> = (0..190).map(|i| format!("body = \"*z{i}z*\"")).collect();
    json!({"filter": parts.join(" OR "), "orderBy": "body desc"})
}

/// A hundred clients ask for what takes long, and hang up after 20 ms, as long as it lasts.
pub async fn hang_ups(engine: Engine, pace: Pace) -> Result<Figures, Failure> {
    let mut trial = filled(engine, pace.of(4_000, 40_000), pace).await;
    let (before, acknowledged) = (trial.witness.p99(), trial.witness.acknowledged());
    let mut clients = JoinSet::new();
    let until = Instant::now() + pace.while_it_lasts();
    for _ in 0..pace.of(25, 100) {
        let http = trial.system.http();
        clients.spawn(async move {
            while Instant::now() < until {
                let body = heavy();
                let asked = http.send(Method::POST, "/notes.v1.NoteService/ListNotes", Some(&body));
                let _ = tokio::time::timeout(Duration::from_millis(20), asked).await;
            }
        });
    }
    tokio::time::sleep_until(until.into()).await;
    let told = told(&trial, before, acknowledged);
    clients.shutdown().await;
    let gone = Instant::now();
    let http = trial.system.http();
    let light = || async {
        (http.try_get("/notes/v1/notes?orderBy=weight&pageSize=5").await.ok()?.status == 200).then_some(())
    };
    self::until("a list is answered", light).await;
    let lists = gone.elapsed();
    trial.recovers().await;
    Ok(trial.ends(format!("{told}; lists after {:.1} s", lists.as_secs_f64())).await)
}

/// Connections whose windows are closed, with as many open calls as they may have.
pub struct Hoarders(JoinSet<()>);

impl Hoarders {
    pub async fn of(system: &System, pace: Pace) -> Hoarders {
        let mut tasks = JoinSet::new();
        for _ in 0..pace.of(8, 30) {
            let stream = hoarder(address(system), pace.of(100, 250), "/notes/v1/notes?pageSize=1000").await;
            // They are there, and say so when they are asked.
            if let Ok(stream) = stream {
                tasks.spawn(answers_pings(stream));
            }
        }
        Hoarders(tasks)
    }

    pub async fn hang_up(mut self) {
        self.0.shutdown().await;
    }
}

/// Lists of many streams whose windows stay closed.
pub async fn unread(pace: Pace) -> Result<Figures, Failure> {
    let trial = filled(Engine::Sqlite, 2_000, pace).await;
    let (before, acknowledged) = (trial.witness.p99(), trial.witness.acknowledged());
    let hoarders = Hoarders::of(&trial.system, pace).await;
    trial.lasts().await;
    let told = told(&trial, before, acknowledged);
    hoarders.hang_up().await;
    given_back(trial, told).await
}

/// A large record that many ask for and take slowly.
pub async fn slow_readers(pace: Pace) -> Result<Figures, Failure> {
    let trial = Trial::one(Engine::Sqlite, pace).await;
    let large = json!({"body": "x".repeat(3_900_000)});
    trial.system.http().post("/notes/v1/notes?noteId=z-large", large).await.ok();
    let (before, acknowledged) = (trial.witness.p99(), trial.witness.acknowledged());
    let mut readers = Vec::new();
    for _ in 0..pace.of(30, 120) {
        readers.extend(slow_reader(address(&trial.system), "/notes/v1/notes/z-large").await);
    }
    trial.lasts().await;
    let told = told(&trial, before, acknowledged);
    drop(readers);
    given_back(trial, told).await
}

/// Memory is given back within a minute.
async fn given_back(mut trial: Trial, told: String) -> Result<Figures, Failure> {
    trial.recovers().await;
    let (gone, enough) = (Instant::now(), trial.memory.idle + 128 * MIB);
    until("memory is given back", || async { (trial.memory.now() <= enough).then_some(()) }).await;
    let (after, took) = (trial.memory.now() / MIB, gone.elapsed().as_secs());
    Ok(trial.ends(format!("{told}; {after} MiB {took} s after")).await)
}

/// Uploads of which a byte comes now and then.
pub async fn slow_uploads(pace: Pace) -> Result<Figures, Failure> {
    let mut trial = Trial::one(Engine::Sqlite, pace).await;
    let (before, acknowledged) = (trial.witness.p99(), trial.witness.acknowledged());
    let mut uploads = JoinSet::new();
    for _ in 0..pace.of(100, 400) {
        let server = address(&trial.system);
        uploads.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(server).await else { return };
            let head = b"POST /notes/v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{";
            let mut sent = stream.write_all(head).await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
                sent = stream.write_all(b" ").await;
            }
        });
    }
    trial.lasts().await;
    trial.witness.goes_well().await;
    let told = told(&trial, before, acknowledged);
    uploads.shutdown().await;
    trial.recovers().await;
    Ok(trial.ends(told).await)
}
