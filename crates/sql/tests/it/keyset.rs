//! Pages against the whole list: each row exactly once, in order, on a real SQLite, whatever is unset.

use std::cmp::Ordering;

use diesel::SqliteConnection;
use mainstay_record::{Layout, Value};
use mainstay_sql::{
    After, ColumnSpec, Condition, Dialect, IndexColumn, NullPattern, OrderColumn, PrimaryKey, SchemaStep, Select,
    Table, Truths, order_columns, schema_sql, select,
};
use proptest::prelude::*;

use crate::sample::{CREATE_TIME, RATING, STOCK, TITLE, explain, ids, inline, layout, literal, order, run, sqlite};

fn table(rows: &[Vec<Value>], layout: &Layout, index: &[OrderColumn]) -> SqliteConnection {
    let mut conn = sqlite();
    let columns = layout.columns.iter();
    let columns = columns.map(|c| ColumnSpec { name: c.name.clone(), ty: c.kind, nullable: c.nullable }).collect();
    let primary_key = PrimaryKey { name: "product_pkey".to_owned(), columns: vec!["_id".to_owned()] };
    let create =
        SchemaStep::CreateTable { table: "product".to_owned(), columns, primary_key, foreign_keys: Vec::new() };
    run(&mut conn, &schema_sql(Dialect::Sqlite, &create));
    let parts = index.iter().map(|part| IndexColumn {
        name: layout.columns[part.index].name.clone(),
        descending: part.descending,
        nullable: layout.columns[part.index].nullable,
        ..IndexColumn::default()
    });
    let index = SchemaStep::CreateIndex {
        name: "product_order".to_owned(),
        table: "product".to_owned(),
        columns: parts.collect(),
        unique: false,
        only: None,
        condition: None,
        span: None,
        concurrently: false,
    };
    run(&mut conn, &schema_sql(Dialect::Sqlite, &index));
    for row in rows {
        let values: Vec<String> = row.iter().map(literal).collect();
        run(&mut conn, &[format!("INSERT INTO product VALUES ({})", values.join(", "))]);
    }
    conn
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

fn in_order(rows: &[Vec<Value>], columns: &[OrderColumn]) -> Vec<Vec<Value>> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| {
        let mut each = columns.iter().map(|c| {
            let ordering = compare(&a[c.index], &b[c.index]);
            if c.descending { ordering.reverse() } else { ordering }
        });
        each.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    });
    rows
}

fn id(row: &[Value]) -> String {
    match &row[0] {
        Value::Text(id) => id.clone(),
        other => panic!("{other:?} is no id"),
    }
}

fn page(layout: &Layout, keys: &[(usize, bool)], after: Option<&[Value]>, limit: i64) -> String {
    let order = order(keys);
    let columns = order_columns(layout, &order);
    let mut params: Vec<Value> =
        after.map(|row| columns.iter().map(|c| row[c.index].clone()).collect()).unwrap_or_default();
    let nulls = NullPattern::of(params.iter().map(Value::is_null));
    params.push(Value::Int(limit));
    let sql = select(
        Dialect::Sqlite,
        &Select {
            table: Table { name: "product", layout },
            columns: vec![0],
            condition: Condition::All(Vec::new()),
            order: &columns,
            after: after.map(|_| After { first_param: 0, nulls }),
            limit_param: Some(params.len() - 1),
            lock: None,
            truths: Truths::NONE,
        },
    );
    inline(&sql, &params)
}

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let title = prop::sample::select(vec!["", "a", "b", "ä", "Z"]);
    let rating = prop::option::of(prop::sample::select(vec![-1.5, 0.0, 2.0]));
    let time = prop::option::of(0_i64..3);
    let row = (title, 0_i64..3, rating, time);
    prop::collection::vec(row, 0..14).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        rows.map(|(i, (title, stock, rating, time))| {
            vec![
                Value::Text(format!("{:02}", (i * 7) % 16)),
                Value::Int(1),
                Value::Text(title.to_owned()),
                Value::Int(stock),
                rating.map_or(Value::Null, Value::Double),
                time.map_or(Value::Null, Value::Timestamp),
            ]
        })
        .collect()
    })
}

fn keys() -> impl Strategy<Value = Vec<(usize, bool)>> {
    let column = prop::sample::select(vec![0, TITLE, STOCK, RATING, CREATE_TIME]);
    prop::collection::vec((column, any::<bool>()), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn pages_put_together_are_the_whole_list(rows in rows(), keys in keys(), size in 1_i64..5) {
        let layout = layout();
        let columns = order_columns(&layout, &order(&keys));
        let mut conn = table(&rows, &layout, &columns);
        let wanted: Vec<String> = in_order(&rows, &columns).iter().map(|row| id(row)).collect();
        let mut found: Vec<String> = Vec::new();
        loop {
            let last = found.last().map(|last| rows.iter().find(|row| id(row) == *last).expect("a row that was read is there"));
            let page = ids(&mut conn, &page(&layout, &keys, last.map(Vec::as_slice), size));
            if page.is_empty() {
                break;
            }
            found.extend(page);
            prop_assert!(found.len() <= rows.len(), "a row came twice: {found:?}");
        }
        prop_assert_eq!(found, wanted);
    }
}

/// Every shape of page is read off the index: no sorting, and no part of it is a scan of the whole table.
#[test]
fn an_index_serves_every_page_that_it_has_the_columns_of() {
    let layout = layout();
    let row = |time: Option<i64>| {
        let time = time.map_or(Value::Null, Value::Timestamp);
        vec![Value::Text("x".into()), Value::Int(1), Value::Text("a".into()), Value::Int(1), Value::Null, time]
    };
    for keys in
        [vec![(CREATE_TIME, true)], vec![(CREATE_TIME, false)], vec![(TITLE, false), (STOCK, true)], vec![(0, true)]]
    {
        let columns = order_columns(&layout, &order(&keys));
        let mut conn = table(&[], &layout, &columns);
        for last in [row(Some(5)), row(None)] {
            let plan = explain(&mut conn, &page(&layout, &keys, Some(&last), 20));
            assert!(!plan.contains("TEMP B-TREE"), "{keys:?} sorts: {plan}");
            assert!(!plan.contains("SCAN"), "{keys:?} scans: {plan}");
        }
    }
}
