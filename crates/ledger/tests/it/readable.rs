//! What a reader of a plan sees.

use crate::shop::{BASE, Shop, contract, edited};

#[test]
fn the_first_plan() {
    let plan = Shop::empty().plan(&contract(BASE));
    insta::assert_snapshot!(plan);
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(Shop::with_rows().plan(&contract(BASE)), @r"schema up to date");
}

#[test]
fn a_plan_of_all_sorts() {
    let next = contract(&edited(&[
        ("message Product {", "message Article {"),
        ("string title = 3;", "string headline = 3;"),
        ("optional string note = 5;", "reserved 5; reserved \"note\"; string brand = 13;"),
        ("int32 stock = 4;", ""),
        ("string text = 1;", "string words = 1;"),
        ("tree.text", "tree.words"),
        (
            "index {fields: \"category\"",
            "index {fields: \"sku\" unique: true} index {fields: \"brand desc\"} index {fields: \"category\"",
        ),
    ]));
    let plan = Shop::with_rows().plan(&next);
    insta::assert_snapshot!(plan);
    insta::assert_json_snapshot!(plan, { ".contract" => "…", ".hash" => "…" });
}

#[test]
fn a_plan_is_the_same_bytes_twice() {
    let shop = Shop::with_rows();
    let next = contract(&edited(&[("string title = 3;", "string headline = 3;")]));
    let (first, second) = (shop.plan(&next), shop.plan(&next));
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(first.hash(), second.hash());
    assert_ne!(first.hash(), shop.plan(&contract(BASE)).hash());
}
