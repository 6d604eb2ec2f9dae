//! Who writes the rules reads in the log why a call was denied; who calls is told no more than ever.

use serde_json::json;

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";
package vault.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";
message Box {
  option (google.api.resource) = {type: "vault.example.org/Box" pattern: "boxes/{box}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid || resource.shown"
      create: "auth.uid != '' && resource.weight < 10"
      update: "old.owner == auth.uid && new.weight < 10"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  bool shown = 3;
  int32 weight = 4;
}
message Item {
  option (google.api.resource) = {type: "vault.example.org/Item" pattern: "items/{item}"};
  option (mainstay.v1.resource) = {
    access {
      read: "true"
      create: "resource.box.owner == auth.uid && resource.box.weight < 5"
      delete: "resource.box.owner == auth.uid && !resource.box.shown"
    }
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string box = 2 [(google.api.resource_reference).type = "vault.example.org/Box"];
  google.protobuf.Timestamp delete_time = 3;
}
"#;

mainstay_testkit::both_engines! {
    async fn a_denial_in_development_is_logged_with_the_rules_place_and_what_says_no(engine: Engine) {
        let system = System::one(engine, Folder::with("vault/v1/box.proto", CONTRACT)).await;
        let (ann, bob) = (system.user("ann@example.org").await, system.user("bob@example.org").await);
        ann.post("/vault/v1/boxes?boxId=a", json!({"shown": true})).await.ok();
        ann.post("/vault/v1/boxes?boxId=b", json!({})).await.ok();
        ann.post("/vault/v1/boxes", json!({"weight": 10})).await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:12", "resource.weight < 10").await;
        bob.patch("/vault/v1/boxes/a", json!({"weight": 1})).await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:13", "old.owner == auth.uid").await;
        ann.patch("/vault/v1/boxes/a", json!({"weight": 11})).await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:13", "new.weight < 10").await;
        bob.delete("/vault/v1/boxes/a").await.refusal(403, "PERMISSION_DENIED");
        system.gateway.logged("the resource has no rule for this").await;
        let before = system.gateway.log().matches("denied by a rule").count();
        let missing = bob.get("/vault/v1/boxes/none").await.refusal(404, "NOT_FOUND");
        assert_eq!(system.gateway.log().matches("denied by a rule").count(), before, "what is missing was not denied");
        let hidden = bob.get("/vault/v1/boxes/b").await.refusal(404, "NOT_FOUND");
        explained(&system, "box.proto:11", "resource.owner == auth.uid || resource.shown").await;
        assert_eq!(missing["error"]["message"], hidden["error"]["message"], "the caller is told nothing of it");
    }

    async fn a_denial_for_the_sake_of_another_row_is_logged_with_what_was_found_there(engine: Engine) {
        let system = System::one(engine, Folder::with("vault/v1/box.proto", CONTRACT)).await;
        let (ann, bob) = (system.user("ann@example.org").await, system.user("bob@example.org").await);
        ann.post("/vault/v1/boxes?boxId=a", json!({"shown": true})).await.ok();
        ann.post("/vault/v1/items?itemId=i", json!({"box": "boxes/a"})).await.ok();
        bob.post("/vault/v1/items", json!({"box": "boxes/a"})).await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:26", "resource.box.owner == auth.uid").await;
        // What an earlier write of the same commit makes decides as what is stored does.
        let heavy = json!({"writes": [
            {"label": "box", "createBox": {"box": {"weight": 7}}},
            {"createItem": {"item": {"box": "$box"}}},
        ]});
        let refused = ann.post("/vault/v1:commit", heavy).await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:26", "resource.box.weight < 5").await;
        assert_eq!(refused["details"][0]["metadata"]["element"], "writes[1].create_item");
        assert!(!refused.to_string().contains("weight"), "the caller is told nothing of it: {refused}");
        ann.delete("/vault/v1/items/i").await.refusal(403, "PERMISSION_DENIED");
        explained(&system, "box.proto:27", "!resource.box.shown").await;
        // The same rule decides who brings the row back.
        ann.patch("/vault/v1/boxes/a", json!({"shown": false})).await.ok();
        ann.delete("/vault/v1/items/i").await.ok();
        ann.patch("/vault/v1/boxes/a", json!({"shown": true})).await.ok();
        let before = system.gateway.log().matches("!resource.box.shown").count();
        ann.post("/vault/v1/items/i:undelete", json!({})).await.refusal(403, "PERMISSION_DENIED");
        mainstay_testkit::wait::until("the second denial is explained", || async {
            (system.gateway.log().matches("!resource.box.shown").count() > before).then_some(())
        })
        .await;
    }
}

async fn explained(system: &System, place: &str, conjunct: &str) {
    mainstay_testkit::wait::until(&format!("{place} is explained"), || async {
        let log = system.gateway.log();
        let found = log
            .lines()
            .any(|line| line.contains("denied by a rule") && line.contains(place) && line.contains(conjunct));
        found.then_some(())
    })
    .await;
}
