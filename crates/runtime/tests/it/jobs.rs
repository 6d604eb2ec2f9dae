//! Background jobs: when they run, what becomes of them when they fail, and who runs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mainstay_db::{Atomic, Database, Statement, leases};
use mainstay_runtime::{Failure, Job, Jobs, Work};
use mainstay_telemetry::Telemetry;
use mainstay_testkit::{Engine, both_engines, database};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

/// Jobs of a process of their own, and what they are counted by.
fn jobs() -> (Jobs, Telemetry, CancellationToken) {
    let (telemetry, stop) = (Telemetry::quiet(), CancellationToken::new());
    (Jobs::new(telemetry.metrics(), &stop), telemetry, stop)
}

/// Counts its rounds, and does `then` in each of them.
fn counted<F>(then: impl Fn(usize) -> F + Send + Sync + 'static) -> (impl Work, Arc<AtomicUsize>)
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let rounds = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&rounds);
    (move || then(counter.fetch_add(1, Ordering::SeqCst) + 1), rounds)
}

fn well() -> (impl Work, Arc<AtomicUsize>) {
    counted(|_| async { Ok(()) })
}

fn count(rounds: &AtomicUsize) -> usize {
    rounds.load(Ordering::SeqCst)
}

/// The value of a metric of a job.
fn metric(telemetry: &Telemetry, name: &str, labels: &str) -> Option<f64> {
    let text = telemetry.metrics().render();
    let line = text.lines().find(|line| line.starts_with(name) && line.contains(labels))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn a_periodic_job_runs_about_every_interval_and_not_at_once() {
    let (jobs, ..) = jobs();
    let (work, rounds) = well();
    jobs.start(Job::every("sweep", MINUTE), work);
    sleep(MINUTE * 8 / 10).await;
    assert_eq!(count(&rounds), 0);
    sleep(MINUTE * 100).await;
    assert!((90..=112).contains(&count(&rounds)), "{} rounds", count(&rounds));
    let (work, rounds) = well();
    jobs.start(Job::every("ping", MINUTE).at_once(), work);
    sleep(MINUTE / 2).await;
    assert_eq!(count(&rounds), 1);
}

#[tokio::test(start_paused = true)]
async fn two_replicas_do_not_work_in_step() {
    let (jobs, ..) = jobs();
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    for _ in 0..2 {
        let times = Arc::clone(&times);
        let (work, _) = counted(move |_| {
            times.lock().unwrap().push(Instant::now());
            async { Ok(()) }
        });
        jobs.start(Job::every("sweep", MINUTE), work);
    }
    sleep(MINUTE * 20).await;
    let mut times = times.lock().unwrap().clone();
    times.dedup();
    assert!(times.len() > 30, "{} different times", times.len());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_or_panics_is_counted_and_goes_on() {
    let (jobs, telemetry, _) = jobs();
    let (work, rounds) = counted(|round| async move {
        match round {
            1 => Err("the store is away".into()),
            2 => panic!("a bug"),
            _ => Ok(()),
        }
    });
    jobs.start(Job::every("sweep", MINUTE), work);
    assert_eq!(
        metric(&telemetry, "mainstay_job_failures_total", "outcome=\"panicked\""),
        Some(0.0),
        "there from the start"
    );
    sleep(MINUTE * 5).await;
    assert!(count(&rounds) >= 4);
    assert_eq!(metric(&telemetry, "mainstay_job_failures_total", "outcome=\"failed\""), Some(1.0));
    assert_eq!(metric(&telemetry, "mainstay_job_failures_total", "outcome=\"panicked\""), Some(1.0));
    let name = "mainstay_job_name=\"sweep\"";
    let rounds = count(&rounds);
    let measured = metric(&telemetry, "mainstay_job_duration_seconds_count", name).unwrap();
    assert!((measured - f64::from(u32::try_from(rounds).unwrap())).abs() < 0.1, "{measured} of {rounds}");
    assert!(metric(&telemetry, "mainstay_job_last_run_seconds", name).unwrap() > 1.7e9);
}

/// Fails while it waits for its next round, and works then.
struct Waits(Arc<AtomicUsize>);

impl Work for Waits {
    async fn due(&mut self) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a bug");
        sleep(MINUTE).await;
    }

    async fn round(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_while_it_waits_goes_on() {
    let (jobs, telemetry, _) = jobs();
    let waits = Arc::new(AtomicUsize::new(0));
    jobs.start(Job::continuous("follow"), Waits(Arc::clone(&waits)));
    sleep(MINUTE * 3).await;
    assert_eq!(metric(&telemetry, "mainstay_job_failures_total", "outcome=\"panicked\""), Some(1.0));
    assert!(
        metric(&telemetry, "mainstay_job_duration_seconds_count", "follow").unwrap() >= 2.0,
        "what it waits is no round"
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_again_and_again_is_tried_less_and_less_often() {
    let (jobs, ..) = jobs();
    let (work, rounds) = counted(|_| async { Err("nobody is there".into()) });
    let (first, longest) = (Duration::from_millis(100), Duration::from_secs(10));
    jobs.start(Job::continuous("follow").retried(first, longest), work);
    sleep(Duration::from_secs(2)).await;
    assert!((4..=6).contains(&count(&rounds)), "{}", count(&rounds));
    sleep(Duration::from_secs(1_000)).await;
    assert!((90..=125).contains(&count(&rounds)), "{}: the pause has an end", count(&rounds));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_to_be_done_once_ends_when_it_is_done() {
    let (jobs, ..) = jobs();
    let (work, rounds) = counted(|round| async move { if round < 4 { Err("not yet".into()) } else { Ok(()) } });
    jobs.start(Job::until_done("keys", Duration::from_secs(1)).quiet(), work);
    sleep(MINUTE).await;
    assert_eq!(count(&rounds), 4);
}

#[tokio::test(start_paused = true)]
async fn jobs_end_at_the_drain_wherever_they_are() {
    let (jobs, _, stop) = jobs();
    let (work, waiting) = well();
    jobs.start(Job::every("sweep", MINUTE), work);
    let (work, working) = counted(|_| std::future::pending());
    jobs.start(Job::continuous("stream"), work);
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    stop.cancel();
    jobs.end().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    sleep(MINUTE * 10).await;
    assert_eq!((count(&waiting), count(&working)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn jobs_end_with_the_last_of_those_who_hold_them() {
    let (jobs, ..) = jobs();
    let (work, rounds) = well();
    jobs.start(Job::every("sweep", MINUTE), work);
    let other = jobs.clone();
    drop(jobs);
    sleep(MINUTE * 2).await;
    assert!(count(&rounds) > 0);
    drop(other);
    let before = count(&rounds);
    sleep(MINUTE * 10).await;
    assert_eq!(count(&rounds), before);
}

async fn run(db: &Database, sql: &str) {
    let statement = Statement::text(sql);
    let done = db.write(Atomic::Statement, move |conn| {
        let statement = Arc::clone(&statement);
        Box::pin(async move { conn.execute(&statement, &[]).await })
    });
    let _: usize = done.await.unwrap();
}

async fn store(engine: Engine) -> database::Fresh {
    let db = database::fresh(engine).await;
    run(
        &db,
        "CREATE TABLE mainstay_leases (job TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL)",
    )
    .await;
    db
}

fn often() -> Job {
    Job::every("sweep", Duration::from_millis(10))
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    mainstay_testkit::wait::until(what, || async { holds().then_some(()) }).await;
}

both_engines! {
    async fn one_replica_runs_a_job_and_another_one_where_that_ends(engine: Engine) {
        let db = store(engine).await;
        let ((one, ..), (other, ..)) = (jobs(), jobs());
        let (work, ones) = well();
        one.start(often().on_one_replica(&db), work);
        until("one works", || count(&ones) > 0).await;
        let (work, others) = well();
        other.start(often().on_one_replica(&db), work);
        let before = count(&ones);
        until("one works on", || count(&ones) > before + 20).await;
        assert_eq!(count(&others), 0);
        one.end().await;
        until("the other takes over", || count(&others) > 0).await;
    }

    async fn another_replica_takes_over_where_one_fails(engine: Engine) {
        let db = store(engine).await;
        let ((one, ..), (other, ..)) = (jobs(), jobs());
        let (work, ones) = counted(|_| async { panic!("only here") });
        one.start(often().on_one_replica(&db), work);
        until("one fails", || count(&ones) > 0).await;
        let (work, others) = well();
        other.start(often().on_one_replica(&db), work);
        until("the other takes over", || count(&others) > 5).await;
    }

    async fn another_replica_takes_over_where_one_is_gone_without_a_word(engine: Engine) {
        let db = store(engine).await;
        assert!(leases::take(&db, "sweep", "killed", Duration::from_secs(3_600)).await.unwrap());
        let (here, ..) = jobs();
        let (work, rounds) = well();
        here.start(often().on_one_replica(&db), work);
        sleep(Duration::from_millis(100)).await;
        assert_eq!(count(&rounds), 0, "it may still live");
        run(&db, "UPDATE mainstay_leases SET until = 1").await;
        until("its time is over", || count(&rounds) > 0).await;
    }
}

/// The lease is renewed while a long round runs, and a round ends where that fails: somebody else runs it now.
#[tokio::test(start_paused = true)]
async fn a_round_is_broken_off_where_its_lease_is_lost() {
    let db = store(Engine::Sqlite).await;
    let (jobs, telemetry, _) = jobs();
    let store = db.clone();
    let (work, rounds) = counted(move |round| {
        let store = store.clone();
        async move {
            if round > 1 {
                return Ok(());
            }
            run(&store, "UPDATE mainstay_leases SET holder = 'another', until = 1 << 62").await;
            std::future::pending().await
        }
    });
    jobs.start(Job::every("sweep", Duration::from_secs(1)).on_one_replica(&db), work);
    until("the round is broken off", || {
        metric(&telemetry, "mainstay_job_failures_total", "outcome=\"failed\"") == Some(1.0)
    })
    .await;
    assert_eq!(count(&rounds), 1);
}
