//! Values that cannot be stored, and messages that are no messages.

use mainstay_fault::{Fault, Reason};
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::{kinds, library};
use crate::support::Fixture;

const CREATE: &str = "kinds.v1.ThingService/CreateThing";
const LIST: &str = "kinds.v1.ThingService/ListThings";
const GET: &str = "kinds.v1.ThingService/GetThing";

fn delimited(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    mainstay_wire::frame::put_message(number, body, &mut out);
    out
}

/// `Value`s of lists in each other.
fn deep_struct(depth: usize) -> Vec<u8> {
    let mut value = Vec::new();
    for _ in 0..depth {
        value = delimited(6, &delimited(1, &value));
    }
    let entry = [delimited(1, b"a"), delimited(2, &value)].concat();
    delimited(3, &delimited(54, &delimited(1, &entry)))
}

fn deep_tree(depth: usize) -> Vec<u8> {
    let mut tree = Vec::new();
    for _ in 0..depth {
        tree = delimited(3, &tree);
    }
    delimited(3, &delimited(71, &tree))
}

fn named(fault: &Fault) -> Vec<&str> {
    fault.violations().iter().map(|violation| violation.field.as_str()).collect()
}

both_engines! {
    async fn values_that_cannot_be_stored_are_refused_by_name(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let anonymous = fixture.anonymous();
        for (field, value) in [
            ("a_string", json!("a\u{0}b")),
            ("o_string", json!("\u{0}")),
            ("w_string", json!("\u{0}")),
            ("r_string", json!(["ok", "\u{0}"])),
            ("m_string", json!({"k": "\u{0}"})),
            ("m_string", json!({"\u{0}": "v"})),
            ("inner", json!({"text": "\u{0}"})),
            ("tree", json!({"children": [{"label": "\u{0}"}]})),
            ("structure", json!({"k": "\u{0}"})),
            ("structure", json!({"\u{0}": 1})),
            ("a_double", json!("NaN")),
            ("a_float", json!("NaN")),
            ("o_double", json!("NaN")),
            ("w_double", json!("NaN")),
            ("r_double", json!([1.0, "NaN"])),
            ("a_uint64", json!("9223372036854775808")),
            ("a_fixed64", json!("18446744073709551615")),
            ("o_uint64", json!("9223372036854775808")),
            ("r_uint64", json!(["18446744073709551615"])),
        ] {
            let fault = anonymous.fault(CREATE, json!({"thing": {field: value}})).await;
            assert_eq!(fault.reason(), Some(Reason::FieldViolation), "{field} {value}: {fault:?}");
            let names = named(&fault);
            assert!(names.len() == 1 && names[0].starts_with(&format!("thing.{field}")), "{field}: {names:?}");
        }
        let all = json!({"a_string": "\u{0}", "a_double": "NaN", "a_uint64": "9223372036854775808"});
        let fault = anonymous.fault(CREATE, json!({"thing": all})).await;
        assert_eq!(named(&fault).len(), 3, "all of them at once");
        assert_eq!(anonymous.ok(LIST, json!({})).await, json!({}));
    }

    async fn messages_may_nest_so_deep_and_no_deeper(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        for message in [deep_struct(10), deep_tree(10)] {
            fixture.anonymous().raw(CREATE, message).await.unwrap();
        }
        for message in [deep_struct(200), deep_struct(10_000), deep_tree(200), deep_tree(10_000)] {
            let fault = fixture.anonymous().raw(CREATE, message).await.unwrap_err();
            assert!(matches!(fault.reason(), Some(Reason::FieldViolation | Reason::MalformedRequest)), "{fault:?}");
        }
    }

    async fn bytes_that_are_no_message_are_refused(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let truncated = delimited(3, &[0x0a, 0x7f]);
        let not_utf8 = delimited(3, &delimited(15, &[0xff, 0xfe]));
        let wrong_type = delimited(3, &delimited(4, b"abc"));
        let endless_varint = vec![0x08; 1].into_iter().chain([0xff; 11]).collect::<Vec<u8>>();
        let group = vec![0x1b, 0x08, 0x01];
        for message in [truncated, not_utf8, wrong_type, endless_varint, group, vec![0xff], vec![0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
            let fault = fixture.anonymous().raw(CREATE, message.clone()).await.unwrap_err();
            let reason = fault.reason();
            assert!(matches!(reason, Some(Reason::FieldViolation | Reason::MalformedRequest)), "{message:?}: {fault:?}");
        }
        for method in [GET, LIST] {
            let fault = fixture.anonymous().raw(method, vec![0x0a, 0x02, 0xff, 0xfe]).await.unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::MalformedRequest), "{method}");
        }
    }

    async fn a_zero_character_finds_nothing_and_breaks_nothing(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let anonymous = fixture.user("stan", &["staff"]);
        for (method, request) in [
            ("GetBook", json!({"name": "publishers/p\u{0}/books/b"})),
            ("GetBook", json!({"name": "publishers/p/books/\u{0}"})),
            ("DeleteBook", json!({"name": "publishers/p/books/\u{0}"})),
            ("UpdateBook", json!({"book": {"name": "publishers/p/books/\u{0}", "title": "T"}})),
            ("UpdateBook", json!({"book": {"name": "publishers/p/books/\u{0}", "title": "T"}, "allow_missing": true})),
            ("CreateBook", json!({"parent": "publishers/\u{0}", "book": {"title": "T"}})),
            ("CreateBook", json!({"parent": "publishers/p", "book": {"title": "T", "distributor": "publishers/\u{0}"}})),
            ("ListBooks", json!({"parent": "publishers/\u{0}"})),
            ("ListBooks", json!({"parent": "publishers/-", "filter": "title = \"\u{0}\""})),
            ("ListBooks", json!({"parent": "publishers/-", "filter": "title:\"\u{0}\" OR tags:\"\u{0}\""})),
            ("ListBooks", json!({"parent": "publishers/-", "order_by": "title\u{0}"})),
        ] {
            if let Err(fault) = anonymous.call(&format!("lib.v1.BookService/{method}"), request.clone()).await {
                let code = fault.code();
                let known = [tonic::Code::InvalidArgument, tonic::Code::NotFound, tonic::Code::FailedPrecondition];
                assert!(known.contains(&code), "{method} {request}: {fault:?}");
            }
        }
    }

    async fn times_out_of_range_are_refused(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let number = |value: i64| {
            let mut out = Vec::new();
            mainstay_wire::frame::put_varint(1, value.cast_unsigned(), &mut out);
            out
        };
        for (field, seconds) in [(50, i64::MAX), (50, i64::MIN), (50, 253_402_300_800), (51, i64::MAX), (51, 315_576_000_001)] {
            let message = delimited(3, &delimited(field, &number(seconds)));
            let fault = fixture.anonymous().raw(CREATE, message).await.unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::FieldViolation), "{field} {seconds}: {fault:?}");
        }
    }

    async fn an_indexed_text_has_its_limit_on_both_engines(engine: Engine) {
        let fixture = Fixture::shop(engine).await;
        let merchant = fixture.user("m", &["merchant"]);
        // Text that no engine can make shorter.
        let mut state = 1_u64;
        let mut text = |length: usize| -> String {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(33 + u8::try_from((state >> 33) % 90).unwrap())
            };
            (0..length).map(|_| next()).collect()
        };
        let create = "shop.v1.ProductService/CreateProduct";
        merchant.ok(create, json!({"product": {"sku": "ONE", "category": text(2_000)}})).await;
        for length in [2_100, 10_000] {
            let (reason, fields) = merchant.refused(create, json!({"product": {"sku": "TWO", "category": text(length)}})).await;
            assert_eq!(reason, Reason::FieldViolation);
            assert!(fields.contains(&"product.category".to_owned()), "{fields:?}");
        }
    }

    async fn large_values_come_back_whole(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let text = "Ω".repeat(1_000_000);
        let made = fixture.anonymous().ok(CREATE, json!({"thing": {"a_string": text, "r_string": [text]}})).await;
        let read = fixture.anonymous().ok(GET, json!({"name": made["name"]})).await;
        assert!(read["a_string"] == text.as_str() && read["r_string"][0] == text.as_str());
    }

    async fn a_field_of_a_later_version_is_not_an_error(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let body = [delimited(15, b"text"), delimited(999, b"later")].concat();
        fixture.anonymous().raw(CREATE, [delimited(3, &body), delimited(500, b"later")].concat()).await.unwrap();
    }
}
