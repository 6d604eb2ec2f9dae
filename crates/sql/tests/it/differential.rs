//! On both engines rules and filters say for every row what `mainstay_expr::evaluate` says.

use std::collections::{HashMap, HashSet};

use mainstay_db::{Database, Error, Lane, Rows, Statement};
use mainstay_expr::{
    CompareOp, Expr, Program, Root, Scope, compile_filter, compile_rule, evaluate, evaluate_value, shift_time,
};
use mainstay_record::{Kind, Layout, Piece, Value};
use mainstay_sql::{
    BindSource, ColumnSpec, Condition, Dialect, Given, Insert, PrimaryKey, SchemaStep, Select, Table, Truths, ask,
    expression, from_above, insert, schema_sql, select,
};
use mainstay_testkit::{both_engines, database};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::expression::{dialect, layout, layout_of, nobody, tables};
use crate::fixture::{COLUMNS, ITEM, NOW, TOWN_COLUMNS, TOWN_DELETED, World, empty, full, item, on, scope, town_row};
use crate::stored::store_rows;
use crate::strategy::{self, Caller};

/// The value of a bind when the statement runs.
fn bound(source: &BindSource, caller: &Caller, params: &[Value]) -> Value {
    let auth = caller.view();
    match source {
        BindSource::Literal(value) => value.clone(),
        BindSource::Auth(name) => auth.value(*name),
        BindSource::Claim { name, kind } => auth.claim(name, *kind),
        BindSource::Now { offset_us } => Value::Timestamp(shift_time(NOW, *offset_us)),
        BindSource::Param(index) => params[*index].clone(),
    }
}

pub fn table_step() -> SchemaStep {
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
    store_rows(database, statement, rows).await;
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
        truths: Truths::NONE,
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
    let as_it_is = selected(database, dialect, expr, caller).await;
    let (layout, tables) = (layout(), tables());
    let above = from_above(dialect, expr, Table { name: "items", layout: &layout }, &tables, &[]);
    let text = || expression(dialect, expr, &layout, &tables).text(dialect);
    let from_above = match &above {
        Some(above) => selected(database, dialect, above, caller).await,
        None => as_it_is.clone(),
    };
    let found = outcomes(database, dialect, expr, caller).await;
    let found = found.unwrap_or_else(|error| panic!("{source}: {error:?}\n{}", text()));
    for record in records {
        let Value::Text(id) = &record[0] else { panic!("every record has an id") };
        let around = world.around(&program, record);
        let scope = Scope { auth: caller.view(), around: Some(&around), new: None, ..on(record) };
        let said = evaluate(expr, &scope);
        assert_eq!(found[id], said, "{dialect:?} against evaluate: {source}\n{caller:?}\n{record:?}\n{}", text());
        assert_eq!(as_it_is.contains(id), said == Some(true), "{dialect:?} as a condition: {source}\n{record:?}");
        assert_eq!(from_above.contains(id), said == Some(true), "{dialect:?} from above: {source}\n{record:?}");
        if let Some(above) = &above {
            assert_eq!(evaluate(above, &scope) == Some(true), said == Some(true), "from above: {source}\n{record:?}");
        }
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
        for _ in 0..EXPRESSIONS * strategy::scale() {
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
        for _ in 0..EXPRESSIONS * strategy::scale() {
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
        for count in 0..EXPRESSIONS * strategy::scale() / 2 {
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
        for _ in 0..EXPRESSIONS * strategy::scale() {
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
        for _ in 0..EXPRESSIONS * strategy::scale() {
            let source = generator.one(&filters);
            let program = compile_filter(&source, &item(), &crate::fixture::records()).expect("it compiles");
            compare(&database, dialect, &source, &program.root, &nobody(), &records).await;
        }
    }
}
