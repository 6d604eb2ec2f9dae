//! Data migrations: SQL that is run once, when all else of a revision is done.

use std::sync::Arc;

use mainstay_contract::{Contract, Source};
use mainstay_data::apply::{self, ApplyError, Consent};
use mainstay_data::start;
use mainstay_db::{Lane, Rows, Statement};
use mainstay_ledger::{Safety, Stage, Step};
use mainstay_record::{Kind, Value};
use mainstay_testkit::both_engines;

use crate::contracts::notes;
use crate::support::Fixture;

const FIELDS: &str = "string title = 2; optional string headline = 3;";

/// Gives every note a headline, ten at a time.
const HEADLINES: &str = "-- repeat\nUPDATE note_v1_note SET headline = 'about ' || title, _revision = _revision + 1 WHERE _id IN\n\
    (SELECT _id FROM note_v1_note WHERE headline IS NULL LIMIT 10);\n-- verify\nSELECT _id FROM note_v1_note WHERE headline IS NULL;";

/// The contract of notes with migrations, by the names of their files.
fn with(migrations: &[(&str, &str)]) -> Arc<Contract> {
    let file = |path: String, text: &str| Source { path, text: text.to_owned() };
    let mut sources = vec![file("contract.proto".to_owned(), &notes(FIELDS))];
    sources.extend(migrations.iter().map(|(name, text)| file(format!("migrations/{name}.sql"), text)));
    Arc::new(mainstay_contract::compile(sources).unwrap_or_else(|problems| panic!("{problems}")))
}

async fn apply(fixture: &Fixture, contract: &Arc<Contract>) -> Result<(), ApplyError> {
    let consent = Consent::to_nothing(Stage::Development);
    apply::apply(fixture.data.db(), Arc::clone(contract), consent, 0).await?;
    apply::finish(fixture.data.db(), Arc::clone(contract)).await.map(drop)
}

async fn ids(fixture: &Fixture, contract: &Arc<Contract>) -> Vec<String> {
    let plan = apply::plan(fixture.data.db(), Arc::clone(contract)).await.unwrap();
    plan.steps.iter().map(Step::id).collect()
}

async fn number(fixture: &Fixture, sql: &str) -> i64 {
    let found =
        fixture.data.db().fetch(Lane::Heavy, &Statement::text(sql), Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    match found.rows.into_iter().flatten().next() {
        Some(Value::Int(number)) => number,
        other => panic!("{other:?} is no number"),
    }
}

/// A service with this many notes.
async fn filled(engine: mainstay_testkit::Engine, count: usize) -> Fixture {
    let fixture = Fixture::start(engine, &notes(FIELDS)).await;
    let rows: Vec<String> = (0..count).map(|i| format!("('n{i}', 1, 'note {i}')")).collect();
    let sql = format!("INSERT INTO note_v1_note (_id, _revision, title) VALUES {}", rows.join(", "));
    let filled = fixture.data.db().exclusive(move |conn| Box::pin(async move { conn.batch(&sql).await }));
    filled.await.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}"));
    fixture
}

const WITHOUT: &str = "SELECT COUNT(*) FROM note_v1_note WHERE headline IS NULL";

both_engines! {
    async fn a_migration_runs_once_to_its_end(engine: Engine) {
        let fixture = filled(engine, 25).await;
        let first = with(&[("0001_headlines", HEADLINES)]);
        let plan = apply::plan(fixture.data.db(), Arc::clone(&first)).await.unwrap();
        assert!(plan.steps.len() == 1 && plan.steps[0].id() == "run:migration:0001_headlines", "{plan}");
        assert!(!plan.is_ready(&[], Stage::Production) && plan.is_ready(&[], Stage::Development), "{plan}");
        apply(&fixture, &first).await.unwrap();
        assert_eq!(number(&fixture, WITHOUT).await, 0);
        assert_eq!(ids(&fixture, &first).await, [""; 0]);
        apply(&fixture, &first).await.unwrap();
        assert_eq!(number(&fixture, "SELECT CAST(SUM(_revision) AS BIGINT) FROM note_v1_note").await, 50, "each row was changed once");
        let ledger = start::newest(fixture.data.db()).await.unwrap().unwrap().ledger;
        assert!(ledger.has_run(1) && ledger.to_json().contains("\"rows\":25"), "{}", ledger.to_json());

        // The next one follows; the first one stays what it was, also where its file is gone.
        let shout = "UPDATE note_v1_note SET title = upper(title);\n-- verify\nSELECT 1 FROM note_v1_note WHERE title <> upper(title);";
        let second = with(&[("0001_headlines", HEADLINES), ("0002_shout", shout)]);
        assert_eq!(ids(&fixture, &second).await, ["run:migration:0002_shout"]);
        apply(&fixture, &second).await.unwrap();
        assert_eq!(number(&fixture, "SELECT COUNT(*) FROM note_v1_note WHERE title LIKE 'NOTE %'").await, 25);
        apply(&fixture, &with(&[])).await.unwrap();
        assert_eq!(ids(&fixture, &second).await, [""; 0]);
    }

    async fn a_migration_that_ran_is_not_changed(engine: Engine) {
        let fixture = filled(engine, 3).await;
        apply(&fixture, &with(&[("0001_headlines", HEADLINES)])).await.unwrap();
        let other = with(&[("0001_headlines", &HEADLINES.replace("about", "of"))]);
        let plan = apply::plan(fixture.data.db(), Arc::clone(&other)).await.unwrap();
        let step = &plan.steps[0];
        assert!(step.id() == "change:migration:0001_headlines" && matches!(step.safety, Safety::Refused { .. }), "{plan}");
        assert!(matches!(apply(&fixture, &other).await, Err(ApplyError::Refused(_))));
    }

    async fn what_fails_in_the_middle_goes_on_where_it_stopped_or_begins_anew_with_another_text(engine: Engine) {
        let fixture = filled(engine, 12).await;
        let verify = "-- verify\nSELECT 1 FROM note_v1_note WHERE headline IS NULL;";
        let add = "UPDATE note_v1_note SET title = title || '!';\n";
        let broken = with(&[("0001_twice", &format!("{add}UPDATE note_v1_note SET nothing = 1;\n{verify}"))]);
        for _ in 0..2 {
            let failed = apply(&fixture, &broken).await.unwrap_err();
            assert!(matches!(&failed, ApplyError::Migration { statement: 2, .. }), "{failed:?}");
            assert_eq!(number(&fixture, "SELECT COUNT(*) FROM note_v1_note WHERE title LIKE '%!!'").await, 0, "once is once");
        }
        let left = apply::plan(fixture.data.db(), Arc::clone(&broken)).await.unwrap();
        assert!(left.to_string().contains("1 of 2 statements are done, with 12 rows; it goes on from there"), "{left}");
        let mended = with(&[("0001_twice", &format!("UPDATE note_v1_note SET headline = title;\n{verify}"))]);
        apply(&fixture, &mended).await.unwrap();
        assert_eq!(number(&fixture, "SELECT COUNT(*) FROM note_v1_note WHERE headline LIKE '%!'").await, 12);
    }

    async fn what_did_not_come_to_what_it_should_is_not_done(engine: Engine) {
        let fixture = filled(engine, 4).await;
        let half = "UPDATE note_v1_note SET headline = title WHERE title <> 'note 3';\n-- verify\nSELECT 1 FROM note_v1_note WHERE headline IS NULL;";
        let half = with(&[("0001_half", half)]);
        let failed = apply(&fixture, &half).await.unwrap_err();
        assert!(matches!(&failed, ApplyError::Unverified { rows: 1, .. }), "{failed:?}");
        assert_eq!(ids(&fixture, &half).await, ["run:migration:0001_half"]);
        apply(&fixture, &with(&[("0001_half", HEADLINES)])).await.unwrap();
        assert_eq!(number(&fixture, WITHOUT).await, 0);
    }

    async fn a_running_service_runs_what_is_saved(engine: Engine) {
        let fixture = filled(engine, 11).await;
        let folder = fixture.folder.path().join("migrations");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("0001_headlines.sql"), HEADLINES).unwrap();
        fixture.rewrite(&notes(FIELDS)).await;
        mainstay_testkit::wait::until("every note has a headline", || async {
            (number(&fixture, WITHOUT).await == 0).then_some(())
        })
        .await;
    }
}
