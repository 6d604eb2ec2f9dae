//! Requests that are meant to take long: filters through relations, references of references, transitions by the thousand. What
//! is refused is refused before the store is asked for anything that grows with the request.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines, cpu_time};
use serde_json::{Value as Json, json};

use crate::support::Fixture;
use crate::transition::{ORDER, SHIP, with_an_order};

const COMMIT: &str = "shop.v1.CommitService/Commit";
const LIST: &str = "shop.v1.OrderService/ListOrders";

/// How many reads a refusal may take: none for what is refused by its form.
const READS: u64 = 4;

/// What somebody sends, and what is said of it.
fn requests() -> Vec<(&'static str, &'static str, Json, Reason)> {
    let filter = |filter: String| json!({"filter": filter});
    let commit = |writes: Vec<Json>| json!({"writes": writes});
    let place = |i: usize| json!({"place_order": {"name": format!("orders/o{i}"), "address": {"city": "Ulm"}}});
    vec![
        ("a filter through references", LIST, filter("depot.".repeat(2_000) + "open = true"), Reason::InvalidFilter),
        (
            "a filter with many references",
            LIST,
            filter(vec!["depot.open = true"; 41].join(" OR ")),
            Reason::InvalidFilter,
        ),
        (
            "a filter of ten thousand terms",
            LIST,
            filter(vec!["mood = GOOD"; 10_000].join(" OR ")),
            Reason::InvalidFilter,
        ),
        ("a filter that denies", LIST, filter("NOT ".repeat(2_000) + "mood = GOOD"), Reason::InvalidFilter),
        ("a filter in brackets", LIST, filter("(".repeat(4_000)), Reason::InvalidFilter),
        (
            "an order by everything",
            LIST,
            json!({"order_by": vec!["update_time"; 2_000].join(",")}),
            Reason::InvalidOrderBy,
        ),
        ("an expansion of expansions", LIST, json!({"expand": "depot.".repeat(1_000) + "open"}), Reason::InvalidMask),
        (
            "an expansion of everything",
            LIST,
            json!({"expand": vec!["depot.open"; 5_000].join(",")}),
            Reason::InvalidMask,
        ),
        ("too many transitions", COMMIT, commit((0..1_001).map(place).collect()), Reason::FieldViolation),
        ("ten thousand transitions", COMMIT, commit((0..10_000).map(place).collect()), Reason::FieldViolation),
        (
            "an input that is too long",
            SHIP,
            json!({"name": ORDER, "tracking": "x".repeat(1 << 20), "depot": "depots/main"}),
            Reason::FieldViolation,
        ),
        (
            "a depot of depots",
            SHIP,
            json!({"name": ORDER, "tracking": "t", "depot": "depots/".repeat(50_000)}),
            Reason::FieldViolation,
        ),
    ]
}

fn reads(fixture: &Fixture) -> u64 {
    let counters = fixture.data.db().counters();
    counters.inline_reads + counters.heavy_reads
}

both_engines! {
    async fn what_is_meant_to_take_long_is_refused_before_it_does(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let caller = fixture.user("ann", &["staff", "chief"]);
        for (name, method, request, reason) in requests() {
            let before = reads(&fixture);
            let (told, _) = caller.refused(method, request).await;
            // An order that cannot be shipped now is refused for that, before what is given with it is looked at.
            let others = [Reason::IllegalTransition, Reason::FieldViolation, Reason::InvalidMask, Reason::InvalidName];
            assert!(told == reason || others.contains(&told), "{name}: {told:?}");
            assert!(reads(&fixture) - before <= READS, "{name}: {} reads", reads(&fixture) - before);
        }
        // As many as there may be are done, all or none of them.
        let writes: Vec<Json> = (0..1_000).map(|i| json!({"cancel_order": {"name": format!("orders/none{i}")}})).collect();
        assert_eq!(caller.refused(COMMIT, json!({"writes": writes})).await.0, Reason::ResourceNotFound);
    }
}

#[tokio::test]
#[ignore = "shows what the processor spends on each; meant for a release build, alone"]
async fn each_is_refused_within_fifty_milliseconds_of_processor_time() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let fixture = with_an_order(engine).await;
        let caller = fixture.user("ann", &["staff", "chief"]);
        for (name, method, request, _) in requests() {
            let begin = cpu_time().expect("this is Linux");
            for _ in 0..10 {
                caller.refused(method, request.clone()).await;
            }
            let spent = (cpu_time().expect("this is Linux") - begin) / 10;
            println!("{:>9.3} ms  {engine:?}, {name}", spent.as_secs_f64() * 1_000.0);
            assert!(spent.as_millis() <= 50 || cfg!(debug_assertions), "{name}: {spent:?}");
        }
    }
}
