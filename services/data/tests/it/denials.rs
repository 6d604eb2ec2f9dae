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
}
