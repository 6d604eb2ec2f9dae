//! Background jobs run in real processes, and say so.

use std::collections::BTreeSet;

use mainstay_testkit::Engine;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::free_port;
use mainstay_testkit::wait::until;

use crate::support::{System, notes};

/// The jobs that a process counts, and those of which a round has ended well.
async fn counted(operations: &Http) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = operations.get("/metrics").await.text();
    let of = |metric: &str| {
        let lines = text.lines().filter(|line| line.starts_with(metric));
        let names = lines.filter_map(|line| line.split("mainstay_job_name=\"").nth(1)?.split('"').next());
        names.map(str::to_owned).collect()
    };
    (of("mainstay_job_failures_total"), of("mainstay_job_last_run_seconds"))
}

mainstay_testkit::both_engines! {
    async fn every_job_of_one_process_is_measured(engine: Engine) {
        let port = free_port();
        let system = System::one_with(engine, notes::folder(), |launch| {
            launch.environment("MAINSTAY__OPERATIONS_LISTEN", format!("127.0.0.1:{port}"))
        })
        .await;
        let operations = Http::new(&format!("http://127.0.0.1:{port}"));
        let at_once = ["auth database", "backends", "data database", "hashing memory", "token keys"];
        let ran = || async {
            let (_, ran) = counted(&operations).await;
            at_once.iter().all(|job| ran.contains(*job)).then_some(())
        };
        until("the jobs that begin soon have run", ran).await;
        let (all, _) = counted(&operations).await;
        let everywhere = [
            "anonymous accounts", "answers", "audit log", "audit places", "auth database", "backends", "certificates", "clock", "contract",
            "contract folder", "contract steps", "contract store", "data database", "deleted rows", "hashing memory",
            "imported hashes", "limits", "mail", "memory", "old revocations", "one-time secrets", "sessions", "signing keys", "stored revocations",
            "token keys", "wrong passwords",
        ];
        let of_sqlite = (engine == Engine::Sqlite).then_some("places of answers");
        let expected: BTreeSet<String> = everywhere.into_iter().chain(of_sqlite).map(str::to_owned).collect();
        assert_eq!(all, expected);
        drop(system);
    }
}
