//! References in lists, maps and messages that contain themselves, and references to accounts.

use mainstay_fault::{Fault, Reason};
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

/// Tracks, and lists that name them in every way.
fn music() -> String {
    file("mu.v1", MUSIC)
}

const MUSIC: &str = r#"
message Track {
  option (google.api.resource) = {type: "mu.example.com/Track" pattern: "tracks/{track}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.open || resource.owner == auth.uid"
    write: "resource.owner == auth.uid"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field).default = "auth.uid", (google.api.resource_reference).type = "mainstay.dev/Account"];
  bool open = 3;
  string label = 4;
}
message Take {
  option (google.api.resource) = {type: "mu.example.com/Take" pattern: "tracks/{track}/takes/{take}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Mix {
  option (google.api.resource) = {type: "mu.example.com/Mix" pattern: "mixes/{mix}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.open || resource.owner == auth.uid || auth.uid in resource.editors || resource.lines.exists(l, l.track.owner == auth.uid)"
    write: "resource.owner == auth.uid || resource.editors.exists(e, e == auth.uid)"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field).default = "auth.uid", (google.api.resource_reference).type = "mainstay.dev/Account"];
  bool open = 3;
  repeated string editors = 4 [(google.api.resource_reference).type = "mainstay.dev/Account"];
  repeated string tracks = 5 [(google.api.resource_reference).type = "mu.example.com/Track", (mainstay.v1.field).on_delete = SET_NULL];
  repeated Line lines = 6;
  map<string, Line> sides = 7;
  Part whole = 8;
  string title = 9;
  Cover cover = 10;
}
message Line {
  string track = 1 [(google.api.resource_reference).type = "mu.example.com/Track"];
  repeated string takes = 2 [(google.api.resource_reference).type = "mu.example.com/Take", (mainstay.v1.field).on_delete = SET_NULL];
  string by = 3 [(google.api.resource_reference).type = "mainstay.dev/Account"];
  string note = 4;
}
message Part {
  string track = 1 [(google.api.resource_reference).type = "mu.example.com/Track", (mainstay.v1.field).on_delete = SET_NULL];
  repeated Part parts = 2;
}
message Cover {
  repeated string after = 1 [(google.api.resource_reference).type = "mu.example.com/Mix"];
}
message Shelf {
  option (google.api.resource) = {type: "mu.example.com/Shelf" pattern: "shelves/{shelf}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.mixes.exists(m, m.owner == auth.uid)" write: "auth.uid != ''"}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated string mixes = 2 [(google.api.resource_reference).type = "mu.example.com/Mix", (mainstay.v1.field).on_delete = RESTRICT];
  google.protobuf.Timestamp delete_time = 3;
}
message Gig {
  option (google.api.resource) = {type: "mu.example.com/Gig" pattern: "gigs/{gig}"};
  option (mainstay.v1.resource) = {access {
    read: "true"
    create: "resource.lines.all(l, l.track.label == 'x')"
    update: "new.lines.exists(l, l.track.label == 'x')"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated Line lines = 2;
}
message Echo {
  option (google.api.resource) = {type: "mu.example.com/Echo" pattern: "echoes/{echo}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated string of = 2 [(google.api.resource_reference).type = "mu.example.com/Track", (mainstay.v1.field).on_delete = CASCADE];
}
"#;

fn method(verb: &str, message: &str) -> String {
    format!("mu.v1.{message}Service/{verb}{message}")
}

fn create(message: &str, id: &str, body: &Json) -> (String, Json) {
    let field = message.to_lowercase();
    (method("Create", message), json!({format!("{field}_id"): id, field: body}))
}

async fn make(caller: &Caller<'_>, message: &str, id: &str, body: Json) -> Json {
    let (method, request) = create(message, id, &body);
    caller.ok(&method, request).await
}

async fn refused(caller: &Caller<'_>, message: &str, id: &str, body: Json) -> Fault {
    let (method, request) = create(message, id, &body);
    caller.fault(&method, request).await
}

async fn delete(caller: &Caller<'_>, message: &str, name: &str) -> Result<Json, Fault> {
    caller.call(&method("Delete", message), json!({"name": name})).await
}

async fn get(caller: &Caller<'_>, message: &str, name: &str) -> Json {
    caller.ok(&method("Get", message), json!({"name": name})).await
}

/// Open tracks `a`, `b` and `c` of ann's, and `hidden`, which is hers alone.
async fn with_tracks(engine: mainstay_testkit::Engine) -> Fixture {
    let fixture = Fixture::start(engine, &music()).await;
    let ann = fixture.user("ann", &[]);
    for track in ["a", "b", "c"] {
        make(&ann, "Track", track, json!({"open": true})).await;
    }
    make(&ann, "Track", "hidden", json!({})).await;
    ann.ok("mu.v1.TakeService/CreateTake", json!({"parent": "tracks/a", "take_id": "one"})).await;
    fixture
}

fn fields(fault: &Fault) -> Vec<String> {
    fault.violations().iter().map(|violation| violation.field.clone()).collect()
}

both_engines! {
    async fn names_in_lists_are_told_apart_from_what_is_none_all_at_once(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let ben = fixture.user("ben", &[]);
        let body = json!({
            "tracks": ["tracks/a", "a", ""],
            "lines": [{"track": "tracks/a"}, {"track": "mixes/a", "takes": ["tracks/a/takes/one", "takes/one"], "by": "ben"}],
            "sides": {"A": {"track": "tracks/a/b"}},
            "whole": {"parts": [{"track": "tracks/a"}, {"parts": [{"track": "nothing"}]}]},
            "editors": ["accounts/ann", "ann", "accounts/me", "accounts/a@example.org"],
        });
        let fault = refused(&ben, "Mix", "m", body).await;
        let mut found = fields(&fault);
        found.sort();
        let mut wanted = vec![
            "mix.editors[1]", "mix.editors[2]", "mix.editors[3]", "mix.lines[1].by", "mix.lines[1].takes[1]",
            "mix.lines[1].track", "mix.sides[\"A\"].track", "mix.tracks[1]", "mix.tracks[2]", "mix.whole.parts[1].parts[0].track",
        ];
        wanted.sort_unstable();
        assert_eq!((fault.reason(), found), (Some(Reason::FieldViolation), wanted.into_iter().map(str::to_owned).collect()));
    }

    async fn what_a_list_names_must_be_there_and_readable_and_which_of_the_two_fails_is_not_said(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let ben = fixture.user("ben", &[]);
        for (field, body) in [
            ("tracks[1]", json!({"tracks": ["tracks/a", "tracks/?"]})),
            ("lines[1].track", json!({"lines": [{"track": "tracks/a"}, {"track": "tracks/?"}]})),
            ("lines[0].takes[0]", json!({"lines": [{"takes": ["tracks/?/takes/one"]}]})),
            ("sides[\"A\"].track", json!({"sides": {"A": {"track": "tracks/?"}}})),
            ("whole.parts[0].track", json!({"whole": {"parts": [{"track": "tracks/?"}]}})),
            ("cover.after[0]", json!({"cover": {"after": ["mixes/?"]}})),
        ] {
            let told = async |id: &str| {
                let body: Json = serde_json::from_str(&body.to_string().replace('?', id)).unwrap();
                let fault = refused(&ben, "Mix", "m", body.clone()).await;
                assert_eq!((fault.reason(), fault.code()), (Some(Reason::ReferenceNotFound), tonic::Code::NotFound), "{body}");
                assert_eq!(fault.metadata("field"), Some(field), "{body}");
                format!("{} {:?}", fault.text(), fault.violations()).replace(id, "?")
            };
            assert_eq!(told("none").await, told("hidden").await, "{field}");
        }
        // What was there before is not looked up again.
        let all = json!({"tracks": ["tracks/hidden"], "editors": ["accounts/ben"]});
        make(&fixture.user("ann", &[]), "Mix", "m", all).await;
        let again = json!({"mix": {"name": "mixes/m", "tracks": ["tracks/a", "tracks/hidden"], "title": "t"}});
        assert_eq!(ben.ok(&method("Update", "Mix"), again).await["tracks"], json!(["tracks/a", "tracks/hidden"]));
        let more = json!({"mix": {"name": "mixes/m", "tracks": ["tracks/hidden", "tracks/none"]}});
        let fault = ben.fault(&method("Update", "Mix"), more).await;
        assert_eq!(fault.metadata("field"), Some("tracks[1]"));
    }

    async fn what_a_list_names_is_not_deleted_and_who_names_it_is_told_to_who_may_read_it(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        for (round, body) in [
            json!({"lines": [{"note": "first"}, {"track": "tracks/b"}, {"track": "tracks/b"}]}),
            json!({"sides": {"A": {"track": "tracks/b"}}}),
        ].into_iter().enumerate() {
            let id = format!("m{round}");
            make(&ben, "Mix", &id, body).await;
            let fault = delete(&ann, "Track", "tracks/b").await.unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::StillReferenced));
            // Ann owns a track of the first, by which she reads it; the second she does not see.
            let by = (round == 0).then_some("mixes/m0");
            assert_eq!(fault.metadata("by"), by);
            let unset = json!({"mix": {"name": format!("mixes/{id}")}, "update_mask": "lines,sides"});
            if round == 0 {
                let one = json!({"mix": {"name": "mixes/m0", "lines": [{"track": "tracks/b"}]}});
                ben.ok(&method("Update", "Mix"), one).await;
                assert_eq!(delete(&ann, "Track", "tracks/b").await.unwrap_err().metadata("by"), by);
            }
            ben.ok(&method("Update", "Mix"), unset).await;
        }
        delete(&ann, "Track", "tracks/b").await.unwrap();
        // With the row goes what it names.
        make(&ben, "Mix", "m3", json!({"lines": [{"track": "tracks/c"}]})).await;
        delete(&ann, "Track", "tracks/c").await.unwrap_err();
        delete(&ben, "Mix", "mixes/m3").await.unwrap();
        delete(&ann, "Track", "tracks/c").await.unwrap();
    }

    async fn set_null_takes_names_out_of_lists_and_unsets_them_where_they_stand_alone(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        let body = json!({
            "tracks": ["tracks/b", "tracks/a", "tracks/b"],
            "lines": [{"note": "n", "takes": ["tracks/a/takes/one"]}],
            "whole": {"track": "tracks/b", "parts": [{"track": "tracks/a"}, {"track": "tracks/b", "parts": [{"track": "tracks/b"}]}]},
        });
        let made = make(&ben, "Mix", "m", body.clone()).await;
        assert_eq!([&made["tracks"], &made["whole"], &made["lines"]], [&body["tracks"], &body["whole"], &body["lines"]]);
        delete(&ann, "Track", "tracks/b").await.unwrap();
        delete(&ann, "Take", "tracks/a/takes/one").await.unwrap();
        let left = get(&ben, "Mix", "mixes/m").await;
        assert_eq!(left["tracks"], json!(["tracks/a"]));
        assert_eq!(left["lines"], json!([{"note": "n"}]));
        assert_eq!(left["whole"], json!({"parts": [{"track": "tracks/a"}, {"parts": [{}]}]}));
        delete(&ann, "Track", "tracks/a").await.unwrap();
        let left = get(&ben, "Mix", "mixes/m").await;
        assert_eq!(left.get("tracks"), None, "an empty list is an unset one");
        assert_eq!(left["whole"]["parts"], json!([{}, {"parts": [{}]}]));
    }

    async fn cascade_takes_along_what_names_a_row_in_a_list(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        make(&ben, "Echo", "ab", json!({"of": ["tracks/a", "tracks/b"]})).await;
        make(&ben, "Echo", "c", json!({"of": ["tracks/c"]})).await;
        delete(&ann, "Track", "tracks/b").await.unwrap();
        assert_eq!(ben.refused(&method("Get", "Echo"), json!({"name": "echoes/ab"})).await.0, Reason::ResourceNotFound);
        get(&ben, "Echo", "echoes/c").await;
        // What it named else is free.
        ann.ok(&method("Delete", "Take"), json!({"name": "tracks/a/takes/one"})).await;
        delete(&ann, "Track", "tracks/a").await.unwrap();
    }

    async fn a_row_that_is_deleted_and_kept_keeps_nothing_that_it_names_unless_it_comes_back(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let ann = fixture.user("ann", &[]);
        make(&ann, "Mix", "m", json!({})).await;
        make(&ann, "Shelf", "s", json!({"mixes": ["mixes/m"]})).await;
        assert_eq!(delete(&ann, "Mix", "mixes/m").await.unwrap_err().metadata("by"), Some("shelves/s"));
        ann.ok("mu.v1.ShelfService/DeleteShelf", json!({"name": "shelves/s"})).await;
        // Mixes are not kept, so one that is brought back would name nothing.
        assert_eq!(delete(&ann, "Mix", "mixes/m").await.unwrap_err().reason(), Some(Reason::StillReferenced));
        ann.ok("mu.v1.ShelfService/UndeleteShelf", json!({"name": "shelves/s"})).await;
        ann.ok(&method("Update", "Shelf"), json!({"shelf": {"name": "shelves/s"}, "update_mask": "mixes"})).await;
        delete(&ann, "Mix", "mixes/m").await.unwrap();
    }

    async fn a_name_in_a_list_holds_its_row_against_who_deletes_it_at_the_same_time(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        for round in 0..12 {
            let id = format!("r{round}");
            make(&ann, "Track", &id, json!({"open": true})).await;
            let (path, request) = create("Mix", &id, &json!({"lines": [{"track": format!("tracks/{id}")}]}));
            let name = format!("tracks/{id}");
            let (made, gone) = futures_util::join!(ben.call(&path, request), delete(&ann, "Track", &name));
            match (made, gone) {
                (Ok(_), Err(fault)) => assert_eq!(fault.reason(), Some(Reason::StillReferenced), "{fault:?}"),
                (Err(fault), Ok(_)) => assert_eq!(fault.reason(), Some(Reason::ReferenceNotFound), "{fault:?}"),
                other => panic!("one of the two must give way: {other:?}"),
            }
        }
    }

    async fn rules_and_filters_go_through_lists_of_names(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben, eve) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("eve", &[]));
        make(&ben, "Mix", "one", json!({"lines": [{"note": "n"}, {"track": "tracks/a", "by": "accounts/ben"}], "tracks": ["tracks/b"]})).await;
        make(&ben, "Mix", "two", json!({"editors": ["accounts/eve"], "tracks": ["tracks/a", "tracks/c"]})).await;
        let listed = async |caller: &Caller<'_>, filter: &str| {
            let page = caller.ok("mu.v1.MixService/ListMixes", json!({"filter": filter})).await;
            let names = page["mixes"].as_array().into_iter().flatten();
            names.map(|row| row["name"].as_str().unwrap()["mixes/".len()..].to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(listed(&ann, "").await, "one", "she owns a track of it");
        assert_eq!(listed(&eve, "").await, "two", "she is an editor");
        assert_eq!(listed(&ben, "").await, "one two");
        for (filter, found) in [
            ("tracks:\"tracks/a\"", "two"),
            ("lines.track:\"tracks/a\"", "one"),
            ("editors:\"accounts/eve\"", "two"),
            ("lines.track.open:true", "one"),
            ("tracks.owner:\"accounts/ann\"", "one two"),
            ("tracks.owner:\"accounts/ben\"", ""),
            ("owner = \"accounts/ben\"", "one two"),
            ("owner = \"accounts/eve\"", ""),
        ] {
            assert_eq!(listed(&ben, filter).await, found, "{filter}");
        }
        // Each name as far as the caller may read what it leads to.
        let hidden = json!({"editors": ["accounts/ben"], "tracks": ["tracks/hidden"], "lines": [{"track": "tracks/hidden"}]});
        make(&ann, "Mix", "three", hidden).await;
        for filter in ["tracks.owner:*", "lines.track.owner:*", "tracks.name:*"] {
            let (by_ann, by_ben) = (listed(&ann, filter).await, listed(&ben, filter).await);
            assert!(by_ann.ends_with("three") && !by_ben.contains("three"), "{filter}: {by_ann}, {by_ben}");
        }
        // In memory as in the store.
        let title = |name: &str| json!({"mix": {"name": name, "title": "t"}});
        eve.ok(&method("Update", "Mix"), title("mixes/two")).await;
        assert_eq!(ann.fault(&method("Update", "Mix"), title("mixes/one")).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(eve.fault(&method("Update", "Mix"), title("mixes/one")).await.code(), tonic::Code::NotFound);
        make(&ben, "Shelf", "s", json!({"mixes": ["mixes/one"]})).await;
        get(&ben, "Shelf", "shelves/s").await;
        assert_eq!(ann.refused(&method("Get", "Shelf"), json!({"name": "shelves/s"})).await.0, Reason::ResourceNotFound);
    }

    async fn no_rule_tells_of_what_is_named_in_a_list_and_hidden(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        for (id, label, open) in [("good", "x", true), ("bad", "y", true), ("h-good", "x", false), ("h-bad", "y", false)] {
            make(&ann, "Track", id, json!({"label": label, "open": open})).await;
        }
        let lines = |ids: &[&str]| ids.iter().map(|id| json!({"track": format!("tracks/{id}")})).collect::<Vec<_>>();
        make(&ben, "Gig", "g", json!({"lines": lines(&["good"])})).await;
        let told = async |ids: &[&str]| {
            let made = refused(&ben, "Gig", "n", json!({"lines": lines(ids)})).await;
            let update = json!({"gig": {"name": "gigs/g", "lines": lines(ids)}});
            let changed = ben.fault(&method("Update", "Gig"), update).await;
            format!("{made:?} {changed:?}").replace(ids[ids.len() - 1], "?")
        };
        for first in [vec![], vec!["good"]] {
            let with = |last: &'static str| first.iter().copied().chain([last]).collect::<Vec<_>>();
            let missing = told(&with("none")).await;
            assert_eq!(told(&with("h-good")).await, missing, "{first:?}");
            assert_eq!(told(&with("h-bad")).await, missing, "{first:?}");
        }
        let (path, request) = create("Gig", "n", &json!({"lines": lines(&["good", "bad"])}));
        assert_eq!(ben.fault(&path, request).await.code(), tonic::Code::PermissionDenied);
        ben.ok(&method("Update", "Gig"), json!({"gig": {"name": "gigs/g", "lines": lines(&["bad", "good"])}})).await;
    }

    async fn an_owner_is_an_account_whose_form_alone_is_checked(engine: Engine) {
        let fixture = Fixture::start(engine, &music()).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("0199a1c4-0000-7000-8000-000000000000", &[]));
        assert_eq!(make(&ann, "Track", "a", json!({})).await["owner"], "accounts/ann");
        assert_eq!(make(&ben, "Track", "b", json!({})).await["owner"], "accounts/0199a1c4-0000-7000-8000-000000000000");
        assert_eq!(get(&ann, "Track", "tracks/a").await["owner"], "accounts/ann");
        assert_eq!(ben.refused(&method("Get", "Track"), json!({"name": "tracks/a"})).await.0, Reason::ResourceNotFound);
        assert_eq!(refused(&ann, "Track", "c", json!({"owner": "accounts/ben"})).await.code(), tonic::Code::PermissionDenied);
        let given = json!({"track": {"name": "tracks/a", "open": true, "owner": "accounts/ann"}});
        assert_eq!(ann.ok(&method("Update", "Track"), given).await["open"], true);
        let system = fixture.system();
        for owner in ["ann", "accounts/", "accounts/me", "accounts/Ann", "users/ann", "accounts/a/b", "accounts/ann@example.org"] {
            let (path, request) = create("Track", "x", &json!({"owner": owner}));
            let (reason, fields) = system.refused(&path, request).await;
            assert_eq!((reason, fields), (Reason::FieldViolation, vec!["track.owner".to_owned()]), "{owner}");
        }
        let list = async |caller: &Caller<'_>| {
            let rows = caller.ok("mu.v1.TrackService/ListTracks", json!({"order_by": "owner"})).await;
            rows["tracks"].as_array().map_or(0, Vec::len)
        };
        assert_eq!([list(&ann).await, list(&ben).await, list(&system).await], [1, 2, 2]);
    }

    async fn a_commit_names_in_lists_what_it_makes_itself(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!({"writes": [
            {"label": "new", "create_track": {"track": {"open": true}}},
            {"create_mix": {"mix_id": "m", "mix": {
                "tracks": ["tracks/a", "$new"], "lines": [{"track": "$new"}], "sides": {"A": {"track": "$new"}},
                "whole": {"parts": [{"track": "$new"}]}
            }}},
        ]});
        ann.ok("mu.v1.CommitService/Commit", writes).await;
        let mix = get(&ann, "Mix", "mixes/m").await;
        let new = mix["tracks"][1].clone();
        assert!(new.as_str().unwrap().starts_with("tracks/0"), "{new}");
        assert_eq!([&mix["lines"][0]["track"], &mix["sides"]["A"]["track"], &mix["whole"]["parts"][0]["track"]], [&new; 3]);
        assert_eq!(delete(&ann, "Track", new.as_str().unwrap()).await.unwrap_err().metadata("by"), Some("mixes/m"));
        let unknown = json!({"writes": [{"create_mix": {"mix": {"lines": [{"track": "$none"}]}}}]});
        let (reason, fields) = ann.refused("mu.v1.CommitService/Commit", unknown).await;
        assert_eq!((reason, fields), (Reason::FieldViolation, vec!["writes[0].create_mix.mix.lines.track".to_owned()]));
    }

    async fn a_record_names_a_thousand_others_in_its_lists_at_most(engine: Engine) {
        let fixture = with_tracks(engine).await;
        let ann = fixture.user("ann", &[]);
        let names = |count: usize| (0..count).map(|track| json!(format!("tracks/t{track}"))).collect::<Vec<_>>();
        let fault = refused(&ann, "Mix", "m", json!({"tracks": names(1_001)})).await;
        assert_eq!((fault.reason(), fields(&fault)), (Some(Reason::FieldViolation), vec!["mix".to_owned()]));
        let fault = refused(&ann, "Mix", "m", json!({"tracks": names(1_000)})).await;
        assert_eq!(fault.metadata("field"), Some("tracks[0]"), "{fault:?}");
        make(&ann, "Mix", "m", json!({"tracks": vec!["tracks/a"; 1_001]})).await;
    }
}
