//! What rules know of the organisation that a caller acts in, and of how long ago the caller was sure.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "desk.v1.NoteService/CreateNote";
const GET: &str = "desk.v1.NoteService/GetNote";
const LIST: &str = "desk.v1.NoteService/ListNotes";
const UPDATE: &str = "desk.v1.NoteService/UpdateNote";

fn contract() -> String {
    file(
        "desk.v1",
        r#"
message Note {
  option (google.api.resource) = {type: "desk.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.org == auth.org || Desk.exists(d, d.org == auth.org && d.spare)"
      create: "resource.org == auth.org"
      update: "auth.aal >= 2 && auth.fresh < duration('300s') && auth.fresh < old.patience"
      delete: "false"
    }
    index {fields: "org"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional string org = 2 [(mainstay.v1.field).default = "auth.org"];
  google.protobuf.Duration patience = 3;
  string title = 4;
}
message Desk {
  option (google.api.resource) = {type: "desk.example.com/Desk" pattern: "desks/{desk}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "false"} index {fields: "org"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string org = 2;
  bool spare = 3;
}
"#,
    )
}

both_engines! {
    async fn rows_are_seen_by_the_organisation_that_a_caller_acts_in(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        ann.ok(CREATE, json!({"note_id": "plan", "note": {}})).await;
        assert_eq!(ann.ok(GET, json!({"name": "notes/plan"})).await["org"], "acme");
        assert_eq!(ann.ok(LIST, json!({})).await["notes"].as_array().map(Vec::len), Some(1));

        assert_eq!(bob.refused(GET, json!({"name": "notes/plan"})).await.0, Reason::ResourceNotFound);
        assert_eq!(bob.ok(LIST, json!({})).await["notes"], json!(null));
        assert_eq!(bob.refused(CREATE, json!({"note": {"org": "acme"}})).await.0, Reason::PermissionDenied);
        let nowhere = fixture.user("cat", &[]);
        assert_eq!(nowhere.refused(GET, json!({"name": "notes/plan"})).await.0, Reason::ResourceNotFound);
        assert_eq!(nowhere.ok(LIST, json!({})).await["notes"], json!(null));
        assert_eq!(nowhere.refused(CREATE, json!({"note": {}})).await.0, Reason::PermissionDenied);

        let desk = json!({"desk": {"org": "zeta", "spare": true}});
        fixture.system().ok("desk.v1.DeskService/CreateDesk", desk).await;
        assert_eq!(bob.ok(GET, json!({"name": "notes/plan"})).await["org"], "acme");
        assert_eq!(nowhere.refused(GET, json!({"name": "notes/plan"})).await.0, Reason::ResourceNotFound);
        fixture.end().await;
    }

    async fn what_must_be_fresh_is_refused_to_who_was_sure_too_long_ago(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let note = json!({"note_id": "plan", "note": {"org": "acme", "patience": "60s"}});
        fixture.system().ok(CREATE, note).await;
        let update = json!({"note": {"name": "notes/plan", "title": "New"}, "update_mask": "title"});
        for (seconds_ago, may) in [(Some(0), true), (Some(55), true), (Some(61), false), (Some(301), false), (None, false)]
        {
            let caller = fixture.sure_member("ann", "acme", seconds_ago);
            match caller.call(UPDATE, update.clone()).await {
                Ok(_) => assert!(may, "{seconds_ago:?}"),
                Err(fault) => assert_eq!((fault.reason(), may), (Some(Reason::PermissionDenied), false), "{seconds_ago:?}"),
            }
        }
        // What is allowed now is not in a minute.
        let caller = fixture.sure_member("ann", "acme", Some(0));
        caller.ok(UPDATE, update.clone()).await;
        fixture.clock.advance_seconds(70);
        assert_eq!(caller.refused(UPDATE, update).await.0, Reason::PermissionDenied);
        fixture.end().await;
    }
}
