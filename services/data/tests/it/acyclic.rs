//! References that never come back to where they began, and the rules that climb them: inherited sharing, manager chains.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const DRIVE: &str = r#"
message Folder {
  option (google.api.resource) = {type: "drive.example.com/Folder" pattern: "folders/{folder}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.seen" create: "auth.uid != null" update: "old.seen && new.seen" delete: "resource.owner == auth.uid"}
    predicate {name: "shared" rule: "resource.owner == auth.uid || resource.shares.exists(s, s.account == auth.uid)"}
    predicate {name: "seen" rule: "resource.shared || resource.within.seen"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string title = 3;
  string within = 4 [(google.api.resource_reference).type = "drive.example.com/Folder", (mainstay.v1.field) = {acyclic: true}];
}
message Share {
  option (google.api.resource) = {type: "drive.example.com/Share" pattern: "folders/{folder}/shares/{share}"};
  option (mainstay.v1.resource) = {access {read: "folder.seen" write: "folder.owner == auth.uid"} index {fields: "account"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
}
message File {
  option (google.api.resource) = {type: "drive.example.com/File" pattern: "folders/{folder}/files/{file}"};
  option (mainstay.v1.resource) = {access {read: "folder.seen" write: "folder.seen"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
"#;

/// What moves a folder without writing it.
const MOVE: &str = r#"
message Move {
  option (google.api.resource) = {type: "drive.example.com/Move" pattern: "moves/{move}"};
  option (mainstay.v1.resource) = {
    access {read: "auth.uid != null" create: "auth.uid != null"}
    effect {on: "create" set {field: "folder.within" value: "resource.target"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string folder = 2 [(google.api.resource_reference).type = "drive.example.com/Folder"];
  string target = 3 [(google.api.resource_reference).type = "drive.example.com/Folder"];
}
"#;

fn method(verb: &str, message: &str) -> String {
    format!("drive.v1.{message}Service/{verb}{message}")
}

async fn started(engine: Engine) -> Fixture {
    Fixture::start(engine, &file("drive.v1", DRIVE)).await
}

fn folder(id: &str, within: Option<&str>) -> Json {
    let within = within.map_or(String::new(), |within| format!("folders/{within}"));
    json!({"folder_id": id, "folder": {"owner": "ann", "within": within}})
}

fn moved(id: &str, within: Option<&str>) -> Json {
    let within = within.map_or(String::new(), |within| format!("folders/{within}"));
    json!({"folder": {"name": format!("folders/{id}"), "within": within}, "update_mask": "within"})
}

/// Folders in one another, the first at the top.
async fn nested(caller: &Caller<'_>, ids: &[&str]) {
    let mut within = None;
    for id in ids {
        caller.ok(&method("Create", "Folder"), folder(id, within)).await;
        within = Some(*id);
    }
}

async fn files(caller: &Caller<'_>) -> usize {
    let answer = caller.ok("drive.v1.FileService/ListFiles", json!({"parent": "folders/-"})).await;
    answer["files"].as_array().map_or(0, Vec::len)
}

both_engines! {
    async fn what_is_shared_is_seen_with_all_that_lies_in_it(engine: Engine) {
        let fixture = started(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        nested(&ann, &["a", "b", "c", "d"]).await;
        for (id, parent) in [("1", "a"), ("2", "c"), ("3", "d")] {
            let made = json!({"parent": format!("folders/{parent}"), "file_id": format!("f{id}"), "file": {}});
            ann.ok(&method("Create", "File"), made).await;
        }
        assert_eq!((files(&ann).await, files(&ben).await), (3, 0));
        let share = json!({"parent": "folders/b", "share_id": "s", "share": {"account": "ben"}});
        ann.ok(&method("Create", "Share"), share).await;
        assert_eq!(files(&ben).await, 2, "not what lies above");
        ben.ok(&method("Get", "Folder"), json!({"name": "folders/d"})).await;
        assert_eq!(ben.refused(&method("Get", "Folder"), json!({"name": "folders/a"})).await.0, Reason::ResourceNotFound);
        // A folder that is moved changes who sees what is in it at once.
        ann.ok(&method("Update", "Folder"), moved("d", Some("a"))).await;
        assert_eq!(files(&ben).await, 1);
        ben.fault(&method("Create", "File"), json!({"parent": "folders/d", "file": {}})).await;
        ann.ok(&method("Delete", "Share"), json!({"name": "folders/b/shares/s"})).await;
        assert_eq!(files(&ben).await, 0);
    }

    async fn a_row_cannot_come_to_lie_in_itself(engine: Engine) {
        let fixture = started(engine).await;
        let (ann, system) = (fixture.user("ann", &[]), fixture.system());
        nested(&ann, &["a", "b", "c"]).await;
        for (id, within) in [("a", "a"), ("a", "b"), ("a", "c"), ("b", "c")] {
            for caller in [&ann, &system] {
                let (reason, fault) = caller.refused(&method("Update", "Folder"), moved(id, Some(within))).await;
                assert_eq!(reason, Reason::Cycle, "{id} in {within}: {fault:?}");
            }
        }
        assert_eq!(ann.refused(&method("Create", "Folder"), folder("x", Some("x"))).await.0, Reason::Cycle);
        // Neither in one go.
        let update = |id: &str, within: &str| json!({"updateFolder": {"folder": moved(id, Some(within))["folder"], "updateMask": "within"}});
        let make = |id: &str, within: Option<&str>| json!({"createFolder": {"folderId": id, "folder": folder(id, within)["folder"]}});
        for writes in [
            json!([update("c", "b"), update("b", "c")]),
            json!([make("x", Some("c")), update("a", "x")]),
            json!([make("x", None), make("y", Some("x")), update("x", "y")]),
        ] {
            let commit = json!({"writes": writes});
            let (reason, fault) = ann.refused("drive.v1.CommitService/Commit", commit.clone()).await;
            assert_eq!(reason, Reason::Cycle, "{commit}: {fault:?}");
        }
        let batch = json!({"requests": [moved("b", None), moved("c", Some("a")), moved("a", Some("c"))]});
        assert_eq!(ann.refused("drive.v1.FolderService/BatchUpdateFolders", batch).await.0, Reason::Cycle);
        // Turned round in the order in which no circle is made on the way.
        let turned = json!({"requests": [moved("b", None), moved("c", Some("b")), moved("a", Some("c"))]});
        ann.ok("drive.v1.FolderService/BatchUpdateFolders", turned).await;
    }

    async fn rows_lie_in_one_another_sixty_four_deep_and_no_deeper(engine: Engine) {
        let fixture = started(engine).await;
        let ann = fixture.user("ann", &[]);
        let ids: Vec<String> = (0..=64).map(|id| format!("f{id}")).collect();
        nested(&ann, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let below = folder("below", Some("f64"));
        assert_eq!(ann.refused(&method("Create", "Folder"), below).await.0, Reason::TooDeep);
        ann.ok(&method("Create", "Folder"), folder("top", None)).await;
        // What lies in a row that is moved goes down with it.
        assert_eq!(ann.refused(&method("Update", "Folder"), moved("f0", Some("top"))).await.0, Reason::TooDeep);
        ann.ok(&method("Update", "Folder"), moved("f1", Some("top"))).await;
        ann.ok(&method("Update", "Folder"), moved("f1", Some("f0"))).await;
    }

    async fn two_moves_at_once_make_no_circle(engine: Engine) {
        let fixture = started(engine).await;
        let ann = fixture.user("ann", &[]);
        for round in 0..12 {
            let ids: Vec<String> = (0..4).map(|id| format!("r{round}-{id}")).collect();
            for id in &ids {
                ann.ok(&method("Create", "Folder"), folder(id, None)).await;
            }
            // Each into the next one: together they would close the ring.
            let moves = (0..ids.len()).map(|i| {
                let request = moved(&ids[i], Some(&ids[(i + 1) % ids.len()]));
                let caller = &ann;
                async move { caller.call(&method("Update", "Folder"), request).await.is_ok() }
            });
            let done = join_all(moves).await.into_iter().filter(|done| *done).count();
            assert_eq!(done, ids.len() - 1, "one of them is refused, and no other");
        }
    }

    async fn no_effect_makes_a_circle_either(engine: Engine) {
        let fixture = Fixture::start(engine, &file("drive.v1", &format!("{DRIVE}{MOVE}"))).await;
        let ann = fixture.user("ann", &[]);
        for id in ["a", "b", "c"] {
            ann.ok(&method("Create", "Folder"), json!({"folder_id": id, "folder": {"owner": "ann"}})).await;
        }
        let moved = |folder: &str, target: &str| {
            json!({"move": {"folder": format!("folders/{folder}"), "target": format!("folders/{target}")}})
        };
        ann.ok(&method("Create", "Move"), moved("b", "a")).await;
        ann.ok(&method("Create", "Move"), moved("c", "b")).await;
        let within = ann.ok(&method("Get", "Folder"), json!({"name": "folders/c"})).await;
        assert_eq!(within["within"], "folders/b");
        for (folder, target) in [("a", "c"), ("a", "a"), ("b", "c")] {
            let (reason, _) = ann.refused(&method("Create", "Move"), moved(folder, target)).await;
            assert_eq!(reason, Reason::EffectRefused, "{folder} below {target}");
        }
        for round in 0..8 {
            let (left, right) = (format!("left{round}"), format!("right{round}"));
            for id in [&left, &right] {
                ann.ok(&method("Create", "Folder"), json!({"folder_id": id, "folder": {"owner": "ann"}})).await;
            }
            let create = method("Create", "Move");
            let both = [ann.call(&create, moved(&left, &right)), ann.call(&create, moved(&right, &left))];
            let done = join_all(both).await.into_iter().filter(Result::is_ok).count();
            assert!(done <= 1, "both moved");
        }
    }
}
