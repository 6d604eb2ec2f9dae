//! What is held of a person: exported, erased, and found nowhere afterwards.

use std::path::Path;

use mainstay_data::erasure::{Erasing, Export, Exporting, Wanted};
use mainstay_db::{Lane, Rows, Statement};
use mainstay_identity::Principal;
use mainstay_proto::data::v1 as pb;
use mainstay_record::{Kind, Value};
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::support::Fixture;

const ADA: &str = "0199a1c4-0000-7000-8000-00000000ada0";
const BOB: &str = "0199a1c4-0000-7000-8000-00000000b0b0";

/// What nobody finds afterwards: each is in some field of hers.
const CANARIES: [&str; 14] = [
    "ada@canary.example",
    "Ada Canary",
    "canary-lane",
    "canary-phone",
    "canary-child",
    "canary-allergy",
    "canary-note",
    "CANARY-PASS",
    "canary-token",
    "canary-tag",
    "canary-post",
    "canary-input",
    "canary-home",
    "canary-away",
];

const CONTRACT: &str = r#"
syntax = "proto3";
package clinic.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";

message Patient {
  option (google.api.resource) = {type: "clinic.example.com/Patient" pattern: "patients/{patient}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.account == auth.uid || 'staff' in auth.roles" write: "resource.account == auth.uid || 'staff' in auth.roles"}
    soft_delete: true
    index {fields: "mail" unique: true}
    index {fields: "passport" unique: true unset_conflicts: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(mainstay.v1.field).default = "auth.uid", (mainstay.v1.field).class = PII];
  string mail = 3 [
    (google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII, (buf.validate.field).string.email = true
  ];
  string title = 4 [(mainstay.v1.field).class = PII];
  Address address = 5;
  repeated Contact contacts = 6;
  map<string, Contact> others = 7;
  optional string allergy = 8 [(mainstay.v1.field).class = PHI];
  string passport = 9 [
    (google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII,
    (buf.validate.field).string.pattern = "^[A-Z]{2}[A-Z0-9-]{4,12}$"
  ];
  int64 owed = 10 [(mainstay.v1.field).class = FINANCIAL];
  string token = 11 [(mainstay.v1.field).class = SECRET];
  repeated string tags = 12 [(mainstay.v1.field).class = PII, (buf.validate.field).repeated.min_items = 1];
  string ward = 13;
  google.protobuf.Timestamp delete_time = 14;
  string etag = 15;
  State state = 16 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Close" from: "OPEN" to: "CLOSED" access: "true" input: "remark"}
  }];
  string remark = 17 [(mainstay.v1.field).class = PHI];
  optional int32 born = 18 [
    (google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII, (buf.validate.field).int32 = {gte: 1900 lte: 2100}
  ];
  Address home = 19 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII];
  oneof reached {
    string pager = 20 [(mainstay.v1.field).class = PII];
    string desk = 21;
  }
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}
message Address {
  string street = 1 [(mainstay.v1.field).class = PII];
  string city = 2 [(buf.validate.field).string.min_len = 2];
}
message Contact {
  string phone = 1 [(mainstay.v1.field).class = PII, (google.api.field_behavior) = REQUIRED];
  string role = 2;
}
message Visit {
  option (google.api.resource) = {type: "clinic.example.com/Visit" pattern: "patients/{patient}/visits/{visit}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string note = 2 [(mainstay.v1.field).class = PHI];
  string room = 3;
}
message Post {
  option (google.api.resource) = {type: "clinic.example.com/Post" pattern: "posts/{post}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string author = 2 [(google.api.resource_reference).type = "clinic.example.com/Patient", (mainstay.v1.field).subject = true];
  string text = 3 [(mainstay.v1.field).class = PII];
}
message Ward {
  option (google.api.resource) = {type: "clinic.example.com/Ward" pattern: "wards/{ward}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string head = 2 [(mainstay.v1.field) = {default: "auth.uid" subject: false}];
  string mail = 3 [(mainstay.v1.field).class = PII];
}
"#;

/// Resources of which no two rows may have the same, or overlap.
const OFFICE: &str = r#"
syntax = "proto3";
package office.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";

message Chair {
  option (google.api.resource) = {type: "office.example.com/Chair" pattern: "chairs/{chair}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    index {fields: "account" fields: "early" unique: true unset_conflicts: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(mainstay.v1.field) = {default: "auth.uid" subject: true}];
  optional bool early = 3 [(mainstay.v1.field).class = PII];
}
message Desk {
  option (google.api.resource) = {type: "office.example.com/Desk" pattern: "desks/{desk}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    index {fields: "badge" unique: true}
    index {fields: "size" unique: true unset_conflicts: true}
    index {fields: "place.city" unique: true unset_conflicts: true}
    exclude {fields: "room" from: "start_time" to: "end_time"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(mainstay.v1.field) = {default: "auth.uid" subject: true}];
  int32 badge = 3 [
    (google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII, (buf.validate.field).int32 = {gte: 1 lte: 1000000}
  ];
  int64 size = 4 [(mainstay.v1.field).class = PHI];
  Place place = 5 [(mainstay.v1.field).class = PII];
  string room = 6;
  google.protobuf.Timestamp start_time = 7 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).class = PII];
  google.protobuf.Timestamp end_time = 8 [(mainstay.v1.field).class = PII];
  string chair = 9 [
    (google.api.field_behavior) = REQUIRED, (google.api.resource_reference).type = "office.example.com/Chair",
    (mainstay.v1.field).class = PII
  ];
}
message Place { string city = 1; }
"#;

async fn office(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, OFFICE).await;
    let ada = fixture.user(ADA, &[]);
    for (id, early) in [("one", json!(true)), ("two", json!(false)), ("three", Json::Null)] {
        let chair = if early.is_null() { json!({}) } else { json!({"early": early}) };
        ada.ok("office.v1.ChairService/CreateChair", json!({"chair_id": id, "chair": chair})).await;
    }
    for number in 1..=20 {
        let desk = json!({
            "badge": number, "size": number.to_string(), "place": {"city": format!("canary-{number}")}, "room": "7",
            "start_time": format!("2026-01-{number:02}T08:00:00Z"), "end_time": format!("2026-01-{number:02}T18:00:00Z"),
            "chair": "chairs/one",
        });
        let own = fixture.user(if number % 5 == 0 { BOB } else { ADA }, &[]);
        own.ok("office.v1.DeskService/CreateDesk", json!({"desk_id": format!("d{number}"), "desk": desk})).await;
    }
    fixture
}

const CREATE: &str = "clinic.v1.PatientService/CreatePatient";

fn patient(uid: &str, who: &str) -> Json {
    json!({
        "account": uid, "mail": format!("{who}@canary.example"), "title": format!("{} Canary", if who == "ada" { "Ada" } else { "Bob" }),
        "address": {"street": format!("{who} canary-lane"), "city": "Ulm"},
        "contacts": [{"phone": "canary-phone", "role": "son"}, {"phone": "canary-child", "role": "daughter"}],
        "others": {"work": {"phone": "canary-away", "role": "boss"}},
        "allergy": "canary-allergy", "passport": format!("{}-CANARY-PASS", if who == "ada" { "AD" } else { "BO" }), "owed": "42",
        "token": "canary-token", "tags": ["canary-tag"], "ward": "west", "born": 1970,
        "home": {"street": "canary-home", "city": "Bonn"}, "pager": "canary-phone",
    })
}

async fn clinic(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, CONTRACT).await;
    for (uid, who) in [(ADA, "ada"), (BOB, "bob")] {
        let own = fixture.user(uid, &[]);
        let create = json!({"patient_id": who, "patient": patient(uid, who), "request_id": format!("make-{who}")});
        own.ok(CREATE, create).await;
        let visit = json!({"parent": format!("patients/{who}"), "visit_id": "one", "visit": {"note": "canary-note", "room": "7"}});
        own.ok("clinic.v1.VisitService/CreateVisit", visit).await;
        let post = json!({"post_id": format!("of-{who}"), "post": {"author": format!("patients/{who}"), "text": "canary-post"}});
        own.ok("clinic.v1.PostService/CreatePost", post).await;
        let close = json!({"name": format!("patients/{who}"), "remark": "canary-input"});
        own.ok("clinic.v1.PatientService/ClosePatient", close).await;
        let ward = json!({"ward_id": format!("of-{who}"), "ward": {"mail": "desk@ward.example"}});
        own.ok("clinic.v1.WardService/CreateWard", ward).await;
    }
    fixture
}

/// Another one of hers, deleted and kept.
async fn with_a_deleted_one(fixture: &Fixture) {
    let ada = fixture.user(ADA, &[]);
    let mut second = patient(ADA, "ada");
    second["mail"] = json!("ada@canary.example.org");
    second["passport"] = json!("AE-CANARY-PASS");
    ada.ok(CREATE, json!({"patient_id": "second", "patient": second})).await;
    ada.ok("clinic.v1.PatientService/DeletePatient", json!({"name": "patients/second"})).await;
}

fn wanted(uid: &str) -> Wanted {
    Wanted { uid: uid.to_owned(), validate_only: false, compact: true }
}

async fn erase(fixture: &Fixture, wanted: Wanted) -> pb::Erasure {
    let mut erasing = Erasing::begin(fixture.data.resources(), wanted).unwrap();
    let mut last = None;
    while let Some(told) = erasing.step().await.unwrap() {
        last = told.erasure;
    }
    last.unwrap()
}

async fn export(fixture: &Fixture, uid: &str, caller: Principal) -> Vec<pb::ExportSubjectResponse> {
    let mut exporting = Exporting::begin(fixture.data.resources(), Export { uid: uid.to_owned(), caller });
    let mut rows = Vec::new();
    while let Some(row) = exporting.next().await.unwrap() {
        rows.push(row);
    }
    rows
}

/// All that is in all tables, as text; bytes in hex and as they are.
async fn everything(fixture: &Fixture) -> String {
    let list = match fixture.data.db().engine() {
        mainstay_db::Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        mainstay_db::Engine::Postgres => {
            "SELECT tablename::text FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
        }
    };
    let mut all = String::new();
    for table in texts(fixture, list.to_owned()).await {
        // The contract's own text is no row of anybody.
        if table == "mainstay_contracts" || table.starts_with("__") {
            continue;
        }
        let rows = match fixture.data.db().engine() {
            mainstay_db::Engine::Postgres => format!("SELECT t::text FROM \"{table}\" AS t"),
            mainstay_db::Engine::Sqlite => {
                let columns = texts(fixture, format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let column = |name: &String| format!("coalesce(CAST(\"{name}\" AS TEXT), '')");
                format!(
                    "SELECT {} FROM \"{table}\"",
                    columns.iter().map(column).collect::<Vec<_>>().join(" || '|' || ")
                )
            }
        };
        for row in texts(fixture, rows).await {
            all.push_str(&format!("{table}: {row}\n"));
        }
    }
    all
}

async fn texts(fixture: &Fixture, sql: String) -> Vec<String> {
    let read = fixture.data.db().read(Lane::Heavy, move |conn| {
        let sql = sql.clone();
        Box::pin(async move {
            let mut rows = Rows::of(&[Kind::Text]);
            conn.fetch(&Statement::text(&sql), &[], &mut rows).await?;
            Ok::<_, mainstay_db::Error>(rows.rows)
        })
    });
    let text = |value: Value| if let Value::Text(text) = value { text } else { String::new() };
    read.await.unwrap().into_iter().flatten().map(text).collect()
}

/// The canaries that a text has, as they are or as PostgreSQL shows bytes.
fn found(text: &str) -> Vec<&'static str> {
    let hex = |canary: &str| canary.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    CANARIES.into_iter().filter(|canary| text.contains(canary) || text.contains(&hex(canary))).collect()
}

fn field<'e>(erasure: &'e pb::Erasure, resource: &str, path: &str) -> &'e pb::ErasedField {
    let resource = erasure.resources.iter().find(|own| own.r#type.ends_with(resource)).unwrap();
    resource.fields.iter().find(|own| own.field == path).unwrap_or_else(|| panic!("{path} of {resource:?}"))
}

both_engines! {
    async fn what_was_a_persons_is_nowhere_afterwards(engine: Engine) {
        let fixture = clinic(engine).await;
        with_a_deleted_one(&fixture).await;
        let before = everything(&fixture).await;
        assert_eq!(found(&before).len(), CANARIES.len(), "each is stored: {:?}", found(&before));
        // Bob goes as well, so that nothing of it is left to be found.
        erase(&fixture, wanted(BOB)).await;
        let erasure = erase(&fixture, wanted(ADA)).await;
        let after = everything(&fixture).await;
        assert_eq!(found(&after), Vec::<&str>::new(), "{after}");
        assert!(after.contains(ADA) && after.contains("west") && after.contains("42") && after.contains("desk@ward.example"));
        assert!(erasure.emptied_answers > 0, "{erasure:?}");
        if engine == Engine::Sqlite {
            assert_eq!(erasure.storage, "rewritten");
            assert_eq!(in_files(fixture.place.path.parent().unwrap()), Vec::<String>::new());
        } else {
            assert_eq!(erasure.storage, "left to VACUUM");
        }
    }

    async fn fields_become_what_the_contract_takes(engine: Engine) {
        let fixture = clinic(engine).await;
        let erasure = erase(&fixture, wanted(ADA)).await;
        let staff = fixture.user("stan", &["staff"]);
        let row = staff.ok("clinic.v1.PatientService/GetPatient", json!({"name": "patients/ada"})).await;
        assert_eq!((&row["account"], &row["ward"], &row["owed"]), (&json!(ADA), &json!("west"), &json!("42")), "{row}");
        assert!(row["mail"].as_str().unwrap().ends_with("@erased.invalid"), "{row}");
        assert!(row.get("title").is_none() && row.get("allergy").is_none() && row.get("token").is_none(), "{row}");
        assert_eq!(row["address"], json!({"city": "Ulm"}));
        assert_eq!((&row["contacts"][0]["role"], &row["others"]["work"]["role"]), (&json!("son"), &json!("boss")), "{row}");
        assert!(row["contacts"][0]["phone"].as_str().unwrap().starts_with("erased-"), "{row}");
        assert!(row["born"].as_i64().is_some_and(|year| year >= 1900), "{row}");
        assert!(row["home"]["city"].as_str().unwrap().len() > 1 && row.get("pager").is_none() && row["state"] == "CLOSED", "{row}");
        assert_eq!(row["tags"].as_array().unwrap().len(), 1);
        // So it can be written on.
        let update = json!({"patient": {"name": "patients/ada", "ward": "east"}, "update_mask": "ward"});
        staff.ok("clinic.v1.PatientService/UpdatePatient", update).await;
        let patient = erasure.resources.iter().find(|own| own.r#type.ends_with("Patient")).unwrap();
        assert_eq!((patient.rows, patient.changed_rows, patient.changed_transitions), (1, 1, 1), "{patient:?}");
        assert!(patient.fields.iter().all(|field| field.unfit == 0), "{patient:?}");
        let counted = |path| {
            let own = field(&erasure, "Patient", path);
            (own.emptied, own.pseudonymised, own.kept, own.reason.as_str())
        };
        assert_eq!(counted("account"), (0, 0, 1, "SUBJECT"));
        assert_eq!(counted("owed"), (0, 0, 1, "FINANCIAL"));
        assert_eq!(counted("mail"), (0, 1, 0, ""));
        assert_eq!(counted("contacts.phone"), (0, 2, 0, ""));
        assert_eq!(counted("title"), (1, 0, 0, ""));
        assert_eq!(counted("address.street"), (1, 0, 0, ""));
        let types: Vec<&str> = erasure.resources.iter().map(|own| own.r#type.rsplit('/').next().unwrap()).collect();
        assert_eq!(types, ["Patient", "Post", "Visit"], "a ward is nobody's");
        assert_eq!(erasure.unowned, ["clinic.example.com/Ward"]);
        assert!(!format!("{erasure:?}").contains("anary"), "the report says nothing of it");
    }

    async fn no_two_rows_get_the_same_where_none_may_have_it(engine: Engine) {
        let fixture = office(engine).await;
        let erasure = erase(&fixture, wanted(ADA)).await;
        let desks = erasure.resources.iter().find(|own| own.r#type.ends_with("Desk")).unwrap();
        assert_eq!((desks.rows, desks.changed_rows, desks.unfit_rows), (16, 16, 0), "{desks:?}");
        for path in ["badge", "size", "place", "start_time", "end_time"] {
            assert_eq!(field(&erasure, "Desk", path).pseudonymised, 16, "{path}: {desks:?}");
        }
        // A name that leads nowhere is taken by no store.
        assert_eq!(field(&erasure, "Desk", "chair").unfit, 16, "{desks:?}");
        let second = erase(&fixture, wanted(ADA)).await;
        assert_eq!(second.resources.iter().map(|own| own.changed_rows).sum::<i64>(), 0, "{second:?}");
        let ada = fixture.user(ADA, &[]);
        let desk = ada.ok("office.v1.DeskService/GetDesk", json!({"name": "desks/d1"})).await;
        assert!(desk["start_time"].as_str() < desk["end_time"].as_str() && desk["start_time"] != "2026-01-01T08:00:00Z", "{desk}");
        assert!(!desk.to_string().contains("canary"), "{desk}");
    }

    async fn a_row_that_the_store_takes_no_other_way_holds_up_none(engine: Engine) {
        let fixture = office(engine).await;
        let erasure = erase(&fixture, wanted(ADA)).await;
        // Of three one is true and one unset, and the third must be neither.
        let chairs = erasure.resources.iter().find(|own| own.r#type.ends_with("Chair")).unwrap();
        assert_eq!((chairs.rows, chairs.changed_rows, chairs.unfit_rows), (3, 0, 1), "{chairs:?}");
        let two = fixture.user(ADA, &[]).ok("office.v1.ChairService/GetChair", json!({"name": "chairs/two"})).await;
        assert_eq!(two["early"], json!(false));
        assert_eq!(erasure.unowned, Vec::<String>::new());
    }

    async fn what_is_others_stays_as_it_is(engine: Engine) {
        let fixture = clinic(engine).await;
        let bob = export(&fixture, BOB, Principal::system()).await;
        let staff = fixture.user("stan", &["staff"]);
        let ward = staff.ok("clinic.v1.WardService/GetWard", json!({"name": "wards/of-ada"})).await;
        erase(&fixture, wanted(ADA)).await;
        assert_eq!(export(&fixture, BOB, Principal::system()).await, bob);
        assert_eq!(staff.ok("clinic.v1.WardService/GetWard", json!({"name": "wards/of-ada"})).await, ward);
    }

    async fn a_second_time_nothing_changes_and_the_report_is_the_same(engine: Engine) {
        let fixture = clinic(engine).await;
        let first = erase(&fixture, wanted(ADA)).await;
        let before = everything(&fixture).await;
        let second = erase(&fixture, wanted(ADA)).await;
        assert_eq!(everything(&fixture).await, before);
        for (one, other) in first.resources.iter().zip(&second.resources) {
            assert_eq!((one.rows, &one.fields), (other.rows, &other.fields));
            assert_eq!((other.changed_rows, other.changed_transitions), (0, 0));
        }
    }

    async fn one_that_was_broken_off_is_gone_on_with(engine: Engine) {
        let fixture = clinic(engine).await;
        let ada = fixture.user(ADA, &[]);
        for number in 0..150 {
            let visit = json!({"parent": "patients/ada", "visit_id": format!("v{number}"), "visit": {"note": "canary-note"}});
            ada.ok("clinic.v1.VisitService/CreateVisit", visit).await;
        }
        let mut erasing = Erasing::begin(fixture.data.resources(), wanted(ADA)).unwrap();
        erasing.step().await.unwrap();
        let told = erasing.step().await.unwrap().unwrap();
        assert!(told.erasure.is_none() && told.rows > 0);
        drop(erasing);
        let erasure = erase(&fixture, wanted(ADA)).await;
        let visits = erasure.resources.iter().find(|own| own.r#type.ends_with("Visit")).unwrap();
        assert_eq!((visits.rows, visits.fields[0].emptied), (151, 151));
        erase(&fixture, wanted(BOB)).await;
        assert_eq!(found(&everything(&fixture).await), Vec::<&str>::new());
    }

    async fn a_dry_run_changes_nothing_and_counts_the_same(engine: Engine) {
        let fixture = clinic(engine).await;
        let before = everything(&fixture).await;
        let dry = erase(&fixture, Wanted { validate_only: true, ..wanted(ADA) }).await;
        assert_eq!(everything(&fixture).await, before);
        let real = erase(&fixture, wanted(ADA)).await;
        assert!(dry.validate_only && !real.validate_only && dry.storage == "not rewritten");
        assert_eq!((dry.resources, dry.emptied_answers), (real.resources, real.emptied_answers));
    }

    async fn an_answer_that_was_emptied_is_not_given_again_and_nothing_is_done_twice(engine: Engine) {
        let fixture = clinic(engine).await;
        erase(&fixture, wanted(ADA)).await;
        let again = json!({"patient_id": "ada", "patient": patient(ADA, "ada"), "request_id": "make-ada"});
        let answer = fixture.user(ADA, &[]).ok(CREATE, again).await;
        assert!(found(&answer.to_string()).is_empty(), "{answer}");
    }

    async fn an_answer_with_a_row_that_was_removed_before_is_emptied(engine: Engine) {
        let fixture = office(engine).await;
        let (ada, bob) = (fixture.user(ADA, &[]), fixture.user(BOB, &[]));
        for (own, id) in [(&ada, "gone"), (&bob, "kept")] {
            let create = json!({"chair_id": id, "chair": {"early": true, "account": format!("canary-{id}")}, "request_id": format!("make-{id}")});
            own.ok("office.v1.ChairService/CreateChair", create).await;
        }
        ada.ok("office.v1.ChairService/DeleteChair", json!({"name": "chairs/gone"})).await;
        let before = (found_in(&fixture, "canary-gone").await, found_in(&fixture, "canary-kept").await);
        assert!(before.0 > 0 && before.1 > before.0, "the row that is there, and both answers: {before:?}");
        erase(&fixture, wanted(ADA)).await;
        let after = (found_in(&fixture, "canary-gone").await, found_in(&fixture, "canary-kept").await);
        assert_eq!(after, (0, before.1));
    }

    async fn an_export_has_everything_of_theirs_and_nothing_of_others(engine: Engine) {
        let fixture = clinic(engine).await;
        with_a_deleted_one(&fixture).await;
        let rows = export(&fixture, ADA, Principal::system()).await;
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["patients/ada", "patients/ada/visits/one", "patients/second", "posts/of-ada"]);
        let first = rows.iter().find(|row| row.name == "patients/ada").unwrap();
        let record: Json = serde_json::from_str(&first.record).unwrap();
        assert_eq!((&record["mail"], &record["owed"]), (&json!("ada@canary.example"), &json!("42")));
        assert!(first.transitions[0].inputs.contains("canary-input") && first.transitions[0].actor == ADA);
        assert!(rows.iter().all(|row| !row.record.contains("bob@")));
        // By themselves people get what they may read.
        let own = export(&fixture, ADA, fixture.user(ADA, &[]).principal()).await;
        assert_eq!(own, rows);
        assert!(export(&fixture, ADA, fixture.user(BOB, &[]).principal()).await.iter().all(|row| !row.name.starts_with("patients/ada/x")));
    }

    async fn what_the_contract_says_no_more_is_named(engine: Engine) {
        let fixture = clinic(engine).await;
        let without = CONTRACT.replace("string title = 4 [(mainstay.v1.field).class = PII];", "reserved 4; reserved \"title\";");
        fixture.rewrite(&without).await;
        if fixture.revision() == 2 {
            let erasure = erase(&fixture, wanted(ADA)).await;
            assert_eq!(erasure.hidden, ["clinic.example.com/Patient title"]);
        }
    }
}

/// How often a text is stored, as it is or as PostgreSQL shows bytes.
async fn found_in(fixture: &Fixture, text: &str) -> usize {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let all = everything(fixture).await;
    all.matches(text).count() + all.matches(&hex).count()
}

/// The files of a folder in which a canary is found.
fn in_files(folder: &Path) -> Vec<String> {
    let mut found_in = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for canary in CANARIES {
            if bytes.windows(canary.len()).any(|window| window == canary.as_bytes()) {
                found_in.push(format!("{}: {canary}", path.display()));
            }
        }
    }
    found_in
}
