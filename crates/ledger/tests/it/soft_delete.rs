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

const DELETION: &str = "change:deletion:shop.example.com/Product";

/// The base with a time in place of what becomes `delete_time`.
fn timed(fields: &str) -> String {
    edited(&[("string category = 9;", &format!("string category = 9; {fields}"))])
}

/// The base with soft delete and these fields.
fn kept(option: &str, fields: &str) -> String {
    let access = "access {read: \"resource.tree";
    let text = timed(fields);
    assert!(text.contains(access));
    text.replacen(access, &format!("soft_delete: true {option} {access}"), 1)
}

/// What is waited for on the way to a contract, wherever it is to run, if it is the deletion.
fn doubt(shop: &Shop, text: &str) -> Option<String> {
    let plan = shop.plan(&contract(text));
    let mut waiting = plan.waiting(&[], Stage::Development);
    let step = waiting.find(|step| step.id() == DELETION)?;
    match &step.safety {
        Safety::Guarded { why, .. } => Some(why.clone()),
        other => panic!("{other:?}"),
    }
}

fn accept(shop: &mut Shop, text: &str) {
    let next = contract(text);
    let waiting: Vec<String> = shop.plan(&next).waiting(&[], Stage::Development).map(Step::id).collect();
    shop.apply(&next, &waiting);
    assert!(shop.plan(&next).is_empty(), "{}", shop.plan(&next));
}

/// A product with times.
fn with_times(id: &str, times: &[(&str, &str)]) -> String {
    let (columns, values): (Vec<&str>, Vec<&str>) = times.iter().copied().unzip();
    let (columns, values) = (columns.join(", "), values.join(", "));
    format!("INSERT INTO shop_v1_product (_id, _revision, {columns}) VALUES ('{id}', 1, {values})")
}

#[test]
fn rows_that_have_a_value_in_what_becomes_delete_time_are_not_deleted_without_a_word() {
    let times = "google.protobuf.Timestamp delete_time = 30;";
    let mut shop = Shop::empty();
    shop.apply(&contract(&timed("google.protobuf.Timestamp closed_at = 30;")), &[]);
    shop.run(&with_times("a", &[("closed_at", "NULL")]));
    assert_eq!(doubt(&shop, &kept("", times)), None, "no row has a value");
    shop.run(&with_times("b", &[("closed_at", "1577836800000000")]));
    let why = "rows that have a value in delete_time are deleted from now on: 1 row: products/b; what lies below them or \
               refers to them stays";
    assert_eq!(doubt(&shop, &kept("", times)).as_deref(), Some(why));
    let why = doubt(&shop, &kept("purge_after: \"1s\"", times)).expect("it is gone for good");
    assert!(why.contains("and gone for good 1s after the time that stands there: 1 row: products/b"), "{why}");
    accept(&mut shop, &kept("purge_after: \"1s\"", times));
    assert_eq!(shop.number("SELECT COUNT(*) FROM shop_v1_product WHERE delete_time IS NOT NULL"), 1);
}

#[test]
fn a_delete_time_that_was_hidden_does_not_delete_again_without_a_word() {
    let mut shop = Shop::empty();
    let with = contract(&edited(&[KEPT, FIELD]));
    shop.apply(&with, &[]);
    shop.run(&insert("a", "X", true));
    shop.run(&insert("b", "X", false));
    accept(&mut shop, &edited(&[RESERVED]));
    let why = doubt(&shop, &edited(&[KEPT, FIELD])).expect("it is deleted again");
    assert!(why.contains("are deleted from now on: 1 row: products/a"), "{why}");
    shop.run("UPDATE shop_v1_product SET delete_time = NULL");
    assert_eq!(doubt(&shop, &edited(&[KEPT, FIELD])), None);
}

#[test]
fn another_number_of_delete_time_does_not_bring_rows_back_without_a_word() {
    let mut shop = Shop::empty();
    shop.apply(&contract(&kept("", "google.protobuf.Timestamp delete_time = 30;")), &[]);
    let moved = "google.protobuf.Timestamp gone_at = 30; google.protobuf.Timestamp delete_time = 31;";
    assert_eq!(doubt(&shop, &kept("", moved)), None, "nobody was deleted");
    shop.run(&insert("a", "X", true));
    shop.run(&insert("b", "Y", false));
    let why = "rows that were deleted are there again for everybody: 1 row: products/a";
    assert_eq!(doubt(&shop, &kept("", moved)).as_deref(), Some(why));
    let reserved = "reserved 30; google.protobuf.Timestamp delete_time = 31;";
    assert_eq!(doubt(&shop, &kept("", reserved)).as_deref(), Some(why), "the same where the old number is no field's");
    let text = shop.plan(&contract(&kept("", moved))).to_string();
    assert!(text.contains("kept (delete_time = 30) -> kept (delete_time = 31)"), "{text}");
    assert!(text.contains("keep delete_time at number 30"), "{text}");
    let sooner = doubt(&shop, &kept("purge_after: \"1h\"", moved)).expect("both are told");
    assert!(sooner.starts_with(why) && sooner.contains("gone sooner than was said"), "{sooner}");
    accept(&mut shop, &kept("", moved));
}

#[test]
fn two_times_that_change_places_bring_rows_back_and_delete_others() {
    let mut shop = Shop::empty();
    let two = "google.protobuf.Timestamp delete_time = 30; google.protobuf.Timestamp read_at = 31;";
    shop.apply(&contract(&kept("", two)), &[]);
    shop.run(&with_times("a", &[("delete_time", "1")]));
    shop.run(&with_times("b", &[("read_at", "1")]));
    shop.run(&with_times("c", &[("read_at", "NULL")]));
    let swapped = "google.protobuf.Timestamp delete_time = 31; google.protobuf.Timestamp read_at = 30;";
    let why = doubt(&shop, &kept("", swapped)).expect("rows change sides");
    assert!(why.contains("there again for everybody: 1 row: products/a"), "{why}");
    assert!(why.contains("deleted from now on: 1 row: products/b"), "{why}");
    accept(&mut shop, &kept("", swapped));
}

#[test]
fn a_time_of_their_own_that_becomes_expire_time_is_told() {
    let own = "google.protobuf.Timestamp expire_time = 31;";
    let both = "google.protobuf.Timestamp delete_time = 30; google.protobuf.Timestamp expire_time = 31;";
    let purge = "purge_after: \"1h\"";
    let mut shop = Shop::empty();
    shop.apply(&contract(&timed(own)), &[]);
    assert_eq!(doubt(&shop, &kept(purge, both)), None);
    shop.run(&with_times("a", &[("expire_time", "1")]));
    let why = doubt(&shop, &kept(purge, both)).expect("it has a value");
    assert_eq!(
        why,
        "expire_time has a value already, and says from now on when a deleted row will be gone: 1 row: products/a"
    );
    let kept_long = "google.protobuf.Timestamp delete_time = 30; google.protobuf.Timestamp valid_until = 31;";
    accept(&mut shop, &kept(purge, kept_long));
    let text = shop.plan(&contract(&kept(purge, both))).to_string();
    let words = "kept for 1h (delete_time = 30) -> kept for 1h (delete_time = 30, expire_time = 31)";
    assert!(text.contains(words), "{text}");
    assert!(doubt(&shop, &kept(purge, both)).is_some(), "under soft delete, too");
    accept(&mut shop, &kept(purge, both));
    shop.run(&with_times("b", &[("delete_time", "1"), ("expire_time", "2")]));
    assert!(shop.plan(&contract(&kept(purge, both))).is_empty(), "it is the server's by now");
}

#[test]
fn what_comes_back_below_a_row_that_is_deleted_is_told() {
    let note = "message Note {
  option (google.api.resource) = {type: \"shop.example.com/Note\" pattern: \"products/{product}/notes/{note}\"};
  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} SOFT};
  string name = 1; FIELDS
}
";
    let with = |soft: &str, fields: &str| {
        let product = kept("", "google.protobuf.Timestamp delete_time = 30;");
        product + &note.replace("SOFT", soft).replace("FIELDS", fields)
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&with("soft_delete: true", "google.protobuf.Timestamp delete_time = 2;")), &[]);
    shop.run(&insert("a", "X", true));
    shop.run("INSERT INTO shop_v1_note (_product_id, _id, _revision, delete_time) VALUES ('a', 'n', 1, 1)");
    let plan = shop.plan(&contract(&with("", "reserved 2; reserved \"delete_time\";")));
    let text = plan.to_string();
    assert!(text.contains("there again for everybody: 1 row: products/a/notes/n"), "{text}");
    assert!(text.contains("one whose product is deleted is there all the same"), "{text}");
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
