//! Physical names are never another's again.

use mainstay_record::Column;

use crate::shop::{BASE, Shop, contract, edited};

fn column_names(shop: &Shop, text: &str) -> Vec<String> {
    let bound = shop.bound(&contract(text));
    let product = bound.resource("shop.example.com/Product").expect("a product");
    product.layout.columns.iter().map(|Column { name, .. }| name.clone()).collect()
}

#[test]
fn a_name_that_was_another_fields_carries_the_number() {
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&edited(&[("string title = 3;", "string headline = 3;")])), &[]);
    let reused = edited(&[("string title = 3;", "string headline = 3; string title = 13;")]);
    shop.apply(&contract(&reused), &[]);
    let names = column_names(&shop, &reused);
    assert!(names.contains(&"headline".to_owned()) && names.contains(&"title_13".to_owned()), "{names:?}");
    assert!(!names.contains(&"title".to_owned()));
}

#[test]
fn a_field_gets_its_own_old_name_back() {
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&edited(&[("string title = 3;", "string headline = 3;")])), &[]);
    shop.apply(&contract(BASE), &[]);
    assert!(column_names(&shop, BASE).contains(&"title".to_owned()));
    assert_eq!(shop.lines("SELECT title FROM shop_v1_product ORDER BY _id"), ["Cup", ""]);
}

#[test]
fn a_name_that_was_a_flattened_fields_is_not_given_out_again() {
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&edited(&[("Address address = 6;", "Address home = 6;")])), &[]);
    let reused = edited(&[("Address address = 6;", "Address home = 6; string address__city = 14;")]);
    shop.apply(&contract(&reused), &[]);
    let names = column_names(&shop, &reused);
    for name in ["home__city", "address__city_14"] {
        assert!(names.contains(&name.to_owned()), "{name} is not in {names:?}");
    }
}

#[test]
fn names_that_differ_only_in_case_are_one_name() {
    let mut shop = Shop::with_rows();
    shop.apply(&contract(&edited(&[("string title = 3;", "string headline = 3;")])), &[]);
    let reused = edited(&[("string title = 3;", "string headline = 3; string Title = 13;")]);
    shop.apply(&contract(&reused), &[]);
    assert!(column_names(&shop, &reused).contains(&"Title_13".to_owned()));
}

#[test]
fn a_rename_that_changes_only_the_case_keeps_the_column() {
    let mut shop = Shop::with_rows();
    let plan = shop.apply(&contract(&edited(&[("string title = 3;", "string TITLE = 3;")])), &[]);
    assert!(plan.inside().is_empty(), "{plan}");
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn reserved_words_and_system_columns_are_only_names() {
    let words = "string category = 9; string select = 13; string order = 14; int64 xmin = 15; string from = 16; string rowid = 17;";
    let text = edited(&[("string category = 9;", words)]);
    let mut shop = Shop::empty();
    shop.apply(&contract(&text), &[]);
    shop.run("INSERT INTO shop_v1_product (_id, \"select\", \"order\", xmin_15, \"from\", rowid) VALUES ('a', '1', '2', 3, '4', '5')");
    assert_eq!(shop.number("SELECT t.\"xmin_15\" FROM shop_v1_product AS t WHERE t.\"select\" = '1'"), 3);
}

#[test]
fn the_longest_name_with_a_number_behind_it_still_fits() {
    let long = "n".repeat(63);
    let mut shop = Shop::empty();
    shop.apply(&contract(&edited(&[("string title = 3;", &format!("string {long} = 3;"))])), &[]);
    let reused = edited(&[("string title = 3;", &format!("string title = 3; string {long} = 13;"))]);
    shop.apply(&contract(&reused), &[]);
    let names = column_names(&shop, &reused);
    assert!(names.iter().all(|name| name.len() <= 63), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("nnn")).count(), 1);
}

#[test]
fn a_table_name_that_was_another_resources_is_not_given_out_again() {
    let mut shop = Shop::with_rows();
    let moved = edited(&[("message Product {", "message Article {"), ("message Review {", "message Product {")]);
    shop.apply(&contract(&moved), &[]);
    let bound = shop.bound(&contract(&moved));
    let table = |kind: &str| bound.resource(kind).expect("a resource").table.clone();
    assert_eq!(table("shop.example.com/Product"), "shop_v1_article");
    assert_eq!(table("shop.example.com/Review"), "shop_v1_product_2");
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_article"), 2);
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_product_2"), 1);
}

#[test]
fn every_foreign_key_is_indexed_and_carries_no_action() {
    let shop = Shop::with_rows();
    let keys = shop.lines(
        "SELECT f.\"from\" || ' ' || f.on_delete || ' ' || f.on_update FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    );
    assert_eq!(keys, ["product NO ACTION NO ACTION"]);
    let first = shop.lines(
        "SELECT i.name FROM pragma_index_list('shop_v1_review') l JOIN pragma_index_info(l.name) i WHERE i.seqno = 0 AND l.origin = 'c'",
    );
    assert_eq!(first, ["product"]);
}
