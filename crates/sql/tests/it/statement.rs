use mainstay_expr::{CompareOp, Expr, Root};
use mainstay_record::Kind;
use mainstay_sql::{
    After, Condition, Delete, Insert, NullPattern, Select, Table, Update, delete, insert, select, update,
};

use crate::sample::{CREATE_TIME, RATING, STOCK, TITLE, both, layout, order};

fn by_key<'a>(table: Table<'a>, columns: Vec<usize>) -> Select<'a> {
    Select {
        table,
        columns,
        condition: Condition::Keys { first_param: 0 },
        order: None,
        after: None,
        limit_param: None,
        lock: false,
    }
}

fn page<'a>(table: Table<'a>, order: &'a [mainstay_expr::OrderKey], nulls: u64) -> Select<'a> {
    Select {
        condition: Condition::All(Vec::new()),
        order: Some(order),
        after: Some(After { first_param: 0, nulls: NullPattern(nulls) }),
        limit_param: Some(9),
        ..by_key(table, vec![0])
    }
}

fn in_stock() -> Expr {
    Expr::compare(CompareOp::Gt, Expr::Column { root: Root::Resource, index: STOCK, kind: Kind::Int }, Expr::int(0))
}

#[test]
fn a_row_is_read_by_its_key() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    insta::assert_snapshot!(both(|d| select(d, &by_key(table, vec![0, TITLE, STOCK]))), @r#"SELECT t."_id", t."title", t."stock" FROM "shop_v1_product" AS t WHERE t."_id" = $1"#);
}

#[test]
fn a_row_is_locked_on_postgresql_only() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    insta::assert_snapshot!(both(|d| select(d, &Select { lock: true, ..by_key(table, vec![TITLE]) })), @r#"
    sqlite:   SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = ?1
    postgres: SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = $1 FOR UPDATE
    "#);
}

#[test]
fn an_order_ends_in_the_key_in_the_direction_of_its_last_column() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order(&[(TITLE, false), (CREATE_TIME, true)]);
    let list = Select { order: Some(&order), after: None, ..page(table, &order, 0) };
    insta::assert_snapshot!(both(|d| select(d, &list)), @r#"
    sqlite:   SELECT t."_id" FROM "shop_v1_product" AS t ORDER BY t."title", t."create_time" DESC, t."_id" DESC LIMIT ?1
    postgres: SELECT t."_id" FROM "shop_v1_product" AS t ORDER BY t."title", t."create_time" DESC NULLS LAST, t."_id" DESC LIMIT $1
    "#);
}

#[test]
fn a_page_of_one_direction_without_nulls_is_one_row_comparison() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order(&[(TITLE, true), (STOCK, true)]);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"SELECT t."_id" FROM "shop_v1_product" AS t WHERE ((t."title", t."stock", t."_id") < ($1, $2, $3)) ORDER BY t."title" DESC, t."stock" DESC, t."_id" DESC LIMIT $4"#);
}

#[test]
fn a_page_of_mixed_directions_begins_with_a_bound_that_an_index_can_start_at() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order(&[(TITLE, false), (STOCK, true)]);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."title" >= $1 AND (t."title" > $1 OR (t."title" = $1 AND (t."stock", t."_id") < ($2, $3)))) ORDER BY t."title", t."stock" DESC, t."_id" DESC LIMIT $4"#);
}

#[test]
fn a_descending_page_ends_with_the_unset_ones() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order(&[(CREATE_TIME, true)]);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"
    sqlite:   SELECT t."_id", t."create_time" FROM "shop_v1_product" AS t WHERE ((t."create_time", t."_id") < (?1, ?2)) UNION ALL SELECT t."_id", t."create_time" FROM "shop_v1_product" AS t WHERE (t."create_time" IS NULL) ORDER BY 2 DESC, 1 DESC LIMIT ?3
    postgres: (SELECT t."_id", t."create_time" FROM "shop_v1_product" AS t WHERE ((t."create_time", t."_id") < ($1, $2)) ORDER BY t."create_time" DESC NULLS LAST, t."_id" DESC LIMIT $3) UNION ALL (SELECT t."_id", t."create_time" FROM "shop_v1_product" AS t WHERE (t."create_time" IS NULL) ORDER BY t."create_time" DESC NULLS LAST, t."_id" DESC LIMIT $3) ORDER BY 2 DESC NULLS LAST, 1 DESC LIMIT $3
    "#);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 1))), @r#"
    sqlite:   SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."create_time" IS NULL AND t."_id" < ?1) ORDER BY t."create_time" DESC, t."_id" DESC LIMIT ?2
    postgres: SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."create_time" IS NULL AND t."_id" < $1) ORDER BY t."create_time" DESC NULLS LAST, t."_id" DESC LIMIT $2
    "#);
}

#[test]
fn an_ascending_page_begins_with_the_unset_ones() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order(&[(RATING, false), (TITLE, true)]);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"
    sqlite:   SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."rating" >= ?1 AND (t."rating" > ?1 OR (t."rating" = ?1 AND (t."title", t."_id") < (?2, ?3)))) ORDER BY t."rating", t."title" DESC, t."_id" DESC LIMIT ?4
    postgres: SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."rating" >= $1 AND (t."rating" > $1 OR (t."rating" = $1 AND (t."title", t."_id") < ($2, $3)))) ORDER BY t."rating" NULLS FIRST, t."title" DESC, t."_id" DESC LIMIT $4
    "#);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 1))), @r#"
    sqlite:   SELECT t."_id", t."rating", t."title" FROM "shop_v1_product" AS t WHERE (t."rating" IS NULL AND (t."title", t."_id") < (?1, ?2)) UNION ALL SELECT t."_id", t."rating", t."title" FROM "shop_v1_product" AS t WHERE (t."rating" IS NOT NULL) ORDER BY 2, 3 DESC, 1 DESC LIMIT ?3
    postgres: (SELECT t."_id", t."rating", t."title" FROM "shop_v1_product" AS t WHERE (t."rating" IS NULL AND (t."title", t."_id") < ($1, $2)) ORDER BY t."rating" NULLS FIRST, t."title" DESC, t."_id" DESC LIMIT $3) UNION ALL (SELECT t."_id", t."rating", t."title" FROM "shop_v1_product" AS t WHERE (t."rating" IS NOT NULL) ORDER BY t."rating" NULLS FIRST, t."title" DESC, t."_id" DESC LIMIT $3) ORDER BY 2 NULLS FIRST, 3 DESC, 1 DESC LIMIT $3
    "#);
}

#[test]
fn rows_are_written_by_parameters() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    insta::assert_snapshot!(both(|d| insert(d, &Insert { table })), @r#"INSERT INTO "shop_v1_product" ("_id", "_revision", "title", "stock", "rating", "create_time") VALUES ($1, $2, $3, $4, $5, $6)"#);
    let guard = in_stock();
    let condition = Condition::All(vec![
        Condition::Keys { first_param: 2 },
        Condition::RevisionIs { param: 3 },
        Condition::Expr(&guard),
    ]);
    let change = Update { table, set: &[TITLE, STOCK], first_param: 0, condition };
    insta::assert_snapshot!(both(|d| update(d, &change)), @r#"UPDATE "shop_v1_product" AS t SET "title" = $1, "stock" = $2 WHERE t."_id" = $3 AND t."_revision" = $4 AND (t."stock" > $5)"#);
    let removal = Delete { table, condition: Condition::Keys { first_param: 0 } };
    insta::assert_snapshot!(both(|d| delete(d, &removal)), @r#"DELETE FROM "shop_v1_product" AS t WHERE t."_id" = $1"#);
}
