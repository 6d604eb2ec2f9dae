//! What takes rows may have enough of them.

use std::ops::ControlFlow;

use mainstay_db::{Engine, Lane, Rows, Sink};
use mainstay_record::{Kind, Row, Value};
use mainstay_testkit::{both_engines, database};

use crate::support::{number, statement};

/// Takes a few numbers.
struct Few {
    most: usize,
    seen: Vec<Value>,
}

impl Sink for Few {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.seen.push(row.get(0, Kind::Int));
        if self.seen.len() < self.most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// The numbers from 1: on SQLite without an end, on PostgreSQL with an error where the tests do not look any more.
fn numbers(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        Engine::Postgres => "SELECT i::int8 + 0 / (90 - i) FROM generate_series(1, 100) i",
    }
}

both_engines! {
    async fn a_sink_that_has_enough_gets_no_further_row(engine: Engine) {
        let db = database::fresh(engine).await;
        let list = statement(numbers(engine), &[]);
        for lane in [Lane::Inline, Lane::Heavy] {
            for most in [1, 2, 40, 1] {
                let few = db.fetch(lane, &list, Vec::new(), Few { most, seen: Vec::new() }).await.unwrap();
                let expected: Vec<Value> = (1..).take(most).map(Value::Int).collect();
                assert_eq!(few.seen, expected, "{lane:?}");
                assert_eq!(number(&db, "SELECT CAST(7 AS BIGINT)").await, 7, "the connection goes on");
            }
        }
    }

    async fn a_sink_that_never_has_enough_gets_all_rows(engine: Engine) {
        let db = database::fresh(engine).await;
        let three = statement("SELECT CAST(1 AS BIGINT) UNION ALL SELECT 2 UNION ALL SELECT 3", &[]);
        let rows = db.fetch(Lane::Inline, &three, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
        assert_eq!(rows.rows.len(), 3);
    }
}
