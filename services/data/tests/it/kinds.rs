//! Values of every kind go in and come out the same.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::kinds;
use crate::support::Fixture;

const CREATE: &str = "kinds.v1.ThingService/CreateThing";
const UPDATE: &str = "kinds.v1.ThingService/UpdateThing";
const GET: &str = "kinds.v1.ThingService/GetThing";
const LIST: &str = "kinds.v1.ThingService/ListThings";

fn without_name(mut thing: Json) -> Json {
    thing.as_object_mut().unwrap().remove("name");
    thing
}

/// Stores a thing and expects to read `expected`, by Create, Get, List and Update.
async fn round_trip(fixture: &Fixture, thing: Json, expected: Json) {
    let anonymous = fixture.anonymous();
    let made = anonymous.ok(CREATE, json!({"thing": thing})).await;
    let name = made["name"].clone();
    assert_eq!(without_name(made), expected, "created");
    assert_eq!(without_name(anonymous.ok(GET, json!({"name": name})).await), expected, "got");
    let listed = anonymous.ok(LIST, json!({"filter": format!("name = {name}")})).await;
    assert_eq!(without_name(listed["things"][0].clone()), expected, "listed");
    let other = anonymous.ok(CREATE, json!({"thing": {"a_string": "before"}})).await;
    let mut replacement = thing.clone();
    replacement["name"] = other["name"].clone();
    let replaced = anonymous.ok(UPDATE, json!({"thing": replacement, "update_mask": "*"})).await;
    assert_eq!(without_name(replaced), expected, "replaced");
}

async fn same(fixture: &Fixture, thing: Json) {
    round_trip(fixture, thing.clone(), thing).await;
}

both_engines! {
    async fn scalars_at_their_limits(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        same(&fixture, json!({})).await;
        same(&fixture, json!({
            "a_bool": true, "a_int32": i32::MIN, "a_int64": i64::MIN.to_string(), "a_uint32": u32::MAX,
            "a_uint64": i64::MAX.to_string(), "a_sint32": i32::MIN, "a_sint64": i64::MIN.to_string(),
            "a_fixed32": u32::MAX, "a_fixed64": i64::MAX.to_string(), "a_sfixed32": i32::MIN,
            "a_sfixed64": i64::MIN.to_string(), "a_float": 0.5, "a_double": f64::MIN_POSITIVE,
            "a_string": "𝔐 \u{1} \u{10ffff} ' \" \\ %", "a_bytes": "AP/+", "a_color": "GREEN",
        })).await;
        same(&fixture, json!({
            "a_int32": i32::MAX, "a_int64": i64::MAX.to_string(), "a_sint64": i64::MAX.to_string(),
            "a_double": f64::MAX, "a_float": "Infinity",
        })).await;
        same(&fixture, json!({"a_double": "-Infinity", "o_double": "Infinity"})).await;
        same(&fixture, json!({"a_double": 5e-324, "o_double": -1.797_693_134_862_315_7e308})).await;
        round_trip(&fixture, json!({"a_double": -0.0, "o_double": -0.0}), json!({"o_double": 0.0})).await;
        same(&fixture, json!({"a_color": 77})).await;
    }

    async fn unset_is_not_zero_where_the_field_has_presence(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        same(&fixture, json!({
            "o_bool": false, "o_int64": "0", "o_uint64": "0", "o_double": 0.0, "o_string": "", "o_bytes": "",
            "o_color": "COLOR_UNSPECIFIED", "w_bool": false, "w_int64": "0", "w_double": 0.0, "w_string": "", "w_bytes": "",
            "inner": {}, "tree": {}, "structure": {}, "duration": "0s", "time": "1970-01-01T00:00:00Z", "date": {}, "money": {},
        })).await;
        round_trip(&fixture, json!({"a_bool": false, "a_int64": "0", "a_string": "", "a_bytes": ""}), json!({})).await;
    }

    async fn lists_and_maps(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        same(&fixture, json!({
            "r_string": ["", "b", "", "Ω"], "r_int64": [i64::MIN.to_string(), "0", i64::MAX.to_string()],
            "r_uint64": ["0", i64::MAX.to_string()], "r_double": [0.0, 1.5, "Infinity", "-Infinity"], "r_bytes": ["", "AP8="],
            "r_bool": [true, false], "r_color": ["RED", "COLOR_UNSPECIFIED", 77],
            "r_inner": [{}, {"text": "a", "number": 0, "deep": {"big": i64::MAX.to_string(), "flag": false}, "date": {"year": 2024, "month": 2, "day": 29}}],
            "r_time": ["2024-02-29T12:00:00.123456Z"],
            "m_string": {"": "empty", "a.b": "", "\"": "quote", "Ω": "x"}, "m_inner": {"k": {"text": "t", "deep": {}}, "e": {}},
            "m_number": {"-1": "5", "2147483647": i64::MIN.to_string()},
        })).await;
    }

    async fn well_known_messages(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        same(&fixture, json!({
            "time": "9999-12-31T23:59:59.999999Z", "duration": "-315576000000s", "date": {"year": 2024, "month": 2, "day": 29},
            "money": {"currency_code": "EUR", "units": i64::MAX.to_string(), "nanos": 999_999_999},
            "structure": {"s": "x", "n": 1.5, "b": true, "z": null, "l": [1.0, "a", {"d": []}], "o": {"": {}}},
            "w_bool": true, "w_int64": i64::MIN.to_string(), "w_double": 0.25, "w_string": "w", "w_bytes": "AA==",
        })).await;
        same(&fixture, json!({"time": "0001-01-01T00:00:00Z", "duration": "0.000001s"})).await;
        same(&fixture, json!({"money": {"currency_code": "USD", "units": "-5", "nanos": -500_000_000}})).await;
        let nanos = json!({"time": "2024-01-01T00:00:00.123456789Z", "duration": "1.999999999s"});
        let micros = json!({"time": "2024-01-01T00:00:00.123456Z", "duration": "1.999999s"});
        round_trip(&fixture, nanos, micros).await;
    }

    async fn nested_and_recursive_messages(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        same(&fixture, json!({
            "inner": {"text": "a", "number": 0, "deep": {"big": "-1", "flag": false}, "date": {"year": 1}},
            "tree": {"label": "root", "children": [{"label": "a", "children": [{}]}, {}], "only": {"only": {"label": "x"}}},
        })).await;
        same(&fixture, json!({"inner": {"deep": {}}})).await;
    }

    async fn a_float_is_found_by_the_value_that_it_shows(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let made = fixture.anonymous().ok(CREATE, json!({"thing": {"a_float": 0.1, "a_double": 0.1}})).await;
        let read = fixture.anonymous().ok(GET, json!({"name": made["name"]})).await;
        assert_eq!(read["a_float"].to_string(), "0.1");
        for (filter, found) in [
            ("a_float = 0.1", 1),
            ("a_float >= 0.1 AND a_float <= 0.1", 1),
            ("a_float != 0.1 OR a_float > 0.1 OR a_float < 0.1", 0),
            ("a_double = 0.1", 1),
        ] {
            let answer = fixture.anonymous().ok(LIST, json!({"filter": filter})).await;
            assert_eq!(answer["things"].as_array().map_or(0, Vec::len), found, "{filter}");
        }
    }

    async fn filters_ask_for_presence_with_a_star_and_for_absence_with_null(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        for thing in [json!({}), json!({"o_string": "*", "m_number": {"1": "5"}}), json!({"o_string": "null"})] {
            fixture.anonymous().ok(CREATE, json!({"thing": thing})).await;
        }
        for (filter, found) in [
            ("o_string:*", 2),
            ("o_string:\"*\"", 1),
            ("o_string != \"*\"", 2),
            ("o_string = null", 1),
            ("o_string != null", 2),
            ("o_string = \"null\"", 1),
            ("m_number:1", 1),
            ("m_number:2", 0),
            ("m_number.1 = 5", 1),
        ] {
            let answer = fixture.anonymous().ok(LIST, json!({"filter": filter})).await;
            assert_eq!(answer["things"].as_array().map_or(0, Vec::len), found, "{filter}");
        }
        for filter in ["a_string = null", "m_number:one"] {
            let fault = fixture.anonymous().fault(LIST, json!({"filter": filter})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidFilter), "{filter}");
        }
    }

    async fn a_filter_looks_into_the_outermost_of_recursive_messages_and_says_so(engine: Engine) {
        let fixture = Fixture::start(engine, &kinds()).await;
        let tree = json!({"label": "root", "only": {"label": "x"}, "children": [{"label": "a"}]});
        fixture.anonymous().ok(CREATE, json!({"thing": {"tree": tree}})).await;
        let found = fixture.anonymous().ok(LIST, json!({"filter": "tree.label = root AND tree.only:*"})).await;
        assert_eq!(found["things"].as_array().unwrap().len(), 1);
        for filter in ["tree.only.label = x", "tree.children.label:a"] {
            let fault = fixture.anonymous().fault(LIST, json!({"filter": filter})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidFilter));
            assert!(fault.text().contains("`label` lies further in"), "{filter}: {}", fault.text());
        }
    }
}
