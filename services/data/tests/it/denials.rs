//! The table of denials: who is told what, for every method, of a row that is hidden and of one that is missing.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

const SERVICE: &str = "desk.v1.PaperService";

/// Papers that their owner and readers see; only writers write, and only what they see.
fn papers() -> String {
    file(
        "desk.v1",
        r#"
message Paper {
  option (google.api.resource) = {type: "desk.example.com/Paper" pattern: "papers/{paper}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid || (resource.shared && 'reader' in auth.roles)"
      create: "'writer' in auth.roles && resource.owner != 'nobody'"
      update: "'writer' in auth.roles && old.owner == auth.uid && new.title != 'forbidden'"
      delete: "'writer' in auth.roles && resource.owner == auth.uid"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string title = 3;
  bool shared = 4;
}
"#,
    )
}

async fn desk(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &papers()).await;
    for (id, owner, shared) in [("hidden", "ann", false), ("shared", "ann", true), ("mine", "will", false)] {
        let paper = json!({"owner": owner, "title": "T", "shared": shared});
        let create = json!({"paper_id": id, "paper": paper});
        fixture.user(owner, &["writer"]).ok(&format!("{SERVICE}/CreatePaper"), create).await;
    }
    fixture
}

fn nobody(fixture: &Fixture) -> Caller<'_> {
    fixture.anonymous()
}

fn reader(fixture: &Fixture) -> Caller<'_> {
    fixture.user("rita", &["reader"])
}

fn writer(fixture: &Fixture) -> Caller<'_> {
    fixture.user("will", &["writer"])
}

fn get(id: &str) -> (String, Json) {
    (format!("{SERVICE}/GetPaper"), json!({"name": format!("papers/{id}")}))
}

fn update(id: &str) -> (String, Json) {
    let paper = json!({"name": format!("papers/{id}"), "title": "U"});
    (format!("{SERVICE}/UpdatePaper"), json!({"paper": paper, "update_mask": "title"}))
}

fn delete(id: &str) -> (String, Json) {
    (format!("{SERVICE}/DeletePaper"), json!({"name": format!("papers/{id}")}))
}

fn create(paper: &Json) -> (String, Json) {
    (format!("{SERVICE}/CreatePaper"), json!({"paper": paper}))
}

both_engines! {
    async fn each_caller_is_told_what_the_table_says(engine: Engine) {
        let fixture = desk(engine).await;
        let table = [
            (nobody(&fixture), get("hidden"), Reason::Unauthenticated),
            (nobody(&fixture), get("missing"), Reason::Unauthenticated),
            (nobody(&fixture), (format!("{SERVICE}/ListPapers"), json!({})), Reason::Unauthenticated),
            (nobody(&fixture), create(&json!({})), Reason::Unauthenticated),
            (nobody(&fixture), update("hidden"), Reason::Unauthenticated),
            (nobody(&fixture), update("missing"), Reason::Unauthenticated),
            (nobody(&fixture), delete("hidden"), Reason::Unauthenticated),
            (nobody(&fixture), delete("missing"), Reason::Unauthenticated),
            (reader(&fixture), get("hidden"), Reason::ResourceNotFound),
            (reader(&fixture), get("missing"), Reason::ResourceNotFound),
            (reader(&fixture), create(&json!({})), Reason::PermissionDenied),
            (reader(&fixture), update("shared"), Reason::PermissionDenied),
            (reader(&fixture), update("hidden"), Reason::PermissionDenied),
            (reader(&fixture), update("missing"), Reason::PermissionDenied),
            (reader(&fixture), delete("hidden"), Reason::PermissionDenied),
            (reader(&fixture), delete("missing"), Reason::PermissionDenied),
            (writer(&fixture), get("hidden"), Reason::ResourceNotFound),
            (writer(&fixture), get("missing"), Reason::ResourceNotFound),
            (writer(&fixture), create(&json!({"owner": "nobody"})), Reason::PermissionDenied),
            (writer(&fixture), update("hidden"), Reason::ResourceNotFound),
            (writer(&fixture), update("missing"), Reason::ResourceNotFound),
            (writer(&fixture), delete("hidden"), Reason::ResourceNotFound),
            (writer(&fixture), delete("missing"), Reason::ResourceNotFound),
        ];
        for (caller, (method, request), reason) in table {
            let fault = caller.fault(&method, request.clone()).await;
            assert_eq!(fault.reason(), Some(reason), "{method} {request} by {:?}", caller.principal());
            assert!(fault.violations().is_empty());
        }
        let both = fixture.user("bo", &["reader", "writer"]);
        for (method, request) in [update("shared"), delete("shared")] {
            assert_eq!(both.refused(&method, request).await.0, Reason::PermissionDenied, "seen, and refused");
        }
    }

    async fn a_hidden_row_and_a_missing_one_answer_the_same_bytes(engine: Engine) {
        let fixture = desk(engine).await;
        for caller in [nobody(&fixture), reader(&fixture), writer(&fixture)] {
            for call in [get, update, delete] {
                let ((method, hidden), (_, missing)) = (call("hidden"), call("missing"));
                let (hidden, missing) = (caller.fault(&method, hidden).await, caller.fault(&method, missing).await);
                assert_eq!(on_the_wire(hidden), on_the_wire(missing), "{method}");
            }
        }
    }

    async fn a_list_shows_what_may_be_read_and_says_nothing_of_the_rest(engine: Engine) {
        let fixture = desk(engine).await;
        let method = format!("{SERVICE}/ListPapers");
        let names = |answer: Json| -> Vec<Json> {
            answer["papers"].as_array().into_iter().flatten().map(|paper| paper["name"].clone()).collect()
        };
        assert_eq!(names(reader(&fixture).ok(&method, json!({})).await), ["papers/shared"]);
        assert_eq!(names(writer(&fixture).ok(&method, json!({})).await), ["papers/mine"]);
        let ann = fixture.user("ann", &[]);
        assert_eq!(names(ann.ok(&method, json!({})).await), ["papers/hidden", "papers/shared"]);
        assert!(names(fixture.user("zoe", &[]).ok(&method, json!({})).await).is_empty());
        let probing = json!({"filter": "owner = \"ann\" AND title = \"T\""});
        assert!(names(writer(&fixture).ok(&method, probing).await).is_empty(), "a filter sees no more than a list");
    }

    async fn the_rule_on_the_new_row_is_asked_too(engine: Engine) {
        let fixture = desk(engine).await;
        let mut request = update("mine").1;
        request["paper"]["title"] = json!("forbidden");
        let refused = writer(&fixture).refused(&format!("{SERVICE}/UpdatePaper"), request).await;
        assert_eq!(refused.0, Reason::PermissionDenied);
    }

    async fn a_writer_who_may_not_read_the_result_sees_the_name(engine: Engine) {
        let fixture = desk(engine).await;
        let (method, mut request) = create(&json!({"owner": "ann", "title": "Given"}));
        request["paper_id"] = json!("given");
        assert_eq!(writer(&fixture).ok(&method, request).await, json!({"name": "papers/given"}));
        let give = json!({"paper": {"name": "papers/mine", "owner": "ann"}, "update_mask": "owner"});
        let answer = writer(&fixture).ok(&format!("{SERVICE}/UpdatePaper"), give).await;
        assert_eq!(answer, json!({"name": "papers/mine"}));
    }

    async fn a_duplicate_is_told_only_to_who_may_see_it(engine: Engine) {
        let fixture = desk(engine).await;
        let both = fixture.user("bo", &["reader", "writer"]);
        let with_id = |id: &str| {
            let (method, mut request) = create(&json!({"title": "T"}));
            request["paper_id"] = json!(id);
            (method, request)
        };
        let or_missing = |id: &str| {
            let (method, mut request) = update(id);
            request["allow_missing"] = json!(true);
            (method, request)
        };
        let refused = writer(&fixture).fault(&create(&json!({})).0, create(&json!({"owner": "nobody"})).1).await;
        let refused = on_the_wire(refused);
        let table = [
            (writer(&fixture), with_id("hidden"), Reason::PermissionDenied),
            (writer(&fixture), or_missing("hidden"), Reason::PermissionDenied),
            (writer(&fixture), with_id("shared"), Reason::PermissionDenied),
            (writer(&fixture), or_missing("shared"), Reason::PermissionDenied),
            (writer(&fixture), with_id("mine"), Reason::AlreadyExists),
            (both.clone(), with_id("hidden"), Reason::PermissionDenied),
            (both.clone(), with_id("shared"), Reason::AlreadyExists),
            (fixture.system(), with_id("hidden"), Reason::AlreadyExists),
        ];
        for (caller, (method, request), reason) in table {
            for (validate_only, request_id) in [(false, ""), (true, ""), (false, "r1"), (true, "r1")] {
                let mut request = request.clone();
                request["validate_only"] = json!(validate_only);
                request["request_id"] = json!(request_id);
                let fault = caller.fault(&method, request.clone()).await;
                assert_eq!(fault.reason(), Some(reason), "{method} {request} by {:?}", caller.principal());
                if reason == Reason::PermissionDenied {
                    assert_eq!(on_the_wire(fault), refused, "as any other create that is denied");
                }
            }
        }
        let read = fixture.user("ann", &[]).ok(&get("hidden").0, get("hidden").1).await;
        assert_eq!((&read["owner"], &read["title"]), (&json!("ann"), &json!("T")), "nothing was written");
    }

    async fn nobody_is_asked_to_sign_in_where_a_duplicate_is_hidden(engine: Engine) {
        let fixture = Fixture::start(engine, &file("box.v1", r#"
            message Slip {
              option (google.api.resource) = {type: "box.example.com/Slip" pattern: "slips/{slip}"};
              option (mainstay.v1.resource) = {access {read: "auth.uid != ''" create: "true"}};
              string name = 1 [(google.api.field_behavior) = IDENTIFIER];
            }"#)).await;
        let create = json!({"slip_id": "a", "slip": {}});
        fixture.anonymous().ok("box.v1.SlipService/CreateSlip", create.clone()).await;
        let refused = fixture.anonymous().refused("box.v1.SlipService/CreateSlip", create.clone()).await;
        assert_eq!(refused.0, Reason::Unauthenticated);
        let refused = fixture.user("ann", &[]).refused("box.v1.SlipService/CreateSlip", create).await;
        assert_eq!(refused.0, Reason::AlreadyExists);
    }
}
