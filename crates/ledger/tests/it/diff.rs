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

const TICKETS: &str = r#"syntax = "proto3";
package desk.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Ticket {
  option (google.api.resource) = {type: "desk.example.com/Ticket" pattern: "tickets/{ticket}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  int32 weight = 3;
  State state = 4 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Close" from: "OPEN" to: "CLOSED" access: "resource.owner == auth.uid" guard: "resource.weight > 0"}
  }];
  string note = 5 [(mainstay.v1.field) = {read: "resource.owner == auth.uid" write: "'desk' in auth.roles"}];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}
"#;

/// The differences of tickets with this in place of that, there and back: each with whether more is possible, and whether it is
/// to be looked at.
fn of_tickets(from: &str, to: &str) -> [Vec<(String, Severity, bool)>; 2] {
    assert!(TICKETS.contains(from), "{from}");
    let (base, other) = (contract(TICKETS), contract(&TICKETS.replace(from, to)));
    [(&base, &other), (&other, &base)].map(|(was, now)| {
        let steps = diff(was, now).expect("a diff").steps;
        let told = |step: &Step| (step.id().replace("desk.example.com/", ""), step.effect().severity, step.breaks());
        steps.iter().map(told).collect()
    })
}

#[track_caller]
fn widens(from: &str, to: &str, option: &str) {
    let id = format!("change:option:Ticket#{option}");
    let [there, back] = of_tickets(from, to);
    assert!(matches!(&there[..], [(found, Severity::Widened, _)] if *found == id), "{there:?}");
    assert!(matches!(&back[..], [(found, Severity::Narrowed, _)] if *found == id), "{back:?}");
}

#[test]
fn a_rule_of_a_transition_or_a_field_is_told_as_what_it_becomes() {
    let owner = "access: \"resource.owner == auth.uid\"";
    let (access, guard) = ("state.states.transition.Close.access", "state.states.transition.Close.guard");
    widens(owner, "access: \"resource.owner == auth.uid || 'desk' in auth.roles\"", access);
    widens(owner, "access: \"true\"", access);
    widens("guard: \"resource.weight > 0\"", "guard: \"resource.weight > 0 || resource.note == ''\"", guard);
    widens(" guard: \"resource.weight > 0\"", "", guard);
    widens("read: \"resource.owner == auth.uid\"", "read: \"true\"", "note.field.read");
    let more = "write: \"'desk' in auth.roles || resource.owner == auth.uid\"";
    widens("write: \"'desk' in auth.roles\"", more, "note.field.write");
    let [there, back] = of_tickets(owner, "access: \"resource.weight == 3\"");
    assert!(
        matches!(&there[..], [(_, Severity::Changed, true)]) && matches!(&back[..], [(_, Severity::Changed, true)])
    );
}

#[test]
fn a_rule_that_says_the_same_in_other_words_is_no_difference() {
    for (from, to) in [
        ("access: \"resource.owner == auth.uid\"", "access: \"(resource.owner == auth.uid)\""),
        ("read: \"resource.owner == auth.uid\"", "read: \"(resource.owner == auth.uid)\""),
    ] {
        let [there, back] = of_tickets(from, to);
        assert!(there.is_empty() && back.is_empty(), "{there:?} {back:?}");
    }
    let renamed =
        TICKETS.replace("string owner = 2;", "string holder = 2;").replace("resource.owner", "resource.holder");
    let steps = diff(&contract(TICKETS), &contract(&renamed)).expect("a diff").steps;
    let ids: Vec<String> = steps.iter().map(Step::id).collect();
    assert_eq!(ids, ["rename:field:desk.example.com/Ticket#holder"]);
}

#[test]
fn a_transition_comes_with_its_rules() {
    let more =
        "transition {name: \"Reopen\" from: \"CLOSED\" to: \"OPEN\" access: \"true\" guard: \"resource.weight > 1\"}";
    let [there, back] = of_tickets("\n  }];", &format!("\n{more}\n  }}];"));
    let options = |steps: &[(String, Severity, bool)]| -> Vec<String> {
        steps.iter().map(|(id, ..)| id.clone()).filter(|id| id.starts_with("change:option")).collect()
    };
    assert_eq!(options(&there), ["change:option:Ticket#state.states.transition.Reopen"]);
    assert_eq!(options(&back), ["change:option:Ticket#state.states.transition.Reopen"]);
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
