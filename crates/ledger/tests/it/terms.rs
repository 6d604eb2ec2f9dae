//! What a plan shows beside what is stored: rules, enum values, names, routes.

use mainstay_ledger::{Area, Ledger, Plan, Safety, Severity, Stage, Step, TERMS_VERSION};

use crate::shop::{BASE, Shop, contract, edited};

fn planned(edits: &[(&str, &str)]) -> Plan {
    Shop::with_rows().plan(&contract(&edited(edits)))
}

/// Checks that an edit is one step, of this severity, in this area; and whether production waits for a yes.
#[track_caller]
fn is(edits: &[(&str, &str)], id: &str, severity: Severity, area: Area, waits: bool) -> Plan {
    let plan = planned(edits);
    let ids: Vec<String> = plan.steps.iter().map(Step::id).collect();
    assert_eq!(ids, [id], "{plan}");
    let effect = plan.steps[0].effect();
    assert!(effect.severity == severity && effect.areas.contains(&area), "{plan}");
    assert_eq!(plan.steps[0].waits(Stage::Production), waits, "{plan}");
    assert!(plan.is_ready(&[], Stage::Development), "{plan}");
    assert_eq!(plan.is_ready(&[], Stage::Production), !waits);
    assert!(plan.is_ready(&[id.to_owned()], Stage::Production));
    assert_ne!(plan.hash(), Shop::with_rows().plan(&contract(BASE)).hash());
    plan
}

/// The base's second product rule is `write: "true"`; this makes it another.
fn write(from: &str, to: &str) -> (Shop, Plan) {
    let rule = |rule: &str| {
        let one = "write: \"true\"}\n    index";
        edited(&[(one, &one.replace("\"true\"", &format!("\"{rule}\"")))])
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&rule(from)), &[]);
    let plan = shop.plan(&contract(&rule(to)));
    (shop, plan)
}

#[track_caller]
fn rule(from: &str, to: &str, wanted: &[&str]) {
    let (_, plan) = write(from, to);
    let ids: Vec<String> = plan.steps.iter().map(|step| step.id().replace("shop.example.com/Product", "P")).collect();
    assert_eq!(ids, wanted, "{from} to {to}: {plan}");
    for step in &plan.steps {
        assert_eq!(step.effect().areas, [Area::Access]);
        assert_eq!(step.waits(Stage::Production), step.effect().severity != Severity::Narrowed, "{plan}");
        assert!(!step.waits(Stage::Development));
    }
}

#[test]
fn a_rule_is_widened_narrowed_or_changed() {
    let librarian = "'librarian' in auth.roles";
    rule(librarian, "true", &["widen:rule:P#write"]);
    rule("true", librarian, &["narrow:rule:P#write"]);
    rule("false", librarian, &["widen:rule:P#write"]);
    rule(librarian, "'admin' in auth.roles", &["change:rule:P#write"]);
    rule(librarian, &format!("{librarian} || resource.sku == auth.uid"), &["widen:rule:P#write"]);
    rule(librarian, &format!("{librarian} && resource.stock > 0"), &["narrow:rule:P#write"]);
    rule(&format!("{librarian} && resource.stock > 0"), "resource.stock > 0", &["widen:rule:P#write"]);
    rule(&format!("{librarian} && resource.stock > 0"), &format!("resource.stock > 0 && {librarian}"), &[]);
    rule(
        &format!("{librarian} && resource.stock > 0"),
        &format!("{librarian} || resource.stock > 0"),
        &["widen:rule:P#write"],
    );
    rule(librarian, &format!("!({librarian})"), &["change:rule:P#write"]);
    rule("resource.stock > 5", "resource.stock > 3", &["change:rule:P#write"]);
    rule(librarian, &format!("  ( {librarian} )  "), &[]);
}

#[test]
fn a_rule_that_comes_or_goes_is_told_by_its_verb() {
    let access = "access {read: \"true\" write: \"true\"}";
    let only = |verbs: &str| edited(&[(access, &format!("access {{{verbs}}}"))]);
    let ids = |from: &str, to: &str| {
        let mut shop = Shop::empty();
        shop.apply(&contract(&only(from)), &[]);
        shop.plan(&contract(&only(to)))
            .steps
            .iter()
            .map(|step| step.id().replace("shop.example.com/Review", "R"))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("read: \"true\"", "read: \"true\" delete: \"true\""), ["widen:rule:R#delete"]);
    assert_eq!(ids("read: \"true\" delete: \"true\"", "read: \"true\""), ["narrow:rule:R#delete"]);
    assert_eq!(ids("read: \"true\" delete: \"false\"", "read: \"true\""), [""; 0]);
    assert_eq!(
        ids("read: \"resource.stars > 1\"", "read: \"true\" update: \"new.stars > 1\""),
        ["widen:rule:R#read", "widen:rule:R#update"]
    );
    assert_eq!(
        ids(
            "create: \"true\" update: \"true\" delete: \"auth.uid != null\"",
            "create: \"true\" update: \"old.stars == new.stars\" delete: \"true\""
        ),
        ["narrow:rule:R#update", "widen:rule:R#delete"]
    );
}

#[test]
fn a_rule_over_a_renamed_field_is_the_same_rule() {
    let (shop, _) = write("resource.title == auth.uid && resource.tree.text == 'x'", "true");
    let renamed = |text: &str| {
        text.replace("string title = 3;", "string headline = 3;")
            .replace("resource.title", "resource.headline")
            .replace("string text = 1;", "string words = 1;")
            .replace("tree.text", "tree.words")
    };
    let one = "write: \"true\"}\n    index";
    let text = edited(&[(one, &one.replace("true", "resource.title == auth.uid && resource.tree.text == 'x'"))]);
    let plan = shop.plan(&contract(&renamed(&text)));
    assert!(plan.steps.iter().all(|step| step.id().starts_with("rename:field")), "{plan}");
}

#[test]
fn a_rule_over_references_is_compared_by_what_it_asks_of_which_row() {
    let review = |rule: &str| {
        let edits =
            [("access {read: \"true\" write: \"true\"}", format!("access {{read: \"{rule}\" write: \"true\"}}"))];
        contract(&edited(&edits.each_ref().map(|(from, to)| (*from, to.as_str()))))
    };
    let ids = |from: &str, to: &str| {
        let mut shop = Shop::empty();
        shop.apply(&review(from), &[]);
        let plan = shop.plan(&review(to));
        plan.steps.iter().map(|step| step.id().replace("shop.example.com/Review", "R")).collect::<Vec<_>>()
    };
    let (sku, title) = ("resource.product.sku == auth.uid", "resource.product.title == auth.uid");
    assert_eq!(ids(sku, title), ["change:rule:R#read"]);
    assert_eq!(ids(sku, &format!("{sku} || {title}")), ["widen:rule:R#read"]);
    assert_eq!(ids(sku, &format!("{sku} && {title}")), ["narrow:rule:R#read"]);
    assert_eq!(ids(sku, &format!("({sku})")), ["change:rule:R#read"; 0]);
    // A renamed field of the other resource is the same rule.
    let mut shop = Shop::empty();
    shop.apply(&review(sku), &[]);
    let renamed = edited(&[
        (
            "access {read: \"true\" write: \"true\"}",
            "access {read: \"resource.product.code == auth.uid\" write: \"true\"}",
        ),
        ("string sku = 2;", "string code = 2;"),
    ]);
    let plan = shop.plan(&contract(&renamed));
    assert!(plan.steps.iter().all(|step| !step.id().contains(":rule:")), "{plan}");
}

#[test]
fn the_same_text_that_names_another_field_is_another_rule() {
    let (shop, _) = write("resource.title == auth.uid", "true");
    let one = "write: \"true\"}\n    index";
    let text = edited(&[(one, &one.replace("true", "resource.title == auth.uid"))]);
    let swapped = text.replace("string sku = 2;", "string title = 2;").replace("string title = 3;", "string sku = 3;");
    let plan = shop.plan(&contract(&swapped));
    let rule = plan.steps.iter().find(|step| step.id() == "change:rule:shop.example.com/Product#write");
    assert!(rule.is_some_and(|rule| rule.to_string().contains("names is something else now")), "{plan}");
}

#[test]
fn a_rule_that_names_a_renumbered_value_is_another_rule() {
    let (shop, _) = write("resource.state == State.OPEN", "true");
    let one = "write: \"true\"}\n    index";
    let swapped = edited(&[
        (one, &one.replace("true", "resource.state == State.OPEN")),
        ("OPEN = 1; CLOSED = 2;", "CLOSED = 1; OPEN = 2;"),
    ]);
    let plan = shop.plan(&contract(&swapped));
    let ids: Vec<String> = plan.steps.iter().map(Step::id).collect();
    assert_eq!(
        ids,
        ["renumber:enum:shop.example.com/Product#state", "change:rule:shop.example.com/Product#write"],
        "{plan}"
    );
}

#[test]
fn renumbered_values_change_what_rows_mean() {
    let swap = [("OPEN = 1; CLOSED = 2;", "CLOSED = 1; OPEN = 2;")];
    let id = "renumber:enum:shop.example.com/Product#state";
    // No row holds one.
    is(&swap, id, Severity::Changed, Area::Storage, true);
    let shop = Shop::with_rows();
    shop.run("UPDATE shop_v1_product SET state = 2 WHERE _id = 'b'");
    let plan = shop.plan(&contract(&edited(&swap)));
    let said = plan.to_string();
    assert!(
        said.contains("1 = OPEN, 2 = CLOSED became 1 = CLOSED, 2 = OPEN") && said.contains("1 row: products/b"),
        "{said}"
    );
    assert_eq!(plan.waiting(&[], Stage::Development).count(), 1);
    let moved = [("OPEN = 1; CLOSED = 2;", "CLOSED = 2; OPEN = 3;")];
    is(&moved, id, Severity::Changed, Area::Wire, true);
}

#[test]
fn a_value_that_rows_hold_is_removed_only_with_a_yes() {
    let removed = [("OPEN = 1; CLOSED = 2;", "OPEN = 1;")];
    let id = "remove:value:shop.example.com/Product#state.CLOSED";
    is(&removed, id, Severity::Narrowed, Area::Json, true);
    let mut shop = Shop::with_rows();
    let next = contract(&edited(&removed));
    for row in 0..7 {
        shop.run(&format!("INSERT INTO shop_v1_product (_id, _revision, state) VALUES ('x{row}', 1, 2)"));
    }
    let plan = shop.plan(&next);
    let named = "state is CLOSED in 7 rows: products/x0, products/x1, products/x2, products/x3, products/x4, …";
    assert!(plan.to_string().contains(named), "{plan}");
    assert_eq!(plan.waiting(&[], Stage::Development).count(), 1);
    shop.apply(&next, &[id.to_owned()]);
    assert!(shop.plan(&next).is_empty());
    // The number stays what it was, for ever.
    let reused = contract(&edited(&[("OPEN = 1; CLOSED = 2;", "OPEN = 1; SOLD = 2;")]));
    let plan = shop.plan(&reused);
    assert!(plan.to_string().contains("2 = CLOSED became 2 = SOLD: it would be something else in 7 rows"), "{plan}");
    let back = shop.apply(&contract(BASE), &[]);
    assert_eq!(
        back.steps.iter().map(Step::id).collect::<Vec<_>>(),
        ["add:value:shop.example.com/Product#state.CLOSED"]
    );
}

#[test]
fn values_that_lie_in_json_are_counted_wherever_they_lie() {
    let many = edited(&[
        ("State state = 10;", "State state = 10; repeated State states = 30; map<string, State> by = 31;"),
        (
            "string text = 1; int32 quantity = 2; }",
            "string text = 1; int32 quantity = 2; State line_state = 3; repeated State old = 4; }",
        ),
        ("Tree next = 3; }", "Tree next = 3; State leaf = 4; }"),
    ]);
    let mut shop = Shop::empty();
    shop.apply(&contract(&many), &[]);
    let next = contract(&many.replace("OPEN = 1; CLOSED = 2;", "OPEN = 1;"));
    for (column, json, path) in [
        ("states", "[1,2]", "states"),
        ("\"by\"", r#"{"a":1,"b":2}"#, "by"),
        ("lines", r#"[{"text":"2"},{"line_state":2}]"#, "lines.line_state"),
        ("lines", r#"[{"old":[1,2]}]"#, "lines.old"),
        ("extra", r#"{"k":{"line_state":2}}"#, "extra.line_state"),
        ("tree", r#"{"next":{"next":{"leaf":2}}}"#, "tree.leaf"),
    ] {
        shop.run("DELETE FROM shop_v1_product");
        shop.run(&format!(
            "INSERT INTO shop_v1_product (_id, _revision, {column}) VALUES ('a', 1, '{json}'), ('b', 1, NULL)"
        ));
        let plan = shop.plan(&next);
        let waiting: Vec<String> = plan.waiting(&[], Stage::Development).map(Step::id).collect();
        assert_eq!(waiting, [format!("remove:value:shop.example.com/Product#{path}.CLOSED")], "{json}: {plan}");
    }
    for harmless in [r#"[{"text":"2","quantity":2,"line_state":1}]"#, "[]"] {
        shop.run("DELETE FROM shop_v1_product");
        shop.run(&format!("INSERT INTO shop_v1_product (_id, _revision, lines) VALUES ('a', 1, '{harmless}')"));
        assert!(shop.plan(&next).is_ready(&[], Stage::Development), "{harmless}");
    }
}

#[test]
fn a_renamed_value_breaks_clients_and_a_new_one_does_not() {
    let id = "rename:value:shop.example.com/Product#state.ACTIVE";
    is(&[("OPEN = 1;", "ACTIVE = 1;")], id, Severity::Changed, Area::Json, true);
    let id = "add:value:shop.example.com/Product#state.SOLD";
    is(&[("CLOSED = 2;", "CLOSED = 2; SOLD = 3;")], id, Severity::Widened, Area::Wire, false);
}

#[test]
fn another_pattern_is_told_with_its_routes() {
    let plan = planned(&[("reviews/{review}", "opinions/{opinion}")]);
    let ids: Vec<String> = plan.steps.iter().map(Step::id).collect();
    let methods = ["List", "BatchGet", "BatchCreate", "BatchUpdate", "BatchDelete"];
    let moved = |verb| format!("move:method:shop.example.com/Review#/shop.v1.ReviewService/{verb}Opinions");
    let pattern = "change:pattern:shop.example.com/Review".to_owned();
    let answers = "change:answers:shop.example.com/Review".to_owned();
    assert_eq!(ids, methods.map(moved).into_iter().chain([pattern, answers]).collect::<Vec<_>>(), "{plan}");
    assert_eq!(plan.waiting(&[], Stage::Production).count(), methods.len() + 2);
    assert!(plan.is_ready(&[], Stage::Development));
    let said = plan.to_string();
    for part in
        ["reviews/{review} -> opinions/{opinion}", "GET /shop/v1/{name=reviews/*} -> GET /shop/v1/{name=opinions/*}"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let id = "rename:variable:shop.example.com/Review";
    let plan = is(&[("reviews/{review}", "reviews/{opinion}")], id, Severity::Changed, Area::Wire, false);
    assert!(plan.to_string().contains("no name and no URL is another one"), "{plan}");
}

#[test]
fn every_word_about_a_field_is_told() {
    use Area::{Access, Json, Validation};
    use Severity::{Changed, Narrowed, Widened};
    let title = "string title = 3;";
    let of = |verb: &str| format!("{verb}:shop.example.com/Product#title");
    let with = |option: &str| format!("string title = 3 [{option}];");
    for (options, id, severity, area, waits) in [
        ("json_name = \"heading\"", of("change:json:name"), Changed, Json, true),
        ("(mainstay.v1.field).aliases = \"label\"", of("change:aliases"), Widened, Json, false),
        ("(google.api.field_behavior) = IMMUTABLE", of("add:behavior") + ".IMMUTABLE", Narrowed, Access, false),
        ("(google.api.field_behavior) = OUTPUT_ONLY", of("add:behavior") + ".OUTPUT_ONLY", Narrowed, Access, false),
        ("(buf.validate.field).string.max_len = 9", of("tighten:field"), Narrowed, Validation, false),
    ] {
        is(&[(title, &with(options))], &id, severity, area, waits);
    }
    let note = "optional string note = 5 [(mainstay.v1.field).default = \"'new'\"];";
    let id = "change:default:shop.example.com/Product#note";
    is(&[("optional string note = 5;", note)], id, Widened, Validation, false);
    let line = |field: &str| edited(&[("int32 quantity = 2;", field)]);
    let mut shop = Shop::with_rows();
    let checked = line("int32 quantity = 2 [json_name = \"n\", (buf.validate.field).int32.gte = 0];");
    let plan = shop.apply(&contract(&checked), &[]);
    let inside = |verb: &str, plan: &Plan| plan.steps.iter().filter(|step| step.id().starts_with(verb)).count();
    assert_eq!((inside("tighten:field", &plan), inside("change:json:name", &plan)), (3, 3), "{plan}");
    let plan = shop.apply(&contract(BASE), &[]);
    assert_eq!((inside("loosen:field", &plan), inside("change:json:name", &plan)), (3, 3), "{plan}");
}

#[test]
fn what_guarded_a_field_goes_only_with_a_yes() {
    let title = "string title = 3;";
    for (options, id, severity, waits) in [
        (
            "(google.api.field_behavior) = IMMUTABLE",
            "drop:behavior:shop.example.com/Product#title.IMMUTABLE",
            Severity::Widened,
            true,
        ),
        (
            "(google.api.field_behavior) = OUTPUT_ONLY",
            "drop:behavior:shop.example.com/Product#title.OUTPUT_ONLY",
            Severity::Widened,
            true,
        ),
        (
            "(mainstay.v1.field).default = \"auth.uid\"",
            "change:default:shop.example.com/Product#title",
            Severity::Changed,
            true,
        ),
        (
            "(mainstay.v1.field).aliases = \"label\"",
            "change:aliases:shop.example.com/Product#title",
            Severity::Narrowed,
            true,
        ),
        (
            "(buf.validate.field).string.max_len = 9",
            "loosen:field:shop.example.com/Product#title",
            Severity::Widened,
            false,
        ),
    ] {
        let mut shop = Shop::empty();
        shop.apply(&contract(&edited(&[(title, &format!("string title = 3 [{options}];"))])), &[]);
        let plan = shop.plan(&contract(BASE));
        let found: Vec<_> =
            plan.steps.iter().map(|step| (step.id(), step.effect().severity, step.waits(Stage::Production))).collect();
        assert_eq!(found, [(id.to_owned(), severity, waits)], "{plan}");
    }
}

#[test]
fn a_bound_with_more_room_is_looser() {
    let stock = |rule: &str| {
        edited(&[("int32 stock = 4;", &format!("int32 stock = 4 [(buf.validate.field).int32 = {{{rule}}}];"))])
    };
    for (from, to, id) in [
        ("gte: 0, lte: 9", "gte: -1, lte: 10", "loosen:field"),
        ("gte: 0, lte: 9", "gte: 0, lte: 8", "tighten:field"),
        ("gte: 0", "lte: 9", "tighten:field"),
        ("gt: 0", "gt: 0, lt: 9", "tighten:field"),
        ("in: [1, 2]", "gte: 0", "tighten:field"),
    ] {
        let mut shop = Shop::empty();
        shop.apply(&contract(&stock(from)), &[]);
        let plan = shop.plan(&contract(&stock(to)));
        assert_eq!(
            plan.steps.iter().map(Step::id).collect::<Vec<_>>(),
            [format!("{id}:shop.example.com/Product#stock")],
            "{plan}"
        );
    }
}

#[test]
fn required_that_goes_is_told() {
    let required = edited(&[("string sku = 2;", "string sku = 2 [(google.api.field_behavior) = REQUIRED];")]);
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&required), &[]);
    let plan = shop.plan(&contract(BASE));
    assert_eq!(plan.steps.iter().map(Step::id).collect::<Vec<_>>(), ["relax:field:shop.example.com/Product#sku"]);
}

#[test]
fn the_hash_covers_the_contract_whole() {
    let shop = Shop::with_rows();
    let base = shop.plan(&contract(BASE)).hash();
    assert_eq!(shop.plan(&contract(BASE)).hash(), base);
    for edit in [
        ("write: \"true\"}\n    index", "write: \"auth.uid != null\"}\n    index"),
        ("OPEN = 1; CLOSED = 2;", "CLOSED = 1; OPEN = 2;"),
        ("reviews/{review}", "opinions/{opinion}"),
        ("message Review {", "message Opinion {"),
        ("  string title = 3;", "  // What it is called.\n  string title = 3;"),
    ] {
        assert_ne!(shop.plan(&contract(&edited(&[edit]))).hash(), base, "{edit:?}");
    }
}

/// The ledger as a version without terms stored it.
fn stored_before(ledger: &Ledger) -> Ledger {
    fn strip(json: &mut serde_json::Value) {
        match json {
            serde_json::Value::Object(entries) => {
                for key in ["terms", "values", "hidden_since"] {
                    entries.remove(key);
                }
                entries.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut json = serde_json::from_str(&ledger.to_json()).expect("a ledger is JSON");
    strip(&mut json);
    Ledger::from_json(&json.to_string()).expect("an older ledger is read")
}

#[test]
fn an_older_ledger_reports_nothing_and_takes_the_terms_on() {
    let mut shop = Shop::with_rows();
    let now = shop.ledger.clone();
    shop.ledger = stored_before(&now);
    let plan = shop.plan(&contract(BASE));
    assert!(plan.is_empty() && plan.changes_ledger(), "{plan}");
    shop.apply(&contract(BASE), &[]);
    assert_eq!(shop.ledger, now);
}

#[test]
fn an_older_ledger_learns_the_terms_of_the_contract_that_is_stored_beside_it() {
    let mut shop = Shop::with_rows();
    let now = shop.ledger.clone();
    shop.ledger = stored_before(&now).with_terms_of(&contract(BASE));
    assert_eq!(shop.ledger, now);
    let plan = shop.plan(&contract(&edited(&[("write: \"true\"}\n    index", "write: \"false\"}\n    index")])));
    assert_eq!(plan.steps.iter().map(Step::id).collect::<Vec<_>>(), ["narrow:rule:shop.example.com/Product#write"]);
}

#[test]
fn terms_in_other_words_are_written_down_anew() {
    let mut shop = Shop::with_rows();
    let json = shop.ledger.to_json();
    let other = json
        .replace(&format!("\"terms\":{TERMS_VERSION},"), "\"terms\":99,")
        .replace("\"if\":\"", "\"if\":\"in other words: ");
    assert_ne!(other, json);
    let other = Ledger::from_json(&other).expect("it is read");
    assert_eq!(other.with_terms_of(&contract(BASE)), shop.ledger);
    // Without the contract nothing can be said of the rules, so nothing is.
    let broken = contract(&edited(&[("string title = 3;", "int32 title = 3;")]));
    shop.ledger = other.with_terms_of(&broken);
    assert!(shop.plan(&contract(BASE)).is_empty());
}

#[test]
fn what_is_dangerous_says_why_and_what_to_do() {
    let plan = planned(&[
        ("write: \"true\"}\n    index", "write: \"false\"}\n    index"),
        ("read: \"resource.tree.text == 'open'\"", "read: \"true\""),
    ]);
    let step =
        plan.steps.iter().find(|step| step.id() == "widen:rule:shop.example.com/Product#read").expect("the rule");
    assert!(matches!(&step.safety, Safety::Reviewed { why, remedy } if !why.is_empty() && !remedy.is_empty()));
    let said = step.to_string();
    for part in ["[widened: access]", "was: resource.tree.text == 'open'", "now: true", "--> shop/v1/shop.proto:"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}
