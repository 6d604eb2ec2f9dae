//! One case for each kind of change: what the plan says of it, on a table with rows.

use mainstay_ledger::{Change, Plan, Safety, Stage, Step};

use crate::shop::{BASE, Shop, contract, edited};

/// Schema steps of a plan without a refused or guarded step, as it shows them.
fn safe(plan: &Plan) -> Vec<String> {
    for step in &plan.steps {
        assert!(!step.waits(Stage::Development), "{plan}");
    }
    plan.steps.iter().flat_map(|step| &step.schema).map(ToString::to_string).collect()
}

/// Plans an edit, checks that it is safe with these steps, applies it, and checks that nothing is left to do.
#[track_caller]
fn is_safe(edits: &[(&str, &str)], steps: &[&str]) -> (Shop, Plan) {
    let mut shop = Shop::with_rows();
    let contract = contract(&edited(edits));
    let plan = shop.plan(&contract);
    assert_eq!(safe(&plan), steps, "{plan}");
    shop.apply(&contract, &[]);
    let again = shop.plan(&contract);
    assert!(again.is_empty() && !again.changes_ledger(), "{again}");
    (shop, plan)
}

#[track_caller]
fn is_refused(edits: &[(&str, &str)], why: &str, remedy: &str) {
    let shop = Shop::with_rows();
    let plan = shop.plan(&contract(&edited(edits)));
    assert!(!plan.is_ready(&[], Stage::Development), "{plan}");
    let found = plan.refused().any(|step| match &step.safety {
        Safety::Refused { why: said, remedy: instead } => said.contains(why) && instead.contains(remedy),
        _ => false,
    });
    assert!(found, "{plan}");
}

#[track_caller]
fn is_guarded(edits: &[(&str, &str)], id: &str, why: &str) -> (Shop, Plan) {
    let mut shop = Shop::with_rows();
    let contract = contract(&edited(edits));
    let plan = shop.plan(&contract);
    let waiting: Vec<_> = plan.waiting(&[], Stage::Development).collect();
    assert!(waiting.len() == 1 && waiting[0].id() == id, "{plan}");
    assert!(matches!(&waiting[0].safety, Safety::Guarded { why: said, .. } if said.contains(why)), "{plan}");
    shop.apply(&contract, &[id.to_owned()]);
    let again = shop.plan(&contract);
    assert!(again.is_empty(), "{again}");
    (shop, plan)
}

#[test]
fn a_new_resource_is_a_new_table() {
    let tag = r#"message Tag {
      option (google.api.resource) = {type: "shop.example.com/Tag" pattern: "tags/{tag}"};
      option (mainstay.v1.resource) = {access {read: "true" write: "true"} index {fields: "text" unique: true}};
      string name = 1 [(google.api.field_behavior) = IDENTIFIER];
      string text = 2;
    }
    message Review {"#;
    let (shop, _) = is_safe(
        &[("message Review {", tag)],
        &[
            "create table   shop_v1_tag (3 columns)",
            "create unique index   shop_v1_tag__text_key on shop_v1_tag (text)",
            "create index   shop_v1_tag__text_idx on shop_v1_tag (text, _id)",
        ],
    );
    shop.run("INSERT INTO shop_v1_tag (_id, text) VALUES ('x', ''), ('y', ''), ('z', 't')");
}

#[test]
fn a_new_field_is_a_new_column() {
    let (shop, _) = is_safe(
        &[("string category = 9;", "string category = 9; optional int64 weight = 13; string colour = 14;")],
        &["add column     shop_v1_product.weight", "add column     shop_v1_product.colour"],
    );
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_product WHERE weight IS NULL AND colour = ''"), 2);
}

#[test]
fn a_new_field_inside_a_message_is_a_new_column() {
    is_safe(
        &[("string street = 2;", "string street = 2; string country = 3;")],
        &["add column     shop_v1_product.address__country"],
    );
}

#[test]
fn a_new_message_is_its_columns() {
    is_safe(
        &[("string category = 9;", "string category = 9; Address home = 13;")],
        &[
            "add column     shop_v1_product._has_home",
            "add column     shop_v1_product.home__city",
            "add column     shop_v1_product.home__street",
        ],
    );
}

#[test]
fn a_new_reference_is_a_column_with_a_foreign_key_and_an_index() {
    let reference =
        "int32 stars = 3; string gift = 4 [(google.api.resource_reference).type = \"shop.example.com/Product\"];";
    let (shop, _) = is_safe(
        &[("int32 stars = 3;", reference)],
        &[
            "add column     shop_v1_review.gift",
            "add reference  shop_v1_review.gift -> shop_v1_product",
            "create index   shop_v1_review__gift_idx on shop_v1_review (gift, _id) while the table is in use",
        ],
    );
    let error = shop.fails("INSERT INTO shop_v1_review (_id, gift) VALUES ('x', 'nobody')");
    assert!(error.contains("FOREIGN KEY"), "{error}");
}

#[test]
fn a_new_required_field_needs_a_default() {
    let required = "string category = 9; string brand = 13 [(google.api.field_behavior) = REQUIRED];";
    is_refused(&[("string category = 9;", required)], "REQUIRED", "default");
    let with_default = required.replace("= REQUIRED", "= REQUIRED, (mainstay.v1.field) = {default: \"'own'\"}");
    let (shop, _) = is_safe(
        &[("string category = 9;", &with_default)],
        &["add column     shop_v1_product.brand, filled with the field's default"],
    );
    assert_eq!(shop.lines("SELECT brand FROM shop_v1_product"), ["own", "own"]);
    let of_caller = required.replace("= REQUIRED", "= REQUIRED, (mainstay.v1.field) = {default: \"auth.uid\"}");
    is_refused(&[("string category = 9;", &of_caller)], "depends on the caller", "constant");
}

#[test]
fn a_new_required_field_on_an_empty_table_is_safe() {
    let mut shop = Shop::empty();
    shop.apply(&contract(BASE), &[]);
    let required = "string category = 9; string brand = 13 [(google.api.field_behavior) = REQUIRED];";
    let plan = shop.plan(&contract(&edited(&[("string category = 9;", required)])));
    assert_eq!(safe(&plan), ["add column     shop_v1_product.brand"]);
}

#[test]
fn a_renamed_field_is_a_renamed_column() {
    let (shop, plan) = is_safe(
        &[("string title = 3;", "string headline = 3;")],
        &["rename column  shop_v1_product.title -> headline"],
    );
    assert_eq!(shop.lines("SELECT headline FROM shop_v1_product ORDER BY _id"), ["Cup", ""]);
    assert!(
        plan.steps[0].to_string().contains("aliases: \"title\"") && plan.steps[0].waits(Stage::Production),
        "{plan}"
    );
    let aliased = "string headline = 3 [(mainstay.v1.field) = {aliases: \"title\"}];";
    let (_, plan) = is_safe(&[("string title = 3;", aliased)], &["rename column  shop_v1_product.title -> headline"]);
    assert_eq!(plan.steps[0].safety, Safety::Safe);
}

#[test]
fn a_renamed_message_field_renames_its_columns() {
    is_safe(
        &[("Address address = 6;", "Address home = 6;"), ("string city = 1;", "string town = 1;")],
        &[
            "rename column  shop_v1_product._has_address -> _has_home",
            "rename column  shop_v1_product.address__city -> home__town",
            "rename column  shop_v1_product.address__street -> home__street",
        ],
    );
}

#[test]
fn a_field_renamed_inside_json_rewrites_nothing() {
    let (shop, plan) = is_safe(&[("string text = 1;", "string words = 1;"), ("tree.text", "tree.words")], &[]);
    assert_eq!(plan.steps.len(), 3, "{plan}");
    assert_eq!(shop.lines("SELECT lines FROM shop_v1_product ORDER BY _id"), ["[{\"text\":\"open\"}]", "NULL"]);
}

#[test]
fn two_fields_that_swap_names_keep_their_values() {
    let (shop, _) = is_safe(
        &[("string sku = 2;", "string title = 2;"), ("string title = 3;", "string sku = 3;")],
        &["rename column  shop_v1_product.sku -> title_2", "rename column  shop_v1_product.title -> sku_3"],
    );
    assert_eq!(shop.lines("SELECT title_2 || '/' || sku_3 FROM shop_v1_product ORDER BY _id"), ["A/Cup", "A/"]);
}

#[test]
fn a_moved_message_is_a_renamed_table() {
    let (shop, _) =
        is_safe(&[("message Product {", "message Article {")], &["rename table   shop_v1_product -> shop_v1_article"]);
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_article"), 2);
    let (shop, _) = is_safe(
        &[("package shop.v1;", "package store.v2;")],
        &["rename table   shop_v1_product -> store_v2_product", "rename table   shop_v1_review -> store_v2_review"],
    );
    let error = shop.fails("INSERT INTO store_v2_review (_id, product) VALUES ('x', 'nobody')");
    assert!(error.contains("FOREIGN KEY"), "{error}");
}

#[test]
fn a_renamed_enum_value_type_or_nested_message_changes_nothing_stored() {
    is_safe(&[("OPEN = 1;", "ACTIVE = 1;")], &[]);
    is_safe(&[("enum State {", "enum Phase {"), ("State state = 10;", "Phase state = 10;")], &[]);
    is_safe(
        &[
            ("message Line {", "message Item {"),
            ("repeated Line lines", "repeated Item lines"),
            ("map<string, Line> extra", "map<string, Item> extra"),
        ],
        &[],
    );
}

#[test]
fn rules_docs_and_validation_change_nothing_stored() {
    is_safe(&[("write: \"true\"}\n    index", "write: \"false\"}\n    index")], &[]);
    is_safe(&[("  string title = 3;", "  // What it is called.\n  string title = 3;")], &[]);
    is_safe(&[("string title = 3;", "string title = 3 [(buf.validate.field).string.max_len = 9];")], &[]);
}

#[test]
fn a_reserved_field_is_hidden_when_somebody_accepts_and_can_come_back() {
    let gone = [("string title = 3;", "reserved 3; reserved \"title\";")];
    let id = "hide:field:shop.example.com/Product#title";
    let (mut shop, plan) = is_guarded(&gone, id, "values in 2 rows stay");
    assert!(plan.inside().is_empty());
    assert_eq!(shop.lines("SELECT title FROM shop_v1_product ORDER BY _id"), ["Cup", ""]);
    let back = shop.apply(&contract(BASE), &[]);
    assert_eq!(back.steps.len(), 1, "{back}");
    assert!(shop.plan(&contract(BASE)).is_empty());
}

#[test]
fn a_reserved_field_inside_json_is_hidden_too() {
    let gone = [("int32 quantity = 2;", "reserved 2; reserved \"quantity\";")];
    let shop = Shop::with_rows();
    let plan = shop.plan(&contract(&edited(&gone)));
    assert_eq!(plan.waiting(&[], Stage::Development).count(), 3, "{plan}");
    let unreserved = [("int32 quantity = 2;", "")];
    is_refused(&unreserved, "lines.quantity is gone", "reserved 2; reserved \"quantity\";");
}

#[test]
fn a_field_that_is_gone_without_being_reserved_is_refused_with_the_line_to_paste() {
    let remedy = "write into shop.v1.Product: reserved 3; reserved \"title\";";
    is_refused(&[("string title = 3;", "")], "title is gone", remedy);
    is_refused(
        &[("string title = 3;", "reserved 3;")],
        "title is gone",
        "write into shop.v1.Product: reserved \"title\";",
    );
    is_refused(&[("string city = 1;", "")], "address.city is gone", "write into shop.v1.Product.Address: reserved 1");
}

#[test]
fn a_number_never_becomes_another_field() {
    let reused = [("string title = 3;", "bool featured = 3;")];
    is_refused(&reused, "number 3 was title (string)", "number 21 and write: reserved 3; reserved \"title\";");
    let mut shop = Shop::with_rows();
    let gone = edited(&[("string title = 3;", "reserved 3; reserved \"title\";")]);
    shop.apply(&contract(&gone), &["hide:field:shop.example.com/Product#title".to_owned()]);
    let plan = shop.plan(&contract(&edited(&[("string title = 3;", "string headline = 3;")])));
    assert!(plan.refused().any(|step| step.id() == "reuse:number:shop.example.com/Product#headline"), "{plan}");
}

/// The reserved line went, too: the compiler knows nothing of it any more, the ledger does.
#[test]
fn a_name_of_a_field_that_is_gone_is_another_field_only_where_somebody_has_looked() {
    for (line, inner, hide, reuse) in [
        (
            "string title = 3;",
            "",
            "hide:field:shop.example.com/Product#title",
            "reuse:name:shop.example.com/Product#title",
        ),
        (
            "string city = 1;",
            "address.",
            "hide:field:shop.example.com/Product#address.city",
            "reuse:name:shop.example.com/Product#address.city",
        ),
    ] {
        let mut shop = Shop::with_rows();
        let (ty, rest) = line.split_once(' ').expect("a type");
        let name = rest.split(' ').next().expect("a name");
        let number = rest.trim_end_matches(';').rsplit(' ').next().expect("a number");
        shop.apply(
            &contract(&edited(&[(line, &format!("reserved {number}; reserved \"{name}\";"))])),
            &[hide.to_owned()],
        );
        let again = contract(&edited(&[(line, &format!("reserved {number}; {ty} {name} = 40;"))]));
        let plan = shop.plan(&again);
        let waiting: Vec<String> = plan.waiting(&[], Stage::Production).map(mainstay_ledger::Step::id).collect();
        assert_eq!(waiting, [reuse], "{plan}");
        assert!(plan.to_string().contains(&format!("{name} was the name of number {number}")), "{inner}: {plan}");
        assert!(plan.is_ready(&[], Stage::Development), "development is told: {plan}");
        shop.apply(&again, &[]);
        assert!(shop.plan(&again).is_empty(), "it is told once");
    }
}

#[test]
fn a_name_inside_json_is_not_another_field_unseen() {
    let mut shop = Shop::with_rows();
    let gone = contract(&edited(&[("int32 quantity = 2;", "reserved 2; reserved \"quantity\";")]));
    let hide: Vec<String> = shop.plan(&gone).waiting(&[], Stage::Development).map(mainstay_ledger::Step::id).collect();
    shop.apply(&gone, &hide);
    let again = contract(&edited(&[("int32 quantity = 2;", "reserved 2; int32 quantity = 9;")]));
    let plan = shop.plan(&again);
    let waiting: Vec<String> = plan.waiting(&[], Stage::Production).map(mainstay_ledger::Step::id).collect();
    assert!(waiting.contains(&"reuse:name:shop.example.com/Product#lines.quantity".to_owned()), "{plan}");
    assert_eq!(waiting.len(), hide.len(), "wherever the message lies: {plan}");
}

#[test]
fn an_incompatible_type_is_refused_always() {
    is_refused(&[("string title = 3;", "int32 title = 3;")], "string became int32", "give the new field number 21");
    is_refused(
        &[("Address address = 6;", "Line address = 6;")],
        "Address became message shop.v1.Product.Line",
        "number 21",
    );
    is_refused(&[("repeated Line lines", "repeated Address lines")], "became", "number 21");
    is_refused(&[("int32 quantity = 2;", "string quantity = 2;")], "int32 became string", "reserved 2");
}

#[test]
fn integers_of_one_form_become_one_another_where_every_row_fits() {
    let (_, plan) = is_safe(&[("int32 stock = 4;", "int64 stock = 4;")], &[]);
    assert_eq!(plan.steps.len(), 1);
    is_safe(&[("State state = 10;", "int32 state = 10;")], &[]);
    is_safe(&[("int32 quantity = 2;", "int64 quantity = 2;")], &[]);
    is_safe(&[("int32 stock = 4;", "uint64 stock = 4;")], &[]);
    let (shop, _) = is_safe(
        &[("string sku = 2;", "bytes sku = 2;")],
        &["convert column shop_v1_product.sku: text becomes its bytes"],
    );
    assert_eq!(shop.lines("SELECT hex(sku) FROM shop_v1_product ORDER BY _id"), ["41", "41"]);
    is_refused(&[("int32 stock = 4;", "sint32 stock = 4;")], "int32 became sint32", "not supported yet");
}

#[test]
fn a_wider_integer_goes_back_unless_a_row_is_too_large() {
    let mut shop = Shop::with_rows();
    let wide = [
        ("int32 stock = 4;", "int64 stock = 4;"),
        ("int32 quantity = 2;", "int64 quantity = 2;"),
        ("State state = 10;", "int64 state = 10;"),
    ];
    shop.apply(&contract(&edited(&wide)), &[]);
    let back = shop.apply(&contract(BASE), &[]);
    assert!(back.steps.iter().any(|step| step.id() == "narrow:field:shop.example.com/Product#stock"), "{back}");
    assert!(shop.plan(&contract(BASE)).is_empty());

    shop.apply(&contract(&edited(&wide)), &[]);
    shop.run("UPDATE shop_v1_product SET stock = 2147483648 WHERE _id = 'b'");
    let refused = |shop: &Shop, why: &str| {
        let plan = shop.plan(&contract(BASE));
        let found =
            plan.refused().any(|step| matches!(&step.safety, Safety::Refused { why: said, .. } if said.contains(why)));
        assert!(found, "{plan}");
    };
    refused(&shop, "stock was int64 and int32 does not hold the value of 1 row: products/b");
    shop.run("UPDATE shop_v1_product SET stock = 2147483647 WHERE _id = 'b'");
    shop.run(r#"UPDATE shop_v1_product SET lines = '[{"quantity":1},{"text":"-3000000000","quantity":-3000000000}]' WHERE _id = 'a'"#);
    refused(&shop, "lines.quantity was int64 and int32 does not hold the value of 1 row: products/a");
    shop.run(r#"UPDATE shop_v1_product SET lines = '[{"quantity":1}]', state = 4000000000 WHERE _id = 'a'"#);
    refused(&shop, "state was int64");
    shop.run("UPDATE shop_v1_product SET state = 7");
    shop.apply(&contract(BASE), &[]);
}

#[test]
fn an_unsigned_type_takes_no_rows_below_zero() {
    let mut shop = Shop::with_rows();
    shop.run("UPDATE shop_v1_product SET stock = -1 WHERE _id = 'b'");
    let unsigned = contract(&edited(&[("int32 stock = 4;", "uint32 stock = 4;")]));
    assert!(shop.plan(&unsigned).to_string().contains("does not hold the value of 1 row: products/b"));
    shop.run("UPDATE shop_v1_product SET stock = 1 WHERE _id = 'b'");
    shop.apply(&unsigned, &[]);
}

#[test]
fn a_changed_presence_makes_the_column_anew() {
    let (shop, plan) = is_safe(
        &[("optional string note = 5;", "string note = 5;")],
        &["convert column shop_v1_product.note: unset becomes zero"],
    );
    assert_eq!(shop.lines("SELECT note FROM shop_v1_product ORDER BY _id"), ["n", ""]);
    assert!(plan.to_string().contains("2 rows are written anew") && !plan.is_ready(&[], Stage::Production), "{plan}");
    let (shop, _) = is_safe(
        &[("string title = 3;", "optional string headline = 3;")],
        &[
            "convert column shop_v1_product.headline: zero becomes unset",
            "rename column  shop_v1_product.title -> headline",
        ],
    );
    assert_eq!(shop.lines("SELECT headline FROM shop_v1_product ORDER BY _id"), ["Cup", "NULL"]);
    let (shop, _) = is_safe(
        &[("int32 stock = 4;", "repeated int32 stock = 4;")],
        &["convert column shop_v1_product.stock: a value becomes a list of one"],
    );
    assert_eq!(shop.lines("SELECT stock FROM shop_v1_product ORDER BY _id"), ["[3]", "NULL"]);
    // Inside JSON nothing is stored otherwise, and a list is not made of what lies there.
    is_safe(&[("string text = 1; int32 quantity = 2; }", "optional string text = 1; int32 quantity = 2; }")], &[]);
    let list = "repeated string text = 1; int32 quantity = 2; }\n  message Tree {";
    is_refused(&[("string text = 1; int32 quantity = 2; }\n  message Tree {", list)], "became", "not supported yet");
    is_refused(&[("repeated Line lines = 7;", "Line lines = 7;")], "became", "not supported yet");
}

#[test]
fn a_column_made_anew_keeps_its_indexes_and_what_they_refuse() {
    let unique = "index {fields: \"sku\" unique: true} index {fields: \"category\"";
    let with = |field: &str| {
        let named = if field.contains("code") { unique.replace("sku", "code") } else { unique.to_owned() };
        edited(&[
            ("index {fields: \"category\"", &named),
            ("string sku = 2;", field),
            ("string category = 9;", "optional string category = 9;"),
        ])
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&edited(&[("index {fields: \"category\"", unique)])), &[]);
    shop.run("INSERT INTO shop_v1_product (_id, _revision, sku) VALUES ('a', 1, 'A'), ('b', 1, ''), ('c', 1, '')");
    for (field, unset) in [("optional string sku = 2;", "NULL"), ("string sku = 2;", "''"), ("string code = 2;", "''")]
    {
        let plan = shop.apply(&contract(&with(field)), &[]);
        let beside = |step: &Step| matches!(&step.change, Change::AddIndex { index } if index.unique);
        assert!(!plan.outside().any(beside), "what is refused is refused at every moment: {plan}");
        assert!(shop.plan(&contract(&with(field))).is_empty());
        let name = if field.contains("code") { "code" } else { "sku" };
        let taken = shop.fails(&format!("INSERT INTO shop_v1_product (_id, _revision, {name}) VALUES ('x', 1, 'A')"));
        assert!(taken.contains("UNIQUE"), "{field}: {taken}");
        shop.run(&format!("INSERT INTO shop_v1_product (_id, _revision, {name}) VALUES ('d', 1, {unset}); DELETE FROM shop_v1_product WHERE _id = 'd'"));
    }
}

#[test]
fn a_reference_becomes_no_other_one() {
    let another = [(
        "string product = 2 [(google.api.resource_reference).type = \"shop.example.com/Product\"];",
        "string product = 2 [(google.api.resource_reference).type = \"shop.example.com/Review\"];",
    )];
    is_refused(&another, "string (a shop.example.com/Product) became string (a shop.example.com/Review)", "reserved 2");
}

#[test]
fn a_unique_index_names_the_rows_that_stand_against_it() {
    let unique = |field: &str| format!("index {{fields: \"{field}\" unique: true}}\n    index {{fields: \"category\"");
    let index = "index {fields: \"category\"";
    is_refused(&[(index, &unique("sku"))], "the same sku stands in 2 rows: products/a, products/b", "leave unique off");
    let (shop, _) = is_safe(
        &[(index, &unique("title"))],
        &[
            "create unique index   shop_v1_product__title_key on shop_v1_product (title) while the table is in use",
            "create index   shop_v1_product__title_idx on shop_v1_product (title, _id) while the table is in use",
        ],
    );
    shop.run("INSERT INTO shop_v1_product (_id, title) VALUES ('x', ''), ('y', '')");
    let error = shop.fails("INSERT INTO shop_v1_product (_id, title) VALUES ('z', 'Cup')");
    assert!(error.contains("UNIQUE"), "{error}");
}

#[test]
fn required_counts_the_rows_without_a_value() {
    let required = [("string title = 3;", "string title = 3 [(google.api.field_behavior) = REQUIRED];")];
    let id = "require:field:shop.example.com/Product#title";
    is_guarded(&required, id, "title is unset in 1 row: products/b");
    is_safe(&[("string sku = 2;", "string sku = 2 [(google.api.field_behavior) = REQUIRED];")], &[]);
}

#[test]
fn a_tighter_check_counts_the_rows_that_it_would_refuse() {
    let checked = |rule: &str| format!("string title = 3 [(buf.validate.field).{rule}];");
    let id = "tighten:field:shop.example.com/Product#title";
    is_guarded(&[("string title = 3;", &checked("string.max_len = 2"))], id, "in 1 row: products/a");
    is_guarded(&[("string title = 3;", &checked("string.min_len = 1"))], id, "in 1 row: products/b");
    is_safe(&[("string title = 3;", &checked("string.max_len = 3"))], &[]);
    is_safe(&[("string title = 3;", &checked("string.pattern = \"^C\""))], &[]);
    let stock = "int32 stock = 4 [(buf.validate.field).int32 = {gte: 1, lt: 4}];";
    let id = "tighten:field:shop.example.com/Product#stock";
    is_guarded(&[("int32 stock = 4;", stock)], id, "in 1 row: products/b");
    let lines = "repeated Line lines = 7 [(buf.validate.field).repeated.min_items = 1];";
    let id = "tighten:field:shop.example.com/Product#lines";
    is_guarded(&[("repeated Line lines = 7;", lines)], id, "in 1 row: products/b");
}

#[test]
fn an_index_comes_and_goes_outside_the_transaction() {
    let index = "index {fields: \"category\" fields: \"create_time desc\"}";
    let (_, plan) = is_safe(
        &[(index, "index {fields: \"stock desc\"}")],
        &[
            "create index   shop_v1_product__stock_desc_idx on shop_v1_product (stock desc, _id desc) while the table is in use",
            "drop index     shop_v1_product__category__create_time_desc_idx",
        ],
    );
    assert!(plan.inside().is_empty());
    assert_eq!(plan.outside().count(), 2);
}

#[test]
fn an_interrupted_plan_goes_on_where_it_stopped() {
    let mut shop = Shop::with_rows();
    let next = contract(&edited(&[
        ("string title = 3;", "string headline = 3;"),
        (
            "index {fields: \"category\"",
            "index {fields: \"stock\"} index {fields: \"headline\"} index {fields: \"category\"",
        ),
    ]));
    let plan = shop.plan(&next);
    for step in plan.inside() {
        shop.schema(step);
    }
    shop.ledger = plan.transaction.clone();
    let first = plan.outside().next().expect("two index steps");
    first.schema.iter().for_each(|step| shop.schema(step));
    // Stopped between making the index and storing the ledger: the step is run again.
    let rest = shop.plan(&next);
    assert_eq!(rest.outside().collect::<Vec<_>>(), plan.outside().collect::<Vec<_>>());
    assert!(rest.inside().is_empty(), "{rest}");
    shop.apply(&next, &[]);
    assert!(shop.plan(&next).is_empty());
}

#[test]
fn a_pattern_may_change_but_not_its_number_of_variables() {
    is_safe(&[("reviews/{review}", "opinions/{opinion}")], &[]);
    is_refused(
        &[("reviews/{review}", "products/{product}/reviews/{review}")],
        "had 1 variable and has 2 variables",
        "new resource type",
    );
}

#[test]
fn a_removed_resource_is_hidden_when_somebody_accepts_and_comes_back_with_its_rows() {
    let start = BASE.find("message Review").expect("the base has reviews");
    let mut shop = Shop::with_rows();
    let without = contract(&BASE[..start]);
    let plan = shop.plan(&without);
    let id = "hide:resource:shop.example.com/Review";
    let waiting: Vec<_> = plan.waiting(&[], Stage::Development).map(mainstay_ledger::Step::id).collect();
    assert_eq!(waiting, [id], "{plan}");
    assert!(
        plan.to_string()
            .contains("1 row stay in shop_v1_review, hidden; what they refer to (shop.example.com/Product)"),
        "{plan}"
    );
    shop.apply(&without, &[id.to_owned()]);
    assert!(shop.plan(&without).is_empty(), "{}", shop.plan(&without));
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_review"), 1);

    // Another resource may have the message's name meanwhile, not the table's.
    let retyped = edited(&[("type: \"shop.example.com/Review\"", "type: \"shop.example.com/Opinion\"")]);
    shop.apply(&contract(&retyped), &[]);
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_review_2"), 0);
    let hide = "hide:resource:shop.example.com/Opinion".to_owned();
    let back = shop.apply(&contract(BASE), &[hide]);
    assert!(back.steps.iter().any(|step| step.id() == "show:resource:shop.example.com/Review"), "{back}");
    let bound = shop.bound(&contract(BASE));
    assert_eq!(bound.resource("shop.example.com/Review").expect("reviews").table, "shop_v1_review");
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_review"), 1);
    assert!(shop.plan(&contract(BASE)).is_empty());
}

#[test]
fn a_resource_comes_back_changed_as_if_it_had_never_been_away() {
    let start = BASE.find("message Review").expect("the base has reviews");
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&BASE[..start]), &["hide:resource:shop.example.com/Review".to_owned()]);
    let back = shop.apply(&contract(&edited(&[("int32 stars = 3;", "int64 points = 3; string text = 4;")])), &[]);
    let ids: Vec<String> = back.steps.iter().map(mainstay_ledger::Step::id).collect();
    assert_eq!(ids[0], "show:resource:shop.example.com/Review");
    assert_eq!(shop.lines("SELECT points || text FROM shop_v1_review"), ["5"], "{back}");
}

#[test]
fn a_resource_without_rows_is_hidden_without_a_question() {
    let start = BASE.find("message Review").expect("the base has reviews");
    let mut shop = Shop::empty();
    shop.apply(&contract(BASE), &[]);
    shop.apply(&contract(&BASE[..start]), &[]);
}
