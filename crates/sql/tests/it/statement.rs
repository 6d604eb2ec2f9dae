use mainstay_expr::{CompareOp, Expr, Root};
use mainstay_record::Kind;
use mainstay_sql::{
    After, Claim, Condition, Delete, Dialect, Insert, Lock, NullPattern, OrderColumn, Select, Table, Tables, Truths,
    Update, claiming_insert, delete, insert, order_columns, select, update,
};

use crate::sample::{CREATE_TIME, RATING, STOCK, TITLE, both, layout, order};

fn by_key<'a>(table: Table<'a>, columns: Vec<usize>) -> Select<'a> {
    Select {
        table,
        columns,
        condition: Condition::Keys { first_param: 0 },
        order: &[],
        after: None,
        limit_param: None,
        lock: None,
        truths: Truths::NONE,
    }
}

fn page<'a>(table: Table<'a>, order: &'a [OrderColumn], nulls: u64) -> Select<'a> {
    Select {
        condition: Condition::All(Vec::new()),
        order,
        after: Some(After { first_param: 0, nulls: NullPattern(nulls) }),
        limit_param: Some(9),
        ..by_key(table, vec![0])
    }
}

fn in_stock() -> Expr {
    Expr::compare(CompareOp::Gt, Expr::column(Root::Resource, STOCK, Kind::Int), Expr::int(0))
}

#[test]
fn a_row_is_read_by_its_key() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    insta::assert_snapshot!(both(|d| select(d, &by_key(table, vec![0, TITLE, STOCK]))), @r#"SELECT t."_id", t."title", t."stock" FROM "shop_v1_product" AS t WHERE t."_id" = $1"#);
}

#[test]
fn rows_that_are_deleted_and_a_row_itself_can_be_left_out() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let refers = Condition::Equal { columns: &[TITLE], first_param: 0 };
    let others = vec![refers, Condition::OtherThanKeys { first_param: 0 }, Condition::Unset { column: CREATE_TIME }];
    let find = Select { condition: Condition::All(others), ..by_key(table, vec![0]) };
    let text = both(|d| select(d, &find));
    assert!(text.ends_with(r#" WHERE t."title" = $1 AND NOT (t."_id" = $1) AND t."create_time" IS NULL"#), "{text}");
}

#[test]
fn a_row_is_locked_on_postgresql_only_and_no_more_than_is_needed() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let locked = |lock| both(|d| select(d, &Select { lock: Some(lock), ..by_key(table, vec![TITLE]) }));
    insta::assert_snapshot!(locked(Lock::Stay), @r#"
    sqlite:   SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = ?1
    postgres: SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = $1 FOR KEY SHARE
    "#);
    insta::assert_snapshot!(locked(Lock::Change), @r#"
    sqlite:   SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = ?1
    postgres: SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = $1 FOR NO KEY UPDATE
    "#);
    insta::assert_snapshot!(locked(Lock::Remove), @r#"
    sqlite:   SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = ?1
    postgres: SELECT t."title" FROM "shop_v1_product" AS t WHERE t."_id" = $1 FOR UPDATE
    "#);
}

#[test]
fn an_insert_can_wait_for_a_claim_in_one_statement() {
    let layout = layout();
    let insert = Insert { table: Table { name: "p", layout: &layout } };
    let claim = Claim {
        text: "INSERT INTO c (k) VALUES (?) ON CONFLICT (k) DO UPDATE SET n = 1 WHERE c.e <= ?",
        binds: &[Kind::Text, Kind::Int],
    };
    insta::assert_snapshot!(claiming_insert(&insert, &claim).text(Dialect::Postgres), @r#"WITH claimed AS (INSERT INTO c (k) VALUES ($1) ON CONFLICT (k) DO UPDATE SET n = 1 WHERE c.e <= $2 RETURNING 1) INSERT INTO "p" ("_id", "_revision", "title", "stock", "rating", "create_time") SELECT $3, $4, $5, $6, $7, $8 FROM claimed"#);
}

#[test]
fn an_order_ends_in_the_key_in_the_direction_of_its_last_column() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order_columns(&layout, &order(&[(TITLE, false), (CREATE_TIME, true)]));
    let list = Select { order: &order, after: None, ..page(table, &order, 0) };
    insta::assert_snapshot!(both(|d| select(d, &list)), @r#"
    sqlite:   SELECT t."_id" FROM "shop_v1_product" AS t ORDER BY t."title", t."create_time" DESC, t."_id" DESC LIMIT ?1
    postgres: SELECT t."_id" FROM "shop_v1_product" AS t ORDER BY t."title", t."create_time" DESC NULLS LAST, t."_id" DESC LIMIT $1
    "#);
}

#[test]
fn a_page_of_one_direction_without_nulls_is_one_row_comparison() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order_columns(&layout, &order(&[(TITLE, true), (STOCK, true)]));
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"SELECT t."_id" FROM "shop_v1_product" AS t WHERE ((t."title", t."stock", t."_id") < ($1, $2, $3)) ORDER BY t."title" DESC, t."stock" DESC, t."_id" DESC LIMIT $4"#);
}

#[test]
fn a_page_of_mixed_directions_begins_with_a_bound_that_an_index_can_start_at() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order_columns(&layout, &order(&[(TITLE, false), (STOCK, true)]));
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"SELECT t."_id" FROM "shop_v1_product" AS t WHERE (t."title" >= $1 AND (t."title" > $1 OR (t."title" = $1 AND (t."stock", t."_id") < ($2, $3)))) ORDER BY t."title", t."stock" DESC, t."_id" DESC LIMIT $4"#);
}

#[test]
fn a_descending_page_ends_with_the_unset_ones() {
    let layout = layout();
    let table = Table { name: "shop_v1_product", layout: &layout };
    let order = order_columns(&layout, &order(&[(CREATE_TIME, true)]));
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
    let order = order_columns(&layout, &order(&[(RATING, false), (TITLE, true)]));
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
        Condition::Expr(&guard, Tables::NONE),
    ]);
    let change = Update { table, set: &[TITLE, STOCK], first_param: 0, condition };
    insta::assert_snapshot!(both(|d| update(d, &change)), @r#"UPDATE "shop_v1_product" AS t SET "title" = $1, "stock" = $2 WHERE t."_id" = $3 AND t."_revision" = $4 AND (t."stock" > $5)"#);
    let removal = Delete { table, condition: Condition::Keys { first_param: 0 } };
    insta::assert_snapshot!(both(|d| delete(d, &removal)), @r#"DELETE FROM "shop_v1_product" AS t WHERE t."_id" = $1"#);
}

#[test]
fn a_text_without_a_bound_is_ordered_by_its_beginning() {
    let layout = layout();
    let table = Table { name: "p", layout: &layout };
    let mut order = order_columns(&layout, &order(&[(TITLE, false)]));
    order[0].prefix = Some(9);
    insta::assert_snapshot!(both(|d| select(d, &page(table, &order, 0))), @r#"SELECT t."_id" FROM "p" AS t WHERE ((substr(t."title", 1, 9), t."_id") > ($1, $2)) ORDER BY substr(t."title", 1, 9), t."_id" LIMIT $3"#);
}
