//! What waits holds up nothing else; and what a plan asks of production, and of an older store.

use std::sync::Arc;

use mainstay_contract::Source;
use mainstay_data::FolderOutcome;
use mainstay_data::apply::{self, ApplyError, Consent};
use mainstay_ledger::{Plan, Stage, Step};
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::file;
use crate::support::Fixture;

const NOTE: (&str, &str, &str) =
    ("note.v1.NoteService/CreateNote", "note.v1.NoteService/GetNote", "note.v1.NoteService/UpdateNote");

fn resource(message: &str, fields: &str) -> String {
    let collection = format!("{}s", message.to_lowercase());
    format!(
        "// What a {message} is.\nmessage {message} {{\n  option (google.api.resource) = {{type: \"note.example.com/{message}\" pattern: \
         \"{collection}/{{{}}}\"}};\n  option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}}}};\n  \
         string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n  {fields}\n}}\n",
        message.to_lowercase()
    )
}

fn two(note: &str, pad: &str) -> String {
    file("note.v1", &format!("{}{}", resource("Note", note), resource("Pad", pad)))
}

fn one(note: &str) -> String {
    file("note.v1", &resource("Note", note))
}

fn compile(text: &str) -> Arc<mainstay_contract::Contract> {
    let source = Source { path: "contract.proto".to_owned(), text: text.to_owned() };
    Arc::new(mainstay_contract::compile(vec![source]).unwrap_or_else(|problems| panic!("{problems}")))
}

async fn plan(fixture: &Fixture, text: &str) -> Plan {
    apply::plan(fixture.data.db(), compile(text)).await.unwrap()
}

fn ids(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(Step::id).collect()
}

async fn accept(fixture: &Fixture, text: &str, accepted: &[&str]) {
    let accepted = accepted.iter().map(|id| (*id).to_owned()).collect();
    let consent = Consent { accepted, ..Consent::to_nothing(Stage::Development) };
    let done = fixture.data.reconciler().apply((*compile(text)).clone(), consent).await;
    let (_, revision) = done.unwrap();
    assert_eq!(fixture.revision(), revision, "what is said to be served is served");
}

both_engines! {
    async fn a_removed_resource_holds_up_nothing_and_comes_back_with_its_rows(engine: Engine) {
        let fixture = Fixture::start(engine, &two("string title = 2;", "string title = 2;")).await;
        let anyone = fixture.anonymous();
        anyone.ok("note.v1.PadService/CreatePad", json!({"pad_id": "p", "pad": {"title": "P"}})).await;
        let (create, get, _) = NOTE;
        fixture.rewrite(&one("string title = 2; string text = 3;")).await;
        let made = anyone.ok(create, json!({"note_id": "n", "note": {"title": "N", "text": "new"}})).await;
        assert_eq!(made["text"], "new", "the later change is there");
        assert_eq!(anyone.ok("note.v1.PadService/GetPad", json!({"name": "pads/p"})).await["title"], "P", "it is served until somebody accepts");

        // The same after a restart, which changes nothing.
        let revision = fixture.revision();
        let fixture = fixture.restart().await;
        assert_eq!(fixture.revision(), revision);
        let FolderOutcome::Waiting(waiting) = &fixture.outcome else { panic!("{:?}", fixture.outcome) };
        assert!(ids(waiting).contains(&"hide:resource:note.example.com/Pad".to_owned()), "{waiting}");

        let next = one("string title = 2; string text = 3; int32 rank = 4;");
        fixture.rewrite(&next).await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await["text"], "new");
        accept(&fixture, &next, &["hide:resource:note.example.com/Pad"]).await;
        assert!(fixture.pool().get_service_by_name("note.v1.PadService").is_none());
        assert!(plan(&fixture, &next).await.is_empty());

        fixture.rewrite(&two("string title = 2; string text = 3; int32 rank = 4;", "string title = 2; bool open = 3;")).await;
        let back = fixture.anonymous().ok("note.v1.PadService/GetPad", json!({"name": "pads/p"})).await;
        assert_eq!(back, json!({"name": "pads/p", "title": "P"}));
    }

    async fn what_was_accepted_meanwhile_is_not_taken_back(engine: Engine) {
        let fixture = Fixture::start(engine, &two("string title = 2;", "string title = 2;")).await;
        let later = Consent { only_after: Some(fixture.revision()), ..Consent::to_nothing(Stage::Development) };
        accept(&fixture, &one("string title = 2; string text = 3;"), &[]).await;
        let composed = compile(&two("string title = 2; string text = 3;", "string title = 2;"));
        let late = apply::apply(fixture.data.db(), composed, later, 1).await;
        assert!(matches!(late, Err(ApplyError::Overtaken)), "{late:?}");
        assert!(fixture.pool().get_service_by_name("note.v1.PadService").is_none());
    }

    async fn a_type_that_cannot_change_keeps_only_its_field(engine: Engine) {
        let fixture = Fixture::start(engine, &two("string title = 2;", "string title = 2;")).await;
        let (create, get, _) = NOTE;
        fixture.anonymous().ok(create, json!({"note_id": "n", "note": {"title": "N"}})).await;
        fixture.rewrite(&two("int32 title = 2; string text = 3;", "string title = 2; string more = 3;")).await;
        let change = json!({"note": {"name": "notes/n", "text": "t"}, "update_mask": "text"});
        fixture.anonymous().ok(NOTE.2, change).await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await, json!({"name": "notes/n", "title": "N", "text": "t"}));
        fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad": {"more": "m"}})).await;
    }

    async fn what_waits_keeps_its_imports(engine: Engine) {
        let before = two("google.type.Date first = 2; google.type.Date last = 3;", "google.protobuf.Timestamp at = 2;");
        let fixture = Fixture::start(engine, &before).await;
        let (create, get, _) = NOTE;
        let note = json!({"first": {"year": 2020, "month": 1, "day": 2}, "last": {"year": 2021, "month": 3, "day": 4}});
        fixture.anonymous().ok(create, json!({"note_id": "n", "note": note})).await;
        fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad_id": "p", "pad": {"at": "2020-01-02T03:04:05Z"}})).await;
        let after = one("int32 first = 2; bool last = 3; string text = 4;")
            .replace("import \"google/type/date.proto\";\n", "")
            .replace("import \"google/protobuf/timestamp.proto\";\n", "");
        fixture.rewrite(&after).await;
        let change = json!({"note": {"name": "notes/n", "text": "t"}, "update_mask": "text"});
        fixture.anonymous().ok(NOTE.2, change).await;
        let kept = fixture.anonymous().ok(get, json!({"name": "notes/n"})).await;
        assert_eq!((&kept["first"], &kept["last"], &kept["text"]), (&note["first"], &note["last"], &json!("t")));
        let pad = fixture.anonymous().ok("note.v1.PadService/GetPad", json!({"name": "pads/p"})).await;
        assert_eq!(pad["at"], "2020-01-02T03:04:05Z");
    }

    async fn a_field_that_went_without_a_word_keeps_only_its_message(engine: Engine) {
        let fixture = Fixture::start(engine, &two("string title = 2; Part part = 3; message Part { string a = 1; }", "string title = 2;")).await;
        let (create, get, _) = NOTE;
        fixture.anonymous().ok(create, json!({"note_id": "n", "note": {"title": "N", "part": {"a": "A"}}})).await;
        for gone in ["Part part = 3; message Part { string a = 1; }", "string title = 2; Part part = 3; message Part { string b = 2; }"] {
            fixture.rewrite(&two(gone, "string title = 2; string more = 3;")).await;
            assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await, json!({"name": "notes/n", "title": "N", "part": {"a": "A"}}));
        }
        fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad": {"more": "m"}})).await;
    }

    async fn an_integer_goes_there_and_back_while_served(engine: Engine) {
        let with = |ty: &str, more: &str| one(&format!("{ty} rank = 2; {more}"));
        let fixture = Fixture::start(engine, &with("int32", "")).await;
        let (create, get, _) = NOTE;
        fixture.anonymous().ok(create, json!({"note_id": "n", "note": {"rank": 7}})).await;
        fixture.rewrite(&with("int64", "")).await;
        fixture.rewrite(&with("int32", "")).await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await["rank"], 7);
        fixture.rewrite(&with("int64", "string a = 3;")).await;
        fixture.anonymous().ok(NOTE.2, json!({"note": {"name": "notes/n", "rank": "5000000000"}})).await;
        let back = with("int32", "string a = 3; string b = 4;");
        let refused = plan(&fixture, &back).await;
        assert!(refused.to_string().contains("does not hold the value of 1 row: notes/n"), "{refused}");
        fixture.rewrite(&back).await;
        fixture.anonymous().ok(NOTE.2, json!({"note": {"name": "notes/n", "b": "later"}})).await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await, json!({"name": "notes/n", "rank": "5000000000", "b": "later"}));
    }

    async fn values_in_rows_are_counted_in_columns_and_in_json(engine: Engine) {
        let with = |values: &str| {
            one(&format!(
                "Kind kind = 2; repeated Kind kinds = 3; repeated Line lines = 4; map<string, Kind> by = 5; Line line = 6;\n\
                 message Line {{ Kind kind = 1; repeated Kind all = 2; string text = 3; int64 big = 4; }}\n\
                 enum Kind {{ NONE = 0; {values} }}"
            ))
        };
        let fixture = Fixture::start(engine, &with("RED = 1; BLUE = 2;")).await;
        let (create, _, _) = NOTE;
        for (id, note) in [
            ("a", json!({"kind": "BLUE"})),
            ("b", json!({"kinds": ["RED", "BLUE"]})),
            ("c", json!({"lines": [{"text": "kind", "kind": "RED"}, {"kind": "BLUE"}]})),
            ("d", json!({"lines": [{"all": ["BLUE"]}]})),
            ("e", json!({"by": {"kind": "BLUE", "2": "RED"}})),
            ("f", json!({"line": {"all": ["BLUE"]}})),
            ("g", json!({"kind": "RED", "kinds": ["RED"], "lines": [{"text": "2", "big": "2", "all": ["RED"]}], "by": {"kind": "RED"}})),
        ] {
            fixture.anonymous().ok(create, json!({"note_id": id, "note": note})).await;
        }
        let said = plan(&fixture, &with("RED = 1;")).await;
        for (path, row) in [("kind", "a"), ("kinds", "b"), ("lines.kind", "c"), ("lines.all", "d"), ("by", "e"), ("line.all", "f")] {
            let wanted = format!("because: {path} is BLUE in 1 row: notes/{row};");
            assert!(said.to_string().contains(&wanted), "{wanted} is not in {said}");
        }
        let swapped = plan(&fixture, &with("BLUE = 1; RED = 2;")).await;
        assert_eq!(swapped.waiting(&[], Stage::Development).count(), 6, "{swapped}");
        let narrower = with("RED = 1; BLUE = 2;").replace("int64 big", "int32 big");
        assert!(plan(&fixture, &narrower).await.is_ready(&[], Stage::Development));
        fixture.anonymous().ok(create, json!({"note_id": "h", "note": {"lines": [{"big": "-3000000000"}]}})).await;
        let refused = plan(&fixture, &narrower).await.to_string();
        assert!(refused.contains("lines.big was int64 and int32 does not hold the value of 1 row: notes/h"), "{refused}");
    }

    async fn what_has_the_same_key_elsewhere_in_json_is_not_counted(engine: Engine) {
        let with = |values: &str| {
            one(&format!(
                "repeated Line lines = 2; map<string, Line> by = 3;\n\
                 message Line {{ Kind kind = 1; map<string, int32> counts = 2; Other other = 3; repeated Deep deep = 4; }}\n\
                 message Other {{ int32 kind = 1; }} message Deep {{ Kind kind = 1; map<string, Kind> kinds = 2; }}\n\
                 enum Kind {{ NONE = 0; {values} }}"
            ))
        };
        let fixture = Fixture::start(engine, &with("RED = 1; BLUE = 2;")).await;
        let (create, _, _) = NOTE;
        for (id, line) in [
            ("other", json!({"kind": "RED", "counts": {"kind": 2}, "other": {"kind": 2}})),
            ("empty", json!({})),
            ("own", json!({"kind": "BLUE"})),
            ("deep", json!({"deep": [{"kind": "RED"}, {"kind": "BLUE"}]})),
            ("deeper", json!({"deep": [{"kinds": {"kind": "BLUE"}}]})),
        ] {
            fixture.anonymous().ok(create, json!({"note_id": id, "note": {"lines": [line]}})).await;
            fixture.anonymous().ok(create, json!({"note_id": format!("{id}-by"), "note": {"by": {"kind": line}}})).await;
        }
        let said = plan(&fixture, &with("RED = 1;")).await.to_string();
        for (path, rows) in [
            ("lines.kind", "notes/own"), ("lines.deep.kind", "notes/deep"), ("lines.deep.kinds", "notes/deeper"),
            ("by.kind", "notes/own-by"), ("by.deep.kind", "notes/deep-by"), ("by.deep.kinds", "notes/deeper-by"),
        ] {
            let wanted = format!("because: {path} is BLUE in 1 row: {rows};");
            assert!(said.contains(&wanted), "{wanted} is not in {said}");
        }
    }

    async fn production_waits_for_what_development_only_shows(engine: Engine) {
        let rule = |rule: &str| one("string title = 2;").replace("write: \"true\"", &format!("write: \"{rule}\""));
        let fixture = Fixture::start(engine, &rule("'librarian' in auth.roles")).await;
        let wide = rule("true");
        let id = "widen:rule:note.example.com/Note#write";
        let apply = |accepted: &[&str]| {
            let accepted = accepted.iter().map(|id| (*id).to_owned()).collect();
            let consent = Consent { accepted, ..Consent::to_nothing(Stage::Production) };
            apply::apply(fixture.data.db(), compile(&wide), consent, 1)
        };
        let Err(ApplyError::Refused(refused)) = apply(&[]).await else { panic!("production waits") };
        assert_eq!(ids(&refused), [id]);
        assert_eq!(apply(&[id]).await.unwrap().applied.revision, 2);
        let fixture = fixture.restart().await;
        fixture.rewrite(&rule("auth.uid != null || 'librarian' in auth.roles")).await;
        fixture.rewrite(&wide).await;
        fixture.anonymous().ok(NOTE.0, json!({"note": {"title": "N"}})).await;
    }

    async fn a_store_of_an_earlier_version_reports_nothing_and_learns(engine: Engine) {
        let text = one("Kind kind = 2; enum Kind { NONE = 0; RED = 1; }");
        let fixture = Fixture::start(engine, &text).await;
        let ledger = |fixture: &Fixture| {
            let db = fixture.data.db().clone();
            async move { mainstay_data::start::newest(&db).await.unwrap().unwrap().ledger }
        };
        let known = ledger(&fixture).await;
        let mut older: serde_json::Value = serde_json::from_str(&known.to_json()).unwrap();
        without(&mut older, &["terms", "values"]);
        fixture.sql(&format!("UPDATE mainstay_contracts SET ledger = '{older}'")).await;
        assert!(!ledger(&fixture).await.has_terms());
        // A plan tells what changed since the contract that is stored, though the ledger did not know it.
        let swapped = plan(&fixture, &text.replace("NONE = 0; RED = 1;", "NONE = 0; BLUE = 1; RED = 2;")).await;
        assert_eq!(ids(&swapped), ["renumber:enum:note.example.com/Note#kind"], "{swapped}");
        assert!(plan(&fixture, &text).await.is_empty());
        let fixture = fixture.restart().await;
        assert!(matches!(fixture.outcome, FolderOutcome::UpToDate), "{:?}", fixture.outcome);
        assert_eq!((fixture.revision(), ledger(&fixture).await), (1, known));
    }

    async fn what_is_removed_stays_for_a_while_and_then_goes_where_somebody_asks(engine: Engine) {
        let whole = two("string title = 2; Part part = 3; message Part { string a = 1; }", "string title = 2; string note = 3 [(google.api.resource_reference).type = \"note.example.com/Note\"];");
        let fixture = Fixture::start(engine, &whole).await;
        let (create, get, _) = NOTE;
        fixture.anonymous().ok(create, json!({"note_id": "n", "note": {"title": "N", "part": {"a": "A"}}})).await;
        fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad_id": "p", "pad": {"title": "P", "note": "notes/n"}})).await;
        let less = one("string title = 2; reserved 3; reserved \"part\";");
        accept(&fixture, &less, &["hide:resource:note.example.com/Pad", "hide:field:note.example.com/Note#part"]).await;
        // Its rows refer to the note, which stays as long as they do.
        fixture.anonymous().fault("note.v1.NoteService/DeleteNote", json!({"name": "notes/n"})).await;
        let purge = |fixture: &Fixture| {
            let consent = Consent { purge: true, ..Consent::to_nothing(Stage::Production) };
            let now = mainstay_identity::Clock::now_micros(&*fixture.clock);
            let db = fixture.data.db().clone();
            let contract = compile(&less);
            async move {
                let shown = apply::plan_with(&db, Arc::clone(&contract), Some(now)).await.unwrap();
                let made = apply::apply(&db, contract, consent, now).await.unwrap().plan;
                assert_eq!(ids(&shown), ids(&made));
                ids(&made)
            }
        };
        assert_eq!(purge(&fixture).await, [""; 0], "it is hidden since today");
        fixture.clock.advance_seconds(31 * 24 * 3_600);
        assert_eq!(purge(&fixture).await, ["purge:resource:note.example.com/Pad", "purge:field:note.example.com/Note#part"]);
        assert_eq!(purge(&fixture).await, [""; 0]);

        let fixture = fixture.restart().await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await, json!({"name": "notes/n", "title": "N"}));
        // Numbers and types are the same for ever, so both may come back, empty.
        let other = two("string title = 2; string art = 3;", "string title = 2;");
        assert!(ids(&plan(&fixture, &other).await).contains(&"reuse:number:note.example.com/Note#art".to_owned()));
        fixture.rewrite(&whole).await;
        assert_eq!(fixture.anonymous().ok(get, json!({"name": "notes/n"})).await, json!({"name": "notes/n", "title": "N"}));
        let pads = fixture.anonymous().ok("note.v1.PadService/ListPads", json!({})).await;
        assert_eq!(pads, json!({}));
        fixture.anonymous().ok(NOTE.2, json!({"note": {"name": "notes/n", "part": {"a": "B"}}, "update_mask": "part"})).await;
        fixture.anonymous().ok("note.v1.PadService/CreatePad", json!({"pad_id": "p", "pad": {"note": "notes/n"}})).await;
        assert!(plan(&fixture, &whole).await.is_empty());
    }

    async fn an_index_that_rows_are_too_long_for_is_refused_and_names_them(engine: Engine) {
        let with = |index: &str| {
            one("string title = 2; string text = 3; bytes blob = 4;").replace("write: \"true\"}", &format!("write: \"true\"}} {index}"))
        };
        let fixture = Fixture::start(engine, &with("")).await;
        let (create, _, update) = NOTE;
        for (id, title, text) in [("short", 2_000, 48), ("long", 2_049, 0), ("both", 1_500, 549), ("wide", 1, 0)] {
            let title = if id == "wide" { "ä".repeat(1_025) } else { "a".repeat(title) };
            fixture.anonymous().ok(create, json!({"note_id": id, "note": {"title": title, "text": "b".repeat(text)}})).await;
        }
        let blob = json!({"note_id": "blob", "note": {"blob": base64(2_049)}});
        fixture.anonymous().ok(create, blob).await;
        for (index, named) in [
            ("index {fields: \"title\"}", "title is longer in 2 rows: notes/long, notes/wide"),
            ("index {fields: \"title\" fields: \"text\" unique: true}", "title and text is longer in 3 rows: notes/both, notes/long, notes/wide"),
            ("index {fields: \"blob\"}", "blob is longer in 1 row: notes/blob"),
        ] {
            let said = plan(&fixture, &with(index)).await;
            assert!(!said.is_ready(&[], Stage::Development), "{said}");
            assert!(said.to_string().contains(named), "{said}");
        }
        let contract = with("index {fields: \"title\"}");
        fixture.rewrite(&contract).await;
        for id in ["long", "wide"] {
            fixture.anonymous().ok(update, json!({"note": {"name": format!("notes/{id}"), "title": "a"}})).await;
        }
        fixture.rewrite(&contract).await;
        fixture.settle(&contract).await;
        let long = json!({"note": {"name": "notes/long", "title": "a".repeat(2_049)}});
        fixture.anonymous().fault(update, long).await;
    }

    async fn a_plan_waits_for_nobody_who_changes_the_schema(engine: Engine) {
        let text = one("string title = 2;");
        let fixture = Fixture::start(engine, &text).await;
        let (started, held) = tokio::sync::oneshot::channel::<()>();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let db = fixture.data.db().clone();
        // On SQLite the writer's thread waits here, on PostgreSQL a task with the schema's lock.
        let busy = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let done: Result<(), mainstay_db::Error> = runtime.block_on(db.exclusive(move |_| {
                Box::pin(async move {
                    let _ = started.send(());
                    let _ = released.recv();
                    Ok(())
                })
            }));
            done.unwrap();
        });
        held.await.unwrap();
        let more = plan(&fixture, &one("string title = 2; string text = 3;")).await;
        assert_eq!(more.steps.len(), 1);
        release.send(()).unwrap();
        tokio::task::spawn_blocking(|| busy.join().unwrap()).await.unwrap();
    }
}

/// So many zero bytes, a multiple of three.
fn base64(bytes: usize) -> String {
    "AAAA".repeat(bytes / 3)
}

fn without(json: &mut serde_json::Value, keys: &[&str]) {
    match json {
        serde_json::Value::Object(entries) => {
            entries.retain(|key, _| !keys.contains(&key.as_str()));
            entries.values_mut().for_each(|value| without(value, keys));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| without(item, keys)),
        _ => {}
    }
}
