//! What a contract says otherwise to a newer version than to the one that applied it is said, and waits for a yes.

use crate::support::{Folder, System};

const CONTRACT: &str = r#"syntax = "proto3";

package codes.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Code {
  option (google.api.resource) = {type: "codes.example.org/Code" pattern: "codes/{code}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string digits = 2 [(buf.validate.field).string.pattern = "^\\d*$"];
  string letters = 3 [(buf.validate.field).string.pattern = "^[a-z]*$"];
}
"#;

mainstay_testkit::both_engines! {
    async fn a_pattern_that_means_something_else_since_is_warned_about_until_somebody_says_yes(engine: Engine) {
        let mut system = System::one(engine, Folder::with("codes/v1/code.proto", CONTRACT)).await;
        system.gateway.stop().await;
        assert!(!system.gateway.log().contains("RE2"), "{}", system.gateway.log());
        // As a version stored it that left it to the regex crate what patterns mean.
        system.run_sql("UPDATE mainstay_contracts SET ledger = replace(ledger, '\"patterns\":1,', '')").await;

        let folder = system.folder.contracts().to_string_lossy().into_owned();
        system.gateway.relaunch(|launch| launch.without("MAINSTAY__CONTRACTS"));
        for _ in 0..2 {
            system.gateway.restart().await;
            let log = system.gateway.log();
            for part in ["codes/v1/code.proto:14", "matched it, and does not any more", "apply the contract again"] {
                assert!(log.contains(part), "{part} is not in {log}");
            }
            assert!(!log.contains("letters"), "what both read alike is no news: {log}");
            system.gateway.stop().await;
        }
        let plan = system.command(&["contract", "plan", &folder]);
        assert_eq!(plan.status.code(), Some(2), "{plan:?}");
        let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
        assert!(plan.contains("reread pattern codes.example.org/Code  digits"), "{plan}");

        let applied = system.command(&["contract", "apply", &folder]);
        assert_eq!(applied.status.code(), Some(0), "development says yes by itself: {applied:?}");
        system.gateway.restart().await;
        assert!(!system.gateway.log().contains("RE2"), "{}", system.gateway.log());
        assert_eq!(system.gateway.stop().await, Some(0));
    }
}
