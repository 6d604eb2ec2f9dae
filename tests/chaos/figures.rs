//! The figures of a case, and the table that is made of all of them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mainstay_testkit::server::{Server, resident};
use tokio::task::AbortHandle;

use super::witness::Found;

pub const MIB: u64 = 1 << 20;

/// How long the table may take in all.
pub const IN_ALL: Duration = Duration::from_secs(600);

/// What came of a case.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub found: Found,
    /// How long it took until readiness said so.
    pub noticed: Option<Duration>,
    /// How long it took from when the cause was gone until each client had written and read again, at worst.
    pub recovered: Duration,
    /// Memory before and at most, bytes; 0 where the system does not show it.
    pub idle: u64,
    pub peak: u64,
    /// What else is to be said.
    pub said: String,
}

/// What a case must reach on a quiet machine.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub recovery: Duration,
    /// How much more memory than before, bytes.
    pub memory: u64,
}

impl Limits {
    /// Recovery times of the whole table; 256 MiB above idle.
    pub const USUAL: Limits = Limits { recovery: Duration::from_secs(10), memory: 256 * MIB };
}

/// A case that ran, or the reason why it did not.
pub struct Row {
    pub name: &'static str,
    pub limits: Limits,
    pub outcome: Result<Figures, Failure>,
}

/// Why there are no figures.
#[derive(Debug, Clone)]
pub enum Failure {
    /// This machine cannot do that. It is said, and no fault.
    NotHere(String),
    Failed(String),
}

impl Figures {
    /// Everything that must not be, wherever it runs.
    pub fn faults(&self) -> Vec<String> {
        let Found { acknowledged, lost, half, wrong, .. } = &self.found;
        let mut faults = Vec::new();
        if *acknowledged == 0 {
            faults.push("nothing was acknowledged: nothing is shown".to_owned());
        }
        for (what, which) in [("lost", lost), ("half there", half), ("wrong", wrong)] {
            if let Some(first) = which.first() {
                faults.push(format!("{} {what}, the first: {first}", which.len()));
            }
        }
        faults
    }

    /// What is beyond its limits.
    pub fn excesses(&self, limits: Limits) -> Vec<String> {
        let mut excesses = Vec::new();
        if self.recovered > limits.recovery {
            excesses.push(format!("recovered after {:?}, not within {:?}", self.recovered, limits.recovery));
        }
        let more = self.peak.saturating_sub(self.idle);
        if more > limits.memory {
            excesses.push(format!("took {} MiB more, not at most {}", more / MIB, limits.memory / MIB));
        }
        excesses
    }
}

impl Row {
    fn faults(&self) -> Vec<String> {
        match &self.outcome {
            Ok(figures) => [figures.faults(), figures.excesses(self.limits)].concat(),
            Err(Failure::Failed(why)) => vec![why.clone()],
            Err(Failure::NotHere(_)) => Vec::new(),
        }
    }

    fn line(&self) -> String {
        let name = self.name.replace('_', " ");
        let figures = match &self.outcome {
            Ok(figures) => figures,
            Err(Failure::NotHere(why)) => return format!("| {name} | not on this machine: {why} | | | | | | | | |"),
            Err(Failure::Failed(why)) => return format!("| {name} | **failed**: {} | | | | | | | | |", one_line(why)),
        };
        let Found { acknowledged, lost, half, wrong, refused } = &figures.found;
        let memory = |bytes: u64| if bytes == 0 { "–".to_owned() } else { (bytes / MIB).to_string() };
        let noticed = figures.noticed.map_or("–".to_owned(), seconds);
        let (recovered, idle, peak) = (seconds(figures.recovered), memory(figures.idle), memory(figures.peak));
        let (lost, half, wrong) = (lost.len(), half.len(), wrong.len());
        let said = [figures.said.as_str(), refused].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        let said = said.join("; ");
        format!(
            "| {name} | {acknowledged} | {lost} | {half} | {wrong} | {noticed} | {recovered} | {idle} | {peak} | {said} |"
        )
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "/").chars().take(300).collect()
}

/// The table as `RESULTS.md` has it, and everything that is wrong with it.
pub fn table(rows: &[Row], took: Duration) -> (String, Vec<String>) {
    let mut text = String::from(HEAD);
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let _ = writeln!(text, "\n{} cases in {} s, on {cores} cores, with {build}.", rows.len(), took.as_secs());
    let faults: Vec<String> =
        rows.iter().flat_map(|row| row.faults().into_iter().map(|fault| format!("{}: {fault}", row.name))).collect();
    match faults.as_slice() {
        [] => text.push_str("\nEverything is within its limits.\n"),
        faults => {
            let _ = writeln!(
                text,
                "\nNot as it must be:\n\n- {}",
                faults.iter().map(|fault| one_line(fault)).collect::<Vec<_>>().join("\n- ")
            );
        }
    }
    (text, faults)
}

const HEAD: &str = "# What happens on the worst day

Written by `make chaos`. In each case twelve clients write pairs of notes, both of a pair in one commit, and read and list them, while
something is done to the servers or to what they stand on. The clients know what they were answered: *lost* are writes that were
acknowledged (or read) and are not there afterwards, *half* are pairs of which one half is there, *wrong* is every answer that
cannot be. Writes that were refused, or whose answer did not come, may be there or not, as a whole. *Noticed* is the time until
readiness says so, *recovered* the time from when the cause was gone until each client had written, and read again, at worst;
seconds. Memory is resident, of all of Mainstay's processes, in MiB: before, and at most.

| case | acknowledged | lost | half | wrong | noticed | recovered | idle | peak | said and refused |
|---|---|---|---|---|---|---|---|---|---|
";

/// The memory of some processes, looked at all the time.
#[derive(Debug)]
pub struct Memory {
    pids: Arc<Mutex<Vec<u32>>>,
    pub idle: u64,
    peak: Arc<AtomicU64>,
    looking: AbortHandle,
}

fn together(pids: &Mutex<Vec<u32>>) -> u64 {
    let pids = pids.lock().expect("nobody panicked with the lock").clone();
    pids.into_iter().filter_map(resident).sum()
}

impl Memory {
    pub fn of(servers: &[&Server]) -> Memory {
        let pids = Arc::new(Mutex::new(servers.iter().map(|server| server.pid()).collect()));
        let (peak, idle) = (Arc::new(AtomicU64::new(0)), together(&pids));
        let (known, most) = (Arc::clone(&pids), Arc::clone(&peak));
        let looking = tokio::spawn(async move {
            loop {
                most.fetch_max(together(&known), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Memory { pids, idle, peak, looking: looking.abort_handle() }
    }

    /// A server runs in another process now.
    pub fn moved(&self, from: u32, to: u32) {
        for pid in self.pids.lock().expect("nobody panicked with the lock").iter_mut().filter(|pid| **pid == from) {
            *pid = to;
        }
    }

    pub fn now(&self) -> u64 {
        together(&self.pids)
    }

    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
