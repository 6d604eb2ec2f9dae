//! Pages with real binds on both engines: every order of up to two columns, in small pages, over rows with everything
//! unset that can be.

use std::cmp::Ordering;

use mainstay_db::{Database, Error, Lane, Rows, Statement};
use mainstay_record::{Kind, Layout, Value};
use mainstay_sql::{
    After, ColumnSpec, Condition, Dialect, IndexColumn, Insert, NullPattern, OrderColumn, PrimaryKey, SchemaStep,
    Select, Sql, Table, Truths, insert, order_columns, schema_sql, select,
};
use mainstay_testkit::{Engine, both_engines, database};

use crate::sample::{CREATE_TIME, RATING, STOCK, TITLE, layout, order};
use crate::stored::store_rows;

const PAGE: i64 = 3;

fn statement(sql: &Sql) -> std::sync::Arc<Statement> {
    Statement::new(sql.pieces.clone(), false)
}

fn binds(sql: &Sql, params: &[Value]) -> Vec<Value> {
    let value = |source: &mainstay_sql::BindSource| match source {
        mainstay_sql::BindSource::Param(param) => params[*param].clone(),
        other => panic!("{other:?} is no parameter"),
    };
    sql.binds.iter().map(value).collect()
}

/// Rows of every combination of two titles, two numbers, and ratings and times that may be unset.
fn rows() -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for title in ["", "ä"] {
        for stock in [0, 7] {
            for rating in [Value::Null, Value::Double(-0.5)] {
                for time in [Value::Null, Value::Timestamp(-1), Value::Timestamp(1_700_000_000_123_456)] {
                    let id = Value::Text(format!("{:02}", (rows.len() * 5) % 24));
                    let text = Value::Text(title.to_owned());
                    rows.push(vec![id, Value::Int(1), text, Value::Int(stock), rating.clone(), time]);
                }
            }
        }
    }
    rows
}

async fn store(database: &Database, dialect: Dialect, layout: &Layout, rows: Vec<Vec<Value>>) {
    let columns = layout.columns.iter();
    let columns = columns.map(|c| ColumnSpec { name: c.name.clone(), ty: c.kind, nullable: c.nullable }).collect();
    let primary_key = PrimaryKey { name: "product_pkey".to_owned(), columns: vec!["_id".to_owned()] };
    let create =
        SchemaStep::CreateTable { table: "product".to_owned(), columns, primary_key, foreign_keys: Vec::new() };
    let part = |index: usize| IndexColumn {
        name: layout.columns[index].name.clone(),
        descending: true,
        nullable: layout.columns[index].nullable,
        ..IndexColumn::default()
    };
    let index = SchemaStep::CreateIndex {
        name: "product_time".to_owned(),
        table: "product".to_owned(),
        columns: vec![part(CREATE_TIME), part(0)],
        unique: false,
        only: None,
        condition: None,
        span: None,
        concurrently: true,
    };
    let statements: Vec<String> = [create, index].iter().flat_map(|step| schema_sql(dialect, step)).collect();
    let made = database.exclusive(move |conn| {
        Box::pin(async move {
            for statement in &statements {
                conn.batch(statement).await?;
            }
            Ok::<(), Error>(())
        })
    });
    made.await.expect("the table is made");
    let sql = insert(dialect, &Insert { table: Table { name: "product", layout } });
    let (statement, rows): (_, Vec<Vec<Value>>) = (statement(&sql), rows.iter().map(|row| binds(&sql, row)).collect());
    store_rows(database, statement, rows).await;
}

/// The rows after `last`, at most a page.
async fn page(
    database: &Database,
    dialect: Dialect,
    layout: &Layout,
    columns: &[OrderColumn],
    last: Option<&[Value]>,
) -> Vec<Vec<Value>> {
    let mut params: Vec<Value> =
        last.map(|row| columns.iter().map(|c| cut(&row[c.index], c)).collect()).unwrap_or_default();
    let nulls = NullPattern::of(params.iter().map(Value::is_null));
    params.push(Value::Int(PAGE));
    let list = Select {
        table: Table { name: "product", layout },
        columns: (0..layout.columns.len()).collect(),
        condition: Condition::All(Vec::new()),
        order: columns,
        after: last.map(|_| After { first_param: 0, nulls }),
        limit_param: Some(params.len() - 1),
        lock: None,
        truths: Truths::NONE,
    };
    let sql = select(dialect, &list);
    let kinds: Vec<Kind> = layout.columns.iter().map(|column| column.kind).collect();
    let rows = database.fetch(Lane::Heavy, &statement(&sql), binds(&sql, &params), Rows::of(&kinds)).await;
    rows.unwrap_or_else(|error| panic!("{error}: {}", sql.text(dialect))).rows
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Int(a), Value::Int(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => panic!("{a:?} and {b:?} are of different kinds"),
    }
}

/// What of a value decides the order.
fn cut(value: &Value, column: &OrderColumn) -> Value {
    match (value, column.prefix) {
        (Value::Text(text), Some(length)) => Value::Text(text.chars().take(length as usize).collect()),
        (value, _) => value.clone(),
    }
}

fn sort(rows: &mut [Vec<Value>], columns: &[OrderColumn]) {
    rows.sort_by(|a, b| {
        let mut each = columns.iter().map(|c| {
            let ordering = compare(&cut(&a[c.index], c), &cut(&b[c.index], c));
            if c.descending { ordering.reverse() } else { ordering }
        });
        each.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    });
}

fn orders() -> Vec<Vec<(usize, bool)>> {
    let single: Vec<(usize, bool)> = [0, TITLE, STOCK, RATING, CREATE_TIME]
        .into_iter()
        .flat_map(|column| [(column, false), (column, true)])
        .collect();
    let mut orders: Vec<Vec<(usize, bool)>> = vec![Vec::new()];
    orders.extend(single.iter().map(|key| vec![*key]));
    orders.extend(single.iter().flat_map(|first| {
        single.iter().filter(move |second| second.0 != first.0).map(move |second| vec![*first, *second])
    }));
    orders
}

both_engines! {
    async fn pages_of_every_order_hold_each_row_once(engine: Engine) {
        let database = database::fresh(engine).await;
        let dialect = match engine {
            Engine::Sqlite => Dialect::Sqlite,
            Engine::Postgres => Dialect::Postgres,
        };
        let (layout, rows) = (layout(), rows());
        store(&database, dialect, &layout, rows.clone()).await;
        for (keys, prefix) in orders().into_iter().flat_map(|keys| [(keys.clone(), None), (keys, Some(1))]) {
            let mut columns = order_columns(&layout, &order(&keys));
            columns.iter_mut().filter(|column| column.index == TITLE).for_each(|column| column.prefix = prefix);
            let mut wanted = rows.clone();
            sort(&mut wanted, &columns);
            let mut found: Vec<Vec<Value>> = Vec::new();
            loop {
                let page = page(&database, dialect, &layout, &columns, found.last().map(Vec::as_slice)).await;
                found.extend_from_slice(&page);
                if page.is_empty() || found.len() > rows.len() {
                    break;
                }
            }
            assert_eq!(found, wanted, "{keys:?} {prefix:?}");
        }
    }
}
