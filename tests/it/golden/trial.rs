//! What every case is checked for.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_data::apply::ApplyError;
use mainstay_ledger::{Safety, Stage, Step};
use mainstay_testkit::Engine;

use super::base;
use super::store::{ContractFolder, Open, Store, compiled};

/// SIGABRT.
const ABORTED: i32 = 6;

/// A change.
pub struct Case {
    /// Contracts that were applied before, in this order, by what they have otherwise than the base.
    pub before: &'static [&'static [(&'static str, &'static str)]],
    /// The change, on the base.
    pub after: &'static [(&'static str, &'static str)],
    /// The migrations of the change, by the names of their files.
    pub migrations: &'static [(&'static str, &'static str)],
    /// Rows beside those of the base, or otherwise than they.
    pub rows: &'static str,
    /// What happens to the rows before the change.
    pub meanwhile: &'static str,
    /// What was hidden long enough goes, too.
    pub purge: bool,
    /// The steps that wait in development, all of which are accepted.
    pub accept: &'static [&'static str],
    /// A part of why the plan is refused; nothing where it is not.
    pub refused: Option<&'static str>,
    /// What gives the same answer before and after, in the names of then.
    pub same: &'static [(&'static str, &'static str)],
    /// What gives this answer after.
    pub gives: &'static [(&'static str, &'static str)],
}

impl Case {
    /// One that changes nothing.
    pub const NONE: Case = Case {
        before: &[&[]],
        after: &[],
        migrations: &[],
        rows: "",
        meanwhile: "",
        purge: false,
        accept: &[],
        refused: None,
        same: &[],
        gives: &[],
    };
}

/// What is true of the rows.
#[derive(Debug, PartialEq)]
struct Answers(Vec<Vec<String>>);

/// Puts a case to the test.
pub async fn run(name: &str, case: &Case, engine: Engine) {
    let store = Store::new(engine).await;
    let open = store.open().await;
    for (number, edits) in case.before.iter().enumerate() {
        let contract = compiled(&base::edited(edits), &[]);
        let waiting: Vec<String> =
            open.plan(&contract, false).await.waiting(&[], Stage::Development).map(Step::id).collect();
        let accepted: Vec<&str> = waiting.iter().map(String::as_str).collect();
        open.apply(&contract, &accepted, false).await.unwrap_or_else(|error| panic!("{error}"));
        if number == 0 {
            open.run(base::rows(engine) + case.rows).await;
        }
    }
    open.run(case.meanwhile.to_owned()).await;
    let text = base::edited(case.after);
    let contract = compiled(&text, case.migrations);
    let plan = open.plan(&contract, case.purge).await;
    insta::with_settings!({snapshot_path => "plans", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, plan.to_string());
    });
    let waiting: Vec<String> = plan.waiting(&[], Stage::Development).map(Step::id).collect();
    assert_eq!(waiting, case.accept, "{plan}");
    let old: Vec<&str> = case.same.iter().map(|(old, _)| *old).collect();
    let new: Vec<&str> = case.same.iter().map(|(_, new)| *new).collect();
    let before = answers(&open, &old).await;
    if let Some(part) = case.refused {
        let why = |step: &&Step| matches!(&step.safety, Safety::Refused { why, .. } if why.contains(part));
        assert!(plan.refused().any(|step| why(&step)), "{plan}");
        let refused = open.apply(&contract, case.accept, case.purge).await;
        assert!(matches!(refused, Err(ApplyError::Refused(_))), "{refused:?}");
        assert_eq!(answers(&open, &old).await, before, "nothing was done");
        return open.close().await;
    }
    assert!(plan.is_ready(&waiting, Stage::Development), "{plan}");
    let ids: Vec<String> = plan.steps.iter().map(Step::id).collect();
    let outside: Vec<String> = plan.outside().map(Step::id).collect();
    open.close().await;

    let trial = Trial {
        store: &store,
        folder: ContractFolder::with(&text, case.migrations),
        contract,
        case,
        ids,
        outside,
        new,
        before,
    };
    let deaths = trial.deaths().await;
    assert!(deaths >= 3, "it dies at the beginning, before the commit and after it at least, not {deaths} times");
    trial.comes_to_its_end(&store).await;
}

async fn answers(open: &Open, queries: &[&str]) -> Answers {
    let mut answers = Vec::new();
    for sql in queries {
        answers.push(open.lines(sql).await);
    }
    Answers(answers)
}

struct Trial<'c> {
    store: &'c Store,
    folder: ContractFolder,
    contract: Arc<Contract>,
    case: &'c Case,
    ids: Vec<String>,
    outside: Vec<String>,
    new: Vec<&'c str>,
    before: Answers,
}

impl Trial<'_> {
    /// Dies at each failpoint, on a copy each time, and comes to its end afterwards. Says how often it died.
    async fn deaths(&self) -> usize {
        let mut deaths = 0;
        for name in ["apply.begin", "apply.commit", "apply.committed"] {
            assert!(self.dies_at(name).await, "{name}");
            deaths += 1;
        }
        for family in ["apply.step.N", "apply.outside.N.before", "apply.outside.N.made"] {
            let mut number = 0;
            while self.dies_at(&family.replace('N', &number.to_string())).await {
                number += 1;
            }
            deaths += number;
        }
        for number in 1..=self.case.migrations.len() {
            for statement in 0..3 {
                deaths += usize::from(self.dies_at(&format!("apply.migration.{number}.{statement}")).await);
            }
        }
        deaths
    }

    async fn dies_at(&self, failpoint: &str) -> bool {
        let copy = self.store.copy().await;
        let output = copy.apply_by_command(self.folder.path(), (self.case.accept, self.case.purge), failpoint);
        if output.status.success() {
            return false;
        }
        assert_eq!(output.status.signal(), Some(ABORTED), "{failpoint}: {}", String::from_utf8_lossy(&output.stderr));
        let open = copy.open().await;
        let left: Vec<String> = open.plan(&self.contract, self.case.purge).await.steps.iter().map(Step::id).collect();
        let (is_old, is_new) = (left == self.ids, left.iter().all(|id| self.outside.contains(id)));
        assert!(is_old || is_new, "half of it is done after {failpoint}: {left:?} is left");
        open.close().await;
        self.comes_to_its_end(&copy).await;
        true
    }

    async fn comes_to_its_end(&self, store: &Store) {
        let open = store.open().await;
        open.apply(&self.contract, self.case.accept, self.case.purge).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(answers(&open, &self.new).await, self.before, "the rows are what they were");
        for (sql, wanted) in self.case.gives {
            assert_eq!(open.lines(sql).await, [*wanted], "{sql}");
        }
        let again = open.plan(&self.contract, self.case.purge).await;
        assert!(again.is_empty() && !again.changes_ledger(), "{again}");
        let made = open.apply(&self.contract, &[], self.case.purge).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(!made.changed);
        open.close().await;
    }
}
