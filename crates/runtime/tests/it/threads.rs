use mainstay_runtime::threads::build;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};

#[test]
fn one_core_is_one_thread_and_more_are_workers() {
    for (cores, flavor) in [(1, RuntimeFlavor::CurrentThread), (2, RuntimeFlavor::MultiThread)] {
        let runtime = build(NonZeroUsize::new(cores), None).unwrap();
        assert_eq!(runtime.block_on(async { Handle::current().runtime_flavor() }), flavor, "{cores}");
        assert_eq!(runtime.metrics().num_workers(), cores);
    }
}

#[test]
fn something_can_be_done_whenever_a_worker_is_about_to_sleep() {
    let parked = Arc::new(AtomicUsize::new(0));
    let counter = parked.clone();
    let on_park = Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let runtime = build(NonZeroUsize::new(1), Some(on_park)).unwrap();
    // Another thread answers, and not before this one sleeps.
    let sleeping = parked.clone();
    let answer = move || {
        let patience = Instant::now() + Duration::from_secs(30);
        while sleeping.load(Ordering::SeqCst) == 0 && Instant::now() < patience {
            std::thread::yield_now();
        }
    };
    runtime.block_on(async { tokio::task::spawn_blocking(answer).await.unwrap() });
    assert!(parked.load(Ordering::SeqCst) > 0);
}
