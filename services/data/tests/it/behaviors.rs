//! Field behaviour (AIP-203) wherever a message can stand in a row: in lists, maps, messages that contain themselves,
//! flattened messages, and those in one another.

use mainstay_data::seed::seed;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::notes;
use crate::support::{Caller, Fixture};

const CREATE: &str = "note.v1.NoteService/CreateNote";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";
const GET: &str = "note.v1.NoteService/GetNote";

/// `price` and `audit` are the server's, `batch` is set once.
fn contract() -> String {
    let messages = "
      message Line {
        string sku = 1;
        int64 price = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
        string batch = 3 [(google.api.field_behavior) = IMMUTABLE];
        Audit audit = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
        repeated Part parts = 5;
        map<int32, Part> by_number = 6;
        Part main = 7;
        double weight = 8;
      }
      message Part {
        string code = 1;
        optional int32 price = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
        string batch = 3 [(google.api.field_behavior) = IMMUTABLE];
      }
      message Audit { string by = 1; repeated string notes = 2; }
      message Tree {
        string label = 1;
        string stamp = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
        repeated Tree children = 3;
        Tree only = 4;
        map<string, Tree> named = 5;
        string batch = 6 [(google.api.field_behavior) = IMMUTABLE];
      }
      message Box {
        string label = 1;
        string stamp = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
        repeated Line lines = 3;
        Tree tree = 4;
        Inner inner = 5;
      }
      message Inner { repeated Line lines = 1; string stamp = 2 [(google.api.field_behavior) = OUTPUT_ONLY]; string text = 3; }
    ";
    let fields = "
      string title = 2;
      repeated Line lines = 3;
      map<string, Line> shelf = 4;
      Tree tree = 5;
      Box box = 6;
      repeated Line fixed = 7 [(google.api.field_behavior) = IMMUTABLE];
      repeated Line made = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
    ";
    notes(&format!("{fields}{messages}"))
}

/// A note in which everything that can be set is set, to values that say whose they are.
fn note(whose: &str, price: i64) -> Json {
    let stamp = format!("stamp of {whose}");
    let part = json!({"code": "c", "price": price, "batch": "b"});
    let line = json!({
        "sku": "s", "price": price.to_string(), "batch": "b", "audit": {"by": whose, "notes": ["n"]},
        "parts": [part, part], "by_number": {"7": part}, "main": part, "weight": 100.0,
    });
    let leaf = json!({"label": "l", "stamp": stamp, "batch": "b"});
    let tree = json!({
        "label": "l", "stamp": stamp, "batch": "b", "children": [leaf, {"label": "m", "stamp": stamp, "children": [leaf]}],
        "only": {"label": "o", "stamp": stamp, "named": {"k": leaf}},
    });
    json!({
        "title": "T", "lines": [line, line], "shelf": {"a": line, "b.c": line}, "tree": tree, "fixed": [line],
        "made": [line], "box": {
            "label": "L", "stamp": stamp, "lines": [line], "tree": tree,
            "inner": {"lines": [line], "stamp": stamp, "text": "t"},
        },
    })
}

/// The note without what the server sets, at any depth.
fn without(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(without).collect(),
        Json::Object(fields) => {
            let own = ["price", "audit", "stamp", "made", "etag"];
            let kept = fields.iter().filter(|(name, _)| !own.contains(&name.as_str()));
            Json::Object(kept.map(|(name, value)| (name.clone(), without(value))).collect())
        }
        other => other.clone(),
    }
}

async fn create(caller: &Caller<'_>, id: &str, note: Json) -> Json {
    caller.ok(CREATE, json!({"note_id": id, "note": note})).await
}

async fn update(caller: &Caller<'_>, id: &str, mut note: Json, mask: &str) -> Json {
    note["name"] = json!(format!("notes/{id}"));
    caller.ok(UPDATE, json!({"note": note, "update_mask": mask})).await
}

async fn get(fixture: &Fixture, id: &str) -> Json {
    fixture.anonymous().ok(GET, json!({"name": format!("notes/{id}")})).await
}

/// What an update with these lines is refused for.
async fn refused(caller: &Caller<'_>, field: &str, value: Json) -> Vec<String> {
    let (reason, fields) =
        caller.refused(UPDATE, json!({"note": {"name": "notes/n", field: value}, "update_mask": field})).await;
    assert_eq!(reason, Reason::ImmutableField);
    fields
}

both_engines! {
    async fn a_client_sets_nothing_that_is_the_servers_when_it_makes_a_row(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let ann = fixture.user("ann", &[]);
        let sent = note("ann", 1);
        let mut expected = without(&sent);
        expected["name"] = json!("notes/n");
        assert_eq!(create(&ann, "n", sent.clone()).await, expected);
        let mut missing = sent;
        missing["name"] = json!("notes/m");
        expected["name"] = json!("notes/m");
        for mask in ["", "*", "title,lines,shelf,tree,box,fixed,made"] {
            let request = json!({"note": missing, "update_mask": mask, "allow_missing": true});
            assert_eq!(ann.ok(UPDATE, request).await, expected, "{mask}");
            assert_eq!(get(&fixture, "m").await, expected, "{mask}");
            ann.ok("note.v1.NoteService/DeleteNote", json!({"name": "notes/m"})).await;
        }
    }

    async fn what_the_server_set_stays_whatever_a_client_sends(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let mut made = create(&fixture.system(), "n", note("server", 10)).await;
        assert_eq!(made["lines"][0]["price"], "10", "the server may");
        let ann = fixture.user("ann", &[]);
        for (mask, title) in [("", "1"), ("*", "2"), ("title,lines,shelf,tree,box,made", "3"), ("title", "4")] {
            made["title"] = json!(title);
            let mut mine = note("ann", 1);
            mine["title"] = json!(title);
            assert_eq!(update(&ann, "n", mine.clone(), mask).await, made, "{mask}");
            mine = without(&mine);
            assert_eq!(update(&ann, "n", mine, mask).await, made, "left out, {mask}");
            assert_eq!(get(&fixture, "n").await, made, "{mask}");
        }
        for path in ["box.lines", "box.inner.lines", "box.tree", "box.inner", "box", "tree", "lines", "shelf"] {
            assert_eq!(update(&ann, "n", note("ann", 1), path).await, made, "{path}");
            assert_eq!(update(&ann, "n", without(&note("ann", 1)), path).await, made, "{path}");
        }
    }

    async fn a_seed_sets_what_is_the_servers(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let mut record = note("server", 10);
        record["name"] = json!("notes/n");
        let text = json!({"note.v1.Note": [record]}).to_string();
        assert_eq!(seed(fixture.data.resources(), &text).await.unwrap(), 1);
        assert_eq!(get(&fixture, "n").await, record);
    }

    async fn an_element_keeps_what_the_server_set_where_it_goes(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let line = |sku: &str, price: i64| json!({"sku": sku, "price": price.to_string()});
        let plain = |sku: &str| json!({"sku": sku});
        let lines = json!({"lines": [line("a", 1), line("b", 2), line("c", 3)]});
        create(&fixture.system(), "n", lines.clone()).await;
        let ann = fixture.user("ann", &[]);
        for (sent, stored) in [
            (vec![plain("a"), plain("b"), plain("c")], vec![line("a", 1), line("b", 2), line("c", 3)]),
            (vec![plain("c"), plain("a"), plain("b")], vec![line("c", 3), line("a", 1), line("b", 2)]),
            (vec![plain("b")], vec![line("b", 2)]),
            (vec![line("b", 9), line("d", 9)], vec![line("b", 2), plain("d")]),
            (vec![plain("x"), plain("b")], vec![line("x", 1), line("b", 2)]),
            (vec![plain("b"), plain("x")], vec![line("b", 2), plain("x")]),
            (vec![plain("a"), plain("z"), plain("c")], vec![line("a", 1), line("z", 2), line("c", 3)]),
            (vec![plain("a"), plain("a")], vec![line("a", 1), line("a", 2)]),
            (vec![plain("a"), plain("b"), plain("c"), plain("c")], vec![line("a", 1), line("b", 2), line("c", 3), plain("c")]),
            (vec![], vec![]),
        ] {
            fixture.system().ok(UPDATE, json!({"note": {"name": "notes/n", "lines": lines["lines"]}, "update_mask": "lines"})).await;
            let changed = update(&ann, "n", json!({"lines": sent}), "lines").await;
            let found = changed.get("lines").cloned().unwrap_or(json!([]));
            assert_eq!(found, json!(stored), "{sent:?}");
        }
    }

    async fn the_value_of_a_map_is_the_same_as_long_as_its_key_is_there(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let shelf = json!({"shelf": {"a": {"sku": "1", "price": "10", "batch": "x"}, "b": {"sku": "2", "price": "20"}}});
        create(&fixture.system(), "n", shelf).await;
        let ann = fixture.user("ann", &[]);
        let sent = json!({"shelf": {"b": {"sku": "1"}, "c": {"sku": "1", "price": "1"}, "a": {"sku": "3", "batch": "x"}}});
        let stored = json!({"a": {"sku": "3", "price": "10", "batch": "x"}, "b": {"sku": "1", "price": "20"}, "c": {"sku": "1"}});
        assert_eq!(update(&ann, "n", sent, "shelf").await["shelf"], stored);
        let fields = refused(&ann, "shelf", json!({"a": {"batch": "y"}, "b": {"batch": "z"}, "c": {"sku": "1"}})).await;
        assert_eq!(fields, [r#"note.shelf["a"].batch"#, r#"note.shelf["b"].batch"#]);
        update(&ann, "n", json!({"shelf": {}}), "shelf").await;
        let again = json!({"shelf": {"a": {"sku": "3", "batch": "y"}}});
        assert_eq!(update(&ann, "n", again.clone(), "shelf").await["shelf"], again["shelf"], "it is another one");
    }

    async fn an_immutable_field_of_an_element_never_changes(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let ann = fixture.user("ann", &[]);
        let line = |sku: &str, batch: &str| json!({"sku": sku, "batch": batch});
        let lines = [line("a", "1"), line("b", "2")];
        create(&ann, "n", json!({"lines": lines})).await;
        let (a, b) = (&lines[0], &lines[1]);
        for (sent, wanted) in [
            (json!([line("a", "9"), b]), vec!["note.lines[0].batch"]),
            (json!([a, line("b", "")]), vec!["note.lines[1].batch"]),
            (json!([line("a", "2"), line("b", "1")]), vec!["note.lines[0].batch", "note.lines[1].batch"]),
            (json!([line("c", "2")]), vec!["note.lines[0].batch"]),
            (json!([line("c", "3"), b]), vec!["note.lines[0].batch"]),
            (json!([b, line("c", "3"), line("a", "2")]), vec![]),
        ] {
            let request = json!({"note": {"name": "notes/n", "lines": sent}, "update_mask": "lines"});
            match wanted.as_slice() {
                [] => drop(ann.ok(UPDATE, request).await),
                wanted => assert_eq!(refused(&ann, "lines", sent).await, wanted),
            }
            update(&fixture.system(), "n", json!({}), "lines").await;
            update(&fixture.system(), "n", json!({"lines": lines}), "lines").await;
        }
        let c = line("c", "3");
        for good in [json!([b, a]), json!([b]), json!([c, a, b]), json!([a, b, c]), json!([b, c]), json!([])] {
            let request = json!({"lines": good});
            let changed = update(&ann, "n", request, "lines").await;
            assert_eq!(changed.get("lines").cloned().unwrap_or(json!([])), good);
            update(&ann, "n", json!({}), "lines").await;
            update(&ann, "n", json!({"lines": lines}), "lines").await;
        }
    }

    async fn immutable_is_immutable_at_any_depth(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let ann = fixture.user("ann", &[]);
        let mut made = without(&note("ann", 1));
        create(&ann, "n", made.clone()).await;
        for (path, violated) in [
            ("/lines/1/batch", "note.lines[1].batch"),
            ("/lines/0/parts/1/batch", "note.lines[0].parts[1].batch"),
            ("/lines/0/by_number/7/batch", r#"note.lines[0].by_number["7"].batch"#),
            ("/lines/1/main/batch", "note.lines[1].main.batch"),
            ("/shelf/b.c/main/batch", r#"note.shelf["b.c"].main.batch"#),
            ("/tree/batch", "note.tree.batch"),
            ("/tree/children/0/batch", "note.tree.children[0].batch"),
            ("/tree/children/1/children/0/batch", "note.tree.children[1].children[0].batch"),
            ("/tree/only/named/k/batch", r#"note.tree.only.named["k"].batch"#),
            ("/box/lines/0/batch", "note.box.lines[0].batch"),
            ("/box/tree/only/named/k/batch", r#"note.box.tree.only.named["k"].batch"#),
            ("/box/inner/lines/0/main/batch", "note.box.inner.lines[0].main.batch"),
        ] {
            let mut sent = made.clone();
            *sent.pointer_mut(path).unwrap() = json!("another");
            sent["name"] = json!("notes/n");
            for mask in ["", "*", "lines,shelf,tree,box"] {
                let refused = ann.refused(UPDATE, json!({"note": sent, "update_mask": mask})).await;
                assert_eq!(refused, (Reason::ImmutableField, vec![violated.to_owned()]), "{mask}");
            }
        }
        let mut gone = made.clone();
        gone["lines"][0].as_object_mut().unwrap().remove("main");
        assert_eq!(refused(&ann, "lines", gone["lines"].clone()).await, ["note.lines[0].main.batch"]);
        assert_eq!(refused(&ann, "tree", Json::Null).await, ["note.tree.batch"], "a singular message is always the same");
        made["title"] = json!("New");
        update(&ann, "n", made, "*").await;
    }

    async fn an_immutable_list_that_comes_back_is_no_change(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        create(&fixture.system(), "n", note("server", 10)).await;
        let ann = fixture.user("ann", &[]);
        let made = get(&fixture, "n").await;
        assert_eq!(update(&ann, "n", made.clone(), "fixed").await, made);
        let mut other = made["fixed"].clone();
        other[0]["weight"] = json!(100.5);
        assert_eq!(refused(&ann, "fixed", other).await, ["note.fixed"]);
        other = made["fixed"].clone();
        other[0]["price"] = json!("11");
        assert_eq!(update(&ann, "n", json!({"fixed": other}), "fixed").await, made, "it is the server's");
    }

    async fn a_message_that_is_taken_away_takes_along_what_the_server_set_in_it(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let ann = fixture.user("ann", &[]);
        let server = json!({"box": {"label": "L", "stamp": "s", "inner": {"text": "t", "stamp": "s"}}});
        create(&fixture.system(), "n", server).await;
        let changed = update(&ann, "n", json!({"box": {"inner": {"text": "u"}}}), "box").await;
        assert_eq!(changed["box"], json!({"stamp": "s", "inner": {"text": "u", "stamp": "s"}}));
        let changed = update(&ann, "n", json!({"box": {}}), "box.inner").await;
        assert_eq!(changed["box"], json!({"stamp": "s"}));
        let changed = update(&ann, "n", json!({"box": {"inner": {"text": "v"}}}), "box.inner.text").await;
        assert_eq!(changed["box"], json!({"stamp": "s", "inner": {"text": "v"}}), "another one");
        let changed = update(&ann, "n", json!({}), "box").await;
        assert!(changed.get("box").is_none());
        let changed = update(&ann, "n", json!({"box": {"label": "M"}}), "").await;
        assert_eq!(changed["box"], json!({"label": "M"}), "another one");
    }

    async fn required_is_required_at_any_depth(engine: Engine) {
        let contract = notes(
            "Tree tree = 2; repeated Tree trees = 3;
             message Tree {
               repeated Tree children = 1;
               string label = 2 [(google.api.field_behavior) = REQUIRED];
               string stamp = 3 [(google.api.field_behavior) = REQUIRED, (google.api.field_behavior) = OUTPUT_ONLY];
             }",
        );
        let fixture = Fixture::start(engine, &contract).await;
        let ann = fixture.user("ann", &[]);
        for depth in [0, 1, 40, 80] {
            let nested = |label: &str| {
                (0..depth).fold(json!({"label": label}), |tree, _| json!({"label": "l", "children": [tree]}))
            };
            let good = json!({"tree": nested("l"), "trees": [nested("l")]});
            let made = ann.ok(CREATE, json!({"note": good})).await;
            let path = ".children[0]".repeat(depth);
            let wanted = vec![format!("note.tree{path}.label"), format!("note.trees[0]{path}.label")];
            let bad = json!({"tree": nested(""), "trees": [nested("")]});
            let refused = ann.refused(CREATE, json!({"note": bad})).await;
            assert_eq!(refused, (Reason::FieldViolation, wanted.clone()));
            let mut bad = bad;
            bad["name"] = made["name"].clone();
            for mask in ["", "*", "tree,trees"] {
                let refused = ann.refused(UPDATE, json!({"note": bad, "update_mask": mask})).await;
                assert_eq!(refused, (Reason::FieldViolation, wanted.clone()), "{mask}");
            }
        }
    }
}
