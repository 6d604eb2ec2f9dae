//! The way from one contract to another: two texts, with a line `---` between.

use mainstay_contract::compile;
use mainstay_ledger::{Answer, Facts, Ledger, bind, plan};
use mainstay_sql::Probe;

use crate::sample::source;

/// A database that has nothing against anything.
struct Empty;

impl Facts for Empty {
    fn answer(&self, _: &Probe) -> Option<Answer> {
        Some(Answer::default())
    }
}

/// A plan is the same twice; one that was carried out leaves nothing to do.
pub fn take(text: &str) {
    let Some((before, after)) = text.split_once("\n---\n") else { return };
    let compiled = |text: &str| compile(vec![source(text.to_owned())]).ok();
    let (Some(before), Some(after)) = (compiled(before), compiled(after)) else { return };
    let first = plan(&Ledger::empty(), &before, &Empty).expect("every question is answered");
    assert_eq!(first.refused().count(), 0, "nothing stands against a first contract");
    let step = plan(&first.after, &after, &Empty).expect("every question is answered");
    assert_eq!(step, plan(&first.after, &after, &Empty).expect("every question is answered"));
    if step.refused().next().is_some() {
        return;
    }
    let done = plan(&step.after, &after, &Empty).expect("every question is answered");
    assert!(done.is_empty(), "{:?}", done.steps);
    let _ = bind(after, &step.after);
}
