//! Commits and transforms that are meant to do harm.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_runtime::channel::Call;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

const COMMIT: &str = "forge.v1.CommitService/Commit";
const UPDATE: &str = "forge.v1.ThingService/UpdateThing";

fn forge() -> String {
    file(
        "forge.v1",
        r#"
message Thing {
  option (google.api.resource) = {type: "forge.example.com/Thing" pattern: "things/{thing}"};
  option (mainstay.v1.resource) = {
    access {read: "!resource.secret || resource.owner == auth.uid" write: "auth.uid != ''"}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(google.api.field_behavior) = IMMUTABLE, (mainstay.v1.field) = {default: "auth.uid"}];
  bool secret = 3;
  int32 small = 4;
  int64 large = 5;
  uint32 natural = 6;
  uint64 immense = 7;
  double real = 8;
  float rough = 9;
  google.type.Money price = 10;
  google.protobuf.Timestamp due = 11;
  google.protobuf.Duration span = 12;
  google.protobuf.Int32Value wrapped = 13;
  repeated int64 numbers = 14;
  repeated Part parts = 15;
  google.protobuf.Timestamp create_time = 16;
  google.protobuf.Timestamp update_time = 17;
  google.protobuf.Timestamp delete_time = 18;
  string uid = 19 [(google.api.field_behavior) = OUTPUT_ONLY];
  string etag = 20;
  map<string, string> labels = 21;
  google.protobuf.Struct extra = 22;
  Kind kind = 23;
  int32 fixed = 24 [(google.api.field_behavior) = IMMUTABLE];
  Stamp stamp = 25 [(google.api.field_behavior) = OUTPUT_ONLY];
  string text = 26;
  bytes blob = 27;
  message Part { string sku = 1; int64 cost = 2 [(google.api.field_behavior) = OUTPUT_ONLY]; }
  message Stamp { int32 count = 1; }
  enum Kind { KIND_UNSPECIFIED = 0; ODD = 1; }
}
message Note {
  option (google.api.resource) = {type: "forge.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {access {read: "true" create: "'clerk' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string thing = 2 [(google.api.resource_reference).type = "forge.example.com/Thing"];
}
"#,
    )
}

fn make(id: &str) -> Json {
    json!({"create_thing": {"thing_id": id}})
}

fn change(id: &str, small: i32) -> Json {
    json!({"update_thing": {"thing": {"name": format!("things/{id}"), "small": small}, "allow_missing": true}})
}

fn delete(id: &str) -> Json {
    json!({"delete_thing": {"name": format!("things/{id}"), "allow_missing": true}})
}

fn transformed(transforms: &Json) -> Json {
    json!({"thing": {"name": "things/one"}, "transforms": transforms})
}

async fn with_one(engine: Engine, thing: Json) -> Fixture {
    let fixture = Fixture::start(engine, &forge()).await;
    let request = json!({"thing_id": "one", "thing": thing});
    fixture.user("ann", &[]).ok("forge.v1.ThingService/CreateThing", request).await;
    fixture
}

async fn count(caller: &Caller<'_>) -> usize {
    let list = caller.ok("forge.v1.ThingService/ListThings", json!({"page_size": 1000, "show_deleted": true})).await;
    list["things"].as_array().map_or(0, Vec::len)
}

both_engines! {
    async fn no_row_is_written_twice_whatever_the_writes_are(engine: Engine) {
        let fixture = with_one(engine, json!({"small": 1})).await;
        let ann = fixture.user("ann", &[]);
        for (writes, field) in [
            (json!([make("new"), make("new")]), "writes[1].create_thing"),
            (json!([make("new"), change("new", 1), make("new")]), "writes[2].create_thing"),
            (json!([make("new"), delete("new"), make("new")]), "writes[2].create_thing"),
            (json!([change("new", 1), change("new", 2)]), "writes[1].update_thing"),
            (json!([delete("new"), make("new")]), "writes[1].create_thing"),
            (json!([delete("new"), delete("new")]), "writes[1].delete_thing"),
            (json!([delete("one"), make("one")]), "writes[1].create_thing"),
            (json!([delete("one"), change("one", 2)]), "writes[1].update_thing"),
            (json!([change("one", 2), delete("one")]), "writes[1].delete_thing"),
            (json!([change("one", 1), change("one", 1)]), "writes[1].update_thing"),
        ] {
            for dry in [true, false] {
                let told = ann.refused(COMMIT, json!({"writes": writes, "validate_only": dry})).await;
                assert_eq!(told, (Reason::FieldViolation, vec![field.to_owned()]), "{writes}");
            }
        }
        assert_eq!(count(&ann).await, 1);
        // What has to hold of a row is asked beside its write.
        let one = json!({"writes": [change("one", 5)], "preconditions": [{"name": "things/one", "exists": true}]});
        ann.ok(COMMIT, one).await;
        let new = json!({"writes": [make("new")], "preconditions": [{"name": "things/new", "exists": false}]});
        ann.ok(COMMIT, new.clone()).await;
        assert_eq!(ann.fault(COMMIT, new).await.reason(), Some(Reason::FailedPrecondition));
    }

    async fn labels_lead_back_to_earlier_writes_alone(engine: Engine) {
        let fixture = with_one(engine, json!({})).await;
        let clerk = fixture.user("cleo", &["clerk"]);
        let note = |thing: &str| json!({"create_note": {"note": {"thing": thing}}});
        let labelled = |label: &str, mut write: Json| {
            write["label"] = json!(label);
            write
        };
        let place = |index: usize| vec![format!("writes[{index}].create_note.note.thing")];
        for (writes, told) in [
            (json!([labelled("a", note("$b")), labelled("b", note("$a"))]), (Reason::FieldViolation, place(0))),
            (json!([labelled("a", note("$a"))]), (Reason::FieldViolation, place(0))),
            (json!([labelled("t", make("new")), note("$t/notes/x")]), (Reason::FieldViolation, place(1))),
            (json!([labelled("t", make("new")), note("things/$t")]), (Reason::ReferenceNotFound, place(1))),
            (json!([labelled("t", make("new")), note("$")]), (Reason::FieldViolation, place(1))),
            (json!([labelled("t", make("new")), note("$$t")]), (Reason::FieldViolation, place(1))),
            (json!([labelled("t", make("new")), note("$T")]), (Reason::FieldViolation, place(1))),
            (json!([labelled("t", delete("one")), note("$t")]), (Reason::ReferenceNotFound, place(1))),
            (json!([labelled("t", delete("none")), note("$t")]), (Reason::ReferenceNotFound, place(1))),
            (json!([labelled("n", note("things/one")), note("$n")]), (Reason::FieldViolation, place(1))),
        ] {
            assert_eq!(clerk.refused(COMMIT, json!({"writes": writes})).await, told, "{writes}");
        }
        let bad = json!([labelled("t", make("NO")), note("$t")]);
        let told = clerk.refused(COMMIT, json!({"writes": bad})).await;
        assert_eq!(told, (Reason::InvalidName, vec!["writes[0].create_thing.thing_id".to_owned()]));
        let control = json!([note("$\u{7}\u{1b}[31m")]);
        let fault = clerk.fault(COMMIT, json!({"writes": control})).await;
        assert!(!format!("{:?}", on_the_wire(fault)).contains('\u{1b}'));
        let updated = json!([labelled("t", change("one", 1)), note("$t")]);
        assert_eq!(clerk.ok(COMMIT, json!({"writes": updated})).await["results"][1]["note"]["thing"], "things/one");
    }

    async fn an_empty_commit_is_told_so_to_whom_may_do_any_of_its_operations(engine: Engine) {
        let fixture = Fixture::start(engine, &forge()).await;
        // Nobody may change a note, and only clerks make one.
        for user in [fixture.user("ann", &[]), fixture.user("cleo", &["clerk"])] {
            for empty in [json!({}), json!({"writes": []}), json!({"writes": [{}]}), json!({"writes": [{"label": "a"}]})] {
                assert_eq!(user.refused(COMMIT, empty).await.0, Reason::FieldViolation);
            }
        }
        let fault = fixture.anonymous().fault(COMMIT, json!({})).await;
        assert_eq!((fault.reason(), fault.violations().len()), (Some(Reason::Unauthenticated), 0));
    }

    async fn a_dry_run_leaves_nothing_behind_not_even_its_id(engine: Engine) {
        let fixture = with_one(engine, json!({"small": 1, "numbers": [1]})).await;
        let ann = fixture.user("ann", &[]);
        let writes = json!([make("new"), {"update_thing": transformed(&json!([{"field": "small", "add": 1}]))}]);
        let before = ann.ok("forge.v1.ThingService/GetThing", json!({"name": "things/one"})).await;
        let dry = ann.ok(COMMIT, json!({"writes": writes, "validate_only": true, "request_id": "r"})).await;
        assert_eq!(dry["results"][1]["thing"]["small"], 2);
        assert_eq!(ann.ok("forge.v1.ThingService/GetThing", json!({"name": "things/one"})).await, before);
        assert_eq!(count(&ann).await, 1);
        let done = ann.ok(COMMIT, json!({"writes": writes, "request_id": "r"})).await;
        assert_eq!((&done["results"][1]["thing"]["small"], count(&ann).await), (&json!(2), 2), "it is done for the first time");
        assert_eq!(ann.ok(COMMIT, json!({"writes": writes, "request_id": "r"})).await, done);
    }

    async fn what_the_server_sets_is_no_transforms_to_set(engine: Engine) {
        let fixture = with_one(engine, json!({"small": 1, "fixed": 3, "parts": [{"sku": "a"}]})).await;
        let ann = fixture.user("ann", &[]);
        let get = || ann.ok("forge.v1.ThingService/GetThing", json!({"name": "things/one"}));
        let before = get().await;
        let late = "2100-01-01T00:00:00Z";
        for (transform, reason) in [
            (json!({"field": "create_time", "max": late}), Reason::FieldViolation),
            (json!({"field": "update_time", "max": late}), Reason::FieldViolation),
            (json!({"field": "delete_time", "max": late}), Reason::FieldViolation),
            (json!({"field": "stamp.count", "add": 1}), Reason::FieldViolation),
            (json!({"field": "uid", "max": "z"}), Reason::FieldViolation),
            (json!({"field": "etag", "max": "z"}), Reason::FieldViolation),
            (json!({"field": "name", "max": "z"}), Reason::FieldViolation),
            (json!({"field": "fixed", "add": 1}), Reason::ImmutableField),
            (json!({"field": "kind", "add": 1}), Reason::FieldViolation),
            (json!({"field": "secret", "max": true}), Reason::FieldViolation),
            (json!({"field": "labels", "append_missing": ["a"]}), Reason::FieldViolation),
            (json!({"field": "labels.a", "add": 1}), Reason::FieldViolation),
            (json!({"field": "extra", "append_missing": ["a"]}), Reason::FieldViolation),
            (json!({"field": "extra.a", "add": 1}), Reason::FieldViolation),
            (json!({"field": "parts[0].cost", "add": 1}), Reason::FieldViolation),
            (json!({"field": "parts.cost", "add": 1}), Reason::FieldViolation),
            (json!({"field": "price", "add": 1}), Reason::FieldViolation),
            (json!({"field": "span", "add": "1s"}), Reason::FieldViolation),
        ] {
            for writes in [json!([transform]), json!([{"field": "small", "add": 1}, transform])] {
                let told = ann.refused(UPDATE, transformed(&writes)).await;
                assert_eq!(told.0, reason, "{transform}: {told:?}");
            }
        }
        assert_eq!(get().await, before);
        // What is the server's inside an element is left out, whether the row is there or is made.
        let parts = json!([{"field": "parts", "append_missing": [{"sku": "b", "cost": "7"}]}]);
        let changed = ann.ok(UPDATE, transformed(&parts)).await;
        assert_eq!(changed["parts"], json!([{"sku": "a"}, {"sku": "b"}]));
        let new = json!({"thing": {"name": "things/new"}, "transforms": parts, "allow_missing": true});
        assert_eq!(ann.ok(UPDATE, new).await["parts"], json!([{"sku": "b"}]));
    }

    async fn numbers_stay_in_the_range_of_their_fields(engine: Engine) {
        let thing = json!({
            "small": 2_147_483_000, "large": "9223372036854775000", "natural": 5, "immense": "5", "real": 1.5, "rough": 1.5,
            "price": {"currency_code": "EUR", "units": "9223372036854775000", "nanos": 0},
            "due": "2026-01-01T00:00:00Z", "span": "10s", "wrapped": 2_147_483_000,
        });
        let fixture = with_one(engine, thing).await;
        let ann = fixture.user("ann", &[]);
        for (field, add) in [
            ("small", json!(1_000)), ("small", json!(-5_000_000_000_i64)), ("small", json!("2147483648")),
            ("large", json!("1000")), ("large", json!("9223372036854775807")), ("large", json!(1e19)), ("large", json!(0.5)),
            ("natural", json!(-6)), ("natural", json!(4_294_967_295_u32)),
            ("immense", json!(-6)), ("immense", json!("9223372036854775807")), ("immense", json!("18446744073709551615")),
            ("wrapped", json!(1_000)), ("price.units", json!("1000")), ("price.nanos", json!(2_000_000_000)),
            ("price.nanos", json!(-1)), ("real", json!("NaN")), ("real", json!("x")), ("rough", json!("NaN")),
            ("small", json!({"a": 1})), ("small", json!([1])), ("small", json!(true)), ("small", json!("NaN")),
        ] {
            let told = ann.refused(UPDATE, transformed(&json!([{"field": field, "add": add}]))).await;
            assert_eq!(told.0, Reason::FieldViolation, "{field} {add}: {told:?}");
        }
        let changed = ann.ok(UPDATE, transformed(&json!([
            {"field": "small", "add": 647}, {"field": "large", "add": "807"}, {"field": "natural", "add": -5},
            {"field": "immense", "add": "9223372036854775802"}, {"field": "real", "add": -1.5}, {"field": "rough", "add": 0.1},
            {"field": "price.nanos", "add": 999_999_999}, {"field": "wrapped", "add": -0.0},
            {"field": "due", "min": "2025-01-01T00:00:00Z"}, {"field": "span", "max": "3600.5s"},
        ]))).await;
        assert_eq!((&changed["small"], &changed["large"]), (&json!(i32::MAX), &json!(i64::MAX.to_string())));
        assert_eq!((changed.get("natural"), &changed["immense"]), (None, &json!(i64::MAX.to_string())));
        assert_eq!((changed.get("real"), &changed["rough"]), (None, &json!(1.6)));
        assert_eq!((&changed["price"]["nanos"], &changed["wrapped"]), (&json!(999_999_999), &json!(2_147_483_000)));
        assert_eq!((&changed["due"], &changed["span"]), (&json!("2025-01-01T00:00:00Z"), &json!("3600.500s")));
        // What has no end stays so, and what is none is told.
        let endless = ann.ok(UPDATE, transformed(&json!([{"field": "real", "add": "Infinity"}, {"field": "real", "add": 5}]))).await;
        assert_eq!(endless["real"], "Infinity");
        let told = ann.refused(UPDATE, transformed(&json!([{"field": "real", "add": "-Infinity"}]))).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["transforms[0].add".to_owned()]));
        for (field, large) in [("real", 1.7e308), ("rough", 3.3e38), ("real", -1.7e308), ("rough", -3.3e38)] {
            let begin = json!({"thing": {"name": "things/one", "real": 0, "rough": 0}, "update_mask": "real,rough"});
            ann.ok(UPDATE, begin).await;
            let twice = json!([{"field": field, "add": large}, {"field": field, "add": large}]);
            let told = ann.refused(UPDATE, transformed(&twice)).await;
            assert_eq!(told, (Reason::FieldViolation, vec!["transforms[1].add".to_owned()]), "{field} {large}");
        }
    }

    async fn a_float_is_changed_as_floats_are(engine: Engine) {
        let fixture = with_one(engine, json!({"rough": 16_777_216.0})).await;
        let ann = fixture.user("ann", &[]);
        for (transforms, comes_to) in [
            (json!([{"field": "rough", "add": 1}]), 16_777_216.0),
            (json!([{"field": "rough", "add": 2}]), 16_777_218.0),
            (json!([{"field": "rough", "min": 0.1}]), 0.1),
            (json!([{"field": "rough", "min": 0.1}]), 0.1),
            (json!([{"field": "rough", "add": 0.2}]), 0.3),
            (json!([{"field": "rough", "max": 0.3}]), 0.3),
            (json!([{"field": "rough", "add": 1e-9}]), 0.3),
            (json!([{"field": "rough", "add": -0.3}]), 0.0),
        ] {
            let changed = ann.ok(UPDATE, transformed(&transforms)).await;
            assert_eq!(changed.get("rough").map_or(0.0, |rough| rough.as_f64().unwrap()), comes_to, "{transforms}");
        }
    }

    async fn a_hidden_row_is_as_little_there_for_transforms_as_a_missing_one(engine: Engine) {
        let fixture = with_one(engine, json!({"secret": true, "small": 5, "numbers": [1]})).await;
        let ben = fixture.user("ben", &[]);
        for transforms in [
            json!([{"field": "small", "add": 1}]),
            json!([{"field": "small", "add": "2147483647"}]),
            json!([{"field": "numbers", "append_missing": [1]}]),
            json!([{"field": "nothing", "add": 1}]),
        ] {
            let told = |name: &'static str| {
                let (ben, transforms) = (ben.clone(), transforms.clone());
                async move { on_the_wire(ben.fault(UPDATE, json!({"thing": {"name": name}, "transforms": transforms})).await) }
            };
            let (hidden, missing) = (told("things/one").await, told("things/two").await);
            assert_eq!(hidden.0, tonic::Code::NotFound);
            assert_eq!(hidden, missing);
        }
    }

    async fn long_lists_and_many_transforms_take_no_time_to_speak_of(engine: Engine) {
        let numbers: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        let fixture = with_one(engine, json!({"numbers": numbers})).await;
        let ann = fixture.user("ann", &[]);
        let others: Vec<String> = (30_000..90_000).map(|n| n.to_string()).collect();
        let begun = Instant::now();
        let mut transforms = vec![
            json!({"field": "numbers", "append_missing": others}),
            json!({"field": "numbers", "remove_all": &others[10..]}),
        ];
        transforms.extend((0..998).map(|n| json!({"field": "numbers", "append_missing": [100_000 + n]})));
        let changed = ann.ok(UPDATE, transformed(&json!(transforms))).await;
        assert_eq!(changed["numbers"].as_array().unwrap().len(), 30_000 + 10 + 998);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let many = json!(vec![json!({"field": "small", "add": 1}); 1_001]);
        assert_eq!(ann.refused(UPDATE, transformed(&many)).await, (Reason::FieldViolation, vec!["transforms".to_owned()]));
    }

    async fn s16_a_commit_and_a_batch_count_each_write_and_each_transform(engine: Engine) {
        let fixture = Fixture::start(engine, &forge()).await;
        let ann = fixture.user("ann", &[]);
        let transforms = json!(vec![json!({"field": "small", "add": 1}); 999]);
        let update = |n: usize| json!({"thing": {"name": format!("things/t{n}")}, "allow_missing": true, "transforms": transforms});
        let updates = |count: usize| (0..count).map(update).collect::<Vec<_>>();
        let writes = |count: usize| updates(count).into_iter().map(|it| json!({"update_thing": it})).collect::<Vec<_>>();
        let batch = "forge.v1.ThingService/BatchUpdateThings";
        assert_eq!(ann.refused(COMMIT, json!({"writes": writes(11)})).await, (Reason::FieldViolation, vec!["writes".to_owned()]));
        assert_eq!(ann.refused(batch, json!({"requests": updates(11)})).await, (Reason::FieldViolation, vec!["requests".to_owned()]));
        assert_eq!(count(&ann).await, 0);
        let done = ann.ok(COMMIT, json!({"writes": writes(10)})).await;
        assert_eq!(done["results"][9]["thing"]["small"], 999);
        let preconditions = vec![json!({"name": "things/t1", "exists": true}); 1_001];
        let told = ann.refused(COMMIT, json!({"writes": [make("x")], "preconditions": preconditions})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["preconditions".to_owned()]));
    }

    async fn the_rows_of_one_request_fit_into_memory(engine: Engine) {
        let fixture = Fixture::start(engine, &forge()).await;
        let ann = fixture.user("ann", &[]);
        let text = "x".repeat(4_100_000);
        for n in 0..17 {
            let thing = json!({"thing_id": format!("t{n:02}"), "thing": {"text": text}});
            ann.ok("forge.v1.ThingService/CreateThing", thing).await;
        }
        let names = |range: std::ops::Range<usize>| range.map(|n| format!("things/t{n:02}")).collect::<Vec<_>>();
        let batch = "forge.v1.ThingService/BatchDeleteThings";
        let told = ann.refused(batch, json!({"names": names(0..17)})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["names[16]".to_owned()]));
        ann.ok(batch, json!({"names": names(0..8)})).await;
    }

    async fn a_deadline_in_the_middle_leaves_all_or_nothing(engine: Engine) {
        let fixture = Fixture::start(engine, &forge()).await;
        let ann = fixture.user("ann", &[]);
        let mut left = 0;
        for round in 0..8 {
            let writes: Vec<Json> = (0..300).map(|n| make(&format!("r{round}-{n}"))).collect();
            let message = fixture.encoded("forge.v1.CommitRequest", &json!({"writes": writes, "request_id": format!("r{round}")}));
            let call = |within: Duration| {
                let mut call = Call::new(format!("/{COMMIT}").as_str(), ann.principal(), Bytes::from(message.clone()));
                call.deadline = Some(Instant::now() + within);
                fixture.data.resources().call(call)
            };
            let first = tokio::time::timeout(Duration::from_millis(1 + 10 * round), call(Duration::from_millis(1 + 10 * round))).await;
            if let Ok(Err(fault)) = &first {
                let over = [Reason::DeadlineExceeded, Reason::Unavailable, Reason::CommitUnknown];
                assert!(fault.reason().is_some_and(|reason| over.contains(&reason)), "{fault:?}");
            }
            // Whoever asks again with the id is told what became of it, and it is done once.
            let again = call(Duration::from_secs(60)).await.unwrap();
            left += 300;
            assert!(!again.is_empty());
            if left <= 900 {
                assert_eq!(count(&ann).await, left);
            }
        }
    }

    async fn those_who_meet_in_a_circle_are_all_served(engine: Engine) {
        let fixture = Fixture::start(engine, &forge()).await;
        let ann = fixture.user("ann", &[]);
        let all: Vec<Json> = (0..4).map(|n| make(&format!("t{n}"))).collect();
        ann.ok(COMMIT, json!({"writes": all})).await;
        // Each takes two rows, in the order in which it is worst, and looks at a third, or for one that is not there.
        let rounds = (0..32).map(|n: usize| {
            let add = |thing: usize| json!({"update_thing": {
                "thing": {"name": format!("things/t{}", thing % 4)}, "transforms": [{"field": "small", "add": 1}],
            }});
            let preconditions = json!([
                {"name": format!("things/t{}", (n + 2) % 4), "exists": true}, {"name": "things/none", "exists": false},
            ]);
            ann.call(COMMIT, json!({"writes": [add(n + 1), add(n)], "preconditions": preconditions}))
        });
        for outcome in join_all(rounds).await {
            outcome.unwrap_or_else(|fault| panic!("{fault:?}"));
        }
        let list = ann.ok("forge.v1.ThingService/ListThings", json!({})).await;
        let counts = list["things"].as_array().unwrap().iter().filter_map(|thing| thing["small"].as_i64());
        assert_eq!(counts.sum::<i64>(), 64);
    }
}
