//! Load generators: closed loop, one thread, a histogram of latencies, and every answer looked at.

pub mod grpc;
pub mod http;

use std::cell::RefCell;
use std::io::Read as _;
use std::rc::Rc;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What to send, from how many connections, for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub port: u16,
    pub connections: usize,
    /// Calls at a time on one connection (gRPC only).
    pub streams: usize,
    pub warm_up_ms: u64,
    pub run_ms: u64,
    /// Ends the run after so many requests, however long it may take (HTTP only).
    pub at_most: Option<u64>,
    /// Extra headers of every request.
    pub headers: Vec<(String, String)>,
    pub work: Work,
    /// Two connections that list without an index beside the measured ones (HTTP only).
    pub beside: Option<Work>,
}

/// The requests, taken in turn. In paths and bodies of [`Work::Send`], `{n}` stands for a number that never comes again and
/// `{uuid}` for a UUID that does not either.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Work {
    Get {
        paths: Vec<String>,
    },
    /// A body with another method: `POST`, `PATCH`. Paths and bodies are taken in turn, each list for itself.
    Send {
        method: String,
        paths: Vec<String>,
        bodies: Vec<String>,
    },
    /// Messages by POST to the path of an RPC: gRPC-Web, Connect.
    Ask {
        path: String,
        content_type: String,
        bodies: Vec<String>,
    },
    /// The method and encoded messages in hexadecimal.
    Call {
        method: String,
        messages: Vec<String>,
    },
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub errors: u64,
    pub cpu_share: f64,
    /// The first answer that was not as it should be.
    pub first_error: Option<String>,
    /// Milliseconds since the start, of the window that was measured.
    pub measured_ms: u64,
}

impl Outcome {
    /// Fails where an answer was not as it should be.
    pub fn check(&self) -> Result<(), Failure> {
        let first = self.first_error.as_deref().unwrap_or_default();
        if self.errors == 0 {
            Ok(())
        } else {
            Err(format!("{} answers were wrong, the first: {first}", self.errors).into())
        }
    }
}

/// What the workers of a run share.
pub struct Shared {
    pub plan: Plan,
    started: Instant,
    begin: Duration,
    end: Duration,
    numbers: std::sync::atomic::AtomicU64,
    begun: std::cell::Cell<u64>,
    tally: RefCell<Tally>,
}

struct Tally {
    latencies: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
}

impl Shared {
    /// Says whether the run goes on.
    pub fn goes_on(&self) -> bool {
        self.started.elapsed() < self.end
    }

    /// Says whether one more request may be sent, and counts it.
    pub fn sends_one(&self) -> bool {
        let begun = self.begun.replace(self.begun.get() + 1);
        self.goes_on() && self.plan.at_most.is_none_or(|most| begun < most)
    }

    /// A number that never comes again.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// Counts an answer, if it came in the measured window.
    pub fn count(&self, asked: Instant, problem: Option<String>) {
        let now = self.started.elapsed();
        if now < self.begin || now >= self.end {
            return;
        }
        let mut tally = self.tally.borrow_mut();
        match problem {
            None => tally.latencies.saturating_record(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            Some(problem) => {
                tally.errors += 1;
                tally.first_error.get_or_insert(problem);
            }
        }
    }
}

/// Reads a plan, runs one worker for each connection and prints the outcome.
pub fn run<F>(worker: impl Fn(Rc<Shared>, usize) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let plan: Plan = serde_json::from_str(&text)?;
    let begin = Duration::from_millis(plan.warm_up_ms);
    let end = begin + Duration::from_millis(plan.run_ms);
    let latencies = Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?;
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros();
    let shared = Rc::new(Shared {
        started: Instant::now(),
        begin,
        end,
        numbers: std::sync::atomic::AtomicU64::new(u64::try_from(seed)?),
        begun: std::cell::Cell::default(),
        tally: RefCell::new(Tally { latencies, errors: 0, first_error: None }),
        plan,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let failure = local.block_on(&runtime, async {
        let beside = if shared.plan.beside.is_some() { 2 } else { 0 };
        let workers: Vec<_> = (0..shared.plan.connections + beside)
            .map(|index| tokio::task::spawn_local(worker(Rc::clone(&shared), index)))
            .collect();
        let mut failure = None;
        for worker in workers {
            if let Ok(Err(error)) = worker.await {
                failure.get_or_insert(error);
            }
        }
        failure
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    println!("{}", serde_json::to_string(&outcome(&shared))?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn outcome(shared: &Shared) -> Outcome {
    let tally = shared.tally.borrow();
    let seconds = (shared.end - shared.begin).as_secs_f64();
    let ms = |nanos: u64| nanos as f64 / 1e6;
    let pid = std::process::id();
    Outcome {
        per_second: tally.latencies.len() as f64 / seconds,
        p50_ms: ms(tally.latencies.value_at_quantile(0.5)),
        p99_ms: ms(tally.latencies.value_at_quantile(0.99)),
        errors: tally.errors,
        cpu_share: crate::process::cpu(pid).as_secs_f64() / shared.end.as_secs_f64(),
        first_error: tally.first_error.clone(),
        measured_ms: shared.plan.run_ms,
    }
}
