//! What a start finds again.

use mainstay_data::FolderOutcome;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::notes;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const LIST: &str = "note.v1.NoteService/ListNotes";
const GET: &str = "note.v1.NoteService/GetNote";

both_engines! {
    async fn rows_answers_and_page_tokens_outlive_a_restart(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2; string etag = 3;")).await;
        assert!(matches!(fixture.outcome, FolderOutcome::Applied(_)), "{:?}", fixture.outcome);
        let ann = fixture.user("ann", &[]);
        let mut made = Vec::new();
        for id in ["a", "b", "c"] {
            let request = json!({"note_id": id, "note": {"title": id}, "request_id": id});
            made.push(ann.ok(CREATE, request).await);
        }
        let first = ann.ok(LIST, json!({"page_size": 1})).await;
        let revision = fixture.revision();
        let fixture = fixture.restart().await;
        assert!(matches!(fixture.outcome, FolderOutcome::UpToDate), "{:?}", fixture.outcome);
        assert_eq!(fixture.revision(), revision);
        let ann = fixture.user("ann", &[]);
        assert_eq!(ann.ok(GET, json!({"name": "notes/a"})).await, made[0]);
        let rest = ann.ok(LIST, json!({"page_token": first["next_page_token"]})).await;
        assert_eq!(rest["notes"], json!(made[1..]));
        let replayed = ann.ok(CREATE, json!({"note_id": "a", "note": {"title": "a"}, "request_id": "a"})).await;
        assert_eq!(replayed, made[0]);
    }

    async fn what_a_former_version_remembered_is_replayed_after_an_upgrade(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let ann = fixture.user("ann", &[]);
        let request = json!({"note_id": "a", "note": {"title": "a"}, "request_id": "r"});
        let made = ann.ok(CREATE, request.clone()).await;
        fixture.sql("INSERT INTO mainstay_answers SELECT 'ann', 'note.example.com/Note/Create', 'r', \
            fingerprint, resource_key, answer, expires_at FROM mainstay_replies").await;
        fixture.sql("DELETE FROM mainstay_replies").await;
        let fixture = fixture.restart().await;
        let ann = fixture.user("ann", &[]);
        assert_eq!(ann.ok(CREATE, request.clone()).await, made);
        let fixture = fixture.restart().await;
        assert_eq!(fixture.user("ann", &[]).ok(CREATE, request).await, made, "and after another start");
    }

    async fn another_key_opens_no_old_tokens_but_the_store_is_refused(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let key = fixture.place.path.parent().unwrap().join("keys/data");
        let text = std::fs::read_to_string(&key).unwrap();
        assert!(!text.trim().is_empty());
        std::fs::remove_file(&key).unwrap();
        let (place, folder, clock) = fixture.parts();
        fixture.end().await;
        let problem = Fixture::try_open(place, folder, clock).await.err().expect("the sealed key cannot be opened");
        assert!(!problem.to_string().is_empty());
    }

    async fn a_folder_that_does_not_compile_leaves_the_applied_contract(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
        fixture.write("syntax = \"proto3\"; package note.v1; message {");
        let fixture = fixture.restart().await;
        assert!(matches!(fixture.outcome, FolderOutcome::Invalid(_)), "{:?}", fixture.outcome);
        assert_eq!(fixture.anonymous().ok(GET, json!({"name": "notes/a"})).await["title"], "A");
    }

    async fn a_refused_change_leaves_the_applied_contract(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
        fixture.write(&notes("int32 title = 2;"));
        let fixture = fixture.restart().await;
        let FolderOutcome::Waiting(plan) = &fixture.outcome else { panic!("{:?}", fixture.outcome) };
        assert_eq!(plan.refused().count(), 1);
        assert_eq!(fixture.anonymous().ok(GET, json!({"name": "notes/a"})).await["title"], "A");
        let (reason, _) = fixture.anonymous().refused(GET, json!({"name": "notes/b"})).await;
        assert_eq!(reason, Reason::ResourceNotFound);
    }
}
