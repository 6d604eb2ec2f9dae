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

/// Orders with a state machine and effects, in which one thing is said otherwise.
fn orders(edit: (&str, &str)) -> mainstay_contract::Contract {
    const ORDERS: &str = r#"
        message Stock {
          option (google.api.resource) = {type: "shop.example.com/Stock" pattern: "stocks/{stock}"};
          option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          int32 left = 2;
        }
        message Order {
          option (google.api.resource) = {type: "shop.example.com/Order" pattern: "orders/{order}"};
          option (mainstay.v1.resource) = {
            access {read: "true" write: "true"}
            effect {on: "Place" if: "resource.count > 0" adjust {field: "stock.left" by: "-resource.count"}}
            effect {on: "Cancel" put {resource: "Stock" id: "'back'" set {field: "left" value: "resource.count"}}}
            effect {on: "create" move {row: "resource" transition: "Place"}}
          };
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          int32 count = 2;
          string stock = 3 [(google.api.resource_reference).type = "shop.example.com/Stock"];
          google.protobuf.Timestamp end_time = 4;
          State state = 5 [(mainstay.v1.states) = {
            initial: "CART"
            transition {name: "Place" from: "CART" to: "PLACED" access: "auth.uid == 'ann'" guard: "resource.count > 1"}
            transition {name: "Cancel" from: "PLACED" to: "CANCELLED" access: "false" at: "resource.end_time"}
          }];
          enum State { STATE_UNSPECIFIED = 0; CART = 1; PLACED = 2; CANCELLED = 3; }
        }
    "#;
    let (from, to) = edit;
    assert!(ORDERS.contains(from), "{from}");
    contract(&format!(
        "syntax = \"proto3\";\npackage shop.v1;\nimport \"google/api/field_behavior.proto\";\nimport \
         \"google/api/resource.proto\";\nimport \"google/protobuf/timestamp.proto\";\nimport \
         \"mainstay/v1/options.proto\";\n{}",
        ORDERS.replace(from, to)
    ))
}

#[test]
fn what_effects_and_transitions_say_otherwise_is_another_contract_and_is_told() {
    let before = orders(("PLACED = 2", "PLACED = 2"));
    for (from, to, area) in [
        ("by: \"-resource.count\"", "by: \"-1\"", Area::Storage),
        ("if: \"resource.count > 0\"", "if: \"resource.count > 2\"", Area::Storage),
        ("field: \"left\" value: \"resource.count\"", "field: \"left\" value: \"0\"", Area::Storage),
        ("id: \"'back'\"", "", Area::Storage),
        ("effect {on: \"create\" move {row: \"resource\" transition: \"Place\"}}", "", Area::Storage),
        ("on: \"create\" move", "on: \"update\" move", Area::Storage),
        ("access: \"auth.uid == 'ann'\"", "access: \"true\"", Area::States),
        ("guard: \"resource.count > 1\"", "", Area::States),
        ("guard: \"resource.count > 1\"", "guard: \"resource.count > 2\"", Area::States),
        (" at: \"resource.end_time\"", "", Area::States),
        ("write: \"true\"}};", "write: \"true\" refer: \"auth.uid != null\"}};", Area::Access),
        ("from: \"PLACED\" to: \"CANCELLED\"", "from: \"PLACED\" from: \"CART\" to: \"CANCELLED\"", Area::States),
    ] {
        let after = orders((from, to));
        assert_ne!(before.hash, after.hash, "{from}");
        for (one, other) in [(&before, &after), (&after, &before)] {
            let diff = diff(one, other).expect("a diff");
            assert_eq!(diff.steps.len(), 1, "{from}: {diff}");
            assert!(diff.steps[0].effect().areas.contains(&area) && diff.steps[0].breaks(), "{from}: {diff}");
        }
    }
}
