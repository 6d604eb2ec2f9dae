//! Rules and filters as SQL: what they look like, which indexes serve them, and that on both engines they say for every
//! row what `mainstay_expr::evaluate` says.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstay_db::{Atomic, Database, Error, Lane, Rows, Statement};
use mainstay_expr::{
    CompareOp, Expr, Program, Root, Scope, compile_filter, compile_rule, evaluate, evaluate_value, shift_time,
};
use mainstay_record::{Column, Kind, Layout, NumberPath, Piece, Role, Value};
use mainstay_sql::{
    BindSource, ColumnSpec, Condition, Dialect, Given, Insert, Known, PrimaryKey, SchemaStep, Select, Table, Tables,
    ask, expression, insert, schema_sql, select,
};
use mainstay_testkit::{Engine, both_engines, database};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::fixture::{COLUMNS, ITEM, NOW, TOWN_COLUMNS, TOWN_DELETED, World, empty, full, item, on, scope, town_row};
use crate::sample;
use crate::strategy::{self, Caller};

fn layout_of(columns: &[(&str, Kind, bool)], keys: usize) -> Layout {
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

/// The fixture's columns as a layout.
fn layout() -> Layout {
    layout_of(&COLUMNS, 1)
}

/// The tables that references lead to.
fn tables() -> Tables {
    let items = Known::new("items".to_owned(), Arc::new(layout()));
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
            r#"((EXISTS (SELECT 1 FROM "towns" AS r1 WHERE r1."_country_id" = t."place_country" AND r1."_id" = t."place_town" AND EXISTS (SELECT 1 FROM "items" AS r2 WHERE r2."_id" = r1."item" AND r2."stock" = $1)) OR t."stock" = $2))"#,
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

/// The value of a bind when the statement runs.
fn bound(source: &BindSource, caller: &Caller, params: &[Value]) -> Value {
    let auth = caller.view();
    match source {
        BindSource::Literal(value) => value.clone(),
        BindSource::Auth(name) => auth.value(*name),
        BindSource::Now { offset_us } => Value::Timestamp(shift_time(NOW, *offset_us)),
        BindSource::Param(index) => params[*index].clone(),
    }
}

fn table_step() -> SchemaStep {
    table_of("items", &COLUMNS, 1)
}

fn table_of(table: &str, columns: &[(&str, Kind, bool)], keys: usize) -> SchemaStep {
    let spec = |(name, kind, nullable): &(&str, Kind, bool)| ColumnSpec {
        name: (*name).to_owned(),
        ty: *kind,
        nullable: *nullable,
    };
    SchemaStep::CreateTable {
        table: table.to_owned(),
        columns: columns.iter().map(spec).collect(),
        primary_key: PrimaryKey {
            name: format!("{table}_pkey"),
            columns: columns[..keys].iter().map(|(name, ..)| (*name).to_owned()).collect(),
        },
        foreign_keys: Vec::new(),
    }
}

/// Makes the table and puts the records into it.
pub async fn store(database: &Database, dialect: Dialect, records: &[Vec<Value>]) {
    store_in(database, dialect, table_step(), "items", &layout(), records).await;
}

async fn store_in(
    database: &Database,
    dialect: Dialect,
    table: SchemaStep,
    name: &str,
    layout: &Layout,
    records: &[Vec<Value>],
) {
    let ddl = schema_sql(dialect, &table).join(";\n");
    let made = database.exclusive(move |conn| Box::pin(async move { conn.batch(&ddl).await }));
    made.await.expect("the table is made");
    let sql = insert(dialect, &Insert { table: Table { name, layout } });
    let statement = Statement::new(sql.pieces.clone(), true);
    let caller = nobody();
    let rows: Vec<Vec<Value>> =
        records.iter().map(|record| sql.binds.iter().map(|source| bound(source, &caller, record)).collect()).collect();
    let stored = database.write(Atomic::Transaction, move |conn| {
        let (statement, rows) = (statement.clone(), rows.clone());
        Box::pin(async move {
            for row in &rows {
                conn.execute(&statement, row).await?;
            }
            Ok::<(), Error>(())
        })
    });
    stored.await.expect("the records are stored");
}

pub fn nobody() -> Caller {
    Caller { uid: None, email: None, email_verified: false, roles: Vec::new() }
}

/// What the engine says for every row: true, false or NULL by the row's id.
async fn outcomes(
    database: &Database,
    dialect: Dialect,
    expr: &Expr,
    caller: &Caller,
) -> Result<HashMap<String, Option<bool>>, Error> {
    let layout = layout();
    let sql = expression(dialect, expr, &layout, &tables());
    let text = |text: &str| Piece::Text(text.to_owned());
    let mut parts = vec![text("SELECT t.\"_id\", CASE WHEN ")];
    parts.extend(sql.pieces.iter().cloned());
    parts.push(text(" THEN 1 WHEN NOT ("));
    parts.extend(sql.pieces.iter().cloned());
    parts.push(text(") THEN 0 END FROM \"items\" AS t"));
    let binds = sql.binds.iter().map(|source| bound(source, caller, &[])).collect();
    let statement = Statement::new(parts, false);
    let rows = database.fetch(Lane::Heavy, &statement, binds, Rows::of(&[Kind::Text, Kind::Int])).await?;
    let outcome = |row: Vec<Value>| match row.as_slice() {
        [Value::Text(id), Value::Null] => (id.clone(), None),
        [Value::Text(id), Value::Int(value)] => (id.clone(), Some(*value == 1)),
        other => panic!("{other:?}"),
    };
    Ok(rows.rows.into_iter().map(outcome).collect())
}

/// The ids of the rows that a statement with this condition selects.
async fn selected(database: &Database, dialect: Dialect, expr: &Expr, caller: &Caller) -> HashSet<String> {
    let (layout, tables) = (layout(), tables());
    let condition = Condition::Expr(expr, &tables);
    let all = Select {
        table: Table { name: "items", layout: &layout },
        columns: vec![0],
        condition,
        order: &[],
        after: None,
        limit_param: None,
        lock: None,
    };
    let sql = select(dialect, &all);
    let binds = sql.binds.iter().map(|source| bound(source, caller, &[])).collect();
    let statement = Statement::new(sql.pieces.clone(), false);
    let rows = database.fetch(Lane::Heavy, &statement, binds, Rows::of(&[Kind::Text])).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error:?}\n{}", sql.text(dialect)));
    let id = |row: Vec<Value>| if let [Value::Text(id)] = row.as_slice() { id.clone() } else { panic!("{row:?}") };
    rows.rows.into_iter().map(id).collect()
}

/// The towns that the items refer to, some of them, and that refer to items, some of which are there.
fn towns() -> Vec<Vec<Value>> {
    vec![
        town_row("a", "a", Some("a"), 1, Some("b")),
        town_row("a", "b", None, 7, Some("a")),
        town_row("A", "a", Some(""), 0, None),
        town_row("b", "A", Some("b"), -1, Some("none")),
        deleted(town_row("a", "A", Some("A"), 7, Some("A"))),
    ]
}

fn deleted(mut town: Vec<Value>) -> Vec<Value> {
    town[TOWN_DELETED] = Value::Timestamp(NOW);
    town
}

/// Compares what the engine is asked of quantifiers, given the records, with the evaluator.
async fn compare_asks(
    database: &Database,
    dialect: Dialect,
    program: &Program,
    caller: &Caller,
    records: &[Vec<Value>],
) {
    let world = World { items: records.to_vec(), towns: towns() };
    for asked in program.asks() {
        let given = Given::of(&asked);
        let sql = ask(dialect, &asked, &given, &tables());
        let statement = Statement::new(sql.pieces.clone(), false);
        for record in records.iter().take(6) {
            let around = world.around(program, record);
            let scope = Scope { auth: caller.view(), around: Some(&around), new: None, ..on(record) };
            let columns = given.columns.iter().map(|(row, index, _)| match scope.row(row) {
                Some(Some(values)) => values[*index].clone(),
                _ => Value::Null,
            });
            let rows = given.rows.iter().map(|row| Value::Bool(matches!(scope.row(row), Some(Some(_)))));
            let params: Vec<Value> = columns.chain(rows).collect();
            let binds = sql.binds.iter().map(|source| bound(source, caller, &params)).collect();
            let kind = asked.kind().unwrap_or(Kind::Bool);
            let found = database.fetch(Lane::Heavy, &statement, binds, Rows::of(&[kind])).await;
            let found = found.unwrap_or_else(|error| panic!("{error:?}\n{}", sql.text(dialect)));
            let said = evaluate_value(&asked, &scope);
            assert_eq!(found.rows[0][0], said, "{}\n{record:?}", sql.text(dialect));
        }
    }
}

/// Generates values, the same in every run.
pub struct Generator(pub TestRunner);

impl Generator {
    pub fn one<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).expect("the strategy yields").current()
    }

    /// Records with the ids 0, 1, 2, …
    pub fn records(&mut self, count: usize) -> Vec<Vec<Value>> {
        let strategy = strategy::record();
        let mut records = vec![empty(), full()];
        records.extend((0..count).map(|_| self.one(&strategy)));
        for (id, record) in records.iter_mut().enumerate() {
            record[0] = Value::Text(["a", "A", "b"].get(id).map_or_else(|| format!("r{id}"), |id| (*id).to_owned()));
        }
        records
    }
}

/// Compares the engine with the evaluator on every record.
pub async fn compare(
    database: &Database,
    dialect: Dialect,
    source: &str,
    expr: &Expr,
    caller: &Caller,
    records: &[Vec<Value>],
) {
    let world = World { items: records.to_vec(), towns: towns() };
    let program = Program { root: expr.clone() };
    let selected = selected(database, dialect, expr, caller).await;
    let text = || expression(dialect, expr, &layout(), &tables()).text(dialect);
    let found = outcomes(database, dialect, expr, caller).await;
    let found = found.unwrap_or_else(|error| panic!("{source}: {error:?}\n{}", text()));
    for record in records {
        let Value::Text(id) = &record[0] else { panic!("every record has an id") };
        let around = world.around(&program, record);
        let scope = Scope { auth: caller.view(), around: Some(&around), new: None, ..on(record) };
        let said = evaluate(expr, &scope);
        assert_eq!(found[id], said, "{dialect:?} against evaluate: {source}\n{caller:?}\n{record:?}\n{}", text());
        assert_eq!(selected.contains(id), said == Some(true), "{dialect:?} as a condition: {source}\n{record:?}");
    }
}

pub async fn store_towns(database: &Database, dialect: Dialect) {
    let layout = layout_of(&TOWN_COLUMNS, 2);
    store_in(database, dialect, table_of("towns", &TOWN_COLUMNS, 2), "towns", &layout, &towns()).await;
}

const RECORDS: usize = 48;
const EXPRESSIONS: usize = 256;

both_engines! {
    async fn rules_say_the_same_in_sql_and_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(RECORDS);
        store(&database, dialect, &records).await;
        let (rules, callers) = (strategy::rule(), strategy::caller());
        for _ in 0..EXPRESSIONS {
            let (source, caller) = (generator.one(&rules), generator.one(&callers));
            let program = compile_rule(&source, &scope()).expect("it compiles");
            compare(&database, dialect, &source, &program.root, &caller, &records).await;
            let split = program.split();
            let residual = split.residual_for(split.decide(&caller.view()));
            compare(&database, dialect, &source, &residual, &caller, &records).await;
        }
    }

    async fn rules_over_relations_say_the_same_in_sql_and_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(RECORDS);
        store(&database, dialect, &records).await;
        store_towns(&database, dialect).await;
        let (rules, callers) = (strategy::rule_over_relations(), strategy::caller());
        for _ in 0..EXPRESSIONS {
            let ((source, _), caller) = (generator.one(&rules), generator.one(&callers));
            let program = compile_rule(&source, &scope()).expect("it compiles");
            compare(&database, dialect, &source, &program.root, &caller, &records).await;
            let split = program.split();
            let residual = split.residual_for(split.decide(&caller.view()));
            compare(&database, dialect, &source, &residual, &caller, &records).await;
        }
    }

    async fn quantifiers_say_the_same_in_sql_and_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(RECORDS / 3);
        store(&database, dialect, &records).await;
        store_towns(&database, dialect).await;
        let (rules, named, callers) = (strategy::quantified(), strategy::over_predicates(), strategy::caller());
        for count in 0..EXPRESSIONS / 2 {
            let caller = generator.one(&callers);
            let source = if count % 3 == 0 { generator.one(&named) } else { generator.one(&rules).0 };
            let program = compile_rule(&source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
            compare(&database, dialect, &source, &program.root, &caller, &records).await;
            compare_asks(&database, dialect, &program, &caller, &records).await;
            let split = program.split();
            let residual = split.residual_for(split.decide(&caller.view()));
            compare(&database, dialect, &source, &residual, &caller, &records).await;
        }
    }

    async fn filters_over_relations_say_the_same_in_sql_and_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(RECORDS);
        store(&database, dialect, &records).await;
        store_towns(&database, dialect).await;
        let (filters, rules, callers) =
            (strategy::filter_over_relations(), strategy::rule_over_relations(), strategy::caller());
        for _ in 0..EXPRESSIONS {
            let (source, (rule, _), caller) = (generator.one(&filters), generator.one(&rules), generator.one(&callers));
            let program = compile_filter(&source, &item(), &crate::fixture::records()).expect("it compiles");
            compare(&database, dialect, &source, &program.root, &caller, &records).await;
            // Each row on the way must pass a rule, which looks further by itself.
            let split = compile_rule(&rule, &scope()).expect("it compiles").split();
            let rule = split.residual_for(split.decide(&caller.view()));
            let town = Expr::compare(CompareOp::Gt, Expr::column(Root::Resource, 4, Kind::Int), Expr::int(0));
            let under = program.under(&|table| Some(if table == ITEM { rule.clone() } else { town.clone() }));
            compare(&database, dialect, &source, &under.root, &caller, &records).await;
        }
    }

    async fn filters_say_the_same_in_sql_and_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(RECORDS);
        store(&database, dialect, &records).await;
        let filters = strategy::filter();
        for _ in 0..EXPRESSIONS {
            let source = generator.one(&filters);
            let program = compile_filter(&source, &item(), &crate::fixture::records()).expect("it compiles");
            compare(&database, dialect, &source, &program.root, &nobody(), &records).await;
        }
    }
}
