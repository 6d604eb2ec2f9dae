//! A table to write statements for, and a way to run them on SQLite.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use mainstay_expr::OrderKey;
use mainstay_record::{Column, Kind, Layout, NumberPath, Piece, Role, Value};
use mainstay_sql::{BindSource, Dialect, Sql};

pub fn column(name: &str, number: u32, kind: Kind, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        field: name.to_owned(),
        path: NumberPath(vec![number]),
        role: Role::Field,
        kind,
        nullable,
    }
}

/// `_id`, `_revision`, `title` (text), `stock` (integer), `rating` (nullable double), `create_time` (nullable).
pub fn layout() -> Layout {
    let own = |name: &str, role: Role, kind: Kind| Column {
        name: name.to_owned(),
        field: String::new(),
        path: NumberPath::default(),
        role,
        kind,
        nullable: false,
    };
    Layout {
        columns: vec![
            own("_id", Role::Key { variable: "product".to_owned() }, Kind::Text),
            own("_revision", Role::Revision, Kind::Int),
            column("title", 3, Kind::Text, false),
            column("stock", 5, Kind::Int, false),
            column("rating", 6, Kind::Double, true),
            column("create_time", 7, Kind::Timestamp, true),
        ],
    }
}

pub const TITLE: usize = 2;
pub const STOCK: usize = 3;
pub const RATING: usize = 4;
pub const CREATE_TIME: usize = 5;

pub fn order(keys: &[(usize, bool)]) -> Vec<OrderKey> {
    let layout = layout();
    keys.iter()
        .map(|(index, descending)| OrderKey {
            columns: vec![*index],
            path: layout.columns[*index].path.clone(),
            descending: *descending,
            nullable: layout.columns[*index].nullable,
        })
        .collect()
}

pub fn both(write: impl Fn(Dialect) -> Sql) -> String {
    let [sqlite, postgres] = [Dialect::Sqlite, Dialect::Postgres].map(|dialect| write(dialect).text(dialect));
    if sqlite.replace('?', "$") == postgres { postgres } else { format!("sqlite:   {sqlite}\npostgres: {postgres}") }
}

pub fn sqlite() -> SqliteConnection {
    SqliteConnection::establish(":memory:").expect("SQLite opens in memory")
}

pub fn run(conn: &mut SqliteConnection, statements: &[String]) {
    for statement in statements {
        conn.batch_execute(statement).unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text, column_name = "_id")]
    id: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Detail {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The ids that a select of `_id` yields, in order.
pub fn ids(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Id> = diesel::sql_query(sql).load(conn).unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.into_iter().map(|row| row.id).collect()
}

pub fn count(conn: &mut SqliteConnection, sql: &str) -> i64 {
    let rows: Vec<Count> =
        diesel::sql_query(format!("WITH q(n) AS ({sql}) SELECT n FROM q")).load(conn).expect("counts");
    rows[0].n
}

/// What SQLite means to do.
pub fn explain(conn: &mut SqliteConnection, sql: &str) -> String {
    let rows: Vec<Detail> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).expect("explains");
    rows.into_iter().map(|row| row.detail).collect::<Vec<_>>().join("\n")
}

/// The statement with its parameters written into it, for SQLite.
pub fn inline(sql: &Sql, params: &[Value]) -> String {
    let mut text = String::new();
    for piece in &sql.pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Bind { slot, .. } => match &sql.binds[*slot] {
                BindSource::Param(param) => text.push_str(&literal(&params[*param])),
                BindSource::Literal(value) => text.push_str(&literal(value)),
                other => panic!("{other:?} is no parameter"),
            },
        }
    }
    text
}

pub fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) | Value::Timestamp(v) => v.to_string(),
        Value::Double(v) => format!("{v:?}"),
        Value::Text(v) | Value::Json(v) => format!("'{}'", v.replace('\'', "''")),
        Value::Bytes(v) => format!("x'{}'", v.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}
