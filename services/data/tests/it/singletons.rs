//! Singletons (AIP-156): one below each parent, made and deleted with it, got and updated by itself.

use mainstay_data::purge;
use mainstay_data::seed::seed;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE_USER: &str = "home.v1.UserService/CreateUser";
const DELETE_USER: &str = "home.v1.UserService/DeleteUser";
const GET: &str = "home.v1.SettingsService/GetSettings";
const UPDATE: &str = "home.v1.SettingsService/UpdateSettings";
const COMMIT: &str = "home.v1.CommitService/Commit";
const CREATE_NOTE: &str = "home.v1.NoteService/CreateNote";
const LIST_NOTES: &str = "home.v1.NoteService/ListNotes";

const USERS: &str = r#"
message User {
  option (google.api.resource) = {type: "home.example.com/User" pattern: "users/{user}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "resource.owner == auth.uid"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field).default = "auth.uid"];
}
"#;

const SETTINGS: &str = r#"
message Settings {
  option (google.api.resource) = {type: "home.example.com/Settings" pattern: "users/{user}/settings" plural: "userSettings"};
  option (mainstay.v1.resource) = {
    access {read: "resource.user.owner == auth.uid || resource.open" write: "resource.user.owner == auth.uid"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string theme = 2 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field).default = "'light'"];
  optional int32 size = 3 [(mainstay.v1.field).default = "7"];
  bool open = 4;
  map<string, string> labels = 5;
  google.protobuf.Timestamp create_time = 6;
  google.protobuf.Timestamp update_time = 7;
  string etag = 8;
  State state = 9 [(mainstay.v1.states) = {
    initial: "FRESH" transition {name: "Seal" from: "FRESH" to: "SEALED" access: "resource.user.owner == auth.uid"}
  }];
  enum State { STATE_UNSPECIFIED = 0; FRESH = 1; SEALED = 2; }
}
"#;

const MEMOS: &str = r#"
message Memo {
  option (google.api.resource) = {type: "home.example.com/Memo" pattern: "memos/{memo}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    effect {on: "update" if: "resource.label != ''" set {field: "keeps.theme" value: "resource.label"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string nulls = 2 [
    (mainstay.v1.field).on_delete = SET_NULL,
    (google.api.resource_reference).type = "home.example.com/Settings"
  ];
  string goes = 3 [
    (mainstay.v1.field).on_delete = CASCADE,
    (google.api.resource_reference).type = "home.example.com/Settings"
  ];
  repeated string many = 4 [
    (mainstay.v1.field).on_delete = SET_NULL,
    (google.api.resource_reference).type = "home.example.com/Settings"
  ];
  string keeps = 5 [(google.api.resource_reference).type = "home.example.com/Settings"];
  string label = 6;
}
"#;

const NOTES: &str = r#"
message Note {
  option (google.api.resource) = {type: "home.example.com/Note" pattern: "users/{user}/notes/{note}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.user.settings.exists(s, s.open)" write: "true"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string by = 2 [(google.api.resource_reference).type = "home.example.com/Settings"];
}
"#;

fn contract(parts: &[&str]) -> String {
    file("home.v1", &parts.concat())
}

async fn start(engine: Engine) -> Fixture {
    Fixture::start(engine, &contract(&[USERS, SETTINGS, NOTES])).await
}

fn as_made(settings: &Json) -> bool {
    (&settings["theme"], &settings["size"], &settings["state"], settings.get("open"), settings.get("labels"))
        == (&json!("light"), &json!(7), &json!("FRESH"), None, None)
        && settings["create_time"].is_string()
        && settings["etag"].is_string()
}

fn named(user: &str) -> Json {
    json!({"name": format!("users/{user}/settings")})
}

both_engines! {
    async fn it_is_there_as_long_as_its_parent(engine: Engine) {
        let fixture = start(engine).await;
        let ann = fixture.user("ann", &[]);
        assert_eq!(ann.refused(GET, named("a")).await.0, Reason::ResourceNotFound);
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        let settings = ann.ok(GET, named("a")).await;
        assert!(as_made(&settings) && settings["name"] == "users/a/settings", "{settings}");
        let dark = json!({"settings": {"name": "users/a/settings", "theme": "dark", "labels": {"k": "v"}}});
        ann.ok(UPDATE, dark).await;
        ann.ok(DELETE_USER, json!({"name": "users/a"})).await;
        assert_eq!(ann.refused(GET, named("a")).await.0, Reason::ResourceNotFound);
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        assert!(as_made(&ann.ok(GET, named("a")).await), "another user has settings of his own");
    }

    async fn every_way_of_making_the_parent_makes_it(engine: Engine) {
        let fixture = start(engine).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_USER, json!({"user_id": "one", "user": {}, "request_id": "0199a1c4-0000-7000-8000-000000000001"})).await;
        ann.ok(CREATE_USER, json!({"user_id": "one", "user": {}, "request_id": "0199a1c4-0000-7000-8000-000000000001"})).await;
        let requests = ["two", "three"].map(|id| json!({"user_id": id, "user": {}}));
        ann.ok("home.v1.UserService/BatchCreateUsers", json!({"requests": requests})).await;
        ann.ok(COMMIT, json!({"writes": [{"create_user": {"user_id": "four", "user": {}}}]})).await;
        let update = json!({"user": {"name": "users/five"}, "allow_missing": true});
        ann.ok("home.v1.UserService/UpdateUser", update).await;
        fixture.system().ok(CREATE_USER, json!({"user_id": "six", "user": {"owner": "ann"}})).await;
        ann.ok(CREATE_USER, json!({"user_id": "dry", "user": {}, "validate_only": true})).await;
        for user in ["one", "two", "three", "four", "five", "six"] {
            assert!(as_made(&ann.ok(GET, named(user)).await), "{user}");
        }
        assert_eq!(ann.refused(GET, named("dry")).await.0, Reason::ResourceNotFound);
    }

    async fn it_is_updated_like_any_row(engine: Engine) {
        let fixture = start(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        let update = |fields: Json| {
            let mut settings = fields;
            settings["name"] = json!("users/a/settings");
            json!({"settings": settings})
        };
        let first = ann.ok(GET, named("a")).await;
        let dark = ann.ok(UPDATE, update(json!({"theme": "dark", "etag": first["etag"]}))).await;
        assert_eq!((&dark["theme"], &dark["size"]), (&json!("dark"), &json!(7)));
        let stale = ann.refused(UPDATE, update(json!({"theme": "red", "etag": first["etag"]}))).await;
        assert_eq!(stale.0, Reason::EtagMismatch);
        let unset = json!({"settings": {"name": "users/a/settings"}, "update_mask": "theme"});
        assert_eq!(ann.refused(UPDATE, unset).await.1, ["settings.theme"]);
        assert_eq!(ben.refused(GET, named("a")).await.0, Reason::ResourceNotFound, "it is not there for others");
        assert_eq!(ben.refused(UPDATE, update(json!({"theme": "red"}))).await.0, Reason::ResourceNotFound);
        ann.ok(UPDATE, update(json!({"open": true}))).await;
        assert_eq!(ben.ok(GET, named("a")).await["theme"], json!("dark"));
        assert_eq!(ben.refused(UPDATE, update(json!({"theme": "red"}))).await.0, Reason::PermissionDenied);
        let sealed = ann.ok("home.v1.SettingsService/SealSettings", named("a")).await;
        assert_eq!(sealed["state"], json!("SEALED"));
        let commit = json!({"writes": [{"update_settings": update(json!({"size": 9}))}]});
        ann.ok(COMMIT, commit).await;
        assert_eq!(ann.ok(GET, named("a")).await["size"], json!(9));
        let missing = json!({"settings": {"name": "users/none/settings", "theme": "x"}, "allow_missing": true});
        assert_eq!(ann.refused(UPDATE, missing).await.0, Reason::ResourceNotFound, "nobody makes one");
        for name in ["users/a/settings/x", "users//settings", "users/a", "settings", "users/a/settings/", "users/a/setting"] {
            assert!(ann.call(GET, json!({"name": name})).await.is_err(), "{name}");
        }
    }

    async fn a_seed_says_what_it_holds(engine: Engine) {
        let fixture = start(engine).await;
        let text = json!({
            "home.v1.Settings": [{"name": "users/a/settings", "theme": "dark"}],
            "home.v1.User": [{"name": "users/a", "owner": "ann"}, {"name": "users/b", "owner": "ben"}],
        });
        let text = text.to_string();
        let seeded = || seed(fixture.data.resources(), &text);
        assert_eq!(seeded().await.unwrap(), 3);
        let ann = fixture.user("ann", &[]);
        assert_eq!(ann.ok(GET, named("a")).await["theme"], json!("dark"));
        ann.ok(UPDATE, json!({"settings": {"name": "users/a/settings", "theme": "red"}})).await;
        assert_eq!(seeded().await.unwrap(), 0, "a second run does nothing");
        assert_eq!(ann.ok(GET, named("a")).await["theme"], json!("red"));
    }

    async fn it_stays_what_it_is(engine: Engine) {
        let fixture = Fixture::start(engine, &contract(&[USERS, SETTINGS])).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        let many = SETTINGS.replace("users/{user}/settings", "settings/{setting}").replace("plural: \"userSettings\"", "");
        let many = many.replace("resource.user.owner", "resource.theme");
        fixture.rewrite(&contract(&[USERS, &many])).await;
        assert!(as_made(&ann.ok(GET, named("a")).await), "what was applied is served, since its rows would be others");
    }

    async fn below_a_row_that_is_kept_when_it_is_deleted_it_is_kept_too(engine: Engine) {
        let kept = USERS
            .replace("resource.owner == auth.uid\"}}", "resource.owner == auth.uid\"} soft_delete: true purge_after: \"1h\"}")
            .replace("string owner = 2", "google.protobuf.Timestamp delete_time = 3;\n  string owner = 2");
        let fixture = Fixture::start(engine, &contract(&[&kept, SETTINGS, NOTES])).await;
        let ann = fixture.user("ann", &[]);
        for user in ["a", "b", "c"] {
            ann.ok(CREATE_USER, json!({"user_id": user, "user": {}})).await;
        }
        let dark = |user: &str| json!({"settings": {"name": format!("users/{user}/settings"), "theme": "dark", "labels": {"k": "v"}}});
        ann.ok(UPDATE, dark("a")).await;
        let before = ann.ok(GET, named("a")).await;
        ann.ok(DELETE_USER, json!({"name": "users/a"})).await;
        assert_eq!(ann.ok(GET, named("a")).await, before, "as its parent, it is still there to be read");
        let fault = ann.fault(UPDATE, dark("a")).await;
        assert_eq!((fault.reason(), fault.metadata("name")), (Some(Reason::ResourceDeleted), Some("users/a")));
        assert_eq!(ann.refused("home.v1.SettingsService/SealSettings", named("a")).await.0, Reason::ResourceDeleted);
        let both = json!({"writes": [{"delete_user": {"name": "users/b"}}, {"update_settings": dark("b")}]});
        assert_eq!(ann.refused(COMMIT, both).await.0, Reason::ResourceDeleted);
        ann.ok("home.v1.UserService/UndeleteUser", json!({"name": "users/a"})).await;
        assert_eq!(ann.ok(GET, named("a")).await, before, "and is back with it");
        ann.ok(UPDATE, dark("a")).await;
        // It goes with its parent in the end, as long as nothing refers to it.
        ann.ok(CREATE_NOTE, json!({"parent": "users/c", "note_id": "n", "note": {"by": "users/b/settings"}})).await;
        for user in ["a", "b"] {
            ann.ok(DELETE_USER, json!({"name": format!("users/{user}")})).await;
        }
        fixture.clock.advance_seconds(7_200);
        assert_eq!(purge::rows(fixture.data.resources()).await.unwrap(), 1);
        let system = fixture.system();
        assert_eq!(system.refused(GET, named("a")).await.0, Reason::ResourceNotFound);
        system.ok(GET, named("b")).await;
        system.ok("home.v1.NoteService/DeleteNote", json!({"name": "users/c/notes/n"})).await;
        assert_eq!(purge::rows(fixture.data.resources()).await.unwrap(), 1);
        assert_eq!(system.refused(GET, named("b")).await.0, Reason::ResourceNotFound);
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        assert!(as_made(&ann.ok(GET, named("a")).await), "another user has settings of his own");
    }

    async fn what_refers_to_what_goes_with_its_parent_does_as_the_contract_says(engine: Engine) {
        let kept = USERS
            .replace("resource.owner == auth.uid\"}}", "resource.owner == auth.uid\"} soft_delete: true purge_after: \"1h\"}")
            .replace("string owner = 2", "google.protobuf.Timestamp delete_time = 3;\n  string owner = 2");
        let fixture = Fixture::start(engine, &contract(&[&kept, SETTINGS, MEMOS])).await;
        let ann = fixture.user("ann", &[]);
        for user in ["nulls", "goes", "many", "keeps"] {
            ann.ok(CREATE_USER, json!({"user_id": user, "user": {}})).await;
            let settings = format!("users/{user}/settings");
            let memo = if user == "many" { json!({"many": [settings]}) } else { json!({user: settings}) };
            ann.ok("home.v1.MemoService/CreateMemo", json!({"memo_id": user, "memo": memo})).await;
            ann.ok(DELETE_USER, json!({"name": format!("users/{user}")})).await;
        }
        let new = json!({"memo_id": "new", "memo": {"nulls": "users/many/settings"}});
        let fault = ann.refused("home.v1.MemoService/CreateMemo", new).await;
        assert_eq!(fault.0, Reason::ReferenceNotFound, "nothing new refers to a part of what is deleted");
        let label = json!({"memo": {"name": "memos/keeps", "label": "dark"}});
        let refused = ann.refused("home.v1.MemoService/UpdateMemo", label).await;
        assert_eq!(refused.0, Reason::EffectRefused, "nor does an effect change it");
        fixture.clock.advance_seconds(7_200);
        assert_eq!(purge::rows(fixture.data.resources()).await.unwrap(), 3, "all but the one that is kept by a memo");
        let memo = async |id: &str| ann.ok("home.v1.MemoService/GetMemo", json!({"name": format!("memos/{id}")})).await;
        assert_eq!(memo("nulls").await["nulls"], Json::Null);
        assert_eq!(memo("many").await["many"], Json::Null);
        let gone = ann.refused("home.v1.MemoService/GetMemo", json!({"name": "memos/goes"})).await;
        assert_eq!(gone.0, Reason::ResourceNotFound);
        assert_eq!(memo("keeps").await["keeps"], json!("users/keeps/settings"));
        ann.ok("home.v1.MemoService/DeleteMemo", json!({"name": "memos/keeps"})).await;
        assert_eq!(purge::rows(fixture.data.resources()).await.unwrap(), 1);
    }

    async fn there_are_no_other_methods(engine: Engine) {
        let fixture = start(engine).await;
        let service = fixture.pool().get_service_by_name("home.v1.SettingsService").unwrap();
        let methods: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
        assert_eq!(methods, ["GetSettings", "UpdateSettings", "ListSettingsTransitions", "SealSettings"]);
    }

    async fn others_refer_to_it_and_rules_look_at_it(engine: Engine) {
        let fixture = start(engine).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE_USER, json!({"user_id": "a", "user": {}})).await;
        ann.ok(CREATE_USER, json!({"user_id": "b", "user": {}})).await;
        let note = |by: &str| json!({"parent": "users/a", "note_id": "n", "note": {"by": by}});
        assert_eq!(ann.refused(CREATE_NOTE, note("users/none/settings")).await.0, Reason::ReferenceNotFound);
        ann.ok(CREATE_NOTE, note("users/b/settings")).await;
        let seen = |answer: Json| answer["notes"].as_array().map_or(0, Vec::len);
        assert_eq!(seen(ann.ok(LIST_NOTES, json!({"parent": "users/a"})).await), 0);
        ann.ok(UPDATE, json!({"settings": {"name": "users/a/settings", "open": true}})).await;
        let listed = ann.ok(LIST_NOTES, json!({"parent": "users/a", "filter": "by.theme = \"light\""})).await;
        assert_eq!((&listed["notes"][0]["by"], seen(listed.clone())), (&json!("users/b/settings"), 1));
        let kept = ann.refused(DELETE_USER, json!({"name": "users/b"})).await;
        assert_eq!(kept.0, Reason::StillReferenced, "a note refers to its settings");
        ann.ok("home.v1.NoteService/DeleteNote", json!({"name": "users/a/notes/n"})).await;
        ann.ok(DELETE_USER, json!({"name": "users/b"})).await;
    }

    async fn rows_that_stand_get_theirs_when_it_comes(engine: Engine) {
        let fixture = Fixture::start(engine, &contract(&[USERS])).await;
        let ann = fixture.user("ann", &[]);
        for user in ["a", "b"] {
            ann.ok(CREATE_USER, json!({"user_id": user, "user": {}})).await;
        }
        fixture.rewrite(&contract(&[USERS, SETTINGS])).await;
        for user in ["a", "b"] {
            assert!(as_made(&ann.ok(GET, named(user)).await), "{user}");
        }
        ann.ok(UPDATE, json!({"settings": {"name": "users/a/settings", "theme": "dark"}})).await;
        ann.ok(CREATE_USER, json!({"user_id": "c", "user": {}})).await;
        fixture.rewrite(&contract(&[USERS, &SETTINGS.replace("message Settings", "message Options").replace("Settings.", "Options.")])).await;
        let renamed = ann.ok("home.v1.OptionsService/GetOptions", named("a")).await;
        assert_eq!(renamed["theme"], json!("dark"));
    }
}
