//! Soft delete comes and goes (AIP-164): which rows an index has is a part of what it is.

use mainstay_ledger::{Safety, Stage, Step};

use crate::shop::{Shop, contract, edited};

const UNIQUE: (&str, &str) =
    ("index {fields: \"category\"", "index {fields: \"sku\" unique: true} index {fields: \"category\"");
const KEPT: (&str, &str) = ("access {read: \"resource.tree", "soft_delete: true access {read: \"resource.tree");
const FIELD: (&str, &str) = (
    "string category = 9;",
    "string category = 9; google.protobuf.Timestamp delete_time = 30 [(google.api.field_behavior) = OUTPUT_ONLY];",
);
const RESERVED: (&str, &str) = ("string category = 9;", "string category = 9; reserved 30; reserved \"delete_time\";");

fn purged(after: &str) -> (&'static str, String) {
    (
        "access {read: \"resource.tree",
        format!("soft_delete: true purge_after: \"{after}\" access {{read: \"resource.tree"),
    )
}

/// A product, deleted or not.
fn insert(id: &str, sku: &str, deleted: bool) -> String {
    let time = if deleted { "1" } else { "NULL" };
    format!("INSERT INTO shop_v1_product (_id, _revision, sku, delete_time) VALUES ('{id}', 1, '{sku}', {time})")
}

#[test]
fn a_unique_index_is_made_anew_over_the_rows_that_are_not_deleted() {
    let mut shop = Shop::empty();
    shop.apply(&contract(&edited(&[UNIQUE])), &[]);
    let kept = contract(&edited(&[UNIQUE, KEPT, FIELD]));
    let plan = shop.apply(&kept, &[]);
    let text = plan.to_string();
    assert!(text.contains("change deletion shop.example.com/Product  removed at once -> kept"), "{text}");
    assert!(text.contains("(sku) where delete_time is unset"), "{text}");
    assert!(text.contains("drop index     shop_v1_product__sku_key"), "{text}");
    assert!(text.contains("add method"), "{text}");
    assert!(shop.plan(&kept).is_empty(), "{}", shop.plan(&kept));
    shop.run(&insert("a", "X", true));
    shop.run(&insert("b", "X", true));
    shop.run(&insert("c", "X", false));
    assert!(shop.fails(&insert("d", "X", false)).contains("UNIQUE"));
    let bound = shop.bound(&kept);
    let product = bound.resource("shop.example.com/Product").expect("a product");
    let unique = product.indexes.iter().find(|index| index.unique).expect("an index");
    assert_eq!(shop.number(&format!("SELECT COUNT(*) FROM sqlite_master WHERE name = '{}'", unique.name)), 1);
}

#[test]
fn rows_that_are_deleted_do_not_stand_against_a_unique_index() {
    let mut shop = Shop::empty();
    shop.apply(&contract(&edited(&[KEPT, FIELD])), &[]);
    shop.run(&insert("a", "X", true));
    shop.run(&insert("b", "X", false));
    let unique = contract(&edited(&[UNIQUE, KEPT, FIELD]));
    assert!(shop.plan(&unique).is_ready(&[], Stage::Production), "{}", shop.plan(&unique));
    shop.run(&insert("c", "X", false));
    let plan = shop.plan(&unique);
    let why = plan.refused().map(|step| match &step.safety {
        Safety::Refused { why, .. } => why.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(why.collect::<Vec<_>>(), ["the same sku stands in 2 rows: products/b, products/c"], "{plan}");
}

#[test]
fn deleted_rows_do_not_come_back_without_a_word() {
    let mut shop = Shop::empty();
    shop.apply(&contract(&edited(&[KEPT, FIELD])), &[]);
    let gone = contract(&edited(&[RESERVED]));
    let waiting = |shop: &Shop| {
        let plan = shop.plan(&gone);
        plan.waiting(&[], Stage::Development).map(Step::id).collect::<Vec<_>>()
    };
    let deletion = "change:deletion:shop.example.com/Product";
    assert!(!waiting(&shop).contains(&deletion.to_owned()), "nobody was deleted");
    shop.run(&insert("a", "X", true));
    assert!(waiting(&shop).contains(&deletion.to_owned()), "{}", shop.plan(&gone));
    let text = shop.plan(&gone).to_string();
    assert!(text.contains("rows that were deleted are there again for everybody: 1 row: products/a"), "{text}");
    assert!(text.contains("kept -> removed at once"), "{text}");
    let accepted = waiting(&shop);
    shop.apply(&gone, &accepted);
    assert!(shop.plan(&gone).is_empty(), "{}", shop.plan(&gone));
}

#[test]
fn a_shorter_time_until_rows_are_purged_is_looked_at_and_a_longer_one_is_not() {
    let with = |after: &str| {
        let (from, to) = purged(after);
        contract(&edited(&[(from, &to), FIELD]))
    };
    let mut shop = Shop::empty();
    shop.apply(&with("720h"), &[]);
    let plan = shop.plan(&with("1h"));
    assert!(plan.to_string().contains("kept for 720h -> kept for 1h"), "{plan}");
    assert!(!plan.is_ready(&[], Stage::Production) && plan.is_ready(&[], Stage::Development), "{plan}");
    let plan = shop.plan(&with("90m"));
    assert!(plan.to_string().contains("kept for 90m"), "{plan}");
    assert!(shop.plan(&with("8760h")).is_ready(&[], Stage::Production));
    let forever = contract(&edited(&[KEPT, FIELD]));
    assert!(shop.plan(&forever).is_ready(&[], Stage::Production), "{}", shop.plan(&forever));
}

#[test]
fn whoever_purges_finds_the_deleted_rows_by_an_index_of_them_alone() {
    let (from, to) = purged("720h");
    let mut shop = Shop::empty();
    let plan = shop.apply(&contract(&edited(&[(from, &to), FIELD])), &[]);
    assert!(plan.to_string().contains("(delete_time, _id) where delete_time is set"), "{plan}");
}
