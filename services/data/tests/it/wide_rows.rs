//! Tables with hundreds of columns: what no page of PostgreSQL holds is refused, by both engines in the same words.

use mainstay_fault::Reason;
use mainstay_record::page::MAX_ROW_BYTES;
use mainstay_testkit::both_engines;
use serde_json::{Map, Value as Json, json};

use crate::contracts::notes;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const BATCH: &str = "note.v1.NoteService/BatchCreateNotes";
const GET: &str = "note.v1.NoteService/GetNote";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";

const FIELDS: usize = 490;

fn contract() -> String {
    notes(&(0..FIELDS).fold(String::new(), |text, field| format!("{text}string f{field} = {};", field + 2)))
}

/// A note of which so many fields are set, each to other letters of this length.
fn note(fields: usize, length: usize) -> Json {
    let letters = |field: usize| {
        let mut state = field as u64 + 1;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        (0..length).map(next).collect::<String>()
    };
    Json::Object((0..fields).map(|field| (format!("f{field}"), json!(letters(field)))).collect::<Map<_, _>>())
}

both_engines! {
    async fn a_record_that_no_page_holds_is_refused_and_others_are_stored(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let nobody = fixture.anonymous();
        for (count, (fields, length)) in [(FIELDS, 15), (370, 20), (440, 40), (440, 3_000), (100, 20_000)].into_iter().enumerate() {
            let stored = nobody.ok(CREATE, json!({"note_id": format!("n{count}"), "note": note(fields, length)})).await;
            assert_eq!(nobody.ok(GET, json!({"name": stored["name"]})).await, stored, "{fields} × {length}");
        }
        for (fields, length) in [(FIELDS, 16), (FIELDS, 20), (FIELDS, 21), (FIELDS, 200), (FIELDS, 2_000), (455, 1_000)] {
            let refused = nobody.fault(CREATE, json!({"note": note(fields, length)})).await;
            assert_eq!(refused.reason(), Some(Reason::FieldViolation), "{fields} × {length}");
            let [violation] = refused.violations() else { panic!("{:?}", refused.violations()) };
            assert_eq!(violation.field, "note");
            assert!(violation.description.contains(&MAX_ROW_BYTES.to_string()), "{violation:?}");
        }
    }

    async fn a_record_does_not_grow_beyond_a_page(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let nobody = fixture.anonymous();
        let stored = nobody.ok(CREATE, json!({"note_id": "n", "note": note(FIELDS, 5)})).await;
        let mut larger = note(FIELDS, 30);
        larger["name"] = json!("notes/n");
        for dry in [true, false] {
            let request = json!({"note": larger, "validate_only": dry});
            assert_eq!(nobody.fault(UPDATE, request).await.reason(), Some(Reason::FieldViolation));
        }
        let requests = [note(1, 1), note(FIELDS, 30)].map(|note| json!({"note": note}));
        assert_eq!(nobody.fault(BATCH, json!({"requests": requests})).await.reason(), Some(Reason::FieldViolation));
        assert_eq!(nobody.ok(GET, json!({"name": "notes/n"})).await, stored, "as it was");
    }

    /// How well PostgreSQL packs a value cannot be foretold: what comes of it is told as well as what was.
    async fn whatever_a_value_is_packed_to_no_write_fails_inside(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        for length in [32, 40, 48, 64, 100, 300, 1_000] {
            for distinct in [1, 2, 4, 8, 12, 16] {
                let text: String = note(1, distinct)["f0"].as_str().unwrap().chars().cycle().take(length).collect();
                let note: Map<String, Json> = (0..440).map(|field| (format!("f{field}"), json!(text))).collect();
                if let Err(fault) = fixture.anonymous().call(CREATE, json!({"note": note})).await {
                    assert_eq!(fault.code(), tonic::Code::InvalidArgument, "{distinct} in {length}: {fault:?}");
                }
            }
        }
    }
}
