//! Two contracts are compared without anything that is stored.

use mainstay_ledger::{Area, Diff, Severity, Step, diff};

use crate::shop::{BASE, contract, edited};

fn between(edits: &[(&str, &str)]) -> (Diff, Diff) {
    let (base, other) = (contract(BASE), contract(&edited(edits)));
    (diff(&base, &other).expect("a diff"), diff(&other, &base).expect("a diff"))
}

#[track_caller]
fn is(diff: &Diff, ids: &[&str], severity: Severity, area: Area, breaks: bool) {
    let found: Vec<String> = diff.steps.iter().map(|step| step.id().replace("shop.example.com/", "")).collect();
    assert_eq!(found, ids, "{diff}");
    for step in &diff.steps {
        let effect = step.effect();
        assert!(effect.severity == severity && effect.areas.contains(&area), "{diff}");
        assert_eq!(step.breaks(), breaks, "{diff}");
    }
}

#[test]
fn what_is_the_same_has_no_difference() {
    let same = diff(&contract(BASE), &contract(BASE)).expect("a diff");
    assert!(same.steps.is_empty() && same.to_string() == "no difference\n");
}

#[test]
fn a_rule_that_lets_others_in_or_out_is_to_be_looked_at() {
    let (there, back) = between(&[("read: \"resource.tree.text == 'open'\"", "read: \"true\"")]);
    is(&there, &["widen:rule:Product#read"], Severity::Widened, Area::Access, true);
    is(&back, &["narrow:rule:Product#read"], Severity::Narrowed, Area::Access, true);
}

#[test]
fn a_check_that_asks_more_is_to_be_looked_at_and_one_that_asks_less_is_not() {
    let (there, back) = between(&[("int32 stars = 3;", "int32 stars = 3 [(buf.validate.field).int32.gte = 1];")]);
    is(&there, &["tighten:field:Review#stars"], Severity::Narrowed, Area::Validation, true);
    is(&back, &["loosen:field:Review#stars"], Severity::Widened, Area::Validation, false);
}

#[test]
fn a_field_comes_and_goes() {
    let (there, back) = between(&[("string category = 9;", "string category = 9; string brand = 13;")]);
    is(&there, &["add:field:Product#brand"], Severity::Widened, Area::Wire, false);
    is(&back, &["remove:field:Product#brand"], Severity::Narrowed, Area::Wire, true);
    let required = "string category = 9; string brand = 13 [(google.api.field_behavior) = REQUIRED];";
    let (there, _) = between(&[("string category = 9;", required)]);
    is(&there, &["add:field:Product#brand"], Severity::Changed, Area::Validation, true);
    // Clients of before need not know it where it becomes something by itself.
    let default = required.replace("= REQUIRED", "= REQUIRED, (mainstay.v1.field) = {default: \"'own'\"}");
    let (there, _) = between(&[("string category = 9;", &default)]);
    is(&there, &["add:field:Product#brand"], Severity::Widened, Area::Storage, false);
}

#[test]
fn indexes_are_told_and_break_nobody_unless_they_are_unique() {
    let index = |option: &str| {
        between(&[(
            "index {fields: \"category\"",
            &format!("index {{fields: \"sku\"{option}}} index {{fields: \"category\""),
        )])
    };
    let (there, back) = index("");
    is(&there, &["add:index:Product#shop_v1_product__sku_idx"], Severity::Changed, Area::Index, false);
    is(&back, &["drop:index:Product#shop_v1_product__sku_idx"], Severity::Changed, Area::Index, false);
    let (there, back) = index(" unique: true");
    let breaking: Vec<String> = there.breaking().map(Step::id).collect();
    assert_eq!(breaking, ["add:index:shop.example.com/Product#shop_v1_product__sku_key"], "{there}");
    assert_eq!(back.breaking().count(), 0, "{back}");
}

#[test]
fn what_a_plan_refuses_is_to_be_looked_at() {
    let (there, _) = between(&[("int32 stock = 4;", "string stock = 4;")]);
    is(&there, &["change:field:Product#stock"], Severity::Changed, Area::Storage, true);
    assert!(there.to_string().starts_with("1 difference, to be looked at"), "{there}");
}

#[test]
fn many_differences_are_told_in_the_order_of_the_contract_and_the_same_twice() {
    let edits = [
        ("message Review {", "message Opinion {"),
        ("string title = 3;", "string headline = 3 [(mainstay.v1.field) = {aliases: \"title\"}];"),
        ("OPEN = 1; CLOSED = 2;", "OPEN = 1; SHUT = 2; SOLD = 3;"),
    ];
    let (there, _) = between(&edits);
    assert_eq!(there.to_string(), between(&edits).0.to_string());
    insta::assert_snapshot!(there);
}
