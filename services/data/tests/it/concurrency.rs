//! Many clients at once: on rows of their own they are never in each other's way, on the same rows no update is lost.

use futures_util::future::join_all;
use mainstay_data::purge::{BATCH, answers};
use mainstay_fault::{Fault, Reason};
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CLIENTS: usize = 64;
const SERVICE: &str = "work.v1";
const DAY_SECONDS: i64 = 24 * 60 * 60;

async fn workshop(engine: Engine) -> Fixture {
    let contract = file(
        "work.v1",
        r#"
message Bench {
  option (google.api.resource) = {type: "work.example.com/Bench" pattern: "benches/{bench}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"} index {fields: "rank"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 rank = 2;
  string etag = 3;
  string left = 4;
  string right = 5;
}
message Piece {
  option (google.api.resource) = {type: "work.example.com/Piece" pattern: "benches/{bench}/pieces/{piece}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"} index {fields: "rank"} index {fields: "mark" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 rank = 2;
  optional string mark = 3;
  string on = 4 [(google.api.resource_reference).type = "work.example.com/Bench"];
}
"#,
    );
    Fixture::start(engine, &contract).await
}

fn bench(method: &str) -> String {
    format!("{SERVICE}.BenchService/{method}Bench")
}

fn piece(method: &str) -> String {
    format!("{SERVICE}.PieceService/{method}Piece")
}

/// What one client does to rows that nobody else touches: each write with a request id and without.
async fn work_alone(caller: &Caller<'_>, client: usize) {
    for round in 0..3 {
        let id = format!("c{client}-{round}");
        let request_id = |what: &str| if round == 1 { String::new() } else { format!("{id}-{what}") };
        let name = format!("benches/{id}");
        caller.ok(&bench("Create"), json!({"bench_id": id, "bench": {"rank": 1}, "request_id": request_id("a")})).await;
        let change = json!({"bench": {"name": name, "rank": client + 10}, "request_id": request_id("b")});
        caller.ok(&bench("Update"), change).await;
        let made = json!({"mark": id, "on": "benches/shared", "rank": 1});
        let create = json!({"parent": "benches/shared", "piece": made, "request_id": request_id("c")});
        let made = caller.ok(&piece("Create"), create).await;
        let change = json!({"piece": {"name": made["name"], "on": name, "rank": 2}, "request_id": request_id("d")});
        caller.ok(&piece("Update"), change).await;
        caller.ok(&piece("Delete"), json!({"name": made["name"], "request_id": request_id("e")})).await;
        caller.ok(&bench("Delete"), json!({"name": name, "request_id": request_id("f")})).await;
    }
}

async fn rank(fixture: &Fixture) -> i64 {
    let bench = fixture.anonymous().ok(&bench("Get"), json!({"name": "benches/shared"})).await;
    bench["rank"].as_str().map_or(0, |rank| rank.parse().unwrap())
}

/// Adds one to the rank, from what was read, if nobody was faster. Says whether it did.
async fn add_one(caller: &Caller<'_>) -> bool {
    let read = caller.ok(&bench("Get"), json!({"name": "benches/shared"})).await;
    let rank: i64 = read["rank"].as_str().map_or(0, |rank| rank.parse().unwrap());
    let change =
        json!({"bench": {"name": "benches/shared", "rank": rank + 1, "etag": read["etag"]}, "update_mask": "rank"});
    match caller.call(&bench("Update"), change).await {
        Ok(_) => true,
        Err(fault) => {
            assert_eq!(fault.reason(), Some(Reason::EtagMismatch), "{fault:?}");
            false
        }
    }
}

async fn at_once(caller: &Caller<'_>, method: String, request: Json) -> Result<Json, Fault> {
    caller.call(&method, request).await
}

fn one_and_the_rest(answers: Vec<Result<Json, Fault>>, reason: Reason) {
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for fault in refused {
        assert_eq!(fault.unwrap_err().reason(), Some(reason));
    }
}

both_engines! {
    async fn clients_on_rows_of_their_own_are_never_in_each_others_way(engine: Engine) {
        let fixture = workshop(engine).await;
        let callers: Vec<_> = (0..CLIENTS).map(|client| fixture.user(&format!("u{client}"), &[])).collect();
        callers[0].ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
        join_all(callers.iter().enumerate().map(|(client, caller)| work_alone(caller, client))).await;
        assert_eq!(fixture.data.db().counters().retries, 0, "nothing had to be run again");
    }

    async fn no_update_of_a_shared_row_is_lost(engine: Engine) {
        let fixture = workshop(engine).await;
        fixture.anonymous().ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
        let mut added = 0;
        for _ in 0..3 {
            let caller = fixture.anonymous();
            let answers = join_all((0..CLIENTS).map(|_| add_one(&caller))).await;
            added += i64::try_from(answers.into_iter().filter(|added| *added).count()).unwrap();
        }
        assert!(added >= 3);
        assert_eq!(rank(&fixture).await, added, "each that was accepted, once");
    }

    async fn updates_of_other_fields_of_a_shared_row_all_happen(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.anonymous();
        caller.ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
        let change = |client: usize| {
            let side = if client.is_multiple_of(2) { "left" } else { "right" };
            let request = json!({"bench": {"name": "benches/shared", side: format!("{client}")}, "update_mask": side});
            at_once(&caller, bench("Update"), request)
        };
        let answers: Vec<Json> = join_all((0..CLIENTS).map(change)).await.into_iter().map(Result::unwrap).collect();
        let mut etags: Vec<&str> = answers.iter().map(|answer| answer["etag"].as_str().unwrap()).collect();
        etags.sort_unstable();
        etags.dedup();
        assert_eq!(etags.len(), CLIENTS, "each accepted write has a revision of its own");
        let last = caller.ok(&bench("Get"), json!({"name": "benches/shared"})).await;
        assert!(last["left"].is_string() && last["right"].is_string(), "neither side overwrote the other: {last}");
    }

    async fn of_many_with_one_name_or_one_unique_value_one_is_made(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.anonymous();
        let create = |client: usize| at_once(&caller, bench("Create"), json!({"bench_id": "shared", "bench": {"rank": client}}));
        one_and_the_rest(join_all((0..CLIENTS).map(create)).await, Reason::AlreadyExists);
        let create = |client: usize| {
            let request = json!({"parent": "benches/shared", "piece": {"mark": "M"}, "request_id": format!("r{client}")});
            at_once(&caller, piece("Create"), request)
        };
        one_and_the_rest(join_all((0..CLIENTS).map(create)).await, Reason::UniqueViolation);
    }

    async fn all_who_update_what_may_be_missing_succeed(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.anonymous();
        let upsert = |client: usize| {
            let bench_ = json!({"name": "benches/new", "rank": client});
            at_once(&caller, bench("Update"), json!({"bench": bench_, "allow_missing": true}))
        };
        for answer in join_all((0..CLIENTS).map(upsert)).await {
            answer.unwrap_or_else(|fault| panic!("{fault:?}"));
        }
    }

    async fn of_many_deletes_one_deletes(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.anonymous();
        caller.ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
        let delete = |_| at_once(&caller, bench("Delete"), json!({"name": "benches/shared"}));
        one_and_the_rest(join_all((0..CLIENTS).map(delete)).await, Reason::ResourceNotFound);
    }

    async fn a_repeated_update_or_delete_waits_for_the_first_and_gets_its_answer(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.user("u", &[]);
        let made = caller.ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
        let change = json!({"bench": {"name": "benches/shared", "rank": 7, "etag": made["etag"]}, "request_id": "change"});
        let answers = join_all((0..CLIENTS).map(|_| at_once(&caller, bench("Update"), change.clone()))).await;
        let answers: Vec<Json> = answers.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "one answer");
        let delete = json!({"name": "benches/shared", "request_id": "delete"});
        for answer in join_all((0..CLIENTS).map(|_| at_once(&caller, bench("Delete"), delete.clone()))).await {
            answer.unwrap();
        }
    }

    async fn an_expired_answer_is_taken_over_before_it_is_purged(engine: Engine) {
        let fixture = workshop(engine).await;
        let caller = fixture.user("u", &[]);
        for (parent, method) in [(None, bench("Create")), (Some("benches/shared"), piece("Create"))] {
            if parent.is_some() {
                caller.ok(&bench("Create"), json!({"bench_id": "shared", "bench": {}})).await;
            }
            let body = if parent.is_some() { "piece" } else { "bench" };
            let request = json!({"parent": parent.unwrap_or_default(), body: {"rank": 1}, "request_id": "again"});
            let first = caller.ok(&method, request.clone()).await;
            assert_eq!(caller.ok(&method, request.clone()).await, first);
            fixture.clock.advance_seconds(DAY_SECONDS);
            let second = caller.ok(&method, request.clone()).await;
            assert_ne!(second["name"], first["name"], "after a day it is another request");
            assert_eq!(caller.ok(&method, request).await, second, "which is remembered in its turn");
        }
    }

    async fn what_has_expired_is_purged_in_batches_and_what_has_not_stays(engine: Engine) {
        let fixture = workshop(engine).await;
        let rows = |from: usize, count: usize, expires: i64| {
            let bytes = |n: usize| match engine {
                Engine::Sqlite => format!("x'{n:032x}'"),
                Engine::Postgres => format!("'\\x{n:032x}'::bytea"),
            };
            let values = (from..from + count).map(|n| format!("({}, '', '[]', '', {expires})", bytes(n)));
            let columns = "request, fingerprint, resource_key, answer, expires_at";
            format!("INSERT INTO mainstay_replies ({columns}) VALUES {}", values.collect::<Vec<_>>().join(", "))
        };
        let expired = 2 * BATCH + 7;
        fixture.sql(&rows(0, expired, 1_000)).await;
        fixture.sql(&rows(expired, 5, 1_001)).await;
        let before = fixture.data.db().counters().jobs;
        assert_eq!(answers(&fixture.data.resources().context, 1_000).await.unwrap(), expired);
        // Jobs of the background may be among them.
        let jobs = fixture.data.db().counters().jobs - before;
        assert!((3..10).contains(&jobs), "a bounded number at a time: {jobs}");
        assert_eq!(answers(&fixture.data.resources().context, 1_000).await.unwrap(), 0);
        assert_eq!(answers(&fixture.data.resources().context, 1_001).await.unwrap(), 5);
    }
}
