//! Rules that look around: members, blocks, lists, named rules, and who may name a row.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

/// Projects with members, who alone see and write their tasks; accounts that anybody may name and few may read.
fn projects() -> String {
    file("p.v1", PROJECTS)
}

const PROJECTS: &str = r#"
message Project {
  option (google.api.resource) = {type: "p.example.com/Project" pattern: "projects/{project}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.joined" create: "auth.uid != null" update: "old.joined" delete: "resource.led"}
    predicate {name: "joined" rule: "resource.owner == auth.uid || resource.members.exists(m, m.account == auth.uid)"}
    predicate {name: "led" rule: "resource.members.exists(m, m.account == auth.uid && m.role == Member.Role.LEAD)"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string title = 3;
}
message Member {
  option (google.api.resource) = {type: "p.example.com/Member" pattern: "projects/{project}/members/{member}"};
  option (mainstay.v1.resource) = {
    access {read: "project.joined" create: "project.owner == auth.uid" update: "false" delete: "project.owner == auth.uid || project.led"}
    index {fields: "account"}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
  Role role = 3;
  google.protobuf.Timestamp delete_time = 4;
  enum Role { ROLE_UNSPECIFIED = 0; LEAD = 1; }
}
message Task {
  option (google.api.resource) = {type: "p.example.com/Task" pattern: "projects/{project}/tasks/{task}"};
  option (mainstay.v1.resource) = {access {
    read: "project.members.exists(m, m.account == auth.uid)"
    create: "project.members.exists(m, m.account == auth.uid) && !Block.exists(b, b.blocked == auth.uid && b.blocker == project.owner)"
    update: "old.project.members.exists(m, m.account == auth.uid) && new.labels.all(l, l != old.title)"
    delete: "project.led || !resource.labels.exists(l, l == 'keep')"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
  repeated string labels = 3;
  string purse = 4 [(google.api.resource_reference).type = "p.example.com/Purse"];
}
message Block {
  option (google.api.resource) = {type: "p.example.com/Block" pattern: "blocks/{block}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.blocker == auth.uid" write: "resource.blocker == auth.uid"}
    index {fields: "blocked" fields: "blocker"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string blocker = 2;
  string blocked = 3;
}
message Purse {
  option (google.api.resource) = {type: "p.example.com/Purse" pattern: "purses/{purse}"};
  option (mainstay.v1.resource) = {access {read: "resource.owner == auth.uid" write: "'staff' in auth.roles" refer: "resource.open"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  bool open = 3;
}
"#;

fn method(verb: &str, message: &str) -> String {
    format!("p.v1.{message}Service/{verb}{message}")
}

async fn make(caller: &Caller<'_>, message: &str, parent: &str, id: &str, body: Json) -> Json {
    let field = message.to_lowercase();
    let mut request = json!({format!("{field}_id"): id, field: body});
    if !parent.is_empty() {
        request["parent"] = parent.into();
    }
    caller.ok(&method("Create", message), request).await
}

/// Ann owns `one`; ben is a member and leads it, cleo is a member.
async fn started(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &projects()).await;
    let system = fixture.system();
    make(&system, "Project", "", "one", json!({"owner": "ann"})).await;
    make(&system, "Project", "", "two", json!({"owner": "zoe"})).await;
    make(&system, "Member", "projects/one", "b", json!({"account": "ben", "role": "LEAD"})).await;
    make(&system, "Member", "projects/one", "c", json!({"account": "cleo"})).await;
    make(&system, "Task", "projects/one", "t", json!({"title": "first"})).await;
    make(&system, "Task", "projects/two", "u", json!({"title": "other"})).await;
    fixture
}

async fn tasks(caller: &Caller<'_>) -> usize {
    let answer = caller.ok("p.v1.TaskService/ListTasks", json!({"parent": "projects/-"})).await;
    answer["tasks"].as_array().map_or(0, Vec::len)
}

both_engines! {
    async fn who_is_a_member_sees_and_writes_and_nobody_else(engine: Engine) {
        let fixture = started(engine).await;
        for (who, seen) in [("ben", 1), ("cleo", 1), ("ann", 0), ("zoe", 0)] {
            assert_eq!(tasks(&fixture.user(who, &[])).await, seen, "{who}");
        }
        let (cleo, dan) = (fixture.user("cleo", &[]), fixture.user("dan", &[]));
        make(&cleo, "Task", "projects/one", "mine", json!({"title": "x"})).await;
        let body = json!({"parent": "projects/one", "task_id": "no", "task": {}});
        assert_eq!(dan.refused(&method("Create", "Task"), body).await.0, Reason::PermissionDenied);
        dan.fault(&method("Get", "Task"), json!({"name": "projects/one/tasks/t"})).await;
        let change = json!({"task": {"name": "projects/one/tasks/t", "title": "second"}});
        cleo.ok(&method("Update", "Task"), change.clone()).await;
        dan.fault(&method("Update", "Task"), change).await;
        let clash = json!({"task": {"name": "projects/one/tasks/t", "labels": ["second"]}});
        assert_eq!(cleo.refused(&method("Update", "Task"), clash).await.0, Reason::PermissionDenied);
    }

    async fn a_member_who_was_removed_is_out_at_the_next_call(engine: Engine) {
        let fixture = started(engine).await;
        let (ann, ben, cleo) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("cleo", &[]));
        ann.ok(&method("Delete", "Member"), json!({"name": "projects/one/members/c"})).await;
        assert_eq!(tasks(&cleo).await, 0, "a deleted row is not seen, though it is kept");
        cleo.fault(&method("Create", "Task"), json!({"parent": "projects/one", "task": {}})).await;
        assert_eq!(tasks(&ben).await, 1);
        let back = json!({"name": "projects/one/members/c"});
        fixture.system().ok(&method("Undelete", "Member"), back).await;
        assert_eq!(tasks(&cleo).await, 1);
    }

    async fn who_is_blocked_is_refused_and_what_is_not_there_is_no_block(engine: Engine) {
        let fixture = started(engine).await;
        let (ann, cleo) = (fixture.user("ann", &[]), fixture.user("cleo", &[]));
        make(&cleo, "Task", "projects/one", "a", json!({})).await;
        make(&ann, "Block", "", "x", json!({"blocker": "ann", "blocked": "cleo"})).await;
        let task = json!({"parent": "projects/one", "task": {}});
        assert_eq!(cleo.refused(&method("Create", "Task"), task).await.0, Reason::PermissionDenied);
        ann.ok(&method("Delete", "Block"), json!({"name": "blocks/x"})).await;
        make(&cleo, "Task", "projects/one", "b", json!({})).await;
    }

    async fn a_commit_sees_the_members_that_it_makes_itself(engine: Engine) {
        let fixture = started(engine).await;
        let dan = fixture.user("dan", &[]);
        let writes = json!({"writes": [
            {"createProject": {"projectId": "new", "project": {"owner": "dan"}}},
            {"createMember": {"parent": "projects/new", "memberId": "d", "member": {"account": "dan"}}},
            {"createTask": {"parent": "projects/new", "taskId": "t", "task": {"title": "go"}}},
        ]});
        dan.ok("p.v1.CommitService/Commit", writes).await;
        assert_eq!(tasks(&dan).await, 1);
        let without = json!({"writes": [
            {"createProject": {"projectId": "newer", "project": {"owner": "dan"}}},
            {"createTask": {"parent": "projects/newer", "taskId": "t", "task": {"title": "go"}}},
        ]});
        dan.fault("p.v1.CommitService/Commit", without).await;
    }

    async fn a_row_that_may_be_named_need_not_be_readable(engine: Engine) {
        let fixture = started(engine).await;
        let (system, cleo) = (fixture.system(), fixture.user("cleo", &[]));
        make(&system, "Purse", "", "open", json!({"owner": "ann", "open": true})).await;
        make(&system, "Purse", "", "shut", json!({"owner": "cleo"})).await;
        cleo.fault(&method("Get", "Purse"), json!({"name": "purses/open"})).await;
        make(&cleo, "Task", "projects/one", "pays", json!({"purse": "purses/open"})).await;
        let name = |purse: &str| json!({"parent": "projects/one", "task": {"purse": purse}});
        let shut = cleo.refused(&method("Create", "Task"), name("purses/shut")).await.0;
        let missing = cleo.refused(&method("Create", "Task"), name("purses/none")).await.0;
        assert_eq!((shut, missing), (Reason::ReferenceNotFound, Reason::ReferenceNotFound));
    }

    async fn of_two_who_remove_one_another_one_stays(engine: Engine) {
        let fixture = started(engine).await;
        let system = fixture.system();
        for round in 0..10 {
            let project = format!("projects/r{round}");
            make(&system, "Project", "", &format!("r{round}"), json!({"owner": "zoe"})).await;
            for id in ["b", "c"] {
                let account = if id == "b" { "ben" } else { "cleo" };
                make(&system, "Member", &project, id, json!({"account": account, "role": "LEAD"})).await;
            }
            let (ben, cleo) = (fixture.user("ben", &[]), fixture.user("cleo", &[]));
            let remove = |id: &str| json!({"name": format!("{project}/members/{id}")});
            let delete = method("Delete", "Member");
            let (one, other) = tokio::join!(ben.call(&delete, remove("c")), cleo.call(&delete, remove("b")));
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        }
    }
}
