//! How long an answer of an HTTP/2 connection may wait for its client.
//!
//! Each answer has a window of its own, which its client opens as it likes: one that takes nothing of an answer, and answers
//! pings, would keep it for ever. So each is timed by itself. Only an answer that waits for its client costs a timer.

use super::limits::{MIN_ANSWER_BYTES_PER_SECOND, WRITE_STALL_TIMEOUT};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Runs the exchanges of HTTP/2 connections, each in a task of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patient;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Patient {
    fn execute(&self, exchange: F) {
        tokio::spawn(patiently(exchange));
    }
}

/// How an answer stands.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// What was handed over last has not been asked to be followed by more: the client is waited for.
    waits: bool,
    /// How much was handed over.
    handed_over: u64,
}

thread_local! {
    /// The answer of the exchange that is being polled. A body and its exchange are polled together, in one task.
    static STANDING: Cell<Standing> = const { Cell::new(Standing { waits: false, handed_over: 0 }) };
}

/// Says that a part of the answer was handed over to whoever sends it.
pub(super) fn handed_over(bytes: usize) {
    let before = STANDING.get();
    STANDING.set(Standing { waits: true, handed_over: before.handed_over.saturating_add(bytes as u64) });
}

/// Says that there is nothing to be handed over now: the client waits for us.
pub(super) fn nothing_to_hand_over() {
    STANDING.set(Standing { waits: false, ..STANDING.get() });
}

/// Runs an exchange until it is over, or until its client has kept the answer waiting for too long: it is dropped then, which
/// resets its stream.
async fn patiently(exchange: impl Future<Output = ()>) {
    let mut exchange = pin!(exchange);
    let (mut standing, mut taken) = (Standing::default(), 0);
    let mut patience: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        STANDING.set(standing);
        let polled = exchange.as_mut().poll(cx);
        standing = STANDING.take();
        if polled.is_ready() || !standing.waits {
            patience = None;
            return polled;
        }
        let patience = patience.get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_TIMEOUT)));
        let more = standing.handed_over - std::mem::replace(&mut taken, standing.handed_over);
        if more > 0 {
            let until = earned(patience.deadline(), more);
            patience.as_mut().reset(until);
        }
        let over = patience.as_mut().poll(cx);
        if over.is_ready() {
            tracing::debug!("an answer is given up that its client does not take");
        }
        over
    })
    .await;
}

/// What was taken buys time for the rest, but never more than who takes nothing has.
fn earned(deadline: Instant, bytes: u64) -> Instant {
    let bought = Duration::from_millis(bytes.saturating_mul(1_000) / MIN_ANSWER_BYTES_PER_SECOND);
    (deadline + bought).min(Instant::now() + WRITE_STALL_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    /// An exchange whose client takes so much each time, after so long.
    async fn takes(parts: Vec<(u64, usize)>) {
        for (millis, bytes) in parts {
            handed_over(bytes);
            let mut wait = pin!(sleep(Duration::from_millis(millis)));
            // Between two polls, what others say is not ours.
            poll_fn(|cx| wait.as_mut().poll(cx)).await;
        }
        nothing_to_hand_over();
    }

    /// How long an exchange ran, and whether it came to its end.
    async fn run(parts: Vec<(u64, usize)>) -> (u64, bool) {
        let began = Instant::now();
        let mut ended = false;
        patiently(async {
            takes(parts).await;
            ended = true;
        })
        .await;
        (began.elapsed().as_secs(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_given_up() {
        let limit = WRITE_STALL_TIMEOUT.as_secs();
        assert_eq!(run(vec![(1_000_000, 16 << 10)]).await, (limit, false));
        assert!(!run(vec![(10_000, 100), (1_000_000, 100)]).await.1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_drips_is_given_up() {
        let drips = vec![(1_000, 10); 1_000];
        let (seconds, ended) = run(drips).await;
        assert!(!ended && seconds <= WRITE_STALL_TIMEOUT.as_secs() + 5, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_gets_its_answer() {
        let pieces = vec![(2_000, 16 << 10); 100];
        assert_eq!(run(pieces).await, (200, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_in_which_the_client_waits_is_not_given_up() {
        let waits = async {
            handed_over(100);
            sleep(Duration::from_secs(1)).await;
            nothing_to_hand_over();
            sleep(WRITE_STALL_TIMEOUT * 100).await;
        };
        assert!(timeout(WRITE_STALL_TIMEOUT * 200, patiently(waits)).await.is_ok());
        let silent = std::future::pending::<()>();
        assert!(timeout(WRITE_STALL_TIMEOUT * 10, patiently(silent)).await.is_err());
    }
}
