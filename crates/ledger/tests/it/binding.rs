//! The contract with the names of the database.

use mainstay_expr::{Around, AuthView, Scope, evaluate};
use mainstay_record::{Kind, Role, Value};

use crate::shop::{BASE, Shop, contract, edited};

fn row(bound: &mainstay_contract::Resource, tree: &str) -> Vec<Value> {
    let columns = bound.layout.columns.iter();
    columns
        .map(|column| match column.kind {
            Kind::Json if column.name == "tree" => Value::Json(tree.to_owned()),
            kind if column.nullable => {
                let _ = kind;
                Value::Null
            }
            kind => kind.zero(),
        })
        .collect()
}

fn may_read(bound: &mainstay_contract::Resource, tree: &str) -> Option<bool> {
    let row = row(bound, tree);
    let auth = AuthView::default();
    let rule = bound.access.read.as_ref().expect("a read rule");
    evaluate(&rule.program.root, &Scope { auth, resource: Some(&row), ..Scope::default() })
}

#[test]
fn a_rule_reads_json_under_the_names_of_birth() {
    let mut shop = Shop::with_rows();
    let renamed = edited(&[("string text = 1;", "string words = 1;"), ("tree.text", "tree.words")]);
    let next = contract(&renamed);
    shop.apply(&next, &[]);
    let bound = shop.bound(&next);
    let product = bound.resource("shop.example.com/Product").expect("a product");
    assert_eq!(may_read(product, r#"{"text":"open"}"#), Some(true));
    assert_eq!(may_read(product, r#"{"words":"open"}"#), Some(false));
    let unbound = next.resource("shop.example.com/Product").expect("a product");
    assert_eq!(may_read(unbound, r#"{"words":"open"}"#), Some(true));
}

#[test]
fn the_rules_of_fields_read_it_under_these_names_too() {
    let mut shop = Shop::with_rows();
    let rule = "string title = 3 [(mainstay.v1.field) = {read: \"resource.tree.words == 'open'\" write: \"false\"}];";
    let renamed =
        edited(&[("string text = 1;", "string words = 1;"), ("tree.text", "tree.words"), ("string title = 3;", rule)]);
    let next = contract(&renamed);
    shop.apply(&next, &[]);
    let bound = shop.bound(&next);
    let product = bound.resource("shop.example.com/Product").expect("a product");
    let title = product.fields.iter().find(|field| field.name == "title").expect("the field");
    let program = &title.read.as_ref().expect("its rule").program;
    for (tree, seen) in [(r#"{"text":"open"}"#, true), (r#"{"words":"open"}"#, false)] {
        let row = row(product, tree);
        assert_eq!(evaluate(&program.root, &Scope { resource: Some(&row), ..Scope::default() }), Some(seen), "{tree}");
    }
}

#[test]
fn shapes_and_records_have_the_names_of_birth() {
    let mut shop = Shop::with_rows();
    let renamed = edited(&[
        ("string text = 1;", "string quantity = 1;"),
        ("int32 quantity = 2;", "int32 text = 2; string note = 4;"),
        ("tree.text", "tree.quantity"),
    ]);
    let next = contract(&renamed);
    shop.apply(&next, &[]);
    let bound = shop.bound(&next);
    let product = bound.resource("shop.example.com/Product").expect("a product");
    for name in ["lines", "extra", "tree"] {
        let column = product.layout.columns.iter().position(|column| column.name == name).expect("the column");
        let Role::Json(shape) = &product.layout.columns[column].role else { panic!("{name} is JSON") };
        let keys: Vec<&str> = shape.messages[0].fields.iter().map(|field| field.key.as_str()).collect();
        assert_eq!(keys[..2], ["text", "quantity"]);
        assert!(keys.contains(&"note"));
        let field = product.record.field(name).expect("the field");
        assert!(matches!(&field.storage, mainstay_expr::Storage::Json { shape: of_record, .. } if of_record == shape));
    }
    assert_eq!(may_read(product, r#"{"text":"open"}"#), Some(true));
}

#[test]
fn an_index_keeps_its_name_and_is_found_by_what_the_engines_say() {
    let index = "index {fields: \"category\"";
    let unique = "index {fields: \"title\" unique: true} index {fields: \"category\"";
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&edited(&[(index, unique)])), &[]);
    let renamed = unique.replace("title", "headline");
    let next = contract(&edited(&[
        (index, &renamed),
        ("string title = 3;", "string headline = 3;"),
        ("message Product {", "message Article {"),
    ]));
    let plan = shop.apply(&next, &[]);
    assert_eq!(plan.outside().count(), 0, "{plan}");
    let bound = shop.bound(&next);
    let article = bound.resource("shop.example.com/Product").expect("an article");
    let index = article.indexes.iter().find(|index| index.name == "shop_v1_product__title_key");
    assert_eq!(index.expect("the index has kept its name").fields, ["headline"]);
    let taken = shop.fails("INSERT INTO shop_v1_article (_id, headline) VALUES ('z', 'Cup')");
    assert!(taken.contains("shop_v1_article.headline"), "{taken}");
    let taken = shop.fails("INSERT INTO shop_v1_article (_id) VALUES ('a')");
    assert!(taken.contains("shop_v1_article._id"), "{taken}");
}

#[test]
fn an_index_that_is_still_being_made_has_its_name_already() {
    let mut shop = Shop::with_rows();
    let reviewed = ("message Product {", "message Article {");
    shop.apply(&contract(&edited(&[reviewed])), &[]);
    let index = "index {fields: \"category\"";
    let next = contract(&edited(&[reviewed, (index, &format!("index {{fields: \"title\" unique: true}} {index}"))]));
    let plan = shop.plan(&next);
    let bound = mainstay_ledger::bind(next, &plan.transaction);
    let article = bound.resource("shop.example.com/Product").expect("an article");
    let unique = article.indexes.iter().find(|index| index.unique).expect("a unique index");
    assert!(plan.to_string().contains(&format!("create unique index   {} on", unique.name)), "{plan}");
}

#[test]
fn a_resource_that_is_not_applied_keeps_its_natural_names() {
    let shop = Shop::empty();
    let bound = shop.bound(&contract(BASE));
    assert_eq!(bound.resources[0].table, "shop_v1_product");
}

#[test]
fn a_rule_that_looks_at_another_row_reads_its_json_under_the_names_of_birth() {
    let review = |rule: &str| {
        ("access {read: \"true\" write: \"true\"}", format!("access {{read: \"{rule}\" write: \"true\"}}"))
    };
    let mut shop = Shop::with_rows();
    let (one, two) = review("resource.product.tree.words == 'open'");
    let text = edited(&[("string text = 1;", "string words = 1;"), ("tree.text", "tree.words"), (one, &two)]);
    let next = contract(&text);
    shop.apply(&next, &[]);
    let bound = shop.bound(&next);
    let resource = |name: &str| bound.resource(&format!("shop.example.com/{name}")).expect("it is there");
    let (review, product) = (resource("Review"), resource("Product"));
    let program = &review.access.read.as_ref().expect("a read rule").program;
    let found = row(product, r#"{"text":"open"}"#);
    let mut around = Around::default();
    program.looks().into_iter().for_each(|look| around.put(look, Some(found.clone())));
    let review = row(review, "");
    let scope = Scope { resource: Some(&review), around: Some(&around), ..Scope::default() };
    assert_eq!(evaluate(&program.root, &scope), Some(true));
    // A rename there changes no rule here.
    let again = contract(&text.replace("words", "phrase"));
    let plan = shop.plan(&again);
    assert!(plan.steps.iter().all(|step| !step.id().contains(":rule:")), "{plan}");
}
