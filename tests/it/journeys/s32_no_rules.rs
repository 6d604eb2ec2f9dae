//! S32: a resource without rules is served to nobody, and the log says which line to add.

use mainstay_testkit::Engine;
use serde_json::json;

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";

package bare.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";

message Thing {
  option (google.api.resource) = {type: "bare.example.org/Thing" pattern: "things/{thing}"};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
}
"#;

#[tokio::test]
async fn s32_a_resource_without_rules_is_closed_and_warned_about() {
    let system = System::one(Engine::Sqlite, Folder::with("bare/v1/thing.proto", CONTRACT)).await;
    system.gateway.logged("bare.v1.Thing has no access rules").await;
    let log = system.gateway.log();
    assert!(log.contains("bare/v1/thing.proto:8:9") && log.contains("access {read:"), "{log}");

    let user = system.user_with_role("ada@example.org", "mainstay.admin").await;
    for http in [system.http(), user] {
        let path = "/bare/v1/things";
        let one = format!("{path}/one");
        for answer in [
            http.get(path).await,
            http.get(&one).await,
            http.post(path, json!({"text": "a"})).await,
            http.patch(&one, json!({"text": "a"})).await,
            http.delete(&one).await,
        ] {
            assert!(matches!(answer.status, 401 | 403 | 404), "{} {}", answer.status, answer.text());
        }
    }
}
