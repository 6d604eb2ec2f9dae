//! What happened to a row: who, when, from where to where, with what.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::support::{Caller, Fixture};
use crate::transition::{CREATE, DELETE, ORDER, PLACE, RATE, SHIP, cart, orders, with_an_order};

const LIST: &str = "shop.v1.OrderService/ListOrderTransitions";

async fn passages(caller: &Caller<'_>) -> Vec<Json> {
    let answer = caller.ok(LIST, json!({"name": ORDER})).await;
    answer["transitions"].as_array().cloned().unwrap_or_default()
}

/// An order that was placed, shipped and rated twice.
async fn with_a_past(engine: Engine) -> Fixture {
    let fixture = with_an_order(engine).await;
    let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
    ann.ok(PLACE, json!({"name": ORDER, "address": {"city": "Ulm", "zone": "mine"}})).await;
    let ship = json!({"name": ORDER, "tracking": "T1", "depot": "depots/main", "weight": 7});
    staff.ok(SHIP, ship).await;
    ann.ok(RATE, json!({"name": ORDER})).await;
    ann.ok(RATE, json!({"name": ORDER})).await;
    fixture
}

both_engines! {
    async fn what_happened_is_told_the_youngest_first(engine: Engine) {
        let fixture = with_a_past(engine).await;
        let ann = fixture.user("ann", &[]);
        let past = passages(&ann).await;
        let names: Vec<&str> = past.iter().map(|own| own["transition"].as_str().unwrap()).collect();
        assert_eq!(names, ["Rate", "Rate", "Ship", "Place"]);
        let place = &past[3];
        assert_eq!((&place["from_state"], &place["to_state"]), (&json!("CART"), &json!("PLACED")));
        assert_eq!((&place["actor"], &place["inputs"]), (&json!("ann"), &json!({"address": {"city": "Ulm"}})));
        let ship = &past[2];
        assert_eq!(ship["actor"], "stan");
        assert_eq!(ship["inputs"], json!({"tracking": "T1", "depot": "depots/main", "weight": "7"}));
        assert!(past[1].get("inputs").is_none() && past[1]["from_state"] == "MOOD_UNSPECIFIED");
        assert!(place["create_time"].as_str() < ship["create_time"].as_str());
    }

    async fn it_is_read_page_by_page(engine: Engine) {
        let fixture = with_a_past(engine).await;
        let ann = fixture.user("ann", &[]);
        let (mut found, mut token) = (Vec::new(), json!(""));
        loop {
            let page = ann.ok(LIST, json!({"name": ORDER, "page_size": 3, "page_token": token})).await;
            found.extend(page["transitions"].as_array().cloned().unwrap_or_default());
            token = page["next_page_token"].clone();
            if token.is_null() {
                break;
            }
            let other = json!({"name": "orders/two", "page_token": token});
            assert_eq!(ann.refused(LIST, other).await.0, Reason::InvalidPageToken, "of this row alone");
        }
        assert_eq!(found, passages(&ann).await);
        assert_eq!(ann.refused(LIST, json!({"name": ORDER, "page_size": -1})).await.0, Reason::InvalidArgument);
        assert_eq!(ann.refused(LIST, json!({"name": "order"})).await.0, Reason::InvalidName);
    }

    async fn who_may_not_read_the_row_reads_nothing_of_it(engine: Engine) {
        let fixture = with_a_past(engine).await;
        assert_eq!(fixture.user("ben", &[]).refused(LIST, json!({"name": ORDER})).await.0, Reason::ResourceNotFound);
        assert_eq!(fixture.anonymous().refused(LIST, json!({"name": ORDER})).await.0, Reason::Unauthenticated);
        assert_eq!(passages(&fixture.user("stan", &["staff"])).await.len(), 4);
    }

    async fn what_is_hidden_of_the_row_is_hidden_of_its_past(engine: Engine) {
        let fixture = with_a_past(engine).await;
        let hidden = "(google.api.field_behavior) = OUTPUT_ONLY, (mainstay.v1.field).read = \"'staff' in auth.roles\"";
        let changed = orders().replace("fixed64 weight = 8 [(google.api.field_behavior) = OUTPUT_ONLY", &format!("fixed64 weight = 8 [{hidden}"));
        let changed = changed.replace("Address address = 5;", "Address address = 5 [(mainstay.v1.field).read = \"false\"];");
        assert_ne!(changed, orders());
        fixture.rewrite(&changed).await;
        let past = passages(&fixture.user("ann", &[])).await;
        assert_eq!(past[2]["inputs"], json!({"tracking": "T1", "depot": "depots/main"}));
        assert!(past[3].get("inputs").is_none(), "{past:?}");
        let past = passages(&fixture.user("stan", &["staff"])).await;
        assert_eq!(past[2]["inputs"]["weight"], "7");
    }

    async fn what_was_refused_or_only_asked_left_nothing(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(PLACE, json!({"name": ORDER, "validate_only": true})).await;
        ann.refused(PLACE, json!({"name": ORDER, "address": {"city": "Llanfairpwll"}})).await;
        assert!(passages(&ann).await.is_empty());
        let twice = json!({"name": ORDER, "request_id": "once"});
        ann.ok(PLACE, twice.clone()).await;
        ann.ok(PLACE, twice).await;
        assert_eq!(passages(&ann).await.len(), 1, "and a repetition is one");
    }

    async fn it_goes_with_the_row(engine: Engine) {
        let fixture = with_a_past(engine).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(DELETE, json!({"name": ORDER})).await;
        assert_eq!(ann.refused(LIST, json!({"name": ORDER})).await.0, Reason::ResourceNotFound);
        ann.ok(CREATE, cart("one")).await;
        assert!(passages(&ann).await.is_empty(), "the new one of the name has no past");
    }

    async fn names_are_those_of_today(engine: Engine) {
        let fixture = with_a_past(engine).await;
        let renamed = orders().replace("PLACED", "ORDERED").replace("Address address = 5", "Address target = 5");
        fixture.rewrite(&renamed.replace("input: \"address\"", "input: \"target\"")).await;
        let past = passages(&fixture.user("ann", &[])).await;
        assert_eq!((&past[3]["to_state"], &past[3]["inputs"]), (&json!("ORDERED"), &json!({"target": {"city": "Ulm"}})));
    }
}
