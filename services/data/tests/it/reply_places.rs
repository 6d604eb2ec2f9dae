//! Where on SQLite the answers to requests with an id are found: in memory, on disk, after a start, after what was taken back.

use mainstay_data::purge::answers;
use mainstay_db::{Lane, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_identity::Clock as _;
use mainstay_record::{Kind, Value};
use mainstay_testkit::Engine;
use mainstay_testkit::wait::until;
use serde_json::{Value as Json, json};

use crate::contracts::notes;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// More than are kept in memory.
const MANY: i64 = 20_000;

async fn start() -> Fixture {
    Fixture::start(Engine::Sqlite, &notes("string title = 2 [(buf.validate.field).string.max_len = 9];")).await
}

fn note(id: i64) -> Json {
    json!({"note": {"title": id.to_string()}, "request_id": format!("r{id}")})
}

async fn create(fixture: &Fixture, id: i64) -> Json {
    fixture.user("ann", &[]).ok(CREATE, note(id)).await
}

/// Answers to requests that nobody will repeat, as many as memory does not hold.
async fn many_others(fixture: &Fixture) {
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})");
    let expires = fixture.clock.now_micros() + DAY_SECONDS * 1_000_000;
    fixture
        .sql(&format!(
            "INSERT INTO mainstay_replies (request, fingerprint, resource_key, answer, expires_at) \
             {numbers} SELECT randomblob(16), x'', '[]', x'', {expires} FROM n"
        ))
        .await;
}

async fn count(fixture: &Fixture, table: &str) -> i64 {
    let statement = Statement::text(&format!("SELECT count(*) FROM {table}"));
    let found = fixture.data.db().fetch(Lane::Heavy, &statement, Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    let Value::Int(count) = found.rows[0][0] else { panic!("a count is a number") };
    count
}

/// All places that are stored, beside the one that says how far.
async fn stored(fixture: &Fixture, at_least: i64) {
    let table = "mainstay_reply_places";
    until("places are stored", || async { (count(fixture, table).await > at_least).then_some(()) }).await;
}

#[tokio::test]
async fn an_answer_is_found_in_memory_on_disk_and_after_each_start() {
    let fixture = start().await;
    let first = create(&fixture, 1).await;
    assert_eq!(create(&fixture, 1).await, first, "in memory");
    assert_eq!(count(&fixture, "mainstay_reply_places").await, 0);

    many_others(&fixture).await;
    let fixture = fixture.restart().await;
    stored(&fixture, MANY).await;
    assert_eq!(create(&fixture, 1).await, first, "on disk");
    let second = create(&fixture, 2).await;
    assert_eq!(create(&fixture, 2).await, second, "in memory again");

    let fixture = fixture.restart().await;
    assert_eq!(create(&fixture, 1).await, first);
    assert_eq!(create(&fixture, 2).await, second);
    let other = json!({"note": {"title": "other"}, "request_id": "r1"});
    assert_eq!(fixture.user("ann", &[]).refused(CREATE, other).await.0, Reason::RequestIdReused);
    assert_eq!(count(&fixture, "note_v1_note").await, 2);
}

#[tokio::test]
async fn an_orderly_end_stores_where_answers_are_so_that_no_start_looks_for_them() {
    let fixture = start().await;
    let first = create(&fixture, 1).await;
    fixture.data.close().await;

    let fixture = fixture.restart().await;
    assert_eq!(count(&fixture, "mainstay_reply_places").await, 2, "its own place, and how far they are stored");
    assert_eq!(create(&fixture, 1).await, first);
    let second = create(&fixture, 2).await;
    fixture.data.close().await;

    let fixture = fixture.restart().await;
    assert_eq!(count(&fixture, "mainstay_reply_places").await, 3);
    assert_eq!((create(&fixture, 1).await, create(&fixture, 2).await), (first, second));
}

#[tokio::test]
async fn a_request_that_failed_has_no_answer_and_may_come_again() {
    let fixture = start().await;
    let ann = fixture.user("ann", &[]);
    let refused = json!({"note_id": "taken", "note": {"title": "b"}, "request_id": "r"});
    ann.ok(CREATE, json!({"note_id": "taken", "note": {"title": "a"}})).await;
    for _ in 0..2 {
        assert_eq!(ann.refused(CREATE, refused.clone()).await.0, Reason::AlreadyExists);
    }
    let accepted = json!({"note": {"title": "b"}, "request_id": "r"});
    let made = ann.ok(CREATE, accepted.clone()).await;
    assert_eq!(ann.ok(CREATE, accepted.clone()).await, made);
    let fixture = fixture.restart().await;
    assert_eq!(fixture.user("ann", &[]).ok(CREATE, accepted).await, made);
}

/// A clock that was ahead, and was set right, leaves answers in front that stay longer.
#[tokio::test]
async fn what_has_expired_is_forgotten_behind_what_has_not() {
    const IN_FRONT: usize = 6_000;
    let fixture = start().await;
    let (now, context) = (fixture.clock.now_micros(), &fixture.data.resources().context);
    let some = |many: usize, expires: i64| {
        format!(
            "INSERT INTO mainstay_replies (request, fingerprint, resource_key, answer, expires_at) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) \
         SELECT randomblob(16), x'', '[]', x'', {expires} FROM n"
        )
    };
    fixture.sql(&some(IN_FRONT, now + 900 * DAY_SECONDS * 1_000_000)).await;
    fixture.sql(&some(3_000, now - 1)).await;
    fixture.sql(&some(1, now + DAY_SECONDS * 1_000_000)).await;
    fixture.sql(&some(700, now - 1)).await;
    let mut forgotten = 0;
    for _ in 0..5 {
        forgotten += answers(context, now).await.unwrap();
    }
    assert_eq!(forgotten, 3_700);
    assert_eq!(count(&fixture, "mainstay_replies").await, i64::try_from(IN_FRONT).unwrap() + 1);
}

#[tokio::test]
async fn what_is_forgotten_has_no_place_either() {
    let fixture = start().await;
    let first = create(&fixture, 1).await;
    many_others(&fixture).await;
    let fixture = fixture.restart().await;
    stored(&fixture, MANY).await;
    let second = create(&fixture, 2).await;
    fixture.clock.advance_seconds(DAY_SECONDS);
    let third = create(&fixture, 3).await;

    let context = &fixture.data.resources().context;
    let forgotten = answers(context, fixture.clock.now_micros()).await.unwrap();
    assert_eq!(forgotten, usize::try_from(MANY).unwrap() + 2);
    assert_eq!(count(&fixture, "mainstay_replies").await, 1);
    assert_eq!(count(&fixture, "mainstay_reply_places").await, 1, "how far they are stored");
    assert_ne!(create(&fixture, 1).await["name"], first["name"], "it is another request");
    assert_ne!(create(&fixture, 2).await["name"], second["name"]);
    assert_eq!(create(&fixture, 3).await, third);
    let fixture = fixture.restart().await;
    assert_eq!(create(&fixture, 3).await, third);
}
