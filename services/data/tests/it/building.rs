//! What PostgreSQL builds beside the work, and what waits for whom (SQLite builds an index while nobody writes).

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstay_contract::{Contract, Source};
use mainstay_data::apply::{self, ApplyError, Consent};
use mainstay_data::start::StartError;
use mainstay_db::{Database, Error, Lane, Rows, Statement};
use mainstay_ledger::Stage;
use mainstay_record::{Kind, Value};
use mainstay_testkit::Engine;
use mainstay_testkit::wait::until;
use serde_json::json;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::contracts::file;
use crate::support::Fixture;

/// How long what must not wait may take.
const SOON: Duration = Duration::from_secs(60);

const CREATE: &str = "note.v1.NoteService/CreateNote";
const GET: &str = "note.v1.NoteService/GetNote";

fn contract(options: &str, fields: &str) -> String {
    file(
        "note.v1",
        &format!(
            "// A note.\nmessage Note {{\n  option (google.api.resource) = {{type: \"note.example.com/Note\" pattern: \
             \"notes/{{note}}\"}};\n  option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}} {options}}};\n  \
             string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  {fields}\n}}\n"
        ),
    )
}

fn compiled(text: &str) -> Contract {
    let source = Source { path: "contract.proto".to_owned(), text: text.to_owned() };
    mainstay_contract::compile(vec![source]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A transaction that stays open after a statement, until it is told to end.
struct Open {
    end: Arc<Notify>,
    ended: tokio::task::JoinHandle<()>,
}

impl Open {
    async fn after(db: &Database, sql: &str) -> Open {
        let (end, statement) = (Arc::new(Notify::new()), Statement::text(sql));
        let (begun, open) = oneshot::channel();
        let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
        let (db, told) = (db.clone(), Arc::clone(&end));
        let ended = tokio::spawn(async move {
            let done = db.snapshot(move |conn| {
                let (statement, told, begun) = (Arc::clone(&statement), Arc::clone(&told), Arc::clone(&begun));
                Box::pin(async move {
                    conn.query(&statement, &[], &mut |_| ()).await?;
                    if let Some(begun) = begun.lock().unwrap().take() {
                        let _ = begun.send(());
                    }
                    told.notified().await;
                    Ok::<_, Error>(())
                })
            });
            done.await.unwrap();
        });
        open.await.unwrap();
        Open { end, ended }
    }

    async fn end(self) {
        self.end.notify_one();
        self.ended.await.unwrap();
    }
}

async fn number(db: &Database, sql: &str) -> i64 {
    let found = db.fetch(Lane::Heavy, &Statement::text(sql), Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    let Value::Int(number) = found.rows[0][0] else { panic!("{sql} gives no number") };
    number
}

async fn is_waiting(db: &Database) {
    let build = "SELECT count(*) FROM pg_stat_progress_create_index p JOIN pg_database d ON d.oid = p.datid \
                 WHERE d.datname = current_database() AND phase LIKE 'waiting%'";
    until("the index waits", || async { (number(db, build).await > 0).then_some(()) }).await;
}

async fn create(fixture: &Fixture, note: serde_json::Value) {
    timeout(SOON, fixture.anonymous().ok(CREATE, json!({"note": note}))).await.expect("a write waits for nothing");
}

#[tokio::test]
async fn an_index_that_waits_for_a_transaction_of_others_holds_up_nobody() {
    let fixture = Fixture::start(Engine::Postgres, &contract("", "string title = 2;")).await;
    create(&fixture, json!({"title": "before"})).await;
    let open = Open::after(fixture.data.db(), "SELECT 1").await;
    let indexed = "index {fields: \"title\"}";
    fixture.rewrite(&contract(indexed, "string title = 2;")).await;
    is_waiting(fixture.data.db()).await;

    // Requests, a plan, a start.
    create(&fixture, json!({"title": "meanwhile"})).await;
    let text = contract(indexed, "string title = 2; string text = 3;");
    let plan = timeout(SOON, apply::plan(fixture.data.db(), Arc::new(compiled(&text))))
        .await
        .expect("a plan waits for nothing");
    let shown = plan.unwrap().to_string();
    assert!(shown.contains("add field") && shown.contains("add index"), "what is not done is shown: {shown}");
    let second = timeout(SOON, fixture.second()).await.expect("a start waits for nothing");
    is_waiting(fixture.data.db()).await;

    // Another change breaks it off, and it begins again.
    timeout(SOON, fixture.rewrite(&text)).await.expect("an apply waits for nothing");
    create(&fixture, json!({"title": "after", "text": "t"})).await;
    is_waiting(fixture.data.db()).await;
    second.end().await;
    create(&fixture, json!({"title": "later", "text": "t"})).await;
    open.end().await;
    let contract = Arc::new(compiled(&text));
    let finished =
        || async { apply::plan(fixture.data.db(), Arc::clone(&contract)).await.unwrap().is_empty().then_some(()) };
    until("the index is there", finished).await;
    let valid = "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE '%title%' AND indisvalid";
    assert_eq!(number(fixture.data.db(), valid).await, 1);
}

#[tokio::test]
async fn a_table_that_a_transaction_of_others_uses_is_changed_later_and_holds_up_nobody() {
    let fixture = Fixture::start(Engine::Postgres, &contract("", "string title = 2;")).await;
    fixture.anonymous().ok(CREATE, json!({"note_id": "n", "note": {"title": "before"}})).await;
    let open = Open::after(fixture.data.db(), "SELECT * FROM note_v1_note").await;
    let more = contract("", "string title = 2; string text = 3;");
    let (reconciler, wanted) = (Arc::clone(fixture.data.reconciler()), compiled(&more));
    let change = tokio::spawn(async move { reconciler.apply(wanted, Consent::to_nothing(Stage::Development)).await });
    let mut longest = Duration::ZERO;
    while !change.is_finished() {
        let begun = Instant::now();
        fixture.anonymous().ok(GET, json!({"name": "notes/n"})).await;
        longest = longest.max(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(longest < Duration::from_secs(20), "a read took {longest:?}");
    let Err(StartError::Apply(ApplyError::Read(error))) = change.await.unwrap() else { panic!("it is in use") };
    let said = error.to_string();
    assert!(said.contains("process ") && said.contains("mainstay, idle in transaction"), "{said}");
    assert!(said.contains("End these transactions, or try again later"), "{said}");

    open.end().await;
    fixture.rewrite(&more).await;
    create(&fixture, json!({"title": "after", "text": "t"})).await;
}
