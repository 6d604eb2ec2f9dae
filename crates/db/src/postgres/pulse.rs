//! Since when a connection owes somebody an answer.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What is known of a connection from outside, while somebody else uses it.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// The server's process for it.
    pid: AtomicI32,
    /// When the statement that runs was sent, in milliseconds since the process's first; 0 while none does.
    asked: AtomicU64,
    driver: AbortHandle,
}

impl Pulse {
    pub fn new(driver: AbortHandle) -> Pulse {
        Pulse { pid: AtomicI32::new(0), asked: AtomicU64::new(0), driver }
    }

    pub fn is_served_by(&self, pid: i32) {
        self.pid.store(pid, Ordering::Relaxed);
    }

    pub fn pid(&self) -> i32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// A statement is sent.
    pub fn asked(&self) {
        self.asked.store(now_ms(), Ordering::Relaxed);
    }

    /// Its answer is there.
    pub fn answered(&self) {
        self.asked.store(0, Ordering::Relaxed);
    }

    /// Sees a statement through.
    pub async fn during<T>(&self, statement: impl Future<Output = T>) -> T {
        self.asked();
        let answer = statement.await;
        self.answered();
        answer
    }

    /// When the statement was sent that has been running for so long; nothing where none has.
    pub fn silent_for(&self, long: Duration) -> Option<u64> {
        let asked = self.asked.load(Ordering::Relaxed);
        let long = u64::try_from(long.as_millis()).unwrap_or(u64::MAX);
        (asked != 0 && now_ms().saturating_sub(asked) >= long).then_some(asked)
    }

    /// Says whether that statement still runs.
    pub fn still_waits_since(&self, asked: u64) -> bool {
        self.asked.load(Ordering::Relaxed) == asked
    }

    /// Ends the connection: whoever waits for an answer learns that it is lost.
    pub fn end(&self) {
        self.driver.abort();
    }

    pub fn is_over(&self) -> bool {
        self.driver.is_finished()
    }
}

fn now_ms() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX) + 1
}
