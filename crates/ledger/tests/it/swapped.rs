//! Types that change names with one another: what lies inside them goes with them, and nothing is lost.

use mainstay_ledger::Plan;

use crate::shop::{Shop, contract};

const HEAD: &str = "syntax = \"proto3\";\npackage shop.v1;\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n";

fn resource(message: &str, kind: &str, fields: &str) -> String {
    format!(
        "message {message} {{\n  option (google.api.resource) = {{type: \"x.example.com/K{kind}\" pattern: \"{kind}s/{{{kind}}}\"}};\n  \
         option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}}}};\n  string name = 1;\n{fields}}}\n"
    )
}

/// Two resources that own messages and enums of the same names, stored in columns and as JSON.
fn owners(first: &str, second: &str) -> String {
    let a = "  repeated Line lines = 2; Place place = 3; Kind kind = 4;\n  message Line { string text = 1; Deep deep = 2; message Deep { int32 n = 1; } }\n  \
             message Place { string city = 1; }\n  enum Kind { NONE = 0; RED = 1; }\n";
    let b = "  repeated Line lines = 2; Place place = 3; Kind kind = 4;\n  message Line { int64 amount = 1; Deep deep = 2; message Deep { bool yes = 1; } }\n  \
             message Place { double x = 1; double y = 2; }\n  enum Kind { ZERO = 0; BIG = 1; SMALL = 2; }\n";
    format!("{HEAD}{}{}", resource(first, "a", a), resource(second, "b", b))
}

fn applied(before: &str, after: &str) -> Plan {
    let mut shop = Shop::empty();
    shop.apply(&contract(before), &[]);
    let plan = shop.apply(&contract(after), &[]);
    let again = shop.plan(&contract(after));
    assert!(again.is_empty() && !again.changes_ledger(), "{again}");
    plan
}

#[test]
fn two_resources_that_own_messages_swap_names() {
    let mut shop = Shop::empty();
    shop.apply(&contract(&owners("Alpha", "Beta")), &[]);
    shop.run(
        r#"INSERT INTO shop_v1_alpha (_id, _revision, lines, _has_place, place__city, kind) VALUES ('1', 1, '[{"text":"t"}]', 1, 'Rome', 1);
           INSERT INTO shop_v1_beta (_id, _revision, lines, _has_place, place__x, kind) VALUES ('2', 1, '[{"amount":5}]', 1, 2.5, 2);"#,
    );
    let swapped = owners("Beta", "Alpha");
    let plan = shop.apply(&contract(&swapped), &[]);
    assert_eq!(plan.refused().count(), 0, "{plan}");
    assert!(plan.steps.iter().all(|step| !step.id().contains("field")), "{plan}");
    let bound = shop.bound(&contract(&swapped));
    let table = |kind: &str| bound.resource(kind).expect("a resource").table.clone();
    let (a, b) = (table("x.example.com/Ka"), table("x.example.com/Kb"));
    assert_eq!(shop.lines(&format!("SELECT lines || place__city || kind FROM {a}")), [r#"[{"text":"t"}]Rome1"#]);
    assert_eq!(shop.lines(&format!("SELECT lines || place__x || kind FROM {b}")), [r#"[{"amount":5}]2.52"#]);
}

#[test]
fn resources_change_names_in_a_ring() {
    let three = |names: [&str; 3]| {
        let own =
            |n: &str| format!("  repeated Part parts = 2; Part part = 3;\n  message Part {{ string {n} = 1; }}\n");
        let resources = names.iter().zip(["a", "b", "c"]).map(|(name, kind)| resource(name, kind, &own(kind)));
        format!("{HEAD}{}", resources.collect::<String>())
    };
    let plan = applied(&three(["One", "Two", "Three"]), &three(["Two", "Three", "One"]));
    assert!(plan.steps.iter().all(|step| !step.id().contains("field")), "{plan}");
}

#[test]
fn messages_outside_the_resources_swap_names_and_move() {
    let shared = |first: &str, second: &str, package: &str| {
        let fields = format!("  {first} f = 2; repeated {second} s = 3; map<string, {first}> m = 4;\n");
        let head = HEAD.replace("shop.v1", package);
        format!(
            "{head}message {first} {{ string city = 1; State state = 2; enum State {{ NONE = 0; ON = 1; }} }}\n\
             message {second} {{ string text = 1; }}\n{}",
            resource("Thing", "a", &fields)
        )
    };
    applied(&shared("P", "Q", "shop.v1"), &shared("Q", "P", "shop.v1"));
    applied(&shared("P", "Q", "shop.v1"), &shared("P", "Q", "other.v2"));
    applied(&shared("P", "Q", "shop.v1"), &shared("Q", "P", "other.v2"));
}

#[test]
fn messages_inside_a_resource_swap_names_while_the_resource_is_renamed() {
    let inside = |name: &str, first: &str, second: &str| {
        let fields = format!(
            "  {first} f = 2; repeated {second} s = 3; {first}Kind k = 4;\n  message {first} {{ string city = 1; }}\n  message {second} {{ string text = 1; }}\n  \
             enum {first}Kind {{ F0 = 0; F1 = 1; }}\n  enum {second}Kind {{ S0 = 0; S1 = 1; }}\n"
        );
        format!("{HEAD}{}", resource(name, "a", &fields))
    };
    applied(&inside("Thing", "P", "Q"), &inside("Thing", "Q", "P"));
    applied(&inside("Thing", "P", "Q"), &inside("Other", "Q", "P"));
    applied(&inside("Thing", "P", "Q"), &inside("Other", "R", "S"));
}

#[test]
fn a_field_that_takes_another_message_is_still_refused() {
    let fields = |first: &str, second: &str| {
        let own = format!(
            "  {first} f = 2; repeated {second} s = 3;\n  message P {{ string city = 1; }}\n  message Q {{ string text = 1; }}\n"
        );
        format!("{HEAD}{}", resource("Thing", "a", &own))
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&fields("P", "Q")), &[]);
    let plan = shop.plan(&contract(&fields("Q", "P")));
    assert_eq!(plan.refused().count(), 2, "{plan}");
    let enums = |ty: &str| {
        let own = format!("  {ty} f = 2;\n  enum K {{ K0 = 0; K1 = 1; }}\n  enum L {{ L0 = 0; L1 = 1; }}\n");
        format!("{HEAD}{}", resource("Thing", "a", &own))
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&enums("K")), &[]);
    let plan = shop.plan(&contract(&enums("L")));
    assert_eq!(plan.refused().count(), 1, "{plan}");
}

#[test]
fn a_hidden_field_comes_back_after_its_message_moved() {
    let inside = |name: &str, field: &str| {
        let own = format!(
            "  repeated Line lines = 2;\n  message Line {{ string text = 1; {field} enum Kind {{ K0 = 0; }} }}\n"
        );
        format!("{HEAD}{}", resource(name, "a", &own))
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&inside("Thing", "Kind kind = 2;")), &[]);
    shop.apply(&contract(&inside("Thing", "reserved 2; reserved \"kind\";")), &[]);
    let back = shop.apply(&contract(&inside("Other", "Kind kind = 2;")), &[]);
    assert!(back.steps.iter().any(|step| step.id().starts_with("show:field")), "{back}");
}
