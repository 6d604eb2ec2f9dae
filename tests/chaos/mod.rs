//! The worst day: everything that can happen to the servers, or to what they stand on, while clients write and read.
//!
//! `make chaos` runs all cases, one after the other within ten minutes, and writes the figures to `RESULTS.md`. Those that no
//! other test is close to have a short form as well: a test of its own, in which it lasts a moment.

mod clocks;
mod deaths;
mod disks;
mod figures;
mod hostile;
mod limits;
mod postgres;
mod trial;
mod witness;

use std::time::{Duration, Instant};

use mainstay_testkit::Engine;

use crate::support::repository;
use deaths::Which;
use disks::Fault;
use figures::{Failure, Figures, IN_ALL, Limits, MIB, Row, table};
use trial::Pace;

/// Lists that recover within 2 s.
const LISTS: Limits = Limits { recovery: Duration::from_secs(2), ..Limits::USUAL };

/// Slow readers of a large record.
const READERS: Limits = Limits { memory: 256 * MIB, ..Limits::USUAL };

/// A case of the short form that this machine cannot do is said, where others see it.
fn short(name: &str, outcome: Result<Figures, Failure>) {
    match outcome {
        Ok(figures) => {
            let faults = figures.faults();
            assert!(faults.is_empty(), "{faults:#?}\n{figures:#?}");
            println!("{name}: {} acknowledged, recovered after {:?}", figures.found.acknowledged, figures.recovered);
        }
        Err(Failure::NotHere(why)) => eprintln!("{name} is not shown on this machine: {why}"),
        Err(Failure::Failed(why)) => panic!("{why}"),
    }
}

/// Runs a case of the table. What it panics with is its outcome.
async fn long(
    name: &'static str,
    case: impl Future<Output = Result<Figures, Failure>> + Send + 'static,
) -> Result<Figures, Failure> {
    println!("{name}");
    match tokio::spawn(case).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let why = error.try_into_panic().map(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
            });
            Err(Failure::Failed(why.unwrap_or_else(|_| "it was ended".to_owned())))
        }
    }
}

macro_rules! also {
    (short, $name:ident, $case:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let case: fn(Pace) -> _ = |pace| Box::pin($case(pace));
            short(stringify!($name), case(Pace::Short).await);
        }
    };
    (long, $name:ident, $case:expr) => {};
}

macro_rules! cases {
    ($($form:ident $name:ident, $limits:expr, $case:expr;)*) => {
        $(also!($form, $name, $case);)*

        async fn every_case() -> (Vec<Row>, Duration) {
            let began = Instant::now();
            let mut rows = Vec::new();
            $(
                let left = IN_ALL.saturating_sub(began.elapsed());
                let case = async { $case(Pace::Long).await };
                let outcome = match tokio::time::timeout(left, long(stringify!($name), case)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(Failure::Failed("the ten minutes were over".to_owned())),
                };
                rows.push(Row { name: stringify!($name), limits: $limits, outcome });
            )*
            (rows, began.elapsed())
        }
    };
}

cases! {
    short a_process_is_killed_on_sqlite, Limits::USUAL, |pace| deaths::killed(Engine::Sqlite, pace);
    short a_process_is_killed_on_postgres, Limits::USUAL, |pace| deaths::killed(Engine::Postgres, pace);
    long the_auth_service_is_killed, Limits::USUAL, |pace| deaths::one_of_three_killed(Engine::Postgres, Which::Auth, pace);
    long the_data_service_is_killed, Limits::USUAL, |pace| deaths::one_of_three_killed(Engine::Postgres, Which::Data, pace);
    short the_data_service_is_killed_on_sqlite, Limits::USUAL, |pace| deaths::one_of_three_killed(Engine::Sqlite, Which::Data, pace);
    short the_gateway_is_killed, Limits::USUAL, |pace| deaths::one_of_three_killed(Engine::Postgres, Which::Gateway, pace);
    long the_auth_service_stands_still, Limits::USUAL, |pace| deaths::one_of_three_frozen(Engine::Postgres, Which::Auth, pace);
    long the_data_service_stands_still, Limits::USUAL, |pace| deaths::one_of_three_frozen(Engine::Postgres, Which::Data, pace);
    short the_data_service_stands_still_on_sqlite, Limits::USUAL, |pace| deaths::one_of_three_frozen(Engine::Sqlite, Which::Data, pace);
    short the_gateway_stands_still, Limits::USUAL, |pace| deaths::one_of_three_frozen(Engine::Postgres, Which::Gateway, pace);
    short postgres_is_killed, Limits::USUAL, postgres::killed;
    long postgres_is_restarted, Limits::USUAL, postgres::restarted;
    short postgres_ends_its_sessions, Limits::USUAL, postgres::sessions_ended;
    short postgres_stands_still, Limits::USUAL, postgres::frozen;
    short postgres_is_cut_off, Limits::USUAL, postgres::cut_off;
    short a_small_disk_is_full, Limits::USUAL, disks::full;
    short writes_find_no_room, Limits::USUAL, |pace| disks::ill(Fault::Full, pace);
    short the_disk_is_read_only, Limits::USUAL, |pace| disks::ill(Fault::ReadOnly, pace);
    long the_disk_fails_writes, Limits::USUAL, |pace| disks::ill(Fault::WritesFail, pace);
    short the_disk_fails_syncs, Limits::USUAL, |pace| disks::ill(Fault::SyncsFail, pace);
    long the_disk_is_away, Limits::USUAL, |pace| disks::ill(Fault::Away, pace);
    short the_disk_cannot_read, Limits::USUAL, |pace| disks::ill(Fault::Damaged, pace);
    short the_database_file_is_moved_away, Limits::USUAL, disks::deleted;
    short few_descriptors_and_many_connections, Limits::USUAL, limits::descriptors;
    short little_memory_and_answers_that_nobody_reads, Limits::USUAL, limits::memory;
    long clients_hang_up_on_sqlite, LISTS, |pace| hostile::hang_ups(Engine::Sqlite, pace);
    long clients_hang_up_on_postgres, LISTS, |pace| hostile::hang_ups(Engine::Postgres, pace);
    short clients_read_no_answers, Limits::USUAL, hostile::unread;
    long clients_read_a_large_answer_slowly, READERS, hostile::slow_readers;
    long clients_upload_slowly, Limits::USUAL, hostile::slow_uploads;
    short the_clock_jumps_on_sqlite, Limits::USUAL, |pace| clocks::jump(Engine::Sqlite, pace);
    long the_clock_jumps_on_postgres, Limits::USUAL, |pace| clocks::jump(Engine::Postgres, pace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "`make chaos` runs it: it takes up to ten minutes and writes RESULTS.md"]
async fn the_whole_table() {
    let (rows, took) = every_case().await;
    let (text, faults) = table(&rows, took);
    println!("{text}");
    std::fs::write(repository().join("tests/chaos/RESULTS.md"), text).expect("the results can be written");
    assert!(faults.is_empty(), "{faults:#?}");
}
