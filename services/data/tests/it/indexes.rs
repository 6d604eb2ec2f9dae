//! Unique indexes within a parent, of some rows, without case and with what is unset; rows that may not overlap.

use std::sync::Arc;

use futures_util::future::join_all;
use mainstay_contract::{Source, compile};
use mainstay_fault::Reason;
use mainstay_ledger::Safety;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

/// Projects and their tasks; tasks have these options and fields.
fn tasks(options: &str, fields: &str) -> String {
    file(
        "plan.v1",
        &format!(
            r#"
message Project {{
  option (google.api.resource) = {{type: "plan.example.com/Project" pattern: "projects/{{project}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true" write: "true"}}}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}}
message Task {{
  option (google.api.resource) = {{type: "plan.example.com/Task" pattern: "projects/{{project}}/tasks/{{task}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true" write: "true"}} {options}}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  {fields}
}}
"#
        ),
    )
}

const CREATE: &str = "plan.v1.TaskService/CreateTask";
const UPDATE: &str = "plan.v1.TaskService/UpdateTask";
const DELETE: &str = "plan.v1.TaskService/DeleteTask";

async fn started(engine: Engine, options: &str, fields: &str) -> Fixture {
    let fixture = Fixture::start(engine, &tasks(options, fields)).await;
    for id in ["a", "b"] {
        fixture.anonymous().ok("plan.v1.ProjectService/CreateProject", json!({"project_id": id})).await;
    }
    fixture
}

fn under(project: &str, id: &str, task: &Json) -> Json {
    json!({"parent": format!("projects/{project}"), "task_id": id, "task": task})
}

async fn make(nobody: &Caller<'_>, id: &str, task: Json) {
    nobody.ok(CREATE, under("a", id, &task)).await;
}

/// Why a task cannot be made in project a.
async fn why(nobody: &Caller<'_>, task: Json) -> (Reason, Vec<String>) {
    nobody.refused(CREATE, under("a", "", &task)).await
}

fn taken(fields: &[&str]) -> (Reason, Vec<String>) {
    (Reason::UniqueViolation, fields.iter().map(|field| (*field).to_owned()).collect())
}

fn overlap(fields: &[&str]) -> (Reason, Vec<String>) {
    (Reason::Overlap, fields.iter().map(|field| (*field).to_owned()).collect())
}

/// The store is as its ledger says, whatever the engine makes of an index.
async fn assert_no_drift(fixture: &Fixture) {
    let found =
        fixture.data.db().snapshot(|conn| Box::pin(async move { mainstay_data::drift::find(conn).await })).await;
    assert_eq!(found.unwrap().differences, []);
}

/// What stands against a contract.
async fn refusals(fixture: &Fixture, contract: &str) -> Vec<String> {
    let source = Source { path: "contract.proto".to_owned(), text: contract.to_owned() };
    let contract = Arc::new(compile(vec![source]).unwrap());
    let plan = mainstay_data::apply::plan(fixture.data.db(), contract).await.unwrap();
    let why = plan.refused().map(|step| match &step.safety {
        Safety::Refused { why, .. } => why.clone(),
        other => panic!("{other:?}"),
    });
    why.collect()
}

const SPAN: &str = "string room = 2; google.protobuf.Timestamp start_time = 3; google.protobuf.Timestamp end_time = 4;
    bool draft = 5;";
const EXCLUDE: &str = r#"exclude {fields: "room" from: "start_time" to: "end_time"}"#;

fn at(room: &str, from: &str, to: &str) -> Json {
    let time = |hour: &str| format!("2026-05-01T{hour}:00Z");
    match to {
        "" => json!({"room": room, "start_time": time(from)}),
        to => json!({"room": room, "start_time": time(from), "end_time": time(to)}),
    }
}

both_engines! {
    async fn a_value_is_unique_within_its_parent(engine: Engine) {
        let fixture = started(engine, r#"index {fields: "project" fields: "key" unique: true}"#, "string key = 2;").await;
        let nobody = fixture.anonymous();
        make(&nobody, "one", json!({"key": "K"})).await;
        assert_eq!(why(&nobody, json!({"key": "K"})).await, taken(&["parent", "task.key"]));
        nobody.ok(CREATE, under("b", "one", &json!({"key": "K"}))).await;
        make(&nobody, "two", json!({"key": "L"})).await;
        let update = json!({"task": {"name": "projects/a/tasks/two", "key": "K"}});
        assert_eq!(nobody.refused(UPDATE, update).await, taken(&["parent", "task.key"]));
        assert_no_drift(&fixture).await;
    }

    async fn one_child_is_all_that_a_parent_has(engine: Engine) {
        let fixture = started(engine, r#"index {fields: "project" unique: true}"#, "string key = 2;").await;
        let nobody = fixture.anonymous();
        make(&nobody, "one", json!({})).await;
        assert_eq!(why(&nobody, json!({})).await, taken(&["parent"]));
        nobody.ok(CREATE, under("b", "", &json!({}))).await;
    }

    async fn an_id_can_be_unique_over_all_parents(engine: Engine) {
        let fixture = started(engine, r#"index {fields: "task" unique: true}"#, "string key = 2;").await;
        let nobody = fixture.anonymous();
        make(&nobody, "one", json!({})).await;
        assert_eq!(nobody.refused(CREATE, under("b", "one", &json!({}))).await, taken(&["task.name"]));
        nobody.ok(CREATE, under("b", "two", &json!({}))).await;
    }

    async fn only_rows_for_which_the_condition_holds_conflict(engine: Engine) {
        let condition = "resource.primary && resource.state != State.CLOSED && resource.due >= timestamp('2020-01-01T00:00:00Z')";
        let options = format!(r#"index {{fields: "key" unique: true where: "{condition}"}}"#);
        let fields = "string key = 2; bool primary = 3; State state = 4; google.protobuf.Timestamp due = 5;
            enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }";
        let fixture = started(engine, &options, fields).await;
        let nobody = fixture.anonymous();
        let task = |primary: bool, state: &str, due: &str| json!({"key": "it's", "primary": primary, "state": state, "due": due});
        let (old, new) = ("2019-12-31T23:59:59.999999Z", "2020-01-01T00:00:00Z");
        make(&nobody, "in", task(true, "OPEN", new)).await;
        for (id, out) in [("x", task(false, "OPEN", new)), ("y", task(true, "CLOSED", new)), ("z", task(true, "OPEN", old))] {
            make(&nobody, id, out).await;
        }
        assert_eq!(why(&nobody, task(true, "OPEN", new)).await, taken(&["task.key"]));
        make(&nobody, "unset", json!({"key": "it's", "primary": true})).await;
        let moved = json!({"task": {"name": "projects/a/tasks/x", "primary": true}});
        assert_eq!(nobody.refused(UPDATE, moved.clone()).await, taken(&["task.key"]), "a row moves in by an update");
        nobody.ok(UPDATE, json!({"task": {"name": "projects/a/tasks/in", "state": "CLOSED"}})).await;
        nobody.ok(UPDATE, moved).await;
        assert_no_drift(&fixture).await;
    }

    async fn of_two_indexes_on_the_same_fields_the_one_that_was_broken_is_told(engine: Engine) {
        let options = r#"index {fields: "key" unique: true where: "resource.a"} index {fields: "key" fields: "note" unique: true}
            index {fields: "key" unique: true where: "resource.b"}"#;
        let fixture = started(engine, options, "string key = 2; bool a = 3; bool b = 4; string note = 5;").await;
        let nobody = fixture.anonymous();
        make(&nobody, "one", json!({"key": "K", "b": true, "note": "n"})).await;
        make(&nobody, "two", json!({"key": "K", "a": true, "note": "m"})).await;
        assert_eq!(why(&nobody, json!({"key": "K", "b": true})).await, taken(&["task.key"]));
        assert_eq!(why(&nobody, json!({"key": "K", "b": true, "note": "n"})).await, taken(&["task.key", "task.note"]));
        assert_eq!(why(&nobody, json!({"key": "K", "a": true, "note": "n"})).await, taken(&["task.key"]));
    }

    async fn texts_are_the_same_in_either_case(engine: Engine) {
        let options = r#"index {fields: "title" fields: "lang" unique: true ignore_case: true}"#;
        let fixture = started(engine, options, "string title = 2; optional string lang = 3;").await;
        let nobody = fixture.anonymous();
        let pairs = [("Straße", "STRAẞE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("привет", "ПРИВЕТ"), ("ascii", "ASCII"), ("Kelvin", "\u{212a}ELVIN"), ("ꭰ", "Ꭰ"), ("𐐀", "𐐨")];
        for (number, (one, two)) in pairs.into_iter().enumerate() {
            make(&nobody, &format!("t{number}"), json!({"title": one, "lang": "x"})).await;
            assert_eq!(why(&nobody, json!({"title": two, "lang": "X"})).await, taken(&["task.title", "task.lang"]), "{two}");
            make(&nobody, "", json!({"title": two})).await;
        }
        for other in ["Strasse", "Σίσυφοσς", "ascıı", "asciİ", "e\u{301}", "é"] {
            make(&nobody, "", json!({"title": other, "lang": "x"})).await;
        }
        let read = nobody.ok("plan.v1.TaskService/GetTask", json!({"name": "projects/a/tasks/t0"})).await;
        assert_eq!(read["title"], "Straße", "what is stored stays as it was written");
        let list = json!({"parent": "projects/a", "filter": "title = 'STRASSE' OR title = 'ASCII'"});
        let found = nobody.ok("plan.v1.TaskService/ListTasks", list).await;
        assert_eq!(found["tasks"].as_array().map(Vec::len), Some(1), "a filter compares as ever: {found}");
        assert_no_drift(&fixture).await;
    }

    async fn a_text_that_grows_when_it_is_folded_fits_into_its_index_or_is_refused(engine: Engine) {
        let options = r#"index {fields: "title" unique: true ignore_case: true}"#;
        let fixture = started(engine, options, "string title = 2;").await;
        let nobody = fixture.anonymous();
        // Two bytes become three.
        let (long, fits) = ("Ⱥ".repeat(1_000), "Ⱥ".repeat(600));
        assert_eq!(why(&nobody, json!({"title": long})).await, (Reason::FieldViolation, vec!["task.title".to_owned()]));
        make(&nobody, "fits", json!({"title": fits})).await;
        assert_eq!(why(&nobody, json!({"title": fits.replace('Ⱥ', "ⱥ")})).await, taken(&["task.title"]));
    }

    async fn rows_swap_texts_and_rooms_within_one_request(engine: Engine) {
        let options = format!(r#"index {{fields: "title" unique: true ignore_case: true where: "!resource.draft"}} {EXCLUDE}"#);
        let fixture = started(engine, &options, &format!("{SPAN} string title = 6;")).await;
        let nobody = fixture.anonymous();
        let with_title = |room: &str, title: &str| {
            let mut task = at(room, "10:00", "11:00");
            task["title"] = json!(title);
            task
        };
        make(&nobody, "one", with_title("red", "Ärger")).await;
        make(&nobody, "two", with_title("blue", "Freude")).await;
        let set = |id: &str, room: &str, title: &str| json!({"task": {"name": format!("projects/a/tasks/{id}"), "room": room, "title": title}});
        let swap = json!({"parent": "projects/a", "requests": [set("one", "blue", "FREUDE"), set("two", "red", "ÄRGER")]});
        nobody.ok("plan.v1.TaskService/BatchUpdateTasks", swap).await;
        let same = json!({"parent": "projects/a", "requests": [set("one", "blue", "x"), set("two", "red", "X")]});
        assert_eq!(nobody.refused("plan.v1.TaskService/BatchUpdateTasks", same).await.0, Reason::UniqueViolation);
    }

    async fn of_fifty_creates_that_differ_in_case_one_wins(engine: Engine) {
        let options = r#"index {fields: "project" fields: "title" unique: true ignore_case: true where: "resource.title != 'x'"}"#;
        let fixture = started(engine, options, "string title = 2;").await;
        let nobody = fixture.anonymous();
        let title = |n: usize| "äöüéñç".chars().enumerate().map(|(i, c)| if n >> i & 1 == 1 { c.to_uppercase().next().unwrap() } else { c }).collect::<String>();
        let creates = (0..50).map(|n| nobody.call(CREATE, under("a", "", &json!({"title": title(n)}))));
        let answers = join_all(creates).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for fault in answers.into_iter().filter_map(Result::err) {
            assert_eq!(fault.reason(), Some(Reason::UniqueViolation), "{fault:?}");
        }
    }

    async fn what_is_unset_is_a_value_where_it_conflicts(engine: Engine) {
        let options = r#"index {fields: "above" fields: "title" fields: "n" fields: "due" unique: true unset_conflicts: true ignore_case: true}"#;
        let fields = r#"string above = 2 [(google.api.resource_reference).type = "plan.example.com/Project"];
            optional string title = 3; int32 n = 4; google.protobuf.Timestamp due = 5;"#;
        let fixture = started(engine, options, fields).await;
        let nobody = fixture.anonymous();
        let all = ["task.above", "task.title", "task.n", "task.due"];
        let rows = [
            json!({}), json!({"title": ""}), json!({"title": "a"}), json!({"above": "projects/a"}), json!({"n": 1}),
            json!({"due": "1970-01-01T00:00:00Z"}), json!({"above": "projects/b", "title": "a", "n": 7, "due": "2020-01-01T00:00:00Z"}),
        ];
        for row in &rows {
            make(&nobody, "", row.clone()).await;
        }
        for row in rows {
            assert_eq!(why(&nobody, row.clone()).await, taken(&all), "{row}");
        }
        assert_eq!(why(&nobody, json!({"title": "A"})).await, taken(&all));
        assert_no_drift(&fixture).await;
    }

    async fn rows_of_the_same_room_do_not_overlap(engine: Engine) {
        let fixture = started(engine, EXCLUDE, SPAN).await;
        let nobody = fixture.anonymous();
        make(&nobody, "ten", at("red", "10:00", "11:00")).await;
        let told = overlap(&["task.room", "task.start_time", "task.end_time"]);
        for (from, to) in [("10:00", "11:00"), ("09:00", "10:01"), ("10:59", "12:00"), ("10:15", "10:45"), ("09:00", "12:00"), ("10:30", ""), ("08:00", "")] {
            assert_eq!(why(&nobody, at("red", from, to)).await, told, "{from} to {to}");
        }
        make(&nobody, "nine", at("red", "09:00", "10:00")).await;
        make(&nobody, "ever", at("red", "11:00", "")).await;
        make(&nobody, "blue", at("blue", "10:00", "11:00")).await;
        assert_eq!(why(&nobody, at("red", "23:00", "23:30")).await, told, "no end is for ever");
        make(&nobody, "moment", at("red", "10:30", "10:30")).await;
        make(&nobody, "unset", json!({"room": "red"})).await;
        for n in ["v", "w"] {
            make(&nobody, n, at("", "10:00", "11:00")).await;
        }
        let moved = json!({"task": {"name": "projects/a/tasks/blue", "room": "red"}});
        assert_eq!(nobody.refused(UPDATE, moved).await, told);
        let longer = json!({"task": {"name": "projects/a/tasks/nine", "end_time": "2026-05-01T10:00:00.000001Z"}});
        assert_eq!(nobody.refused(UPDATE, longer).await, told);
        nobody.ok(UPDATE, json!({"task": {"name": "projects/a/tasks/nine", "end_time": "2026-05-01T09:30:00Z"}})).await;
        make(&nobody, "gap", at("red", "09:30", "10:00")).await;
        nobody.ok(DELETE, json!({"name": "projects/a/tasks/ten"})).await;
        make(&nobody, "again", at("red", "10:00", "11:00")).await;
        assert_no_drift(&fixture).await;
    }

    async fn a_time_that_ends_before_it_begins_is_refused(engine: Engine) {
        let fixture = started(engine, EXCLUDE, SPAN).await;
        let nobody = fixture.anonymous();
        let fault = nobody.fault(CREATE, under("a", "", &at("red", "11:00", "10:00"))).await;
        assert_eq!(fault.reason(), Some(Reason::FieldViolation));
        assert_eq!(fault.violations()[0].field, "task.end_time");
        assert_eq!(fault.violations()[0].description, "must not be before `start_time`");
    }

    async fn of_fifty_that_overlap_one_wins(engine: Engine) {
        let fixture = started(engine, EXCLUDE, SPAN).await;
        let nobody = fixture.anonymous();
        let creates = (0..50).map(|n| nobody.call(CREATE, under("a", "", &at("red", &format!("10:{n:02}"), "12:00"))));
        let answers = join_all(creates).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for fault in answers.into_iter().filter_map(Result::err) {
            assert!([Reason::Overlap, Reason::Conflict].contains(&fault.reason().unwrap()), "{fault:?}");
        }
        let list = nobody.ok("plan.v1.TaskService/ListTasks", json!({"parent": "projects/a"})).await;
        assert_eq!(list["tasks"].as_array().map(Vec::len), Some(1));
    }

    async fn within_a_batch_rows_do_not_overlap_either_and_none_is_made(engine: Engine) {
        let fixture = started(engine, EXCLUDE, SPAN).await;
        let nobody = fixture.anonymous();
        let requests: Vec<Json> = [("10:00", "11:00"), ("11:00", "12:00"), ("11:59", "13:00")]
            .map(|(from, to)| under("a", "", &at("red", from, to))).to_vec();
        let batch = json!({"parent": "projects/a", "requests": requests});
        let fault = nobody.fault("plan.v1.TaskService/BatchCreateTasks", batch).await;
        assert_eq!(fault.reason(), Some(Reason::Overlap));
        assert_eq!(fault.violations()[0].field, "requests[2].task.room");
        let list = nobody.ok("plan.v1.TaskService/ListTasks", json!({"parent": "projects/a"})).await;
        assert_eq!(list["tasks"], Json::Null);
        let only = json!({"parent": "projects/a", "task": at("red", "10:00", "11:00"), "validate_only": true});
        nobody.ok(CREATE, only.clone()).await;
        make(&nobody, "", at("red", "10:30", "11:00")).await;
        assert_eq!(nobody.refused(CREATE, only).await.0, Reason::Overlap);
    }

    async fn only_rows_for_which_the_condition_holds_are_in_each_others_way(engine: Engine) {
        let options = r#"soft_delete: true exclude {fields: "project" fields: "room" from: "start_time" to: "end_time" where: "!resource.draft"}"#;
        let fields = format!("{SPAN} google.protobuf.Timestamp delete_time = 6 [(google.api.field_behavior) = OUTPUT_ONLY];");
        let fixture = started(engine, options, &fields).await;
        let nobody = fixture.anonymous();
        let draft = |draft: bool| {
            let mut task = at("red", "10:00", "11:00");
            task["draft"] = json!(draft);
            task
        };
        make(&nobody, "one", draft(false)).await;
        make(&nobody, "draft", draft(true)).await;
        let fields = ["parent", "task.room", "task.start_time", "task.end_time"];
        assert_eq!(why(&nobody, draft(false)).await, overlap(&fields));
        nobody.ok(CREATE, under("b", "", &draft(false))).await;
        let publish = json!({"task": {"name": "projects/a/tasks/draft", "draft": false}, "update_mask": "draft"});
        assert_eq!(nobody.refused(UPDATE, publish.clone()).await, overlap(&fields));
        nobody.ok(DELETE, json!({"name": "projects/a/tasks/one"})).await;
        nobody.ok(UPDATE, publish).await;
        let back = json!({"name": "projects/a/tasks/one"});
        assert_eq!(nobody.refused("plan.v1.TaskService/UndeleteTask", back).await.0, Reason::Overlap, "its time is taken");
        assert_no_drift(&fixture).await;
    }

    async fn days_overlap_too_and_without_fields_all_rows_are_in_the_way(engine: Engine) {
        let fixture = started(engine, r#"exclude {from: "first" to: "last"}"#, "google.type.Date first = 2; google.type.Date last = 3;").await;
        let nobody = fixture.anonymous();
        let days = |from: u32, to: u32| json!({"first": {"year": 2026, "month": 5, "day": from}, "last": {"year": 2026, "month": 5, "day": to}});
        make(&nobody, "", days(1, 5)).await;
        assert_eq!(why(&nobody, days(4, 6)).await, overlap(&["task.first", "task.last"]));
        make(&nobody, "", days(5, 6)).await;
    }

    async fn a_constraint_outlives_the_names_of_its_fields(engine: Engine) {
        let unique = r#"index {fields: "key" unique: true ignore_case: true where: "resource.open"}"#;
        let options = format!(r#"{unique} exclude {{fields: "room" from: "start_time" to: "end_time" where: "!resource.draft"}}"#);
        let fields = format!("{SPAN} string key = 7; bool open = 8;");
        let fixture = started(engine, &options, &fields).await;
        let nobody = fixture.anonymous();
        make(&nobody, "one", json!({"room": "red", "start_time": "2026-05-01T10:00:00Z", "key": "K", "open": true})).await;
        let mut renamed = tasks(&options, &fields);
        for (from, to) in [("start_time", "begin"), ("end_time", "until"), ("draft", "sketch"), ("room", "place"), ("key", "code"), ("open", "live")] {
            renamed = renamed.replace(from, to);
        }
        fixture.rewrite(&renamed).await;
        fixture.settle(&renamed).await;
        let nobody = fixture.anonymous();
        let later = json!({"place": "red", "begin": "2027-05-01T10:00:00Z"});
        assert_eq!(why(&nobody, later).await, overlap(&["task.place", "task.begin", "task.until"]));
        assert_eq!(why(&nobody, json!({"code": "k", "live": true})).await, taken(&["task.code"]));
        assert_no_drift(&fixture).await;
    }

    async fn a_constraint_comes_and_goes_with_the_contract(engine: Engine) {
        let options = format!(r#"{EXCLUDE} index {{fields: "room" unique: true ignore_case: true where: "resource.draft"}}"#);
        let fixture = started(engine, "", SPAN).await;
        for (with, is) in [(true, Reason::Overlap), (false, Reason::Internal), (true, Reason::Overlap)] {
            let contract = tasks(if with { &options } else { "" }, SPAN);
            fixture.rewrite(&contract).await;
            fixture.settle(&contract).await;
            assert_no_drift(&fixture).await;
            let nobody = fixture.anonymous();
            if with {
                make(&nobody, "one", at("red", "10:00", "")).await;
                assert_eq!(why(&nobody, at("red", "11:00", "")).await.0, is);
            } else {
                make(&nobody, "two", at("red", "11:00", "")).await;
                nobody.ok(DELETE, json!({"name": "projects/a/tasks/one"})).await;
                nobody.ok(DELETE, json!({"name": "projects/a/tasks/two"})).await;
            }
        }
    }

    async fn what_rows_that_stand_break_is_counted_and_named(engine: Engine) {
        let fields = format!("{SPAN} string title = 6; optional string note = 7;");
        let fixture = started(engine, "", &fields).await;
        let nobody = fixture.anonymous();
        for (id, from, to) in [("a1", "10:00", "12:00"), ("a2", "11:00", "13:00"), ("a3", "13:00", "14:00"), ("a4", "13:30", "")] {
            let mut task = at("red", from, to);
            task["title"] = json!(if id < "a3" { "Ärger" } else { "ÄRGER" });
            task["draft"] = json!(id == "a2");
            make(&nobody, id, task).await;
        }
        let with = |options: &str| tasks(options, &fields);
        let names = |ids: &[&str]| {
            let names: Vec<String> = ids.iter().map(|id| format!("projects/a/tasks/{id}")).collect();
            format!("{} rows: {}", ids.len(), names.join(", "))
        };
        for (options, why) in [
            (EXCLUDE.to_owned(), format!("the times of the same room overlap in {}", names(&["a1", "a2", "a3", "a4"]))),
            (EXCLUDE.replace('}', r#" where: "!resource.draft"}"#), format!("the times of the same room overlap in {}", names(&["a3", "a4"]))),
            (r#"index {fields: "title" unique: true ignore_case: true}"#.to_owned(), format!("the same title stands in {}", names(&["a1", "a2", "a3", "a4"]))),
            (r#"index {fields: "title" unique: true ignore_case: true where: "!resource.draft"}"#.to_owned(), format!("the same title stands in {}", names(&["a1", "a3", "a4"]))),
            (r#"index {fields: "project" fields: "note" unique: true unset_conflicts: true}"#.to_owned(), format!("the same project and note stands in {}", names(&["a1", "a2", "a3", "a4"]))),
            (r#"index {fields: "project" unique: true}"#.to_owned(), format!("the same project stands in {}", names(&["a1", "a2", "a3", "a4"]))),
        ] {
            assert_eq!(refusals(&fixture, &with(&options)).await, [why], "{options}");
        }
        for options in [
            r#"index {fields: "title" unique: true where: "resource.draft"}"#,
            r#"index {fields: "note" unique: true}"#,
            r#"exclude {fields: "title" from: "start_time" to: "end_time" where: "resource.draft"}"#,
        ] {
            assert_eq!(refusals(&fixture, &with(options)).await, [""; 0], "{options}");
        }
        let grown = tasks(r#"index {fields: "title" unique: true where: "resource.main"}"#, &format!("{fields} bool main = 9;"));
        assert_eq!(refusals(&fixture, &grown).await, [""; 0], "no row that stands has what is new");
        let grown = tasks(r#"index {fields: "room" unique: true where: "!resource.main"}"#, &format!("{fields} bool main = 9;"));
        assert_eq!(refusals(&fixture, &grown).await.len(), 1, "all rows that stand lack what is new");
    }
}
