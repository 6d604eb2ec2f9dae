//! Values come back as they were bound, of every kind.

use mainstay_db::{Engine, Lane, Rows};
use mainstay_record::{Kind, Value};
use mainstay_testkit::{both_engines, database};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::statement;

const KINDS: [Kind; 7] = [Kind::Bool, Kind::Int, Kind::Double, Kind::Text, Kind::Bytes, Kind::Timestamp, Kind::Json];

/// The year 1 and the end of the year 9999: what a protobuf Timestamp can say.
const MOMENTS: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;

fn any_row() -> impl Strategy<Value = Vec<Value>> {
    // PostgreSQL stores no NUL in texts.
    let text = "[^\\x00]{0,40}";
    let json = proptest::collection::vec(any::<i32>(), 0..5);
    (
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Double),
        text.prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        MOMENTS.prop_map(Value::Timestamp),
        // `jsonb` writes its own spaces.
        json.prop_map(|list| Value::Json(format!("{list:?}"))),
        any::<u8>(),
    )
        .prop_map(|(a, b, c, d, e, f, g, nulls)| {
            let mut row = vec![a, b, c, d, e, f, g];
            for (i, value) in row.iter_mut().enumerate() {
                if nulls & (1 << i) != 0 {
                    *value = Value::Null;
                }
            }
            row
        })
}

both_engines! {
    async fn every_value_comes_back_as_it_was_bound(engine: Engine) {
        let db = database::fresh(engine).await;
        let echo = match engine {
            Engine::Sqlite => statement("SELECT ?, ?, ?, ?, ?, ?, ?", &KINDS),
            Engine::Postgres => statement("SELECT ?, ?, ?, ?, ?, ?, ?", &KINDS),
        };
        let mut runner = TestRunner::deterministic();
        for _ in 0..256 {
            let row = any_row().new_tree(&mut runner).unwrap().current();
            let rows = db.fetch(Lane::Inline, &echo, row.clone(), Rows::of(&KINDS)).await.unwrap();
            assert_eq!(rows.rows, [row]);
        }
    }

    async fn a_missing_bind_is_an_error(engine: Engine) {
        let db = database::fresh(engine).await;
        let echo = statement("SELECT ?", &[Kind::Int]);
        let error = db.fetch(Lane::Inline, &echo, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
    }

    async fn a_column_beyond_the_row_reads_as_null(engine: Engine) {
        let db = database::fresh(engine).await;
        let one = statement("SELECT 1", &[]);
        let rows = db.fetch(Lane::Inline, &one, Vec::new(), Rows::of(&[Kind::Int, Kind::Text])).await.unwrap();
        assert_eq!(rows.rows, [vec![Value::Int(1), Value::Null]]);
    }
}

#[tokio::test]
async fn postgres_integers_of_every_width_are_read() {
    let db = database::fresh(Engine::Postgres).await;
    let widths = statement("SELECT 1::int2, -2::int4, 3::int8, 0.5::float4, '{\"a\": 1}'::json", &[]);
    let kinds = [Kind::Int, Kind::Int, Kind::Int, Kind::Double, Kind::Json];
    let rows = db.fetch(Lane::Inline, &widths, Vec::new(), Rows::of(&kinds)).await.unwrap();
    let expected =
        vec![Value::Int(1), Value::Int(-2), Value::Int(3), Value::Double(0.5), Value::Json("{\"a\": 1}".to_owned())];
    assert_eq!(rows.rows, [expected]);
}
