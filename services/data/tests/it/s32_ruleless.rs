//! What has no rule is closed to everyone but the system.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::file;
use crate::support::Fixture;

both_engines! {
    async fn a_resource_without_rules_answers_nobody(engine: Engine) {
        let contract = file("bare.v1", r#"
message Bare {
  option (google.api.resource) = {type: "bare.example.com/Bare" pattern: "bares/{bare}"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
"#);
        let fixture = Fixture::start(engine, &contract).await;
        let system = fixture.system();
        system.ok("bare.v1.BareService/CreateBare", json!({"bare_id": "a", "bare": {"title": "A"}})).await;
        let calls = [
            ("GetBare", json!({"name": "bares/a"})),
            ("GetBare", json!({"name": "bares/none"})),
            ("ListBares", json!({})),
            ("CreateBare", json!({"bare": {}})),
            ("UpdateBare", json!({"bare": {"name": "bares/a", "title": "B"}})),
            ("UpdateBare", json!({"bare": {"name": "bares/b"}, "allow_missing": true})),
            ("DeleteBare", json!({"name": "bares/a"})),
        ];
        for (method, request) in calls {
            let method = format!("bare.v1.BareService/{method}");
            let nobody = fixture.anonymous().refused(&method, request.clone()).await.0;
            assert_eq!(nobody, Reason::Unauthenticated, "{method}");
            for roles in [&[][..], &["mainstay.admin"], &["admin", "system", "mainstay.service"]] {
                let reason = fixture.user("u", roles).refused(&method, request.clone()).await.0;
                assert_eq!(reason, Reason::PermissionDenied, "{method}: no role stands above the rules");
            }
        }
        let read = system.ok("bare.v1.BareService/GetBare", json!({"name": "bares/a"})).await;
        assert_eq!(read["title"], "A");
        let warnings = fixture.data.reconciler().served().load().contract.warnings.clone();
        let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let help: String = warnings.iter().filter_map(|warning| warning.help.clone()).collect();
        assert!(help.contains("access {"), "the warning shows what to write: {said:?}");
    }

    async fn each_verb_needs_a_rule_of_its_own(engine: Engine) {
        let contract = file("part.v1", r#"
message Part {
  option (google.api.resource) = {type: "part.example.com/Part" pattern: "parts/{part}"};
  option (mainstay.v1.resource) = {access {read: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
"#);
        let fixture = Fixture::start(engine, &contract).await;
        fixture.system().ok("part.v1.PartService/CreatePart", json!({"part_id": "a", "part": {}})).await;
        let user = fixture.user("u", &[]);
        user.ok("part.v1.PartService/GetPart", json!({"name": "parts/a"})).await;
        for (method, request) in [
            ("CreatePart", json!({"part": {}})),
            ("UpdatePart", json!({"part": {"name": "parts/a", "title": "B"}})),
            ("DeletePart", json!({"name": "parts/a"})),
        ] {
            let method = format!("part.v1.PartService/{method}");
            assert_eq!(user.refused(&method, request).await.0, Reason::PermissionDenied, "{method}");
        }
    }
}
