//! The same plans on both engines, run as the data service runs them.

use mainstay_contract::Contract;
use mainstay_db::{Atomic, Database, Error, Lane, Rows, Statement};
use mainstay_ledger::{Answer, Answers, Ledger, Plan, Stage, bind, plan, probes};
use mainstay_record::{Kind, Value};
use mainstay_sql::{Dialect, Probe, SchemaStep, Sql, identifier, schema_sql};
use mainstay_testkit::{Engine, both_engines, database};

use crate::shop::{BASE, ROWS, contract, edited};

fn dialect(database: &Database) -> Dialect {
    match database.engine() {
        Engine::Sqlite => Dialect::Sqlite,
        Engine::Postgres => Dialect::Postgres,
    }
}

/// A column of a query, as text.
async fn texts(database: &Database, sql: &str, kind: Kind) -> Vec<Value> {
    let rows = database.fetch(Lane::Heavy, &Statement::text(sql), Vec::new(), Rows::of(&[kind])).await;
    rows.unwrap_or_else(|error| panic!("{error}: {sql}")).rows.into_iter().flatten().collect()
}

async fn answer(database: &Database, probe: &Probe) -> Answer {
    let dialect = dialect(database);
    let text = |sql: Sql| sql.text(dialect);
    let count = texts(database, &text(probe.count_sql(dialect)), Kind::Int).await;
    let count =
        if let [Value::Int(count)] = count[..] { u64::try_from(count).expect("a count") } else { panic!("{count:?}") };
    let mut sample = Vec::new();
    if let Some(sql) = probe.sample_sql(dialect) {
        for id in texts(database, &text(sql), Kind::Text).await {
            let Value::Text(id) = id else { panic!("{id:?} is no id") };
            sample.push(vec![id]);
        }
    }
    Answer { count, sample }
}

async fn plan_on(database: &Database, ledger: &Ledger, contract: &Contract) -> Plan {
    let mut answers = Answers::default();
    for probe in probes(ledger, contract) {
        let answer = answer(database, &probe).await;
        answers.0.insert(probe, answer);
    }
    plan(ledger, contract, &answers).expect("every question is answered")
}

/// Runs statements in one transaction, or one by one outside any.
async fn run(database: &Database, steps: &[&SchemaStep], inside: bool) {
    let dialect = dialect(database);
    let statements: Vec<String> = steps.iter().flat_map(|step| schema_sql(dialect, step)).collect();
    let done = database.exclusive(move |conn| {
        Box::pin(async move {
            if inside {
                conn.begin().await?;
            }
            for statement in &statements {
                conn.batch(statement).await?;
            }
            if inside { conn.commit().await } else { Ok(()) }
        })
    });
    done.await.expect("the steps run");
}

async fn apply(database: &Database, ledger: &mut Ledger, contract: &Contract) -> Plan {
    let plan = plan_on(database, ledger, contract).await;
    assert!(plan.is_ready(&[], Stage::Development), "{plan}");
    run(database, &plan.inside(), true).await;
    for step in plan.outside() {
        run(database, &step.schema.iter().collect::<Vec<_>>(), false).await;
    }
    *ledger = plan.after.clone();
    plan
}

async fn write(database: &Database, sql: &str) -> Result<(), Error> {
    let sql = sql.to_owned();
    database
        .write(Atomic::Transaction, move |conn| {
            let sql = sql.clone();
            Box::pin(async move { conn.batch(&sql).await })
        })
        .await
}

both_engines! {
    async fn every_sort_of_step_runs_and_keeps_the_rows(engine: Engine) {
        let database = database::fresh(engine).await;
        let mut ledger = Ledger::empty();
        apply(&database, &mut ledger, &contract(BASE)).await;
        write(&database, ROWS).await.expect("rows");
        let next = contract(&edited(&[
            ("package shop.v1;", "package store.v2;"),
            ("string sku = 2;", "string title = 2;"),
            ("string title = 3;", "string sku = 3;"),
            ("Address address = 6;", "Address home = 6;"),
            ("string category = 9;", r#"string category = 9;
                string brand = 13 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field) = {default: "'own'"}];
                google.protobuf.Timestamp seen = 14 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field) = {default: "now"}];
                bytes seal = 15; bool hot = 16; double rate = 17; repeated string tags = 18;
                string parent = 19 [(google.api.resource_reference).type = "shop.example.com/Product"];"#),
            ("index {fields: \"category\"", "index {fields: \"sku\" unique: true} index {fields: \"stock desc\" fields: \"note\"} index {fields: \"seen\""),
        ]));
        let plan = apply(&database, &mut ledger, &next).await;
        assert!(plan.outside().count() >= 4, "{plan}");
        let again = plan_on(&database, &ledger, &next).await;
        assert!(again.is_empty() && !again.changes_ledger(), "{again}");
        let rows = "SELECT t.\"title_2\" || '/' || t.\"sku_3\" || '/' || t.\"brand\" FROM \"store_v2_product\" AS t ORDER BY t.\"_id\"";
        let wanted = ["A/Cup/own", "A//own"].map(|text| Value::Text(text.to_owned()));
        assert_eq!(texts(&database, rows, Kind::Text).await, wanted);
        let seen = texts(&database, "SELECT t.\"seen\" FROM \"store_v2_product\" AS t", Kind::Timestamp).await;
        assert!(seen.iter().all(|value| matches!(value, Value::Timestamp(us) if *us > 1_600_000_000_000_000)), "{seen:?}");
    }

    async fn constraints_hold_after_everything_was_renamed(engine: Engine) {
        let database = database::fresh(engine).await;
        let mut ledger = Ledger::empty();
        let unique = "index {fields: \"sku\" unique: true} index {fields: \"category\"";
        apply(&database, &mut ledger, &contract(&edited(&[("index {fields: \"category\"", unique)]))).await;
        let next = contract(&edited(&[
            ("index {fields: \"category\"", &unique.replace("sku", "code")),
            ("string sku = 2;", "string code = 2;"),
            ("message Product {", "message Article {"),
        ]));
        let plan = apply(&database, &mut ledger, &next).await;
        assert_eq!(plan.outside().count(), 0, "{plan}");
        let insert = |id: &str, code: &str| format!("INSERT INTO shop_v1_article (_id, _revision, code) VALUES ('{id}', 1, '{code}')");
        for (id, code) in [("a", ""), ("b", ""), ("c", "X")] {
            write(&database, &insert(id, code)).await.expect("unset never conflicts");
        }
        let bound = bind(next, &ledger);
        let article = bound.resource("shop.example.com/Product").expect("an article");
        let taken = write(&database, &insert("d", "X")).await;
        let Err(Error::UniqueViolation { constraint, .. }) = taken else { panic!("{taken:?}") };
        let named = |constraint: &str| article.indexes.iter().find(|index| identifier(&index.name) == constraint);
        assert_eq!(named(&constraint).expect("an index").fields, ["code"], "{constraint}");
        let taken = write(&database, &insert("a", "Y")).await;
        let Err(Error::UniqueViolation { constraint, .. }) = taken else { panic!("{taken:?}") };
        assert!(named(&constraint).is_none(), "{constraint} is of the key");
        let broken = write(&database, "INSERT INTO shop_v1_review (_id, _revision, product) VALUES ('r', 1, 'nobody')").await;
        assert!(matches!(broken, Err(Error::ForeignKeyViolation { .. })), "{broken:?}");
    }

    async fn two_resources_may_refer_to_each_other(engine: Engine) {
        let database = database::fresh(engine).await;
        let mut ledger = Ledger::empty();
        let favourite = "int32 stock = 4; string favourite = 13 [(google.api.resource_reference).type = \"shop.example.com/Review\"];";
        let next = contract(&edited(&[("int32 stock = 4;", favourite)]));
        apply(&database, &mut ledger, &next).await;
        assert!(plan_on(&database, &ledger, &next).await.is_empty());
    }

    async fn rows_that_another_delete_time_deletes_or_brings_back_are_named(engine: Engine) {
        let database = database::fresh(engine).await;
        let mut ledger = Ledger::empty();
        let with = |soft: &str, fields: &str| contract(&edited(&[
            ("access {read: \"resource.tree", &format!("{soft} access {{read: \"resource.tree")),
            ("string category = 9;", &format!("string category = 9; {fields}")),
        ]));
        let soft = "soft_delete: true purge_after: \"1h\"";
        let plain = with("", "google.protobuf.Timestamp closed_at = 30; google.protobuf.Timestamp read_at = 31;");
        apply(&database, &mut ledger, &plain).await;
        let time = match database.engine() {
            Engine::Sqlite => "1577836800000000",
            Engine::Postgres => "'2020-01-01T00:00:00Z'",
        };
        let insert = |id: &str, column: &str| {
            format!("INSERT INTO shop_v1_product (_id, _revision, {column}) VALUES ('{id}', 1, {time})")
        };
        let first = with(soft, "google.protobuf.Timestamp delete_time = 30; google.protobuf.Timestamp read_at = 31;");
        assert!(plan_on(&database, &ledger, &first).await.is_ready(&[], Stage::Development));
        write(&database, &insert("a", "closed_at")).await.expect("a row");
        let plan = plan_on(&database, &ledger, &first).await;
        assert!(!plan.is_ready(&[], Stage::Development), "{plan}");
        assert!(plan.to_string().contains("deleted from now on, and gone for good 1h after the time that stands there: 1 row: products/a"), "{plan}");
        write(&database, "UPDATE shop_v1_product SET closed_at = NULL").await.expect("nobody is closed");
        apply(&database, &mut ledger, &first).await;
        write(&database, &insert("b", "delete_time")).await.expect("a deleted row");
        write(&database, &insert("c", "read_at")).await.expect("a row that was read");
        let swapped = with(soft, "google.protobuf.Timestamp read_at = 30; google.protobuf.Timestamp delete_time = 31;");
        let plan = plan_on(&database, &ledger, &swapped).await;
        assert!(!plan.is_ready(&[], Stage::Development), "{plan}");
        assert!(plan.to_string().contains("there again for everybody: 1 row: products/b"), "{plan}");
        assert!(plan.to_string().contains("1 row: products/c"), "{plan}");
    }

    async fn a_plan_names_the_rows_that_stand_against_it(engine: Engine) {
        let database = database::fresh(engine).await;
        let mut ledger = Ledger::empty();
        apply(&database, &mut ledger, &contract(BASE)).await;
        write(&database, ROWS).await.expect("rows");
        let next = contract(&edited(&[
            ("index {fields: \"category\"", "index {fields: \"sku\" unique: true} index {fields: \"category\""),
            ("string title = 3;", "string title = 3 [(google.api.field_behavior) = REQUIRED];"),
            ("int32 stock = 4;", "int32 stock = 4 [(buf.validate.field).int32 = {gte: 1}];"),
            ("repeated Line lines = 7;", "repeated Line lines = 7 [(buf.validate.field).repeated.min_items = 2];"),
            ("Address address = 6;", "Address address = 6 [(google.api.field_behavior) = REQUIRED];"),
        ]));
        let plan = plan_on(&database, &ledger, &next).await.to_string();
        assert!(plan.contains("the same sku stands in 2 rows: products/a, products/b"), "{plan}");
        assert!(plan.contains("title is unset in 1 row: products/b"), "{plan}");
        assert!(plan.contains("not so in 1 row: products/b"), "{plan}");
        assert!(plan.contains("not so in 2 rows: products/a, products/b"), "{plan}");
        assert!(plan.contains("address is unset in 2 rows: products/a, products/b"), "{plan}");
    }
}
