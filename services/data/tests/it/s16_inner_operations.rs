//! S16: what stands inside a batch or a commit is decided like the same operation by itself: for the same caller, with the
//! same reason, wherever it stands, and counted one by one.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const SERVICE: &str = "gate.v1.DoorService";
const COMMIT: &str = "gate.v1.CommitService/Commit";

/// How many operations one call has at most.
const MOST: usize = 1_000;

fn doors() -> String {
    file(
        "gate.v1",
        r#"
message Door {
  option (google.api.resource) = {type: "gate.example.com/Door" pattern: "doors/{door}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid || 'guard' in auth.roles || resource.glass"
      create: "resource.owner == auth.uid && 'smith' in auth.roles"
      update: "'smith' in auth.roles && old.owner == auth.uid && new.owner == auth.uid"
      delete: "'smith' in auth.roles && resource.owner == auth.uid"
    }
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string code = 3 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string.max_len = 4];
  bool glass = 4;
  string lock = 5 [(mainstay.v1.field).write = "'guard' in auth.roles"];
  google.protobuf.Timestamp delete_time = 6;
  State state = 7 [(mainstay.v1.states) = {
    initial: "SHUT"
    transition {
      name: "Open" from: "SHUT" to: "OPEN" access: "'guard' in auth.roles || resource.owner == auth.uid"
      guard: "resource.code != 'stay'"
    }
  }];
  enum State { STATE_UNSPECIFIED = 0; SHUT = 1; OPEN = 2; }
}
"#,
    )
}

/// One operation, as it is asked for by itself and inside of others.
struct Operation {
    /// `CreateDoor`
    method: &'static str,
    /// `create_door`: where it stands in a commit; nothing where it cannot.
    write: &'static str,
    /// `BatchCreateDoors`; nothing where there is none.
    batch: &'static str,
    request: Json,
}

/// Every kind of operation, on rows of all kinds and on none, right ones and wrong ones.
fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for door in [
        json!({"code": "new"}),
        json!({"code": "new", "owner": "bob"}),
        json!({"code": "far too long"}),
        json!({"code": "new", "lock": "iron"}),
    ] {
        let request = json!({"door_id": "new", "door": door});
        all.push(Operation { method: "CreateDoor", write: "create_door", batch: "BatchCreateDoors", request });
    }
    for id in ["anns", "bobs", "glass", "stay", "none", "NO GOOD"] {
        let name = format!("doors/{id}");
        for (mask, door) in [
            ("code", json!({"name": name, "code": "next"})),
            ("code", json!({"name": name, "code": "far too long"})),
            ("owner", json!({"name": name, "owner": "eve"})),
            ("lock", json!({"name": name, "lock": "iron"})),
        ] {
            let request = json!({"door": door, "update_mask": mask});
            all.push(Operation { method: "UpdateDoor", write: "update_door", batch: "BatchUpdateDoors", request });
        }
        let request = json!({"name": name});
        all.push(Operation {
            method: "DeleteDoor",
            write: "delete_door",
            batch: "BatchDeleteDoors",
            request: request.clone(),
        });
        all.push(Operation { method: "OpenDoor", write: "open_door", batch: "", request });
    }
    all
}

async fn gate(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &doors()).await;
    for (id, owner, glass) in
        [("anns", "ann", false), ("bobs", "bob", false), ("glass", "bob", true), ("stay", "ann", false)]
    {
        let code = if id == "stay" { "stay" } else { "old" };
        let create = json!({"door_id": id, "door": {"code": code, "glass": glass}});
        fixture.user(owner, &["smith"]).ok(&format!("{SERVICE}/CreateDoor"), create).await;
    }
    fixture
}

/// What a caller is told: nothing where it would be done, else the reason.
async fn decided(caller: &Caller<'_>, method: &str, request: Json) -> Option<Reason> {
    caller.call(method, request).await.err().map(|fault| fault.reason().unwrap_or_else(|| panic!("{fault:?}")))
}

/// The same request, which only wants to know.
fn dry(mut request: Json) -> Json {
    request["validate_only"] = true.into();
    request
}

/// Something that this caller may do in any case, to stand before what is looked at.
fn allowed(who: &str) -> Option<Json> {
    (who == "ann the smith").then(|| json!({"door_id": "before", "door": {"code": "fine"}}))
}

both_engines! {
    async fn what_stands_inside_is_decided_as_by_itself(engine: Engine) {
        let fixture = gate(engine).await;
        let callers = [
            ("nobody", fixture.anonymous()),
            ("ann", fixture.user("ann", &[])),
            ("ann the smith", fixture.user("ann", &["smith"])),
            ("bob the smith", fixture.user("bob", &["smith"])),
            ("a guard", fixture.user("cid", &["guard"])),
            ("ann with both", fixture.user("ann", &["smith", "guard"])),
        ];
        let (mut done, mut refused) = (0, 0);
        for (who, caller) in &callers {
            for Operation { method, write, batch, request } in operations() {
                let alone = decided(caller, &format!("{SERVICE}/{method}"), dry(request.clone())).await;
                if alone.is_none() { done += 1 } else { refused += 1 }
                let said = |way: &str, inside: Option<Reason>| {
                    assert_eq!(inside, alone, "{who}: {method} {request} {way}");
                };
                let commit = |writes: Json| dry(json!({"writes": writes}));
                let own = json!({write: request});
                said("in a commit", decided(caller, COMMIT, commit(json!([own]))).await);
                if !batch.is_empty() {
                    let batch = format!("{SERVICE}/{batch}");
                    // AIP-235 has names where others have requests.
                    let batched = match method {
                        "DeleteDoor" => json!({"names": [request["name"]]}),
                        _ => json!({"requests": [request]}),
                    };
                    said("in a batch", decided(caller, &batch, dry(batched)).await);
                }
                if let Some(first) = allowed(who) {
                    let writes = commit(json!([{"create_door": first}, own]));
                    said("behind another in a commit", decided(caller, COMMIT, writes).await);
                    if method == "CreateDoor" {
                        let batch = format!("{SERVICE}/{batch}");
                        let requests = dry(json!({"requests": [first, request]}));
                        said("behind another in a batch", decided(caller, &batch, requests).await);
                    }
                }
            }
        }
        assert!(done >= 15 && refused >= 100, "{done} may be done, {refused} are refused: the cases say something");
    }

    async fn each_inside_is_counted(engine: Engine) {
        let fixture = gate(engine).await;
        let caller = fixture.user("ann", &["smith"]);
        let request = |number: usize| json!({"door_id": format!("d{number}"), "door": {"code": "many"}});
        let requests = |count: usize| (0..count).map(request).collect::<Vec<_>>();
        let writes = |count: usize| (0..count).map(|number| json!({"create_door": request(number)})).collect::<Vec<_>>();
        let batch = format!("{SERVICE}/BatchCreateDoors");
        for (method, field, request) in [
            (batch.as_str(), "requests", json!({"requests": requests(MOST + 1)})),
            (COMMIT, "writes", json!({"writes": writes(MOST + 1)})),
        ] {
            let told = caller.refused(method, request).await;
            assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]), "{method}");
        }
        assert_eq!(decided(&caller, &batch, dry(json!({"requests": requests(MOST)}))).await, None);
        assert_eq!(decided(&caller, COMMIT, dry(json!({"writes": writes(MOST)}))).await, None);
    }
}
