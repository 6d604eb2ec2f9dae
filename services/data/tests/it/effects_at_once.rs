//! Effects and the rows that they look at: who may learn of those, what of them goes in the same request, and who holds them.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE_PROJECT: &str = "plan.v1.ProjectService/CreateProject";
const DELETE_PROJECT: &str = "plan.v1.ProjectService/DeleteProject";
const GET_PROJECT: &str = "plan.v1.ProjectService/GetProject";
const CREATE_MEMBER: &str = "plan.v1.MemberService/CreateMember";
const CREATE_INVITE: &str = "plan.v1.InviteService/CreateInvite";
const CREATE_WISH: &str = "plan.v1.WishService/CreateWish";
const COMMIT: &str = "plan.v1.CommitService/Commit";

/// An invitation looks at its project by its rule and by what it sets, and changes it by the member that it makes.
const PLAN: &str = r#"
message Project {
  option (google.api.resource) = {type: "plan.example.com/Project" pattern: "projects/{project}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  bool open = 2;
  int64 members = 3 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int64.gte = 0];
  State state = 4 [(mainstay.v1.states) = {
    initial: "FRESH"
    transition {name: "Leave" from: "FRESH" from: "LEFT" to: "LEFT" access: "false"}
  }];
  enum State { STATE_UNSPECIFIED = 0; FRESH = 1; LEFT = 2; }
}
message Member {
  option (google.api.resource) = {type: "plan.example.com/Member" pattern: "projects/{project}/members/{member}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"} on_parent_delete: CASCADE
    effect {on: "create" adjust {field: "project.members" by: "1"}}
    effect {on: "delete" adjust {field: "project.members" by: "-1"}}
    effect {on: "delete" move {row: "project" transition: "Leave"}}
    effect {on: "delete" put {resource: "Past" parent: "project.name"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Past {
  option (google.api.resource) = {type: "plan.example.com/Past" pattern: "projects/{project}/past/{past}" plural: "past"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Invite {
  option (google.api.resource) = {type: "plan.example.com/Invite" pattern: "projects/{project}/invites/{invite}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "project.open"} on_parent_delete: CASCADE
    effect {on: "create" set {field: "seen" value: "project.members"}}
    effect {on: "create" put {resource: "Member" parent: "project.name"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 seen = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message Account {
  option (google.api.resource) = {type: "plan.example.com/Account" pattern: "accounts/{account}"};
  option (mainstay.v1.resource) = {access {read: "resource.owner == auth.uid" write: "resource.owner == auth.uid"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  int64 balance = 3;
}
message Wish {
  option (google.api.resource) = {type: "plan.example.com/Wish" pattern: "wishes/{wish}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    effect {on: "create" on: "update" set {field: "left" value: "resource.account.balance - resource.least"}}
    effect {on: "create" on: "update" set {field: "of.left" value: "this.account.balance - this.least"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(google.api.resource_reference).type = "plan.example.com/Account"];
  int64 least = 3;
  int64 left = 4 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int64.gte = 0];
  repeated Part of = 5;
  message Part {
    string account = 1 [(google.api.resource_reference).type = "plan.example.com/Account"];
    int64 least = 2;
    int64 left = 3 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int64.gte = 0];
  }
}
"#;

async fn start(engine: Engine) -> Fixture {
    Fixture::start(engine, &file("plan.v1", PLAN)).await
}

both_engines! {
    async fn many_who_change_the_row_that_they_look_at_all_come_through(engine: Engine) {
        let fixture = start(engine).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_PROJECT, json!({"project_id": "p", "project": {"open": true}})).await;
        let invite = async |_| ann.ok(CREATE_INVITE, json!({"parent": "projects/p", "invite": {}})).await;
        join_all((0..24).map(invite)).await;
        let project = ann.ok(GET_PROJECT, json!({"name": "projects/p"})).await;
        assert_eq!(project["members"], json!("24"), "{project}");
    }

    async fn what_a_row_holds_is_told_to_nobody_who_may_not_name_it(engine: Engine) {
        let fixture = start(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        for (who, id) in [(&ann, "rich"), (&ben, "own")] {
            who.ok("plan.v1.AccountService/CreateAccount", json!({"account_id": id, "account": {"balance": 777}})).await;
        }
        ben.ok(CREATE_WISH, json!({"wish_id": "w", "wish": {"account": "accounts/own"}})).await;
        let wish = |account: &str, least: i64| json!({"account": account, "least": least});
        let part = |account: &str, least: i64| json!({"of": [wish("accounts/own", 1), wish(account, least)]});
        for least in [0, 100, 777, 778, 5_000] {
            let mut told = Vec::new();
            for account in ["accounts/rich", "accounts/none"] {
                for wish in [wish(account, least), part(account, least)] {
                    let mut renamed = wish.clone();
                    renamed["name"] = json!("wishes/w");
                    let tries = [
                        ben.fault(CREATE_WISH, json!({"wish": wish})).await,
                        ben.fault(CREATE_WISH, json!({"wish": wish, "validate_only": true})).await,
                        ben.fault("plan.v1.WishService/UpdateWish", json!({"wish": renamed})).await,
                        ben.fault(COMMIT, json!({"writes": [{"create_wish": {"wish": wish}}, {"create_wish": {"wish": {}}}]})).await,
                    ];
                    told.extend(tries.map(|fault| fault.reason()));
                }
            }
            assert_eq!(told, vec![Some(Reason::ReferenceNotFound); told.len()], "{least}");
        }
        for (wish, is_possible) in [(wish("accounts/own", 777), true), (wish("accounts/own", 778), false), (part("accounts/own", 778), false)] {
            match is_possible {
                true => _ = ben.ok(CREATE_WISH, json!({"wish": wish})).await,
                false => assert_eq!(ben.refused(CREATE_WISH, json!({"wish": wish})).await.0, Reason::EffectRefused),
            }
        }
    }

    async fn what_is_to_be_done_to_a_row_that_goes_goes_with_it(engine: Engine) {
        let fixture = start(engine).await;
        let ann = fixture.user("ann", &[]);
        for project in ["p", "q"] {
            ann.ok(CREATE_PROJECT, json!({"project_id": project, "project": {}})).await;
            for member in ["m", "n"] {
                let member = json!({"parent": format!("projects/{project}"), "member_id": member, "member": {}});
                ann.ok(CREATE_MEMBER, member).await;
            }
        }
        ann.ok(DELETE_PROJECT, json!({"name": "projects/p"})).await;
        assert_eq!(ann.refused(GET_PROJECT, json!({"name": "projects/p"})).await.0, Reason::ResourceNotFound);
        ann.ok("plan.v1.MemberService/DeleteMember", json!({"name": "projects/q/members/m"})).await;
        let left = ann.ok(GET_PROJECT, json!({"name": "projects/q"})).await;
        assert_eq!((&left["members"], &left["state"]), (&json!("1"), &json!("LEFT")), "one that stays is changed");
        let past = ann.ok("plan.v1.PastService/ListPast", json!({"parent": "projects/q"})).await;
        assert_eq!(past["past"].as_array().map(Vec::len), Some(1), "{past}");
        let both = json!({"writes": [
            {"delete_member": {"name": "projects/q/members/n"}},
            {"delete_project": {"name": "projects/q", "force": true}},
        ]});
        ann.ok(COMMIT, both).await;
        let gone: Json = json!({"name": "projects/q"});
        assert_eq!(ann.refused(GET_PROJECT, gone).await.0, Reason::ResourceNotFound);
    }
}
