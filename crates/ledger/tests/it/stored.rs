//! The ledger as it is stored.

use mainstay_ledger::{Answers, Ledger, LedgerError, PlanError, plan, probes};

use crate::shop::{BASE, Shop, contract, edited};

#[test]
fn a_ledger_comes_back_as_it_was() {
    let shop = Shop::with_rows();
    let json = shop.ledger.to_json();
    let back = Ledger::from_json(&json).expect("it was written by this program");
    assert_eq!(back, shop.ledger);
    assert_eq!(back.to_json(), json);
}

#[test]
fn a_ledger_of_a_newer_program_is_refused() {
    let json = Shop::empty().ledger.to_json().replace("\"version\":1", "\"version\":2");
    assert!(matches!(Ledger::from_json(&json), Err(LedgerError::Newer { found: 2, known: 1 })));
    assert!(matches!(Ledger::from_json("{}"), Err(LedgerError::Malformed(_))));
    assert!(matches!(Ledger::from_json("not json"), Err(LedgerError::Malformed(_))));
}

#[test]
fn the_first_plan_asks_nothing() {
    assert!(probes(&Ledger::empty(), &contract(BASE)).is_empty());
}

#[test]
fn every_question_of_a_plan_is_known_before() {
    let shop = Shop::with_rows();
    let next = contract(&edited(&[
        ("string title = 3;", "string title = 3 [(google.api.field_behavior) = REQUIRED];"),
        ("string category = 9;", "reserved 9; reserved \"category\";"),
        ("index {fields: \"category\" fields: \"create_time desc\"}", "index {fields: \"sku\" unique: true}"),
    ]));
    let asked = probes(&shop.ledger, &next);
    assert_eq!(asked.len(), 4, "{asked:?}");
    let unanswered = plan(&shop.ledger, &next, &Answers::default());
    assert!(matches!(unanswered, Err(PlanError::Unanswered(_))));
    let answers = asked.into_iter().map(|probe| {
        let answer = mainstay_ledger::Facts::answer(&shop, &probe).expect("SQLite knows");
        (probe, answer)
    });
    let collected = Answers(answers.collect());
    assert_eq!(plan(&shop.ledger, &next, &collected).expect("all is answered"), shop.plan(&next));
}
