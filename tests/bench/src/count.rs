//! Instructions in user space per request, counted by callgrind: figures that do not depend on how busy the machine is.
//!
//! A process is run twice under callgrind, with the same work and then some: the difference is what the surplus took, so
//! that start and end cancel out. The load is a process of its own and is not counted.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::load::{Outcome, Plan, Work};
use crate::peer::mainstay::{Answers, Mainstay, token};
use crate::process::{Server, free_port, generate};
use crate::report::{Counted, Report};
use crate::requests;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How many requests of each kind both runs have: what is made at the first request is made in both.
const WARM_UP: u64 = 100;
/// How many requests of one kind the second run has beyond that.
const SURPLUS: u64 = 1_000;

/// What one request may take of the released program, in thousands of instructions. A ceiling only falls: whoever makes
/// requests cheaper lowers it to what was reached and two in a hundred, which is more than two runs of one program differ.
const CEILINGS: [(Kind, f64); 5] =
    [(Kind::Get, 47.0), (Kind::Ruled, 52.2), (Kind::List, 336.0), (Kind::Create, 110.0), (Kind::Update, 104.0)];

/// A kind of request that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Get,
    Ruled,
    List,
    Create,
    Update,
}

impl Kind {
    fn what(self) -> &'static str {
        match self {
            Kind::Get => "REST get by id",
            Kind::Ruled => "REST get by id, signed in, with a rule",
            Kind::List => "REST list 20, indexed filter and order",
            Kind::Create => "REST create",
            Kind::Update => "REST update of one field",
        }
    }

    fn work(self) -> Work {
        match self {
            Kind::Get => requests::get("products"),
            Kind::Ruled => requests::get("documents"),
            Kind::List => requests::list(),
            Kind::Create => requests::create(),
            Kind::Update => requests::update(),
        }
    }
}

/// What is counted, and where its files may lie.
pub struct Count<'c> {
    /// A server that has the records. Every run works on a copy of its data.
    pub filled: &'c Mainstay,
    pub answers: &'c Answers,
    /// A folder for copies and for what callgrind writes.
    pub folder: &'c Path,
}

impl Count<'_> {
    /// Counts every kind of request, and the floors below them. What cannot be counted is a missed aim that says why.
    pub fn run(&self, report: &mut Report) {
        if let Err(missing) = valgrind() {
            for (kind, ceiling) in CEILINGS {
                report.instructions(kind.what(), Err(missing.to_string()), ceiling);
            }
            return;
        }
        self.floors(report);
        let warm_up = self.server(None).map_err(|failure| failure.to_string());
        for (kind, ceiling) in CEILINGS {
            let counted = warm_up.clone().and_then(|less| {
                let more = self.server(Some(kind)).map_err(|failure| failure.to_string())?;
                Ok(thousands(less, more))
            });
            report.instructions(kind.what(), counted, ceiling);
        }
    }

    /// What a request cannot be cheaper than: its bytes through HTTP, and its row out of the database.
    fn floors(&self, report: &mut Report) {
        for (what, who, floor) in [
            ("REST get by id: its answer", "bare hyper", self.hyper()),
            ("REST get by id: its row", "raw SQLite", self.sqlite()),
        ] {
            match floor {
                Ok(thousands) => report.count(Counted { what: what.into(), who: who.into(), thousands }),
                Err(failure) => report.note(format!("{what}, {who}: not counted: {failure}")),
            }
        }
    }

    fn server(&self, kind: Option<Kind>) -> Result<u64, Failure> {
        let data_dir = self.folder.join("counted");
        let _ = fs::remove_dir_all(&data_dir);
        copy(&self.filled.data_dir, &data_dir)?;
        let ours = Mainstay { data_dir, ..self.filled.clone() };
        self.counted(|counting| {
            let (server, _) = ours.start_under(counting, &self.folder.join("counted.log"))?;
            let token = token(&server)?;
            for warm in CEILINGS.map(|(kind, _)| kind) {
                send(server.port, warm, &token, WARM_UP)?;
            }
            if let Some(kind) = kind {
                send(server.port, kind, &token, SURPLUS)?;
            }
            server.stop();
            Ok(())
        })
    }

    fn hyper(&self) -> Result<f64, Failure> {
        let json = self.folder.join("counted.json");
        fs::write(&json, &self.answers.json)?;
        self.differs(|counting, requests| {
            let port = free_port()?;
            let mut command = under(counting, std::env::current_exe()?.as_os_str());
            command.args(["hyper", &port.to_string()]).arg(&json);
            let server = Server::start(&mut command, port, &self.folder.join("counted.log"))?.wait()?;
            ask(&plan(port, Work::Get { paths: vec!["/".into()] }, requests))?;
            server.stop();
            Ok(())
        })
    }

    fn sqlite(&self) -> Result<f64, Failure> {
        self.differs(|counting, reads| {
            let mut command = under(counting, std::env::current_exe()?.as_os_str());
            let output = command.arg("sqlite").arg(&self.filled.data_dir).arg(reads.to_string()).output()?;
            if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
        })
    }

    /// Counts the surplus of a process that is told how many requests it has.
    fn differs(&self, run: impl Fn(&Path, u64) -> Result<(), Failure>) -> Result<f64, Failure> {
        let less = self.counted(|counting| run(counting, WARM_UP))?;
        let more = self.counted(|counting| run(counting, WARM_UP + SURPLUS))?;
        Ok(thousands(less, more))
    }

    /// Lets a process write its count into a file, and reads it.
    fn counted(&self, run: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<u64, Failure> {
        let counting = self.folder.join("callgrind.out");
        let _ = fs::remove_file(&counting);
        run(&counting)?;
        let text = fs::read_to_string(&counting).map_err(|error| format!("callgrind wrote no count: {error}"))?;
        total(&text).ok_or_else(|| "callgrind's file has no total".into())
    }
}

/// A program under callgrind.
pub fn under(counting: &Path, program: &std::ffi::OsStr) -> Command {
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(counting);
    let mut command = Command::new(VALGRIND);
    command.args(["--quiet", "--tool=callgrind"]).arg(out).arg(program);
    command
}

const VALGRIND: &str = "valgrind";

/// Says what is missing, where something is.
fn valgrind() -> Result<(), Failure> {
    match Command::new(VALGRIND).args(["--tool=callgrind", "--version"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{VALGRIND} has no callgrind: {}", String::from_utf8_lossy(&output.stderr)).into()),
        Err(error) => Err(format!("{VALGRIND} cannot be run ({error}): install the package valgrind").into()),
    }
}

fn total(text: &str) -> Option<u64> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn thousands(less: u64, more: u64) -> f64 {
    more.saturating_sub(less) as f64 / SURPLUS as f64 / 1_000.0
}

fn send(port: u16, kind: Kind, token: &str, requests: u64) -> Result<(), Failure> {
    let mut plan = plan(port, kind.work(), requests);
    if kind == Kind::Ruled {
        plan.headers.push(("authorization".into(), format!("Bearer {token}")));
    }
    ask(&plan)
}

/// One connection that asks so many times.
fn plan(port: u16, work: Work, requests: u64) -> Plan {
    const LONG_ENOUGH_MS: u64 = 600_000;
    let headers = Vec::new();
    let (warm_up_ms, run_ms, at_most) = (0, LONG_ENOUGH_MS, Some(requests));
    Plan { port, connections: 1, streams: 1, warm_up_ms, run_ms, at_most, headers, work, beside: None }
}

fn ask(plan: &Plan) -> Result<(), Failure> {
    let (text, _) = generate("http", &serde_json::to_string(plan)?)?;
    let outcome: Outcome = serde_json::from_str(text.trim())?;
    outcome.check()
}

fn copy(from: &Path, to: &PathBuf) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
