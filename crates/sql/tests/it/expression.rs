//! Rules and filters as SQL: what they look like, and which indexes serve them.

use std::sync::Arc;

use mainstay_expr::{Expr, compile_filter, compile_rule};
use mainstay_record::{Column, Kind, Layout, NumberPath, Role};
use mainstay_sql::{Condition, Dialect, Known, Table, Tables, expression, found_from_above, from_above, schema_sql};
use mainstay_testkit::Engine;

use crate::differential::table_step;
use crate::fixture::{COLUMNS, TOWN_COLUMNS, TOWN_DELETED, item, scope};
use crate::sample;
use crate::strategy::Caller;

pub fn layout_of(columns: &[(&str, Kind, bool)], keys: usize) -> Layout {
    let columns = columns.iter().enumerate().map(|(index, (name, kind, nullable))| Column {
        name: (*name).to_owned(),
        field: String::new(),
        path: NumberPath::default(),
        role: match index {
            index if index < keys => Role::Key { variable: format!("variable{index}") },
            index if index == keys => Role::Revision,
            _ => Role::Field,
        },
        kind: *kind,
        nullable: *nullable,
    });
    Layout { columns: columns.collect() }
}

const SHOP: usize = 15;

/// The fixture's columns as a layout.
pub fn layout() -> Layout {
    layout_of(&COLUMNS, 1)
}

/// The tables that references lead to.
pub fn tables() -> Tables {
    let items = Known::new("items".to_owned(), Arc::new(layout()));
    let items = Known { indexes: vec![vec![2], vec![4], vec![SHOP]], ..items };
    let towns = Known::new("towns".to_owned(), Arc::new(layout_of(&TOWN_COLUMNS, 2)));
    Tables::of([items, Known { deleted: Some(TOWN_DELETED), indexes: vec![vec![3], vec![5]], ..towns }])
}

pub fn dialect(engine: Engine) -> Dialect {
    match engine {
        Engine::Sqlite => Dialect::Sqlite,
        Engine::Postgres => Dialect::Postgres,
    }
}

fn both(expr: &Expr) -> String {
    let text = |dialect| expression(dialect, expr, &layout(), &tables()).text(dialect);
    let [sqlite, postgres] = [Dialect::Sqlite, Dialect::Postgres].map(text);
    if sqlite.replace('?', "$") == postgres { postgres } else { format!("sqlite:   {sqlite}\npostgres: {postgres}") }
}

fn rule(source: &str) -> String {
    both(&compile_rule(source, &scope()).expect("it compiles").root)
}

/// What is left of a rule for a caller whose address is verified.
fn residual(source: &str) -> String {
    let split = compile_rule(source, &scope()).expect("it compiles").split();
    let caller = Caller { uid: Some("u".to_owned()), email_verified: true, ..nobody() };
    both(&split.residual_for(split.decide(&caller.view())))
}

fn filter(source: &str) -> String {
    both(&compile_filter(source, &item(), &crate::fixture::records()).expect("it compiles").root)
}

#[test]
fn a_comparison_with_a_bind_is_plain_so_that_an_index_can_serve() {
    let cases = [
        (rule("resource.title == auth.uid"), r#"t."title" = $1"#),
        (rule("resource.shop == 'shops/a'"), r#"(t."shop" IS NOT NULL AND t."shop" = $1)"#),
        (residual("resource.shop == 'shops/a' && auth.email_verified"), r#"t."shop" = $1"#),
        (residual("resource.nick == auth.uid"), r#"t."nick" = $1"#),
        (rule("resource.name == 'items/a'"), r#"t."_id" = $1"#),
        (filter("stock > 4"), r#"t."stock" > $1"#),
        (filter("rating = 3"), r#"t."rating" = $1"#),
        (filter("shop = \"shops/a\""), r#"t."shop" = $1"#),
        (filter("NOT stock = 4"), r#"NOT (t."stock" = $1)"#),
        (filter("address.city = Rome"), r#"(t."_has_address" AND t."address__city" = $1)"#),
        (filter("active = true"), r#"t."active" = TRUE"#),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
    }
}

#[test]
fn what_is_said_of_rows_can_be_read_from_either_side() {
    let truth = |source: &str, is_sound: bool| {
        let split = compile_rule(source, &scope()).expect("it compiles").split();
        let caller = Caller { uid: Some("u".to_owned()), ..nobody() };
        let residual = split.residual_for(split.decide(&caller.view()));
        let (layout, tables) = (layout(), if is_sound { tables().sound() } else { tables() });
        let delete = |dialect| {
            let table = Table { name: "items", layout: &layout };
            mainstay_sql::delete(
                dialect,
                &mainstay_sql::Delete { table, condition: Condition::Expr(&residual, &tables) },
            )
        };
        let text = sample::both(delete);
        text.replace(r#"DELETE FROM "items" AS t WHERE "#, "")
    };
    let cases = [
        // An index begins with what the caller is compared with: his rows are found first.
        (
            truth("resource.towns.exists(t, t.label == auth.uid)", true),
            r#"(t."_id" IN (SELECT q1."_country_id" FROM "towns" AS q1 WHERE q1."gone" IS NULL AND q1."label" = coalesce($1, $2)))"#,
        ),
        // Of another row no more than its key is asked, which the row that leads there has.
        (
            truth("resource.shop.towns.exists(t, t.label == auth.uid)", true),
            r#"((t."shop" IS NOT NULL) AND t."shop" IN (SELECT q1."_country_id" FROM "towns" AS q1 WHERE q1."gone" IS NULL AND q1."label" = coalesce($1, $2)))"#,
        ),
        // No index begins with what is said of the rows alone: they are found from the row that asks.
        (
            truth("resource.towns.exists(t, t.head_count == 7)", true),
            r#"(EXISTS (SELECT 1 FROM "towns" AS q1 WHERE q1."gone" IS NULL AND (q1."_country_id" = t."_id" AND q1."size" = $1)))"#,
        ),
        // That there is none is found by the same index: nothing in it can be NULL.
        (
            truth("!Town.exists(t, t.head_count == resource.stock)", true),
            r#"(NOT EXISTS (SELECT 1 FROM "towns" AS q1 WHERE q1."gone" IS NULL AND q1."size" = t."stock"))"#,
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
    }
}

#[test]
fn what_holds_of_a_row_or_one_above_it_is_found_from_there() {
    let turned = |dialect, source: &str, fixed: &[usize]| {
        let split = compile_rule(source, &scope()).expect("it compiles").split();
        let caller = Caller { uid: Some("u".to_owned()), ..nobody() };
        let (layout, tables) = (layout(), tables().sound());
        let own = Table { name: "items", layout: &layout };
        from_above(dialect, &split.residual_for(split.decide(&caller.view())), own, &tables, fixed)
    };
    let written = |source: &str| {
        let written = |dialect| {
            let (layout, tables) = (layout(), tables().sound());
            let condition = turned(dialect, source, &[]);
            let condition =
                condition.as_ref().map_or(Condition::All(Vec::new()), |expr| Condition::Expr(expr, &tables));
            mainstay_sql::delete(
                dialect,
                &mainstay_sql::Delete { table: Table { name: "items", layout: &layout }, condition },
            )
        };
        sample::both(written)
    };
    insta::assert_snapshot!(written("resource.owned"));
    insta::assert_snapshot!(written("resource.active || resource.shared"));
    insta::assert_snapshot!(written("resource.place.item.led"));
    // What is said of rows below the row itself is found from those, for PostgreSQL.
    insta::assert_snapshot!(written("resource.title == auth.uid || resource.towns.exists(t, t.label == auth.uid)"));
    for dialect in Dialect::ALL {
        // These begin elsewhere: where no index begins with what is asked for, or it is asked of one row, or of none.
        for source in ["resource.near", "!resource.owned", "resource.title == auth.uid", "resource.active"] {
            assert!(turned(dialect, source, &[]).is_none(), "{source}");
        }
        assert!(turned(dialect, "resource.shop.owned", &[SHOP]).is_none());
        assert!(turned(dialect, "resource.shop.owned", &[2]).is_some());
        assert!(turned(dialect, "resource.towns.exists(t, t.label == auth.uid)", &[0]).is_none());
    }
    let count = |dialect| {
        let above = turned(dialect, "resource.owned && resource.shop.shared", &[]).expect("it is found");
        found_from_above(dialect, &[&above], &layout(), &tables(), 100)
    };
    insta::assert_snapshot!(sample::both(count));
}

fn condition(source: &str) -> String {
    let program = compile_filter(source, &item(), &crate::fixture::records()).expect("it compiles");
    condition_of(&program.root)
}

/// What a rule or filter is in a statement.
fn condition_of(expr: &Expr) -> String {
    let (layout, tables) = (layout(), tables());
    let delete = |dialect| {
        let table = Table { name: "items", layout: &layout };
        mainstay_sql::delete(dialect, &mainstay_sql::Delete { table, condition: Condition::Expr(expr, &tables) })
    };
    let text = sample::both(delete);
    text.strip_prefix(r#"DELETE FROM "items" AS t WHERE "#).expect("the engines agree").to_owned()
}

#[test]
fn what_is_asked_of_another_row_is_one_look_up_by_its_key() {
    let cases = [
        (
            condition("shop.title = x AND shop.stock > 4"),
            r#"(EXISTS (SELECT 1 FROM "items" AS r1 WHERE r1."_id" = t."shop" AND (r1."title" = $1 AND r1."stock" > $2)))"#,
        ),
        (
            condition("place.item.stock = 1 OR stock = 1"),
            r#"((EXISTS (SELECT 1 FROM "towns" AS r1, "items" AS r2 WHERE r1."_country_id" = t."place_country" AND r1."_id" = t."place_town" AND r2."_id" = r1."item" AND r2."stock" = $1) OR t."stock" = $2))"#,
        ),
        (condition("shop.name:*"), r#"(EXISTS (SELECT 1 FROM "items" AS r1 WHERE r1."_id" = t."shop"))"#),
        (
            condition_of(&compile_rule("resource.shop.title == auth.uid", &scope()).unwrap().root),
            r#"(EXISTS (SELECT 1 FROM "items" AS r1 WHERE r1."_id" = t."shop" AND r1."title" = $1))"#,
        ),
        // Where false and NULL are two things.
        (
            rule("!(resource.shop.title == auth.uid && resource.active)"),
            r#"NOT (((SELECT r1."title" = $1 FROM "items" AS r1 WHERE r1."_id" = t."shop") AND t."active"))"#,
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
    }
}

#[test]
fn an_index_serves_comparisons_and_prefixes() {
    let mut conn = sample::sqlite();
    sample::run(&mut conn, &schema_sql(Dialect::Sqlite, &table_step()));
    let indexed = ["title", "nick", "shop", "stock", "create_time"];
    for name in indexed {
        sample::run(&mut conn, &[format!("CREATE INDEX by_{name} ON items ({name})")]);
    }
    let filters = [
        "title = cup",
        "title = \"cup*\"",
        "nick = cup",
        "nick = \"cup*\"",
        "shop = \"shops/a\"",
        "stock > 4",
        "stock = 4 AND title != x",
        "stock = 4 OR stock = 5",
        "create_time < 2024-05-01T12:00:00Z",
    ];
    for source in filters {
        let program = compile_filter(source, &item(), &crate::fixture::records()).unwrap();
        let condition = sample::inline(&expression(Dialect::Sqlite, &program.root, &layout(), &tables()), &[]);
        let plan = sample::explain(&mut conn, &format!("SELECT * FROM items AS t WHERE {condition}"));
        assert!(plan.contains("USING INDEX by_"), "{source}: {condition}: {plan}");
    }
}

#[test]
fn no_constant_of_a_filter_is_in_the_text() {
    let written =
        filter("title = \"secret'--\" AND labels.\"secret\\\"key\":\"*secret*\" AND stock = 4711 OR tags:secret");
    assert!(!written.contains("secret") && !written.contains("4711"), "{written}");
}

#[test]
fn a_record_that_is_to_be_is_never_read_from_the_table() {
    for source in ["new.active", "!has(new.nick)", "resource.active || new.active"] {
        assert_eq!(rule(source), "sqlite:   NULL\npostgres: NULL::boolean");
    }
}

pub fn nobody() -> Caller {
    Caller {
        uid: None,
        email: None,
        email_verified: false,
        roles: Vec::new(),
        permissions: Vec::new(),
        amr: Vec::new(),
        aal: 0,
        org: None,
        fresh: None,
        claims: serde_json::Map::new(),
    }
}
