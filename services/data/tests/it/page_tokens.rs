//! Page tokens are opaque, sealed, and good for one list of one caller (AIP-158).

use mainstay_data::domain::page_token::{Binding, MAX_TOKEN_BYTES, TokenError, open, seal};
use mainstay_data::plans::Position;
use mainstay_fault::Reason;
use mainstay_keys::SealingKey;
use mainstay_record::{NumberPath, Value};
use mainstay_testkit::both_engines;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::contracts::library;
use crate::support::Fixture;

const CREATE: &str = "lib.v1.BookService/CreateBook";
const LIST: &str = "lib.v1.BookService/ListBooks";
const LIST_PUBLISHERS: &str = "lib.v1.PublisherService/ListPublishers";
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Two open publishers with four books each.
async fn shelves(engine: mainstay_testkit::Engine) -> Fixture {
    let fixture = Fixture::start(engine, &library()).await;
    for id in ["p", "q"] {
        let publisher = json!({"publisher_id": id, "publisher": {"title": id, "open": true}});
        fixture.user("ann", &[]).ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
        for year in 0..4 {
            let book = json!({"title": "A", "year": 1990 + year});
            let request = json!({"parent": format!("publishers/{id}"), "book": book});
            fixture.user("stan", &["staff"]).ok(CREATE, request).await;
        }
    }
    fixture
}

fn first_page() -> Json {
    json!({"parent": "publishers/p", "page_size": 2, "filter": "year > 1980", "order_by": "year desc"})
}

both_engines! {
    async fn a_token_opens_for_its_own_list_only(engine: Engine) {
        let fixture = shelves(engine).await;
        let ann = fixture.user("ann", &[]);
        let token = ann.ok(LIST, first_page()).await["next_page_token"].clone();
        let with = |change: &[(&str, Json)]| {
            let mut request = first_page();
            request["page_token"] = token.clone();
            for (field, value) in change {
                request[*field] = value.clone();
            }
            request
        };
        let others = [
            with(&[("parent", json!("publishers/q"))]),
            with(&[("parent", json!("publishers/-"))]),
            with(&[("filter", json!("year > 1981"))]),
            with(&[("filter", json!(""))]),
            with(&[("order_by", json!("year"))]),
            with(&[("order_by", json!(""))]),
        ];
        for request in others {
            let refused = ann.refused(LIST, request.clone()).await;
            assert_eq!(refused, (Reason::InvalidPageToken, vec!["page_token".to_owned()]), "{request}");
        }
        let publishers = json!({"page_token": token, "page_size": 2});
        assert_eq!(ann.refused(LIST_PUBLISHERS, publishers).await.0, Reason::InvalidPageToken, "another resource");
        for other in [fixture.user("bob", &[]), fixture.anonymous(), fixture.system()] {
            assert_eq!(other.refused(LIST, with(&[])).await.0, Reason::InvalidPageToken, "another caller");
        }
        let bigger = with(&[("page_size", json!(100))]);
        assert_eq!(ann.ok(LIST, bigger).await["books"].as_array().unwrap().len(), 2, "the size may change");
    }

    async fn a_token_expires(engine: Engine) {
        let fixture = shelves(engine).await;
        let mut request = first_page();
        request["page_token"] = fixture.anonymous().ok(LIST, first_page()).await["next_page_token"].clone();
        fixture.clock.advance_seconds(3 * DAY_SECONDS - 60);
        fixture.anonymous().ok(LIST, request.clone()).await;
        fixture.clock.advance_seconds(120);
        let fault = fixture.anonymous().fault(LIST, request).await;
        assert_eq!(fault.reason(), Some(Reason::InvalidPageToken));
        assert!(fault.text().contains("expired"), "{}", fault.text());
    }

    async fn a_forged_cut_or_foreign_token_is_refused(engine: Engine) {
        let fixture = shelves(engine).await;
        let anonymous = fixture.anonymous();
        let token = anonymous.ok(LIST, first_page()).await["next_page_token"].as_str().unwrap().to_owned();
        let stranger = shelves(engine).await;
        let foreign = stranger.anonymous().ok(LIST, first_page()).await["next_page_token"].as_str().unwrap().to_owned();
        let middle = token.len() / 2;
        let flipped = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let forged = format!("{}{flipped}{}", &token[..middle], &token[middle + 1..]);
        let mut bad = vec![forged, foreign, format!("{token}A"), "x".into(), "%%%".into(), "\u{0}".into()];
        bad.extend([1, 2, 10, middle, token.len() - 1].map(|n| token[..n].to_owned()));
        bad.push("A".repeat(MAX_TOKEN_BYTES + 1));
        for token in bad {
            let mut request = first_page();
            request["page_token"] = json!(token);
            assert_eq!(anonymous.refused(LIST, request).await.0, Reason::InvalidPageToken, "{token}");
        }
    }

    async fn a_token_tells_nothing(engine: Engine) {
        let fixture = shelves(engine).await;
        let first = fixture.anonymous().ok(LIST, first_page()).await["next_page_token"].clone();
        let second = fixture.anonymous().ok(LIST, first_page()).await["next_page_token"].clone();
        assert_ne!(first, second, "sealed with a fresh nonce each time");
    }
}

fn key() -> SealingKey {
    SealingKey::from_bytes(&[7; 32]).unwrap()
}

fn binding() -> Binding<'static> {
    Binding { resource_type: "r", parent: "p", filter: "f", order_by: "o", show_deleted: false, principal: "u" }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("comparable", |v| !v.is_nan()).prop_map(Value::Double),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<i64>().prop_map(Value::Timestamp),
        any::<String>().prop_map(Value::Json),
    ]
}

fn position() -> impl Strategy<Value = Position> {
    let key = (proptest::collection::vec(any::<u32>(), 0..4), value());
    proptest::collection::vec(key, 0..5)
        .prop_map(|keys| Position { keys: keys.into_iter().map(|(path, value)| (NumberPath(path), value)).collect() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_sealed_opens_again(position in position()) {
        let token = seal(&key(), &binding(), &position, 1_000).unwrap();
        prop_assert_eq!(open(&key(), &binding(), &token, 1_000), Ok(position));
    }

    #[test]
    fn any_other_text_is_refused(token in "[A-Za-z0-9_-]{0,200}") {
        prop_assert_eq!(open(&key(), &binding(), &token, 1_000), Err(TokenError::Invalid));
    }

    #[test]
    fn the_parts_of_a_binding_do_not_run_into_each_other(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
        let one = Binding { parent: &a, filter: &b, ..binding() };
        let other = Binding { parent: &c, filter: &d, ..binding() };
        let token = seal(&key(), &one, &Position { keys: Vec::new() }, 0).unwrap();
        prop_assert_eq!(open(&key(), &other, &token, 0).is_ok(), a == c && b == d);
    }
}
