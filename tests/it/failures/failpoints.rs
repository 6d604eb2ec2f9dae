//! The server dies at each step of applying a contract: the schema is the old one or the new one, no row is lost, and the
//! next start brings it to an end.

use std::os::unix::process::ExitStatusExt as _;

use mainstay_testkit::Engine;
use mainstay_testkit::wait::until;
use serde_json::{Value, json};

use crate::support::{System, notes};

const ROWS: usize = 10_000;

/// SIGABRT.
const ABORTED: i32 = 6;

mainstay_testkit::both_engines! {
    async fn a_death_at_any_step_of_applying_loses_nothing(engine: Engine) {
        let mut trial = Trial::new(engine).await;
        assert!(trial.dies_at("apply.begin", Schema::Old).await);
        let mut steps = 0;
        while trial.dies_at(&format!("apply.step.{steps}"), Schema::Old).await {
            steps += 1;
        }
        // A rename and a field; the index on a table that is there is built beside the transaction.
        assert!(steps >= 2, "only {steps} steps");
        assert!(trial.dies_at("apply.commit", Schema::Old).await);
        assert!(trial.dies_at("apply.committed", Schema::New).await);
        for name in ["apply.outside.0.before", "apply.outside.0.made"] {
            assert!(trial.dies_at(name, Schema::New).await, "{name}");
        }
        trial.everything_is_there().await;
    }
}

/// What the store must hold after a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    Old,
    New,
}

/// A system whose contract goes through generations, one for each failpoint.
struct Trial {
    system: System,
    generation: usize,
}

impl Trial {
    async fn new(engine: Engine) -> Trial {
        let mut system = System::one(engine, notes::folder()).await;
        system.gateway.stop().await;
        notes::fill(&system, engine, ROWS).await;
        Trial { system, generation: 0 }
    }

    /// Runs the server with the failpoint and saves the next generation's contract. Says whether the server died of it;
    /// afterwards the next generation is applied in either case, and the server is stopped.
    async fn dies_at(&mut self, failpoint: &str, expected: Schema) -> bool {
        let server = &mut self.system.gateway;
        server.relaunch(|launch| launch.environment("MAINSTAY__FAILPOINT", format!("{failpoint}=abort")));
        server.restart().await;
        self.generation += 1;
        self.system.folder.write(notes::FILE, &notes::contract(self.generation));
        let died = self.died_or_applied(failpoint).await;
        if died {
            assert_eq!(self.stored(), expected, "after {failpoint}");
        } else {
            self.system.gateway.stop().await;
        }
        let server = &mut self.system.gateway;
        server.relaunch(|launch| launch.without("MAINSTAY__FAILPOINT"));
        server.restart().await;
        self.is_served(failpoint).await;
        assert_eq!(self.system.gateway.stop().await, Some(0));
        died
    }

    async fn died_or_applied(&mut self, failpoint: &str) -> bool {
        let http = self.system.http();
        let path = format!("/notes/v1/notes/f{}", self.generation);
        let field = format!("title{}", self.generation);
        let deadline = std::time::Instant::now() + mainstay_testkit::wait::PATIENCE;
        loop {
            if let Some(status) = self.system.gateway.has_ended() {
                let log = self.system.gateway.log();
                assert_eq!(status.signal(), Some(ABORTED), "{log}");
                assert!(log.contains(&format!("failpoint {failpoint}: aborting")), "{log}");
                return true;
            }
            // Steps outside the transaction follow the new contract's first answer: whoever waits for them asks the plan.
            let note = http.try_get(&path).await.ok().filter(|answer| answer.status == 200).map(|answer| answer.json());
            if note.is_some_and(|note| !note[&field].is_null()) && self.nothing_is_left() {
                return self.system.gateway.has_ended().is_some();
            }
            assert!(std::time::Instant::now() < deadline, "neither dead nor applied: {}", self.system.gateway.log());
            tokio::time::sleep(mainstay_testkit::wait::PAUSE).await;
        }
    }

    /// Asks for the plan from the store, or from the server if it runs, to the contract in the folder.
    fn plan(&self) -> Option<Vec<String>> {
        let folder = self.system.folder.contracts();
        let output = self.system.command(&["contract", "plan", &folder.to_string_lossy(), "--json"]);
        let plan: Value = serde_json::from_slice(&output.stdout).ok()?;
        let titles = plan["steps"].as_array()?.iter().map(|step| step["title"].to_string());
        Some(titles.collect())
    }

    fn nothing_is_left(&self) -> bool {
        self.plan().is_some_and(|steps| steps.is_empty())
    }

    /// The schema in the store, by what the plan still wants to do: everything, or at most an index.
    fn stored(&self) -> Schema {
        let steps = self.plan().expect("the store is free and a plan can be made");
        let title = |word: &str| steps.iter().any(|step| step.contains(word));
        match (title("rename field"), title("add field")) {
            (true, true) => Schema::Old,
            (false, false) => Schema::New,
            _ => panic!("half of the contract is applied; left: {steps:?}"),
        }
    }

    /// The next generation's contract is complete and its rows are whole.
    async fn is_served(&self, failpoint: &str) {
        let http = self.system.http();
        let extra = format!("extra{}", self.generation);
        let id = format!("f{}", self.generation);
        let path = format!("/notes/v1/notes/{id}");
        // The gateway serves what it stored last until data tells it of the contract, a moment after the start.
        let title = format!("title{}", self.generation);
        let renamed = until("the new name is served", || async {
            let note = http.get(&path).await.ok();
            (!note[&title].is_null()).then_some(note)
        });
        notes::assert_whole(&renamed.await, self.generation);
        let changed = http.patch(&path, json!({extra.as_str(): 5})).await.ok();
        assert_eq!(changed[&extra], 5, "after {failpoint}");
        until("the plan is empty", || async { self.nothing_is_left().then_some(()) }).await;
    }

    async fn everything_is_there(&mut self) {
        self.system.gateway.restart().await;
        let found = notes::all(&self.system.http()).await;
        assert_eq!(found.len(), ROWS);
        found.values().for_each(|note| notes::assert_whole(note, self.generation));
    }
}
