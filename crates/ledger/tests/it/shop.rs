//! A contract to change, and a database that follows it.

use std::cell::RefCell;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use mainstay_contract::{Contract, Source, compile};
use mainstay_ledger::{Answer, Facts, Ledger, Plan, Stage, bind, plan};
use mainstay_sql::{Dialect, Probe, SchemaStep, schema_sql};

/// The contract that the changes start from.
pub const BASE: &str = r#"syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
import "mainstay/v1/options.proto";

message Product {
  option (google.api.resource) = {type: "shop.example.com/Product" pattern: "products/{product}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.tree.text == 'open'" write: "true"}
    index {fields: "category" fields: "create_time desc"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string sku = 2;
  string title = 3;
  int32 stock = 4;
  optional string note = 5;
  Address address = 6;
  repeated Line lines = 7;
  google.protobuf.Timestamp create_time = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  string category = 9;
  State state = 10;
  google.type.Money price = 11;
  map<string, Line> extra = 12;
  Tree tree = 20;
  message Address { string city = 1; string street = 2; }
  message Line { string text = 1; int32 quantity = 2; }
  message Tree { string text = 1; int32 quantity = 2; Tree next = 3; }
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}

message Review {
  option (google.api.resource) = {type: "shop.example.com/Review" pattern: "reviews/{review}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string product = 2 [(google.api.resource_reference).type = "shop.example.com/Product"];
  int32 stars = 3;
}
"#;

/// Two products and a review, written under the names of birth.
pub const ROWS: &str = r#"
INSERT INTO shop_v1_product (_id, _revision, sku, title, stock, note, category, lines)
  VALUES ('a', 1, 'A', 'Cup', 3, 'n', 'kitchen', '[{"text":"open"}]'), ('b', 1, 'A', '', 0, NULL, 'garden', NULL);
INSERT INTO shop_v1_review (_id, _revision, product, stars) VALUES ('r', 1, 'a', 5);
"#;

/// Compiles a contract of one file, which must be right.
pub fn contract(text: &str) -> Contract {
    let source = Source { path: "shop/v1/shop.proto".to_owned(), text: text.to_owned() };
    compile(vec![source]).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The base with pieces of its text replaced; each piece must be there.
pub fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = BASE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the base has no {from}");
        text = text.replace(from, to);
    }
    text
}

/// A SQLite database with the ledger beside it.
pub struct Shop {
    conn: RefCell<SqliteConnection>,
    pub ledger: Ledger,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

impl Shop {
    pub fn empty() -> Shop {
        let conn = SqliteConnection::establish(":memory:").expect("SQLite opens in memory");
        Shop { conn: RefCell::new(conn), ledger: Ledger::empty() }
    }

    /// The base with its rows.
    pub fn with_rows() -> Shop {
        let mut shop = Shop::empty();
        shop.apply(&contract(BASE), &[]);
        shop.run(ROWS);
        shop
    }

    pub fn plan(&self, contract: &Contract) -> Plan {
        plan(&self.ledger, contract, self).expect("every question is answered")
    }

    /// Plans and applies as the data service does.
    pub fn apply(&mut self, contract: &Contract, accepted: &[String]) -> Plan {
        let plan = self.plan(contract);
        assert!(plan.is_ready(accepted, Stage::Development), "{plan}");
        self.run("BEGIN");
        for step in plan.inside() {
            self.schema(step);
        }
        self.run("COMMIT");
        self.ledger = plan.transaction.clone();
        self.ledger.hidden_at(1);
        for step in plan.outside() {
            step.schema.iter().for_each(|step| self.schema(step));
            self.ledger = self.ledger.after(step);
        }
        let mut after = plan.after.clone();
        after.hidden_at(1);
        assert_eq!(self.ledger, after);
        plan
    }

    pub fn schema(&self, step: &SchemaStep) {
        schema_sql(Dialect::Sqlite, step).iter().for_each(|statement| self.run(statement));
    }

    pub fn bound(&self, contract: &Contract) -> Contract {
        bind(contract.clone(), &self.ledger)
    }

    pub fn run(&self, statements: &str) {
        let done = self.conn.borrow_mut().batch_execute(statements);
        done.unwrap_or_else(|error| panic!("{error}: {statements}"));
    }

    pub fn fails(&self, statement: &str) -> String {
        self.conn.borrow_mut().batch_execute(statement).expect_err("the statement fails").to_string()
    }

    pub fn number(&self, sql: &str) -> i64 {
        let sql = format!("WITH q(n) AS ({sql}) SELECT n FROM q");
        let rows: Vec<Number> =
            diesel::sql_query(&sql).load(&mut *self.conn.borrow_mut()).unwrap_or_else(|e| panic!("{e}: {sql}"));
        rows[0].n
    }

    /// One text for each row.
    pub fn lines(&self, sql: &str) -> Vec<String> {
        let sql = format!("WITH q(line) AS ({sql}) SELECT line FROM q");
        let rows: Vec<Line> =
            diesel::sql_query(&sql).load(&mut *self.conn.borrow_mut()).unwrap_or_else(|e| panic!("{e}: {sql}"));
        rows.into_iter().map(|row| row.line.unwrap_or_else(|| "NULL".to_owned())).collect()
    }
}

impl Facts for Shop {
    fn answer(&self, probe: &Probe) -> Option<Answer> {
        let count = self.number(&probe.count_sql(Dialect::Sqlite).text(Dialect::Sqlite));
        let keys = (0..probe.sample_columns()).map(|key| format!("k{key}")).collect::<Vec<_>>().join(", ");
        let joined = |sql: String| format!("WITH s({keys}) AS ({sql}) SELECT concat_ws('/', {keys}) FROM s");
        let sample = probe.sample_sql(Dialect::Sqlite).map(|sql| self.lines(&joined(sql.text(Dialect::Sqlite))));
        let sample = sample.unwrap_or_default();
        let sample = sample.iter().map(|key| key.split('/').map(str::to_owned).collect()).collect();
        Some(Answer { count: u64::try_from(count).expect("a count"), sample })
    }
}
