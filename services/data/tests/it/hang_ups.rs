//! Lists that nobody waits for stop, and callers who ask for much leave room for others.

use std::time::Duration;

use futures_util::future::join_all;
use mainstay_db::{Database, Engine, Lane, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_record::{Kind, Value};
use mainstay_testkit::{both_engines, wait};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CREATE: &str = "note.v1.NoteService/CreateNote";
const GET: &str = "note.v1.NoteService/GetNote";
const LIST: &str = "note.v1.NoteService/ListNotes";

/// Long enough for any machine, short enough to end a test that fails.
const PATIENCE: Duration = Duration::from_secs(80);

const ROWS: usize = 6_000;

/// A resource with so many long rows that a filter which no index helps has much to do.
async fn many(engine: Engine) -> Fixture {
    let note = r#"
        // A note.
        message Note {
          option (google.api.resource) = {type: "note.example.com/Note" pattern: "notes/{note}"};
          option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
          string name = 1 [(google.api.field_behavior) = IDENTIFIER];
          string title = 2;
          int32 rank = 3;
        }
    "#;
    let fixture = Fixture::start(engine, &file("note.v1", note)).await;
    let rows = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO note_v1_note \
         (_id, title, rank, _revision) SELECT 'n' || CAST(i AS TEXT), '{}' || CAST(i AS TEXT), i, i FROM n",
        "a long title ".repeat(60)
    );
    fixture.sql(&rows).await;
    fixture
}

/// A list that looks at every row many times and finds none.
fn heavy() -> Json {
    let parts: Vec<String> = (0..190).map(|i| format!("title = \"*z{i}z*\"")).collect();
    json!({"filter": parts.join(" OR "), "order_by": "title desc"})
}

/// A list that takes a while and that no index helps, either.
fn light() -> Json {
    json!({"filter": "rank = 7", "order_by": "title"})
}

async fn answers(caller: &Caller<'_>) {
    let found = tokio::time::timeout(PATIENCE, caller.ok(LIST, light())).await.expect("others' lists are answered");
    assert_eq!(found["notes"].as_array().map(Vec::len), Some(1));
}

/// Waits until PostgreSQL works on nothing of this database but the question.
async fn nothing_runs(engine: Engine, db: &Database) {
    if engine == Engine::Sqlite {
        return;
    }
    let running = Statement::text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND state = 'active' AND query LIKE '%note_v1_note%'",
    );
    wait::until("no list runs any more", || async {
        let rows = db.fetch(Lane::Inline, &running, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap().rows;
        (rows == [[Value::Int(0)]]).then_some(())
    })
    .await;
}

both_engines! {
    async fn a_hundred_clients_that_hang_up_hold_up_nobody(engine: Engine) {
        let fixture = many(engine).await;
        let anyone = fixture.anonymous();
        let leaving = async {
            for _ in 0..5 {
                let some = (0..20).map(|_| tokio::time::timeout(Duration::from_millis(20), anyone.call(LIST, heavy())));
                for outcome in join_all(some).await {
                    let reason = outcome.ok().and_then(|answer| answer.err()?.reason());
                    assert!(matches!(reason, None | Some(Reason::Overloaded)), "{reason:?}");
                }
            }
        };
        let others = async {
            for round in 0..30 {
                let id = format!("new-{round}");
                anyone.ok(CREATE, json!({"note_id": id, "note": {"title": "new"}})).await;
                anyone.ok(GET, json!({"name": format!("notes/{id}")})).await;
            }
        };
        tokio::time::timeout(PATIENCE, async { tokio::join!(leaving, others) }).await.expect("others go on");
        answers(&anyone).await;
        nothing_runs(engine, fixture.data.db()).await;
    }

    async fn two_callers_who_ask_for_much_leave_room_for_a_third(engine: Engine) {
        let fixture = many(engine).await;
        let greedy = [fixture.user("ann", &[]), fixture.user("bob", &[])];
        let third = fixture.user("cy", &[]);
        let looping = greedy.iter().flat_map(|caller| (0..40).map(move |_| caller)).map(|caller| async move {
            // Each has more under way than may wait, all the time.
            loop {
                let answer = caller.call(LIST, heavy()).await;
                let reason = answer.err().and_then(|fault| fault.reason());
                assert!(matches!(reason, None | Some(Reason::Overloaded | Reason::DeadlineExceeded)), "{reason:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let asking = async {
            for _ in 0..3 {
                answers(&third).await;
            }
        };
        tokio::select! {
            _ = join_all(looping) => unreachable!("they ask for ever"),
            () = asking => {}
        }
        answers(&third).await;
        nothing_runs(engine, fixture.data.db()).await;
    }
}
