//! Whoever changes the database by hand is found out, on both engines in the same words.

use mainstay_data::drift::{self, Found, Kind};
use mainstay_data::store::contracts::ReadError;
use mainstay_testkit::{Engine, both_engines};

use crate::contracts::file;
use crate::support::Fixture;

const CONTRACT: &str = "// A note, and what it is about.
message Topic {
  option (google.api.resource) = {type: \"note.example.com/Topic\" pattern: \"topics/{topic}\"};
  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Note {
  option (google.api.resource) = {type: \"note.example.com/Note\" pattern: \"notes/{note}\"};
  option (mainstay.v1.resource) = {
    access {read: \"true\" write: \"true\"}
    index {fields: \"title\" fields: \"stars desc\"}
    index {fields: \"code\" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
  int32 stars = 3;
  string code = 4;
  string topic = 5 [(google.api.resource_reference).type = \"note.example.com/Topic\"];
  bool done = 6;
  double weight = 7;
  bytes body = 8;
  google.protobuf.Timestamp create_time = 9 [(google.api.field_behavior) = OUTPUT_ONLY];
  repeated string tags = 10;
  optional int64 size = 11;
}
";

async fn start(engine: Engine) -> Fixture {
    Fixture::start(engine, &file("note.v1", CONTRACT)).await
}

async fn found(fixture: &Fixture) -> Found {
    let found: Result<Found, ReadError> = fixture.data.db().snapshot(|conn| Box::pin(drift::find(conn))).await;
    found.unwrap()
}

/// What is different after a statement, which another one takes back.
async fn differs(fixture: &Fixture, by: &str, back: &str) -> Vec<(Kind, String, String)> {
    fixture.sql(by).await;
    let differences = found(fixture).await.differences;
    assert!(differences.iter().all(|difference| !difference.remedy.is_empty()));
    fixture.sql(back).await;
    differences.into_iter().map(|difference| (difference.kind, difference.place, difference.what)).collect()
}

fn one(kind: Kind, place: &str, what: &str) -> Vec<(Kind, String, String)> {
    vec![(kind, place.to_owned(), what.to_owned())]
}

both_engines! {
    async fn what_was_applied_differs_in_nothing_also_after_it_changed(engine: Engine) {
        let fixture = start(engine).await;
        let found_first = found(&fixture).await;
        assert_eq!((found_first.revision, found_first.resources, found_first.differences), (1, 2, Vec::new()));
        let renamed = CONTRACT
            .replace("string title = 2;", "string headline = 2 [(mainstay.v1.field) = {aliases: \"title\"}];")
            .replace("fields: \"title\"", "fields: \"headline\"")
            .replace("  bool done = 6;", "  bool done = 6;\n  int32 added = 12;");
        fixture.rewrite(&file("note.v1", &renamed)).await;
        fixture.settle(&file("note.v1", &renamed)).await;
        assert_eq!(found(&fixture).await.differences, Vec::new());
        let shop = Fixture::shop(engine).await;
        assert_eq!(found(&shop).await.differences, Vec::new());
    }

    async fn each_difference_is_named_with_its_place(engine: Engine) {
        let fixture = start(engine).await;
        let add = "ALTER TABLE note_v1_note ADD COLUMN extra TEXT";
        let drop = "ALTER TABLE note_v1_note DROP COLUMN extra";
        let stranger = "the ledger does not know this column";
        assert_eq!(differs(&fixture, add, drop).await, one(Kind::Stranger, "note_v1_note.extra", stranger));

        let rename = "ALTER TABLE note_v1_note RENAME COLUMN done TO finished";
        let back = "ALTER TABLE note_v1_note RENAME COLUMN finished TO done";
        let renamed = differs(&fixture, rename, back).await;
        assert_eq!(renamed[0], (Kind::Breaks, "note_v1_note.done".to_owned(), "the column is missing".to_owned()));
        assert_eq!(renamed[1], (Kind::Weakens, "note_v1_note.finished".to_owned(), stranger.to_owned()));

        let made = differs(&fixture, "CREATE TABLE mine (a TEXT)", "DROP TABLE mine").await;
        assert_eq!(made, one(Kind::Stranger, "mine", "the ledger does not know this table"));

        let index = "CREATE INDEX by_hand ON note_v1_note (stars)";
        let extra = differs(&fixture, index, "DROP INDEX by_hand").await;
        assert_eq!(extra, one(Kind::Stranger, "note_v1_note.by_hand", "the ledger does not know this index: it costs every write"));

        // Last, because nothing here makes them again.
        let unique = found_index(&fixture, "code").await;
        let lost = differs(&fixture, &format!("DROP INDEX \"{unique}\""), "SELECT 1").await;
        let twice = "the unique index is missing: the same value can be stored twice";
        assert_eq!(lost, one(Kind::Breaks, &format!("note_v1_note.{unique}"), twice));
        let remedy = found(&fixture).await.differences[0].remedy.clone();
        fixture.sql(&remedy).await;
        assert_eq!(found(&fixture).await.differences, Vec::new(), "the remedy makes it as it was: {remedy}");
        fixture.sql("ALTER TABLE note_v1_note RENAME TO elsewhere").await;
        let gone = found(&fixture).await.differences;
        let gone: Vec<(Kind, &str)> = gone.iter().map(|gone| (gone.kind, gone.place.as_str())).collect();
        assert_eq!(gone, [(Kind::Breaks, "note_v1_note"), (Kind::Stranger, "elsewhere")]);
    }
}

/// The name of the index whose place says the word: it is made anew in another order to be told.
async fn found_index(fixture: &Fixture, column: &str) -> String {
    let tables = fixture.data.db().snapshot(|conn| Box::pin(mainstay_db::catalog::catalog(conn))).await.unwrap();
    let indexes = &tables["note_v1_note"].indexes;
    let named = indexes.iter().find(|(_, index)| index.unique && index.columns.iter().any(|(name, _)| name == column));
    named.unwrap().0.clone()
}

#[tokio::test]
async fn an_invalid_index_another_type_and_a_lost_reference_are_told_on_postgresql() {
    let fixture = start(Engine::Postgres).await;
    let unique = found_index(&fixture, "code").await;
    let spoil = |valid| format!("UPDATE pg_index SET indisvalid = {valid} WHERE indexrelid = '\"{unique}\"'::regclass");
    let invalid = differs(&fixture, &spoil(false), &spoil(true)).await;
    let what = "the index is invalid: PostgreSQL does not use it for reads";
    assert_eq!(invalid, one(Kind::Breaks, &format!("note_v1_note.{unique}"), what));

    let wider = "ALTER TABLE note_v1_note ALTER COLUMN stars TYPE INTEGER";
    let typed = differs(&fixture, wider, "ALTER TABLE note_v1_note ALTER COLUMN stars TYPE BIGINT").await;
    assert_eq!(typed, one(Kind::Breaks, "note_v1_note.stars", "the column is INTEGER, and should be BIGINT"));
    let collated = "ALTER TABLE note_v1_note ALTER COLUMN body DROP NOT NULL";
    let loose = differs(&fixture, collated, "ALTER TABLE note_v1_note ALTER COLUMN body SET NOT NULL").await;
    assert_eq!(loose, one(Kind::Breaks, "note_v1_note.body", "the column may be NULL, and must not"));

    let lost = differs(&fixture, "ALTER TABLE note_v1_note DROP CONSTRAINT note_v1_note_topic_fkey", "SELECT 1").await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].0 == Kind::Weakens && lost[0].2.contains("the reference to note_v1_topic is missing"), "{lost:?}");
}
