//! How large a record may be, however many requests it was put together by.

use mainstay_data::domain::record_size::{CLIENT_MESSAGE_BYTES, MAX_RECORD_BYTES};
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::notes;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const GET: &str = "note.v1.NoteService/GetNote";
const LIST: &str = "note.v1.NoteService/ListNotes";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";

const FIELDS: &str = "string a = 2; string b = 3; bytes c = 4; repeated double numbers = 5; string etag = 6;";

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

async fn size(fixture: &Fixture, name: &str) -> usize {
    let request = fixture.encoded("note.v1.GetNoteRequest", &json!({"name": name}));
    fixture.anonymous().raw(GET, request).await.unwrap().len()
}

async fn refused(fixture: &Fixture, method: &str, request: Json) {
    let fault = fixture.anonymous().fault(method, request).await;
    assert_eq!(fault.reason(), Some(Reason::FieldViolation));
    let [violation] = fault.violations() else { panic!("{:?}", fault.violations()) };
    assert_eq!(violation.field, "note");
    assert!(violation.description.contains(&format!("at most {MAX_RECORD_BYTES}")), "{violation:?}");
}

both_engines! {
    async fn a_record_grows_up_to_the_limit_and_no_further(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(FIELDS)).await;
        let nobody = fixture.anonymous();
        nobody.ok(CREATE, json!({"note_id": "n", "note": {"a": text(3_000_000), "b": text(1_000_000)}})).await;
        let room = MAX_RECORD_BYTES - size(&fixture, "notes/n").await;
        let b = |bytes: usize| json!({"note": {"name": "notes/n", "b": text(bytes)}, "update_mask": "b"});
        nobody.ok(UPDATE, b(1_000_000 + room)).await;
        assert_eq!(size(&fixture, "notes/n").await, MAX_RECORD_BYTES);
        let before = nobody.ok(GET, json!({"name": "notes/n"})).await;
        refused(&fixture, UPDATE, b(1_000_000 + room + 1)).await;
        refused(&fixture, UPDATE, json!({"note": {"name": "notes/n", "c": "AAAA"}, "update_mask": "c"})).await;
        let mut dry = b(2_000_000);
        dry["validate_only"] = json!(true);
        refused(&fixture, UPDATE, dry).await;
        assert_eq!(nobody.ok(GET, json!({"name": "notes/n"})).await, before, "as it was");
        nobody.ok(UPDATE, b(0)).await;
    }

    async fn the_largest_record_is_a_page_that_any_client_takes(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(FIELDS)).await;
        for id in ["a", "b"] {
            let note = json!({"note_id": id, "note": {"a": text(MAX_RECORD_BYTES - 64)}});
            fixture.anonymous().ok(CREATE, note).await;
            let rest = MAX_RECORD_BYTES - size(&fixture, &format!("notes/{id}")).await;
            let note = json!({"name": format!("notes/{id}"), "a": text(MAX_RECORD_BYTES - 64 + rest)});
            fixture.anonymous().ok(UPDATE, json!({"note": note})).await;
        }
        let page = fixture.anonymous().raw(LIST, Vec::new()).await.unwrap();
        assert!((MAX_RECORD_BYTES..=CLIENT_MESSAGE_BYTES).contains(&page.len()), "{}", page.len());
    }

    async fn a_record_that_is_too_large_from_the_start_is_not_made(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(FIELDS)).await;
        refused(&fixture, CREATE, json!({"note": {"a": text(MAX_RECORD_BYTES)}})).await;
        let made = json!({"note": {"name": "notes/n", "a": text(MAX_RECORD_BYTES)}, "allow_missing": true});
        refused(&fixture, UPDATE, made).await;
        let zeros = vec![0; MAX_RECORD_BYTES / 8];
        refused(&fixture, CREATE, json!({"note": {"numbers": zeros}})).await;
        assert_eq!(fixture.anonymous().ok(LIST, json!({})).await, json!({}));
    }
}
