//! Something rare that is waited for beside something busy.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A future that is looked at when it has something to say, and not whenever its task runs.
///
/// A connection waits for its end beside its requests: for a drain, for a limit, for a clock. Each of them takes some hundred
/// instructions to be asked, at each part of each request, and has nothing to say in all its life.
pub(super) struct Seldom<F> {
    inner: Pin<Box<F>>,
    called: Option<Arc<Call>>,
}

/// What the future wakes: it notes so, and wakes the task.
struct Call {
    task: Waker,
    called: AtomicBool,
}

impl<F: Future> Seldom<F> {
    pub(super) fn new(inner: F) -> Seldom<F> {
        Seldom { inner: Box::pin(inner), called: None }
    }
}

impl<F: Future> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let call = match self.called.take() {
            Some(call) if call.task.will_wake(cx.waker()) => {
                // What was noted was noted before the task was woken, so whoever is woken finds it.
                if !call.called.swap(false, Ordering::AcqRel) {
                    self.called = Some(call);
                    return Poll::Pending;
                }
                call
            }
            _ => Arc::new(Call { task: cx.waker().clone(), called: AtomicBool::new(false) }),
        };
        let waker = Waker::from(Arc::clone(&call));
        self.called = Some(call);
        self.inner.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.called.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;
    use tokio::sync::Notify;

    /// Counts how often it is asked.
    async fn asked(times: &AtomicUsize, until: &Notify) {
        let mut until = std::pin::pin!(until.notified());
        std::future::poll_fn(|cx| {
            times.fetch_add(1, Ordering::Relaxed);
            until.as_mut().poll(cx)
        })
        .await;
    }

    #[tokio::test]
    async fn it_is_asked_once_while_its_task_is_busy_and_again_when_it_calls() {
        let (times, end) = (AtomicUsize::new(0), Notify::new());
        let mut seldom = Seldom::new(asked(&times, &end));
        let busy = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { biased; () = busy => {} () = &mut seldom => panic!("nobody called") }
        assert_eq!(times.load(Ordering::Relaxed), 1);
        end.notify_one();
        seldom.await;
        assert_eq!(times.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_call_from_elsewhere_wakes_a_task_that_sleeps() {
        let end = Arc::new(Notify::new());
        let task = tokio::spawn({
            let end = Arc::clone(&end);
            async move {
                let seldom = Seldom::new(async move { end.notified().await });
                tokio::select! { biased; () = std::future::pending() => {} () = seldom => {} }
            }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        std::thread::spawn(move || end.notify_one()).join().unwrap();
        tokio::time::timeout(Duration::from_secs(10), task).await.expect("it is woken").unwrap();
    }

    #[tokio::test]
    async fn a_future_that_moved_to_another_task_wakes_that_one() {
        let end = Arc::new(Notify::new());
        let ended = Arc::clone(&end);
        let mut seldom = Seldom::new(async move { ended.notified().await });
        std::future::poll_fn(|cx| {
            assert!(Pin::new(&mut seldom).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let task = tokio::spawn(seldom);
        tokio::task::yield_now().await;
        end.notify_one();
        tokio::time::timeout(Duration::from_secs(10), task).await.expect("it is woken").unwrap();
    }
}
