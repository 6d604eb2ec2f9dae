//! Rules of single fields that look at other rows: who leads a team sees and sets what its people earn, for as long as he does.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CREATE: &str = "crew.v1.PersonService/CreatePerson";
const GET: &str = "crew.v1.PersonService/GetPerson";
const LIST: &str = "crew.v1.PersonService/ListPeople";
const UPDATE: &str = "crew.v1.PersonService/UpdatePerson";
const BATCH_GET: &str = "crew.v1.PersonService/BatchGetPeople";
const PROMOTE: &str = "crew.v1.PersonService/PromotePerson";
const PAST: &str = "crew.v1.PersonService/ListPersonTransitions";
const COMMIT: &str = "crew.v1.CommitService/Commit";
const DESKS: &str = "crew.v1.DeskService/ListDesks";

/// Nobody reads teams but their heads, and who leads them is read by hr alone: the rules of a person's fields see all of it.
const CREW: &str = r#"
message Team {
  option (google.api.resource) = {type: "crew.example.com/Team" pattern: "teams/{team}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.head == auth.uid" write: "'hr' in auth.roles" refer: "true"}
    predicate {name: "led" rule: "resource.head == auth.uid || resource.leads.exists(l, l.account == auth.uid)"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string head = 2;
}
message Lead {
  option (google.api.resource) = {type: "crew.example.com/Lead" pattern: "teams/{team}/leads/{lead}"};
  option (mainstay.v1.resource) = {
    access {read: "'hr' in auth.roles" write: "'hr' in auth.roles"}
    index {fields: "account"}
    on_parent_delete: CASCADE
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
}
message Person {
  option (google.api.resource) = {
    type: "crew.example.com/Person" pattern: "people/{person}" singular: "person" plural: "people"
  };
  option (mainstay.v1.resource) = {
    access {read: "true" write: "auth.uid != null"}
    index {fields: "code" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string team = 3 [(google.api.resource_reference).type = "crew.example.com/Team"];
  int64 salary = 4 [
    (mainstay.v1.field) = {read: "resource.owner == auth.uid || resource.team.led" write: "resource.team.led"},
    (buf.validate.field).int64.lt = 1000
  ];
  string boss = 5 [
    (mainstay.v1.field).read = "resource.team.led",
    (google.api.resource_reference).type = "crew.example.com/Person"
  ];
  string note = 6 [(mainstay.v1.field).read = "resource.boss.owner == auth.uid"];
  string rank = 7 [(mainstay.v1.field).write = "!Freeze.exists(f, f.account == resource.owner)"];
  string title = 8;
  optional string code = 9 [(mainstay.v1.field).read = "'hr' in auth.roles && resource.team.led"];
  string etag = 10;
  repeated string marks = 11 [(mainstay.v1.field).read = "resource.team.head == auth.uid"];
  State state = 12 [(mainstay.v1.states) = {
    initial: "NEW"
    transition {name: "Promote" from: "NEW" to: "OLD" access: "true" input: "note" input: "rank" input: "title"}
  }];
  enum State { STATE_UNSPECIFIED = 0; NEW = 1; OLD = 2; }
}
message Freeze {
  option (google.api.resource) = {type: "crew.example.com/Freeze" pattern: "freezes/{freeze}"};
  option (mainstay.v1.resource) = {
    access {read: "false" write: "'hr' in auth.roles"}
    index {fields: "account"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
}
message Desk {
  option (google.api.resource) = {type: "crew.example.com/Desk" pattern: "desks/{desk}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string person = 2 [(google.api.resource_reference).type = "crew.example.com/Person"];
}
"#;

fn contract() -> String {
    file("crew.v1", CREW)
}

const RULED: [&str; 5] = ["salary", "boss", "note", "code", "marks"];

/// Ann leads the team of ben, whose boss is dora; hal is its head.
async fn crew(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &contract()).await;
    let system = fixture.system();
    for (team, head) in [("one", "hal"), ("two", "zoe")] {
        system.ok("crew.v1.TeamService/CreateTeam", json!({"team_id": team, "team": {"head": head}})).await;
    }
    lead(&system, "ann", "ann").await;
    let dora = json!({"owner": "dora", "team": "teams/two", "salary": 700, "title": "A"});
    system.ok(CREATE, json!({"person_id": "dora", "person": dora})).await;
    let ben = json!({
        "owner": "ben", "team": "teams/one", "salary": 500, "boss": "people/dora", "note": "n", "code": "c1", "title": "B",
        "marks": ["m"]
    });
    system.ok(CREATE, json!({"person_id": "ben", "person": ben})).await;
    system.ok("crew.v1.DeskService/CreateDesk", json!({"desk_id": "one", "desk": {"person": "people/ben"}})).await;
    fixture
}

async fn lead(caller: &Caller<'_>, id: &str, account: &str) {
    let request = json!({"parent": "teams/one", "lead_id": id, "lead": {"account": account}});
    caller.ok("crew.v1.LeadService/CreateLead", request).await;
}

/// The fields with rules that a record shows.
fn shown(record: &Json) -> Vec<&'static str> {
    RULED.into_iter().filter(|field| record.get(field).is_some()).collect()
}

/// Each caller, and what he sees of ben.
fn callers(fixture: &Fixture) -> [(Caller<'_>, Vec<&'static str>); 8] {
    [
        (fixture.anonymous(), vec![]),
        (fixture.user("cleo", &[]), vec![]),
        (fixture.user("cleo", &["hr"]), vec![]),
        (fixture.user("ben", &[]), vec!["salary"]),
        (fixture.user("dora", &[]), vec!["note"]),
        (fixture.user("ann", &[]), vec!["salary", "boss"]),
        (fixture.user("ann", &["hr"]), vec!["salary", "boss", "code"]),
        (fixture.user("hal", &[]), vec!["salary", "boss", "marks"]),
    ]
}

async fn people(caller: &Caller<'_>, mut request: Json) -> Vec<Json> {
    let mut found = Vec::new();
    loop {
        let page = caller.ok(LIST, request.clone()).await;
        found.extend(page["people"].as_array().cloned().unwrap_or_default());
        match page.get("next_page_token") {
            Some(token) => request["page_token"] = token.clone(),
            None => return found,
        }
    }
}

fn ben(people: &[Json]) -> &Json {
    people.iter().find(|person| person["name"] == "people/ben").unwrap()
}

async fn denied(caller: &Caller<'_>, method: &str, request: Json, field: &str) {
    let fault = caller.fault(method, request.clone()).await;
    let told = (fault.reason(), fault.metadata("field"));
    assert_eq!(told, (Some(Reason::PermissionDenied), Some(field)), "{method} {request}: {fault:?}");
}

fn change(person: Json, mask: &str) -> Json {
    let mut person = person;
    person["name"] = json!("people/ben");
    json!({"person": person, "update_mask": mask})
}

both_engines! {
    async fn whom_other_rows_let_see_a_field_sees_it_wherever_the_row_is_read(engine: Engine) {
        let fixture = crew(engine).await;
        for (caller, seen) in callers(&fixture) {
            let who = format!("{:?}", caller.principal());
            assert_eq!(shown(&caller.ok(GET, json!({"name": "people/ben"})).await), seen, "{who}");
            for request in [json!({}), json!({"page_size": 1}), json!({"order_by": "title desc", "page_size": 1}), json!({"filter": "title = B"})] {
                assert_eq!(shown(ben(&people(&caller, request.clone()).await)), seen, "{who} {request}");
            }
            let batch = caller.ok(BATCH_GET, json!({"names": ["people/dora", "people/ben"]})).await;
            assert_eq!(shown(ben(batch["people"].as_array().unwrap())), seen, "{who}");
            // By way of a reference, and from a reference that not everybody sees.
            let desks = caller.ok(DESKS, json!({"expand": "person"})).await;
            assert_eq!(shown(&desks["expanded"]["people/ben"]), seen, "{who}");
            if caller.principal().uid().is_none() {
                // For whom the rule can never hold the field is not there at all.
                for (method, expand) in [(LIST, "boss"), (DESKS, "person.boss.title")] {
                    assert_eq!(caller.refused(method, json!({"expand": expand})).await.0, Reason::InvalidMask);
                }
                continue;
            }
            let sees_boss = seen.contains(&"boss");
            let led = caller.ok(LIST, json!({"expand": "boss"})).await;
            assert_eq!(led["expanded"].get("people/dora").is_some(), sees_boss, "{who} {led}");
            let led = caller.ok(BATCH_GET, json!({"names": ["people/ben"], "expand": "boss"})).await;
            assert_eq!(led["expanded"].get("people/dora").is_some(), sees_boss, "{who} {led}");
            let led = caller.ok(DESKS, json!({"expand": "person.boss.title"})).await;
            assert_eq!(led["expanded"].get("people/dora").is_some(), sees_boss, "{who} {led}");
        }
        let hal = fixture.user("hal", &[]).with_read_mask("salary,marks,note");
        assert_eq!(hal.ok(GET, json!({"name": "people/ben"})).await, json!({"salary": "500", "marks": ["m"]}));
        assert_eq!(shown(&fixture.system().ok(GET, json!({"name": "people/ben"})).await), RULED, "the system sees all");
    }

    async fn a_write_is_answered_with_what_its_writer_sees(engine: Engine) {
        let fixture = crew(engine).await;
        for (turn, (caller, seen)) in callers(&fixture).into_iter().enumerate().skip(1) {
            let update = change(json!({"title": format!("B{turn}")}), "title");
            assert_eq!(shown(&caller.ok(UPDATE, update.clone()).await), seen);
            let commit = caller.ok(COMMIT, json!({"writes": [{"update_person": update}]})).await;
            assert_eq!(shown(&commit["results"][0]["person"]), seen, "{commit}");
            let batch = json!({"requests": [change(json!({"title": format!("C{turn}")}), "title")]});
            let batch = caller.ok("crew.v1.PersonService/BatchUpdatePeople", batch).await;
            assert_eq!(shown(&batch["people"][0]), seen, "{batch}");
            let dry = json!({"person": {"name": "people/ben", "title": "D"}, "update_mask": "title", "validate_only": true});
            assert_eq!(shown(&caller.ok(UPDATE, dry).await), seen);
        }
        // Of what is made, too.
        let made = |code: &str| json!({"person": {"owner": "eve", "team": "teams/one", "note": "x", "marks": ["y"], "code": code}});
        assert_eq!(shown(&fixture.user("hal", &[]).ok(CREATE, made("c2")).await), ["marks"]);
        assert_eq!(shown(&fixture.user("cleo", &["hr"]).ok(CREATE, made("c3")).await), Vec::<&str>::new());
    }

    async fn who_is_taken_off_sees_it_no_more_with_the_next_call(engine: Engine) {
        let fixture = crew(engine).await;
        let (ann, system) = (fixture.user("ann", &[]), fixture.system());
        let id = "7a1c0b9e-4b44-4c3e-9d0a-0f7d1c2b3a45";
        let mut update = change(json!({"title": "Dr"}), "title");
        update["request_id"] = json!(id);
        assert_eq!(shown(&ann.ok(UPDATE, update.clone()).await), ["salary", "boss"]);
        assert_eq!(shown(&ann.ok(UPDATE, update.clone()).await), ["salary", "boss"], "the same again");
        system.ok("crew.v1.LeadService/DeleteLead", json!({"name": "teams/one/leads/ann"})).await;
        assert_eq!(shown(&ann.ok(GET, json!({"name": "people/ben"})).await), Vec::<&str>::new());
        assert_eq!(shown(ben(&people(&ann, json!({})).await)), Vec::<&str>::new());
        assert_eq!(shown(&ann.ok(UPDATE, update).await), Vec::<&str>::new(), "nor in an answer that is remembered");
        denied(&ann, UPDATE, change(json!({"salary": 1}), "salary"), "person.salary").await;
        lead(&system, "again", "ann").await;
        assert_eq!(shown(&ann.ok(GET, json!({"name": "people/ben"})).await), ["salary", "boss"]);
    }

    async fn what_was_given_is_seen_by_who_sees_the_field(engine: Engine) {
        let fixture = crew(engine).await;
        let cleo = fixture.user("cleo", &[]);
        let promoted = cleo.ok(PROMOTE, json!({"name": "people/ben", "note": "well done", "rank": "r", "title": "Prof"})).await;
        assert_eq!((shown(&promoted), &promoted["title"]), (vec![], &json!("Prof")));
        for (caller, sees) in [(&cleo, false), (&fixture.user("dora", &[]), true), (&fixture.user("ann", &[]), false)] {
            let past = caller.ok(PAST, json!({"name": "people/ben"})).await;
            let inputs = &past["transitions"][0]["inputs"];
            assert_eq!((inputs.get("note").is_some(), &inputs["rank"]), (sees, &json!("r")), "{past}");
        }
    }

    async fn nothing_is_compared_of_which_other_rows_decide(engine: Engine) {
        let fixture = crew(engine).await;
        let ann = fixture.user("ann", &["hr"]);
        for filter in ["salary > 100", "note:*", "NOT note = n", "code = c1", "marks:m", "boss = \"people/dora\"", "boss.title = A"] {
            assert_eq!(ann.refused(LIST, json!({"filter": filter})).await.0, Reason::InvalidFilter, "{filter}");
        }
        for order in ["salary", "title, note desc", "code"] {
            assert_eq!(ann.refused(LIST, json!({"order_by": order})).await.0, Reason::InvalidOrderBy, "{order}");
        }
        assert_eq!(ann.refused(DESKS, json!({"filter": "person.salary > 100"})).await.0, Reason::InvalidFilter);
        assert_eq!(people(&fixture.system(), json!({"filter": "salary > 600 AND NOT note:*"})).await.len(), 1);
        // What can never hold for him is known without a look.
        let masked = fixture.user("ann", &[]).with_read_mask("code");
        assert_eq!(masked.refused(GET, json!({"name": "people/ben"})).await.0, Reason::InvalidMask);
    }

    async fn whom_other_rows_do_not_let_set_a_field_is_told_which(engine: Engine) {
        let fixture = crew(engine).await;
        let (ann, ben, hal) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("hal", &[]));
        let system = fixture.system();
        denied(&ben, UPDATE, change(json!({"salary": 900}), "salary"), "person.salary").await;
        denied(&ben, UPDATE, change(json!({"salary": 900, "title": "x"}), "*"), "person.salary").await;
        denied(&ben, CREATE, json!({"person": {"owner": "ben", "team": "teams/one", "salary": 7}}), "person.salary").await;
        denied(&ann, CREATE, json!({"person": {"owner": "ann", "salary": 7}}), "person.salary").await;
        let upsert = json!({"person": {"name": "people/new", "team": "teams/one", "salary": 7}, "allow_missing": true});
        denied(&ben, UPDATE, upsert.clone(), "person.salary").await;
        // Before and after: whom she cannot pay there she cannot move there with another pay.
        denied(&ann, UPDATE, change(json!({"team": "teams/two", "salary": 1}), "team,salary"), "person.salary").await;
        denied(&fixture.user("zoe", &[]), UPDATE, change(json!({"team": "teams/two", "salary": 1}), "team,salary"), "person.salary").await;
        let transform = json!({"person": {"name": "people/ben"}, "transforms": [{"field": "salary", "add": 1}]});
        denied(&fixture.user("cleo", &[]), UPDATE, transform.clone(), "person.salary").await;
        ann.ok(UPDATE, transform).await;
        ann.ok(UPDATE, change(json!({"salary": 900}), "salary")).await;
        hal.ok(UPDATE, upsert).await;
        hal.ok(CREATE, json!({"person": {"owner": "kim", "team": "teams/one", "salary": 7}})).await;
        // What does not differ is no change, where it is seen.
        ben.ok(UPDATE, change(json!({"salary": 900, "title": "y"}), "salary,title")).await;
        assert_eq!(system.ok(GET, json!({"name": "people/ben"})).await["salary"], "900");
        // What must not be there decides as well.
        ben.ok(UPDATE, change(json!({"rank": "1"}), "rank")).await;
        system.ok("crew.v1.FreezeService/CreateFreeze", json!({"freeze_id": "f", "freeze": {"account": "ben"}})).await;
        denied(&ben, UPDATE, change(json!({"rank": "2"}), "rank"), "person.rank").await;
        denied(&ben, PROMOTE, json!({"name": "people/ben", "rank": "2"}), "rank").await;
        ben.ok(PROMOTE, json!({"name": "people/ben", "title": "z"})).await;
        let masked = change(json!({"owner": "free", "rank": "2"}), "owner,rank");
        denied(&ben, UPDATE, masked, "person.rank").await;
    }

    async fn the_writes_of_one_request_see_the_rows_that_those_before_them_make(engine: Engine) {
        let fixture = crew(engine).await;
        let hr = fixture.user("kim", &["hr"]);
        let pays = || json!({"update_person": change(json!({"salary": 1}), "salary")});
        let joins = json!({"create_lead": {"parent": "teams/one", "lead_id": "kim", "lead": {"account": "kim"}}});
        let late = hr.fault(COMMIT, json!({"writes": [pays(), joins.clone()]})).await;
        assert_eq!(late.reason(), Some(Reason::PermissionDenied), "{late:?}");
        let done = hr.ok(COMMIT, json!({"writes": [joins, pays()]})).await;
        assert_eq!(shown(&done["results"][1]["person"]), ["salary", "boss", "code"], "{done}");
        let leaves = json!({"delete_lead": {"name": "teams/one/leads/kim"}});
        let gone = hr.fault(COMMIT, json!({"writes": [leaves.clone(), {"update_person": change(json!({"salary": 2}), "salary")}]})).await;
        assert_eq!(gone.reason(), Some(Reason::PermissionDenied), "{gone:?}");
        let last = hr.ok(COMMIT, json!({"writes": [{"update_person": change(json!({"salary": 3}), "salary")}, leaves]})).await;
        assert_eq!(shown(&last["results"][0]["person"]), Vec::<&str>::new(), "he leads it no more: {last}");
    }

    async fn what_is_wrong_with_a_field_is_told_to_who_sees_it(engine: Engine) {
        let fixture = crew(engine).await;
        fixture.sql("UPDATE crew_v1_person SET salary = 5000 WHERE _id = 'ben'").await;
        let retitle = change(json!({"title": "x"}), "title");
        for (caller, seen) in callers(&fixture).into_iter().skip(1) {
            let fault = caller.fault(UPDATE, retitle.clone()).await;
            let told = format!("{} {:?}", fault.text(), fault.violations());
            assert_eq!((fault.reason(), told.contains("salary")), (Some(Reason::FieldViolation), seen.contains(&"salary")), "{told}");
        }
    }

    async fn what_its_writer_does_not_see_stays_whatever_he_replaces(engine: Engine) {
        let fixture = crew(engine).await;
        let (cleo, system) = (fixture.user("cleo", &[]), fixture.system());
        let before = system.ok(GET, json!({"name": "people/ben"})).await;
        let mut seen = cleo.ok(GET, json!({"name": "people/ben"})).await;
        seen["title"] = json!("Sir");
        cleo.ok(UPDATE, json!({"person": seen, "update_mask": "*"})).await;
        let after = system.ok(GET, json!({"name": "people/ben"})).await;
        for field in RULED {
            assert_eq!(after[field], before[field], "{field}");
        }
        assert_eq!(after["title"], "Sir");
        // A guess that is right is answered as one that is wrong.
        for note in ["n", "other"] {
            let mut guess = change(json!({"note": note}), "note");
            guess["validate_only"] = json!(true);
            let answer = cleo.ok(UPDATE, guess).await;
            assert_eq!(shown(&answer), Vec::<&str>::new());
        }
        let transform = json!({"person": {"name": "people/ben"}, "transforms": [{"field": "marks", "append_missing": ["m"]}]});
        denied(&cleo, UPDATE, transform, "person.marks").await;
    }
}
