//! The contract changes while it is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use mainstay_contract::Source;
use mainstay_data::FolderOutcome;
use mainstay_data::apply::{self, ApplyError, Consent};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_ledger::Stage;
use mainstay_runtime::channel::Call;
use mainstay_testkit::{Engine, both_engines};
use mainstay_wire::frame;
use serde_json::json;

use crate::contracts::{library, notes, notes_with};
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const GET: &str = "note.v1.NoteService/GetNote";
const LIST: &str = "note.v1.NoteService/ListNotes";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";

/// How often the contract changes under the calls in flight.
const SWAPS: usize = 6;

fn compile(text: &str) -> mainstay_contract::Contract {
    let source = Source { path: "contract.proto".to_owned(), text: text.to_owned() };
    mainstay_contract::compile(vec![source]).unwrap_or_else(|problems| panic!("{problems}"))
}

async fn many(fixture: &Fixture, count: u32) {
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO note_v1_note (_id, title, _revision) SELECT 'n' || CAST(i AS TEXT), 't' || CAST(i AS TEXT), i FROM n"
    );
    fixture.sql(&sql).await;
}

both_engines! {
    async fn a_renamed_field_keeps_its_ten_thousand_values(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2; string etag = 3;")).await;
        many(&fixture, 10_000).await;
        let renamed = notes("string headline = 2 [(mainstay.v1.field) = {aliases: \"title\"}]; string etag = 3;");
        let plan = apply::plan(fixture.data.db(), Arc::new(compile(&renamed))).await.unwrap();
        assert_eq!(plan.steps.len(), 1, "{plan}");
        assert!(plan.to_string().contains("note_v1_note.title -> headline"), "{plan}");
        assert_eq!(plan.to_string(), apply::plan(fixture.data.db(), Arc::new(compile(&renamed))).await.unwrap().to_string());
        let anonymous = fixture.anonymous();
        let before = anonymous.ok(LIST, json!({"page_size": 3, "order_by": "title desc"})).await;
        fixture.rewrite(&renamed).await;
        assert_eq!(fixture.revision(), 2);
        let next = json!({"page_size": 3, "order_by": "title desc", "page_token": before["next_page_token"]});
        let after = anonymous.ok(LIST, next).await;
        assert_eq!(after["notes"][0]["headline"], "t9996", "a page token holds numbers, not names");
        assert_eq!(anonymous.ok(GET, json!({"name": "notes/n7777"})).await["headline"], "t7777");
        for (filter, order_by) in [("headline = t5", "headline"), ("title = t5", "title desc")] {
            let found = anonymous.ok(LIST, json!({"filter": filter, "order_by": order_by})).await;
            assert_eq!(found["notes"][0]["name"], "notes/n5", "{filter}: the former name is an alias");
        }
        let change = json!({"note": {"name": "notes/n5", "headline": "new"}, "update_mask": "title"});
        assert_eq!(anonymous.ok(UPDATE, change).await["headline"], "new");
        let mut count = 0;
        let mut token = json!("");
        loop {
            let page = anonymous.ok(LIST, json!({"page_size": 1000, "page_token": token})).await;
            count += page["notes"].as_array().unwrap().len();
            let Some(next) = page.get("next_page_token") else { break };
            token = next.clone();
        }
        assert_eq!(count, 10_000);
    }

    async fn a_new_field_and_a_new_resource_are_there_at_once(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
        let more = notes("string title = 2; optional int32 rank = 3; repeated string tags = 4; int32 count = 5;").replace(
            "message Note {",
            "message Pad {\n option (google.api.resource) = {type: \"note.example.com/Pad\" pattern: \"pads/{pad}\"};\n \
             option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};\n \
             string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n string title = 2;\n}\nmessage Note {",
        );
        fixture.rewrite(&more).await;
        assert_eq!(fixture.anonymous().ok(GET, json!({"name": "notes/a"})).await, json!({"name": "notes/a", "title": "A"}));
        let change = json!({"note": {"name": "notes/a", "rank": 0, "tags": ["x"], "count": 3}});
        let changed = fixture.anonymous().ok(UPDATE, change).await;
        assert_eq!((&changed["rank"], &changed["tags"], &changed["count"]), (&json!(0), &json!(["x"]), &json!(3)));
        let pad = fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad_id": "p", "pad": {"title": "P"}})).await;
        assert_eq!(pad["name"], "pads/p");
    }

    async fn an_index_comes_and_goes(engine: Engine) {
        let fields = "string title = 2; optional int32 rank = 3;";
        let fixture = Fixture::start(engine, &notes(fields)).await;
        many(&fixture, 100).await;
        let indexed = notes_with(r#"index {fields: "title" unique: true} index {fields: "rank desc"}"#, fields);
        fixture.rewrite(&indexed).await;
        fixture.settle(&indexed).await;
        let taken = json!({"note": {"title": "t5"}});
        assert_eq!(fixture.anonymous().refused(CREATE, taken.clone()).await.0, Reason::UniqueViolation);
        fixture.rewrite(&notes(fields)).await;
        fixture.settle(&notes(fields)).await;
        fixture.anonymous().ok(CREATE, taken).await;
        fixture.rewrite(&indexed).await;
        let plan = apply::plan(fixture.data.db(), Arc::new(compile(&indexed))).await.unwrap();
        assert_eq!(plan.refused().count(), 1, "two rows have one title: {plan}");
        fixture.anonymous().ok(LIST, json!({"order_by": "rank desc"})).await;
    }

    async fn a_refused_or_broken_contract_changes_nothing(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
        for text in [notes("int32 title = 2;"), notes(""), notes("string title = ;"), "nonsense".to_owned()] {
            fixture.rewrite(&text).await;
            assert_eq!(fixture.revision(), 1);
            assert_eq!(fixture.anonymous().ok(GET, json!({"name": "notes/a"})).await["title"], "A");
        }
        let refused = apply::apply(fixture.data.db(), Arc::new(compile(&notes("int32 title = 2;"))), Consent::to_nothing(Stage::Development), 0).await;
        let Err(ApplyError::Refused(plan)) = refused else { panic!("{refused:?}") };
        assert!(plan.to_string().contains("title"), "{plan}");
    }

    async fn applying_twice_does_nothing_the_second_time(engine: Engine) {
        let text = notes("string title = 2;");
        let fixture = Fixture::start(engine, &text).await;
        for _ in 0..3 {
            fixture.rewrite(&text).await;
            let made = apply::apply(fixture.data.db(), Arc::new(compile(&text)), Consent::to_nothing(Stage::Development), 0).await;
            drop(made);
        }
        fixture.rewrite(&text).await;
        let plan = apply::plan(fixture.data.db(), Arc::new(compile(&text))).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
    }

    async fn a_rule_that_changes_holds_for_the_next_call(engine: Engine) {
        let open = notes("string title = 2;");
        let fixture = Fixture::start(engine, &open).await;
        fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
        fixture.rewrite(&open.replace("read: \"true\"", "read: \"'reader' in auth.roles\"")).await;
        assert_eq!(fixture.anonymous().refused(GET, json!({"name": "notes/a"})).await.0, Reason::Unauthenticated);
        fixture.user("r", &["reader"]).ok(GET, json!({"name": "notes/a"})).await;
    }

    async fn a_service_without_a_contract_serves_one_when_it_is_applied(engine: Engine) {
        let fixture = Fixture::without_contract(engine).await;
        assert!(matches!(fixture.outcome, FolderOutcome::NoFolder), "{:?}", fixture.outcome);
        assert_eq!(fixture.revision(), 0);
        let call = Call::new("/note.v1.NoteService/GetNote", Principal::anonymous(), Bytes::new());
        let fault = fixture.data.resources().call(call).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::MethodNotFound));
        let contract = compile(&notes("string title = 2;"));
        assert_eq!(fixture.data.reconciler().apply(contract, Consent::to_nothing(Stage::Development)).await.unwrap().1, 1);
        fixture.anonymous().ok(CREATE, json!({"note": {"title": "A"}})).await;
    }

    async fn a_saved_file_is_applied_by_itself(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let mut revisions = fixture.data.reconciler().served().subscribe();
        fixture.write(&notes("string headline = 2;"));
        revisions.wait_for(|revision| *revision == 2).await.unwrap();
        fixture.anonymous().ok(CREATE, json!({"note": {"headline": "A"}})).await;
    }

    async fn a_folder_that_was_replaced_is_watched_on(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2;")).await;
        let mut revisions = fixture.data.reconciler().served().subscribe();
        let folder = fixture.folder.path();
        let aside = folder.with_extension("old");
        std::fs::rename(folder, &aside).unwrap();
        std::fs::create_dir(folder).unwrap();
        fixture.write(&notes("string headline = 2;"));
        revisions.wait_for(|revision| *revision == 2).await.unwrap();
        fixture.write(&notes("string heading = 2;"));
        revisions.wait_for(|revision| *revision == 3).await.unwrap();
        std::fs::remove_dir_all(aside).unwrap();
    }

    async fn what_no_contract_has_is_not_found(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        assert!(matches!(fixture.outcome, FolderOutcome::Applied(_)));
        let call = Call::new("/no.such.Service/Get", Principal::anonymous(), Bytes::new());
        let fault = fixture.data.resources().call(call).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::MethodNotFound));
    }
}

/// Two resources, whose messages are called as given; the rest of them never changes.
fn pens(first: &str, second: &str, package: &str) -> String {
    let resource = |message: &str, name: &str, kind: &str| {
        format!(
            r#"
message {message} {{
  option (google.api.resource) = {{type: "pens.example.com/{kind}" pattern: "{name}s/{{{name}}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true" write: "true"}}}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}}
"#
        )
    };
    crate::contracts::file(package, &(resource(first, "pen", "Pen") + &resource(second, "ink", "Ink")))
}

/// A call in bytes, with the revision that its name is from.
async fn named(fixture: &Fixture, path: &str, message: &[u8], contract: Option<i64>) -> Result<Bytes, Fault> {
    let mut call = Call::new(path, Principal::anonymous(), Bytes::copy_from_slice(message));
    call.target.contract = contract;
    fixture.data.resources().call(call).await
}

/// The field 1 of a message, a text.
fn text(value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put_bytes(1, value.as_bytes(), &mut out);
    out
}

both_engines! {
    async fn a_method_is_found_by_the_name_that_it_had_when_it_was_chosen(engine: Engine) {
        let fixture = Fixture::start(engine, &pens("Pen", "Ink", "pens.v1")).await;
        fixture.anonymous().ok("pens.v1.PenService/CreatePen", json!({"pen_id": "a", "pen": {"title": "P"}})).await;
        fixture.anonymous().ok("pens.v1.InkService/CreateInk", json!({"ink_id": "a", "ink": {"title": "I"}})).await;
        let title = |answer: &Bytes| frame::string(answer, 2).unwrap().map(str::to_owned);
        let get = async |path: &str, name: &str, contract| named(&fixture, path, &text(name), contract).await;
        // One is renamed, then the two change their names, then both move to another package, then one is gone.
        let steps = [("Quill", "Ink", "pens.v1"), ("Ink", "Quill", "pens.v1"), ("Ink", "Quill", "pens.v2")];
        for (revision, (first, second, package)) in (2_i64..).zip(steps) {
            fixture.rewrite(&pens(first, second, package)).await;
            assert_eq!(fixture.revision(), revision);
            for contract in 1..revision {
                let (pen, ink, package) = match contract {
                    1 => ("Pen", "Ink", "pens.v1"),
                    _ => steps[usize::try_from(contract).unwrap() - 2],
                };
                let pen = format!("/{package}.{pen}Service/Get{pen}");
                let ink = format!("/{package}.{ink}Service/Get{ink}");
                let found = get(&pen, "pens/a", Some(contract)).await.unwrap();
                assert_eq!(title(&found).as_deref(), Some("P"), "{pen} of {contract} at {revision}");
                let found = get(&ink, "inks/a", Some(contract)).await.unwrap();
                assert_eq!(title(&found).as_deref(), Some("I"), "{ink} of {contract} at {revision}");
            }
        }
        let gone = get("/pens.v1.PenService/GetPen", "pens/a", None).await.unwrap_err();
        assert_eq!(gone.reason(), Some(Reason::MethodNotFound), "who means the present contract must use its names");
    }

    async fn names_of_before_a_restart_are_looked_up(engine: Engine) {
        let fixture = Fixture::start(engine, &pens("Pen", "Ink", "pens.v1")).await;
        fixture.anonymous().ok("pens.v1.PenService/CreatePen", json!({"pen_id": "a", "pen": {"title": "P"}})).await;
        fixture.write(&pens("Ink", "Pen", "pens.v1"));
        let fixture = fixture.restart().await;
        assert_eq!(fixture.revision(), 2);
        for _ in 0..2 {
            let found = named(&fixture, "/pens.v1.PenService/GetPen", &text("pens/a"), Some(1)).await.unwrap();
            assert_eq!(frame::string(&found, 2).unwrap(), Some("P"), "not the ink that has its name now");
        }
        let found = named(&fixture, "/pens.v1.InkService/GetInk", &text("pens/a"), Some(-7)).await.unwrap();
        assert_eq!(frame::string(&found, 2).unwrap(), Some("P"), "a revision that never was means the present");
    }

    async fn a_repetition_is_one_whatever_its_message_is_called_by_now(engine: Engine) {
        let fixture = Fixture::start(engine, &pens("Pen", "Ink", "pens.v1")).await;
        let mut pen = Vec::new();
        frame::put_bytes(2, b"once", &mut pen);
        let mut create = Vec::new();
        frame::put_message(3, &pen, &mut create);
        frame::put_bytes(4, b"the-same-request", &mut create);
        let first = named(&fixture, "/pens.v1.PenService/CreatePen", &create, None).await.unwrap();
        fixture.rewrite(&pens("Quill", "Ink", "pens.v2")).await;
        for (path, contract) in [("/pens.v1.PenService/CreatePen", Some(1)), ("/pens.v2.QuillService/CreateQuill", None)] {
            assert_eq!(named(&fixture, path, &create, contract).await.unwrap(), first, "{path}");
        }
    }
}

/// A caller may have heard of a contract before this instance.
#[tokio::test]
async fn a_second_instance_looks_for_a_contract_that_its_caller_has_heard_of() {
    let fixture = Fixture::start(Engine::Postgres, &pens("Pen", "Ink", "pens.v1")).await;
    fixture.anonymous().ok("pens.v1.PenService/CreatePen", json!({"pen_id": "a", "pen": {"title": "P"}})).await;
    let second = fixture.second_that_sleeps().await;
    fixture.rewrite(&pens("Quill", "Ink", "pens.v1")).await;
    assert_eq!(second.revision(), 1);
    let found = named(&second, "/pens.v1.QuillService/GetQuill", &text("pens/a"), Some(2)).await.unwrap();
    assert_eq!(frame::string(&found, 2).unwrap(), Some("P"));
    assert_eq!(second.revision(), 2);
    fixture.rewrite(&pens("Biro", "Ink", "pens.v1")).await;
    fixture.rewrite(&pens("Pencil", "Ink", "pens.v1")).await;
    let (path, get) = ("/pens.v1.PencilService/GetPencil", text("pens/a"));
    named(&second, path, &get, Some(4)).await.unwrap();
    let found = named(&second, "/pens.v1.BiroService/GetBiro", &get, Some(3)).await.unwrap();
    assert_eq!(frame::string(&found, 2).unwrap(), Some("P"), "the revision in between was never served here");
}

/// A call of one kind, in bytes that hold numbers only, so that it means the same under every name.
fn request(kind: usize, n: usize) -> (&'static str, Bytes) {
    let name = format!("notes/n{}", n % 20);
    let mut out = Vec::new();
    let path = match kind % 4 {
        0 => {
            frame::put_bytes(1, name.as_bytes(), &mut out);
            "/note.v1.NoteService/GetNote"
        }
        1 => {
            frame::put_varint(2, 1 + (n as u64 % 20), &mut out);
            "/note.v1.NoteService/ListNotes"
        }
        2 => {
            let mut note = Vec::new();
            frame::put_bytes(1, name.as_bytes(), &mut note);
            frame::put_bytes(2, format!("two {n}").as_bytes(), &mut note);
            frame::put_bytes(3, format!("three {n}").as_bytes(), &mut note);
            frame::put_message(1, &note, &mut out);
            "/note.v1.NoteService/UpdateNote"
        }
        _ => {
            let mut note = Vec::new();
            frame::put_bytes(3, format!("three {n}").as_bytes(), &mut note);
            frame::put_bytes(2, format!("two {n}").as_bytes(), &mut note);
            frame::put_message(3, &note, &mut out);
            "/note.v1.NoteService/CreateNote"
        }
    };
    (path, out.into())
}

fn holds_its_values(path: &str, answer: &[u8]) {
    let notes = if path.ends_with("ListNotes") { frame::messages(answer, 1).unwrap() } else { vec![answer] };
    assert!(!notes.is_empty(), "{path}");
    for note in notes {
        let (two, three) = (frame::string(note, 2).unwrap(), frame::string(note, 3).unwrap());
        assert!(two.is_some_and(|text| text.starts_with("two ")), "{path}: {two:?}");
        assert!(three.is_some_and(|text| text.starts_with("three ")), "{path}: {three:?}");
    }
}

/// A field is renamed back and forth while a second instance serves the same store.
#[tokio::test]
async fn a_second_instance_follows_by_itself() {
    let fixture = Fixture::start(Engine::Postgres, &notes("string title = 2;")).await;
    fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": {"title": "A"}})).await;
    let second = fixture.second().await;
    let mut revisions = second.data.reconciler().served().subscribe();
    fixture.rewrite(&notes("string headline = 2;")).await;
    revisions.wait_for(|revision| *revision == 2).await.unwrap();
    assert_eq!(second.anonymous().ok(GET, json!({"name": "notes/a"})).await["headline"], "A");
}

#[tokio::test]
async fn a_second_instance_notices_a_stale_statement() {
    let fixture = Fixture::start(Engine::Postgres, &notes("string title = 2; string body = 3;")).await;
    let note = json!({"title": "A", "body": "B"});
    fixture.anonymous().ok(CREATE, json!({"note_id": "a", "note": note})).await;
    let second = fixture.second_that_sleeps().await;
    assert_eq!(second.anonymous().ok(GET, json!({"name": "notes/a"})).await["title"], "A");
    // The names change places: a statement of the old revision would find both.
    fixture.rewrite(&notes("string body = 2; string title = 3;")).await;
    let (path, get) = ("/note.v1.NoteService/GetNote", {
        let mut out = Vec::new();
        frame::put_bytes(1, b"notes/a", &mut out);
        out
    });
    let call = Call::new(path, Principal::anonymous(), Bytes::from(get));
    let answer = second.data.resources().call(call).await.unwrap();
    assert_eq!((frame::string(&answer, 2).unwrap(), frame::string(&answer, 3).unwrap()), (Some("A"), Some("B")));
    assert_eq!(second.revision(), 2);
    fixture.rewrite(&notes("string heading = 2; string title = 3;")).await;
    let mut update = Vec::new();
    let mut note = Vec::new();
    frame::put_bytes(1, b"notes/a", &mut note);
    frame::put_bytes(2, b"A2", &mut note);
    frame::put_message(1, &note, &mut update);
    let call = Call::new("/note.v1.NoteService/UpdateNote", Principal::anonymous(), Bytes::from(update));
    let answer = second.data.resources().call(call).await.unwrap();
    assert_eq!((frame::string(&answer, 2).unwrap(), frame::string(&answer, 3).unwrap()), (Some("A2"), Some("B")));
}

#[tokio::test]
async fn two_instances_that_apply_at_once_apply_once() {
    let fixture = Fixture::start(Engine::Postgres, &notes("string title = 2;")).await;
    let second = fixture.second_that_sleeps().await;
    let text = notes("string headline = 2; int32 rank = 3;");
    let (one, other) = futures_util::join!(
        fixture.data.reconciler().apply(compile(&text), Consent::to_nothing(Stage::Development)),
        second.data.reconciler().apply(compile(&text), Consent::to_nothing(Stage::Development)),
    );
    assert_eq!((one.unwrap().1, other.unwrap().1), (2, 2));
    assert_eq!((fixture.revision(), second.revision()), (2, 2));
}

#[tokio::test]
async fn an_index_that_was_not_finished_is_finished_after_a_restart() {
    let fields = "string title = 2;";
    let fixture = Fixture::start(Engine::Postgres, &notes(fields)).await;
    many(&fixture, 100).await;
    let indexed = notes_with(r#"index {fields: "title"}"#, fields);
    // Applied, and ended before the index was begun.
    let made = apply::apply(fixture.data.db(), Arc::new(compile(&indexed)), Consent::to_nothing(Stage::Development), 1)
        .await
        .unwrap();
    assert_eq!(made.plan.outside().count(), 1, "{}", made.plan);
    fixture.write(&indexed);
    let fixture = fixture.restart().await;
    assert_eq!(fixture.revision(), 2);
    fixture.settle(&indexed).await;
    let plan = apply::plan(fixture.data.db(), Arc::new(compile(&indexed))).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
}

#[tokio::test]
async fn an_index_that_was_built_but_not_noted_is_taken_over() {
    let fields = "string title = 2;";
    let fixture = Fixture::start(Engine::Postgres, &notes(fields)).await;
    many(&fixture, 100).await;
    let indexed = notes_with(r#"index {fields: "title"}"#, fields);
    let made = apply::apply(fixture.data.db(), Arc::new(compile(&indexed)), Consent::to_nothing(Stage::Development), 1)
        .await
        .unwrap();
    let steps: Vec<_> = made.plan.outside().flat_map(|step| step.schema.clone()).collect();
    for sql in steps.iter().flat_map(|step| mainstay_sql::schema_sql(mainstay_sql::Dialect::Postgres, step)) {
        fixture.sql(&sql.replace("CONCURRENTLY", "")).await;
    }
    fixture.write(&indexed);
    let fixture = fixture.restart().await;
    fixture.settle(&indexed).await;
    fixture.anonymous().ok(LIST, json!({"order_by": "title"})).await;
}

/// Swaps the names of two fields again and again under eight callers on several threads.
async fn hammer(engine: Engine) {
    let one = notes_with(r#"index {fields: "a"}"#, "string a = 2; string b = 3; int32 count = 4;");
    let other = notes_with(r#"index {fields: "b"}"#, "string b = 2; string a = 3; int32 count = 4;");
    let fixture = Fixture::start(engine, &one).await;
    for n in 0..20 {
        let note = json!({"a": format!("two {n}"), "b": format!("three {n}")});
        fixture.anonymous().ok(CREATE, json!({"note_id": format!("n{n}"), "note": note})).await;
    }
    let (over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for kind in 0..8 {
        let resources = Arc::clone(fixture.data.resources());
        let (over, calls) = (Arc::clone(&over), Arc::clone(&calls));
        tasks.push(tokio::spawn(async move {
            let mut n = kind;
            while !over.load(Ordering::Relaxed) {
                let (path, request) = request(kind, n);
                let call = Call::new(path, Principal::anonymous(), request);
                let answer = resources.call(call).await.unwrap_or_else(|fault| panic!("{path}: {fault:?}"));
                holds_its_values(path, &answer);
                calls.fetch_add(1, Ordering::Relaxed);
                n += 1;
                tokio::task::yield_now().await;
            }
        }));
    }
    for swap in 0..SWAPS {
        let before = calls.load(Ordering::Relaxed);
        while calls.load(Ordering::Relaxed) < before + 50 && tasks.iter().all(|task| !task.is_finished()) {
            tokio::task::yield_now().await;
        }
        fixture.rewrite(if swap % 2 == 0 { &other } else { &one }).await;
        assert_eq!(fixture.revision(), i64::try_from(swap).unwrap() + 2, "{:?}", fixture.outcome);
    }
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(calls.load(Ordering::Relaxed) > SWAPS * 50);
}

mod calls_in_flight_never_fail_and_never_read_a_wrong_column {
    use super::{Engine, hammer};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn on_sqlite() {
        hammer(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn on_postgres() {
        hammer(Engine::Postgres).await;
    }
}
