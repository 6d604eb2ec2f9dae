//! Rules of single fields (`read` and `write` of `mainstay.v1.field`): who does not see a field meets it nowhere, and who may not
//! set it is told so.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CREATE: &str = "staff.v1.PersonService/CreatePerson";
const GET: &str = "staff.v1.PersonService/GetPerson";
const LIST: &str = "staff.v1.PersonService/ListPeople";
const UPDATE: &str = "staff.v1.PersonService/UpdatePerson";
const BATCH_GET: &str = "staff.v1.PersonService/BatchGetPeople";
const COMMIT: &str = "staff.v1.CommitService/Commit";

/// `salary` is seen by its person and by hr, and set by hr; `pin` is seen by nobody and set by its person; `code` is seen by hr
/// alone, and immutable; `boss` and `home` are seen by their person.
fn contract() -> String {
    file(
        "staff.v1",
        r#"
message Person {
  option (google.api.resource) = {
    type: "staff.example.com/Person" pattern: "people/{person}" singular: "person" plural: "people"
  };
  option (mainstay.v1.resource) = {
    access {read: "resource.shown || resource.owner == auth.uid" write: "auth.uid != null"}
    index {fields: "code" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  bool shown = 3;
  int64 salary = 4 [
    (mainstay.v1.field) = {
      read: "resource.owner == auth.uid || 'hr' in auth.roles" write: "'hr' in auth.roles" aliases: "wage"
    },
    (buf.validate.field).int64.lt = 1000
  ];
  string pin = 5 [(mainstay.v1.field) = {read: "false" write: "resource.owner == auth.uid"}];
  optional string code = 6 [
    (mainstay.v1.field).read = "'hr' in auth.roles", (google.api.field_behavior) = IMMUTABLE
  ];
  string boss = 7 [
    (mainstay.v1.field).read = "resource.owner == auth.uid",
    (google.api.resource_reference).type = "staff.example.com/Person"
  ];
  Home home = 8 [(mainstay.v1.field).read = "resource.owner == auth.uid"];
  repeated string notes = 9 [(mainstay.v1.field).read = "resource.owner == auth.uid"];
  string title = 10;
  optional string level = 11 [(mainstay.v1.field) = {default: "'junior'" write: "'hr' in auth.roles"}];
  string etag = 12;
}
message Home { string city = 1; string street = 2; }
message Desk {
  option (google.api.resource) = {type: "staff.example.com/Desk" pattern: "desks/{desk}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string person = 2 [(google.api.resource_reference).type = "staff.example.com/Person"];
}
"#,
    )
}

/// What only some see.
const SECRETS: [&str; 6] = ["salary", "pin", "code", "boss", "home", "notes"];

/// Ann and Ben, shown to everybody.
async fn office(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &contract()).await;
    let system = fixture.system();
    for (id, salary) in [("ann", 500), ("ben", 300)] {
        let person = json!({
            "owner": id, "shown": true, "salary": salary, "pin": format!("{id}-pin"), "code": format!("{id}-code"),
            "home": {"city": format!("{id}-city")}, "notes": [format!("{id}-note")], "title": "Dr", "boss": "people/ann"
        });
        system.ok(CREATE, json!({"person_id": id, "person": person})).await;
    }
    system.ok("staff.v1.DeskService/CreateDesk", json!({"desk_id": "one", "desk": {"person": "people/ann"}})).await;
    fixture
}

/// The secrets that a record shows.
fn shown(record: &Json) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|field| record.get(field).is_some()).collect()
}

fn person<'p>(people: &'p Json, id: &str) -> &'p Json {
    let mut all = people["people"].as_array().unwrap().iter();
    all.find(|person| person["name"] == format!("people/{id}")).unwrap()
}

async fn stored(fixture: &Fixture, id: &str) -> Json {
    fixture.system().ok(GET, json!({"name": format!("people/{id}")})).await
}

async fn denied(caller: &Caller<'_>, method: &str, request: Json, field: &str) {
    let fault = caller.fault(method, request.clone()).await;
    let told = (fault.reason(), fault.metadata("field"));
    assert_eq!(told, (Some(Reason::PermissionDenied), Some(field)), "{method} {request}: {fault:?}");
}

both_engines! {
    async fn who_does_not_see_a_field_finds_it_in_no_answer(engine: Engine) {
        let fixture = office(engine).await;
        let (ann, hr, nobody) = (fixture.user("ann", &[]), fixture.user("h", &["hr"]), fixture.anonymous());
        for (caller, of_ann, of_ben) in [
            (&ann, vec!["salary", "boss", "home", "notes"], vec![]),
            (&hr, vec!["salary", "code"], vec!["salary", "code"]),
            (&nobody, vec![], vec![]),
        ] {
            assert_eq!(shown(&caller.ok(GET, json!({"name": "people/ann"})).await), of_ann);
            let people = caller.ok(LIST, json!({})).await;
            assert_eq!((shown(person(&people, "ann")), shown(person(&people, "ben"))), (of_ann.clone(), of_ben.clone()));
            let people = caller.ok(BATCH_GET, json!({"names": ["people/ben", "people/ann"]})).await;
            assert_eq!((shown(person(&people, "ann")), shown(person(&people, "ben"))), (of_ann.clone(), of_ben.clone()));
        }
        assert_eq!(stored(&fixture, "ann").await["pin"], "ann-pin", "the system sees all");
        for (method, request) in [
            (UPDATE, json!({"person": {"name": "people/ben", "title": "Mx"}, "update_mask": "title"})),
            (COMMIT, json!({"writes": [{"update_person": {"person": {"name": "people/ben", "title": "Ms"}}}]})),
            (CREATE, json!({"person_id": "eve", "person": {"owner": "eve", "shown": true, "code": "eve-code"}})),
        ] {
            let answer = ann.ok(method, request).await.to_string();
            assert!(!answer.contains("ben-") && !answer.contains("300") && !answer.contains("eve-code"), "{answer}");
        }
    }

    async fn a_read_mask_shows_no_more(engine: Engine) {
        let fixture = office(engine).await;
        let ann = fixture.user("ann", &[]);
        for (mask, of_ben) in [("title,salary", json!({"title": "Dr"})), ("home.city,title", json!({"title": "Dr"}))] {
            assert_eq!(ann.with_read_mask(mask).ok(GET, json!({"name": "people/ben"})).await, of_ben);
        }
        let own = ann.with_read_mask("salary,home.city").ok(GET, json!({"name": "people/ann"})).await;
        assert_eq!(own, json!({"salary": "500", "home": {"city": "ann-city"}}));
        for mask in ["pin", "title,pin", "code", "code.x"] {
            let (reason, _) = ann.with_read_mask(mask).refused(GET, json!({"name": "people/ann"})).await;
            assert_eq!(reason, Reason::InvalidMask, "{mask}");
            let (reason, _) = ann.with_read_mask(&format!("people.{mask}")).refused(LIST, json!({})).await;
            assert_eq!(reason, Reason::InvalidMask, "{mask}");
        }
    }

    async fn nothing_is_compared_that_is_not_seen_in_every_row(engine: Engine) {
        let fixture = office(engine).await;
        let (ann, hr) = (fixture.user("ann", &[]), fixture.user("h", &["hr"]));
        for filter in [
            "salary > 100", "wage > 100", "NOT salary = 7", "title = \"Dr\" AND (salary < 5 OR salary > 6)", "pin = \"x\"",
            "pin:*", "-pin:*", "code = \"ann-code\"", "boss = \"people/ann\"", "boss.title = \"Dr\"", "home.city = \"x\"", "home:*",
            "notes:\"ann-note\"", "salary = salary",
        ] {
            let fault = ann.fault(LIST, json!({"filter": filter})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidFilter), "{filter}: {fault:?}");
        }
        for order in ["salary", "title, salary desc", "code", "pin desc", "boss", "home.city"] {
            let fault = ann.fault(LIST, json!({"order_by": order})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidOrderBy), "{order}: {fault:?}");
        }
        // By way of a reference it is the same field.
        let desks = "staff.v1.DeskService/ListDesks";
        for filter in ["person.salary > 100", "person.boss.title = \"Dr\"", "person.code = \"ann-code\""] {
            assert_eq!(ann.refused(desks, json!({"filter": filter})).await.0, Reason::InvalidFilter, "{filter}");
        }
        assert_eq!(ann.ok(desks, json!({"filter": "person.title = \"Dr\""})).await["desks"].as_array().unwrap().len(), 1);
        // Who sees it everywhere compares it, and nobody is answered from what was made for others.
        for _ in 0..2 {
            let found = hr.ok(LIST, json!({"filter": "salary > 400", "order_by": "salary desc"})).await;
            assert_eq!(found["people"].as_array().unwrap().len(), 1);
            assert_eq!(hr.ok(desks, json!({"filter": "person.salary > 400"})).await["desks"].as_array().unwrap().len(), 1);
            assert_eq!(ann.refused(LIST, json!({"filter": "salary > 400", "order_by": "salary desc"})).await.0, Reason::InvalidFilter);
            assert_eq!(ann.refused(desks, json!({"filter": "person.salary > 400"})).await.0, Reason::InvalidFilter);
        }
    }

    async fn who_may_not_set_a_field_is_told_which_and_nothing_is_done(engine: Engine) {
        let fixture = office(engine).await;
        let (ann, ben, hr) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("h", &["hr"]));
        let before = stored(&fixture, "ann").await;
        let update = |person: Json, mask: &str| {
            let mut person = person;
            person["name"] = json!("people/ann");
            json!({"person": person, "update_mask": mask})
        };
        for (request, field) in [
            (update(json!({"salary": 900}), "salary"), "person.salary"),
            (update(json!({"salary": 900}), ""), "person.salary"),
            (update(json!({"salary": 900, "title": "x"}), "*"), "person.salary"),
            (update(json!({"title": "x"}), "*"), "person.salary"),
            (update(json!({}), "wage"), "person.salary"),
            (update(json!({"salary": 5000}), "salary"), "person.salary"),
            (update(json!({"level": "senior"}), "level"), "person.level"),
        ] {
            denied(&ann, UPDATE, request.clone(), field).await;
            let mut dry = request.clone();
            dry["validate_only"] = json!(true);
            denied(&ann, UPDATE, dry, field).await;
            let commit = ann.fault(COMMIT, json!({"writes": [{"update_person": request}]})).await;
            assert_eq!(commit.reason(), Some(Reason::PermissionDenied));
        }
        let transform = json!({"person": {"name": "people/ann"}, "transforms": [{"field": "salary", "add": 1}]});
        denied(&ann, UPDATE, transform, "person.salary").await;
        denied(&ben, UPDATE, update(json!({"pin": "mine"}), "pin"), "person.pin").await;
        denied(&ann, CREATE, json!({"person": {"owner": "ann", "salary": 7}}), "person.salary").await;
        denied(&ann, CREATE, json!({"person": {"owner": "ann", "level": "senior"}}), "person.level").await;
        assert_eq!(stored(&fixture, "ann").await, before);
        let nobody = fixture.anonymous();
        assert_eq!(nobody.refused(CREATE, json!({"person": {"salary": 7}})).await.0, Reason::Unauthenticated);
        // What does not differ is fine where it is seen, and so is what the default would be.
        ann.ok(UPDATE, update(json!({"salary": 500, "title": "Prof"}), "salary,title")).await;
        ann.ok(CREATE, json!({"person": {"owner": "ann", "salary": 0, "level": "junior"}})).await;
        hr.ok(UPDATE, update(json!({"salary": 600}), "salary")).await;
        ann.ok(UPDATE, update(json!({"pin": "0000"}), "pin")).await;
        let now = stored(&fixture, "ann").await;
        assert_eq!((&now["salary"], &now["pin"], &now["title"]), (&json!("600"), &json!("0000"), &json!("Prof")));
    }

    async fn both_the_row_before_and_the_row_after_must_let_a_field_be_set(engine: Engine) {
        let fixture = office(engine).await;
        let ben = fixture.user("ben", &[]);
        let takes = json!({"person": {"name": "people/ann", "owner": "ben", "pin": "1"}, "update_mask": "owner,pin"});
        denied(&ben, UPDATE, takes, "person.pin").await;
        let gives = json!({"person": {"name": "people/ben", "owner": "ann", "pin": "1"}, "update_mask": "owner,pin"});
        denied(&ben, UPDATE, gives, "person.pin").await;
        assert_eq!(stored(&fixture, "ben").await["pin"], "ben-pin");
    }

    async fn what_is_not_seen_is_not_found_out_by_writing_it(engine: Engine) {
        let fixture = office(engine).await;
        let ben = fixture.user("ben", &[]);
        let dry = |person: Json, mask: &str| {
            let mut person = person;
            person["name"] = json!("people/ann");
            json!({"person": person, "update_mask": mask, "validate_only": true})
        };
        // A guess that is right is answered as one that is wrong: denied, immutable, or done.
        for salary in [500, 7] {
            denied(&ben, UPDATE, dry(json!({"salary": salary}), "salary"), "person.salary").await;
        }
        for code in ["ann-code", "other"] {
            assert_eq!(ben.refused(UPDATE, dry(json!({"code": code}), "code")).await.0, Reason::ImmutableField, "{code}");
        }
        for (right, wrong, mask) in [
            (json!({"home": {"city": "ann-city"}}), json!({"home": {"city": "x"}}), "home"),
            (json!({"notes": ["ann-note"]}), json!({"notes": ["x"]}), "notes"),
        ] {
            let answers = [ben.ok(UPDATE, dry(right, mask)).await, ben.ok(UPDATE, dry(wrong, mask)).await];
            let [first, second] = answers.map(|mut answer| {
                answer["etag"] = json!("made");
                answer
            });
            assert_eq!(first, second);
            assert_eq!(shown(&first), Vec::<&str>::new());
        }
        // Whatever comes of a transform tells of what it was done to.
        let transform = json!({"person": {"name": "people/ann"}, "transforms": [{"field": "notes", "append_missing": ["x"]}], "validate_only": true});
        let fault = ben.fault(UPDATE, transform).await;
        assert_eq!((fault.reason(), fault.metadata("field")), (Some(Reason::PermissionDenied), Some("person.notes")));
        // A reference is looked up whether it is the one that is there or not.
        fixture.system().ok(CREATE, json!({"person_id": "dark", "person": {"owner": "dark"}})).await;
        let boss = json!({"person": {"name": "people/ann", "boss": "people/dark"}, "update_mask": "boss"});
        fixture.system().ok(UPDATE, boss).await;
        for boss in ["people/dark", "people/none"] {
            assert_eq!(ben.refused(UPDATE, dry(json!({"boss": boss}), "boss")).await.0, Reason::ReferenceNotFound, "{boss}");
        }
    }

    async fn a_full_replacement_leaves_what_its_writer_does_not_see(engine: Engine) {
        let fixture = office(engine).await;
        let ben = fixture.user("ben", &[]);
        let mut seen = ben.ok(GET, json!({"name": "people/ann"})).await;
        seen["title"] = json!("Sir");
        ben.ok(UPDATE, json!({"person": seen, "update_mask": "*"})).await;
        let now = stored(&fixture, "ann").await;
        let kept = (&now["salary"], &now["pin"], &now["home"]["city"], &now["title"]);
        assert_eq!(kept, (&json!("500"), &json!("ann-pin"), &json!("ann-city"), &json!("Sir")));
        // What it does say of such a field is said of all of it.
        let says = json!({"person": {"name": "people/ann", "shown": true, "level": "junior", "home": {"street": "s"}}, "update_mask": "*"});
        ben.ok(UPDATE, says).await;
        assert_eq!(stored(&fixture, "ann").await["home"], json!({"street": "s"}));
    }

    async fn a_value_that_is_taken_tells_of_no_field_that_is_not_seen(engine: Engine) {
        let fixture = office(engine).await;
        let ben = fixture.user("ben", &[]);
        let fault = ben.fault(CREATE, json!({"person": {"owner": "ben", "code": "ann-code"}})).await;
        assert_eq!(fault.reason(), Some(Reason::UniqueViolation));
        let told = format!("{} {:?}", fault.text(), fault.violations());
        assert!(!told.contains("people/ann") && !told.contains("ann-code"), "{told}");
    }

    async fn an_answer_that_is_remembered_shows_what_is_seen_by_then(engine: Engine) {
        let fixture = office(engine).await;
        let ben = fixture.user("ben", &[]);
        let id = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";
        let request = json!({"person": {"name": "people/ben", "title": "Mr"}, "update_mask": "title", "request_id": id});
        assert_eq!(shown(&ben.ok(UPDATE, request.clone()).await), ["salary", "boss", "home", "notes"]);
        assert_eq!(shown(&ben.ok(UPDATE, request.clone()).await), ["salary", "boss", "home", "notes"]);
        let gone = json!({"person": {"name": "people/ben", "owner": "ann"}, "update_mask": "owner"});
        fixture.system().ok(UPDATE, gone).await;
        let again = ben.ok(UPDATE, request).await;
        assert_eq!((shown(&again), &again["title"]), (vec![], &json!("Mr")));
    }

    async fn what_is_wrong_with_an_unseen_field_is_not_told(engine: Engine) {
        let fixture = office(engine).await;
        fixture.sql("UPDATE staff_v1_person SET salary = 5000").await;
        let change = json!({"person": {"name": "people/ann", "title": "x"}, "update_mask": "title"});
        let fault = fixture.user("ben", &[]).fault(UPDATE, change.clone()).await;
        let told = format!("{} {:?}", fault.text(), fault.violations());
        assert!(!told.contains("salary") && !told.contains("1000") && told.contains("may not read"), "{told}");
        let (reason, fields) = fixture.user("ann", &[]).refused(UPDATE, change).await;
        assert_eq!((reason, fields), (Reason::FieldViolation, vec!["person.salary".to_owned()]), "its person sees it");
    }
}
