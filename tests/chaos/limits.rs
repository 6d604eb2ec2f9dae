//! Processes that may have little: few descriptors, little memory.

use std::fs;
use std::net::SocketAddr;

use mainstay_testkit::Engine;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::figures::{Failure, Figures};
use super::hostile::Hoarders;
use super::postgres::end_sessions;
use super::trial::{Pace, Trial, cluster, on_cluster};
use crate::support::{System, notes};

/// How many files the server may have open.
const DESCRIPTORS: usize = 256;

/// More connections than it has descriptors for, from an address of their own. Each has begun a request, so that it is not idle.
/// Those that are too many of one address are closed.
async fn flood(server: SocketAddr) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for _ in 0..2 * DESCRIPTORS {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        // Where the loopback interface has one address only, they come from the clients' own.
        let _ = socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)));
        let Ok(mut stream) = socket.connect(server).await else { continue };
        let _ = stream.write_all(b"GET /notes/v1/notes HTTP/1.1\r\nhost: x\r\n").await;
        connections.push(stream);
    }
    connections
}

/// More come than there are descriptors for, and every connection to the store has to be made anew meanwhile: what is reserved
/// for that is there.
pub async fn descriptors(pace: Pace) -> Result<Figures, Failure> {
    let cluster = cluster().await;
    let limits = format!("ulimit -n {DESCRIPTORS}");
    let system =
        System::one_with(Engine::Sqlite, notes::folder(), |launch| on_cluster(launch, &cluster, None).limited(&limits))
            .await;
    let mut trial = Trial::of(system, pace).await;
    let server = trial.system.gateway.address().parse().expect("a server has an address");
    for _ in 0..pace.rounds() {
        let flood = flood(server).await;
        tokio::task::block_in_place(|| end_sessions(&cluster));
        // With the flood there: who was connected before is served as before, and who comes now as well.
        trial.goes_well().await;
        trial.system.http().get("/notes/v1/notes?pageSize=1").await.ok();
        trial.lasts().await;
        let used = open_files(trial.system.gateway.pid());
        assert!(used.is_none_or(|used| used <= DESCRIPTORS * 3 / 4), "nothing is in reserve: {used:?}");
        drop(flood);
        trial.recovers().await;
    }
    let log = trial.system.gateway.log();
    assert!(trial.system.gateway.has_ended().is_none() && !log.contains("Too many open files"), "{log}");
    Ok(trial.ends(format!("{} connections to {DESCRIPTORS} descriptors", 2 * DESCRIPTORS)).await)
}

fn open_files(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// How much more than it begins with the server may ask the system for, KiB.
const MORE: u64 = 512 << 10;

/// The size of a process, KiB.
fn size(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Answers that nobody reads, where memory ends early: a process that asked for more than its limit would be gone.
pub async fn memory(pace: Pace) -> Result<Figures, Failure> {
    let mut system = System::one(Engine::Sqlite, notes::folder()).await;
    let why = "the system does not show the size of a process, so no limit can be set that fits";
    let size = size(system.gateway.pid()).ok_or_else(|| Failure::NotHere(why.to_owned()))?;
    system.gateway.stop().await;
    notes::fill(&system, Engine::Sqlite, 2_000).await;
    system.gateway.relaunch(|launch| launch.limited(&format!("ulimit -v {}", size + MORE)));
    system.gateway.restart().await;
    let mut trial = Trial::of(system, pace).await;
    let hoarders = Hoarders::of(&trial.system, pace).await;
    trial.witness.goes_well().await;
    trial.lasts().await;
    hoarders.hang_up().await;
    trial.recovers().await;
    assert!(trial.system.gateway.has_ended().is_none(), "{}", trial.system.gateway.log());
    Ok(trial.ends(format!("{} MiB of addresses more than at its start", MORE >> 10)).await)
}
