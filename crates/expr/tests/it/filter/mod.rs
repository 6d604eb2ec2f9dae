//! What filters mean, as a table; what they refuse, with the place.

mod refused;

use mainstay_expr::{ProblemKind, Scope, compile_filter, evaluate};
use mainstay_record::Value;

use crate::fixture::{column, empty, full, item, records};

fn on(source: &str, record: &[Value]) -> bool {
    let program = compile_filter(source, &item(), &records()).unwrap_or_else(|problem| panic!("{source}: {problem:?}"));
    evaluate(&program.root, &Scope { resource: Some(record), ..Scope::default() }) == Some(true)
}

fn check(record: &[Value], cases: &[(&str, bool)]) {
    for (source, expected) in cases {
        assert_eq!(on(source, record), *expected, "{source}");
    }
}

#[test]
fn an_empty_filter_is_true() {
    check(&empty(), &[("", true), ("  \t\n", true)]);
}

/// `t` stands for a true condition, `f` for a false one.
#[test]
fn the_grammar_groups_as_aip_160_says() {
    let cases = [
        ("t", true),
        ("f", false),
        ("t t", true),
        ("t f", false),
        ("f f OR t", false),
        ("t f OR t", true),
        ("f OR t t", true),
        ("t AND f OR t", true),
        ("f AND t OR t", false),
        ("t OR f AND f", false),
        ("(f AND f) OR t", true),
        ("f OR f OR t", true),
        ("t t AND f", false),
        ("NOT f", true),
        ("NOT t OR t", true),
        ("NOT (t OR t)", false),
        ("NOT(f)", true),
        ("-f", true),
        ("-(f AND t) t", true),
        ("t AND -f", true),
        ("((t))", true),
        ("(t)(t)", true),
        ("(t)AND(f)", false),
        ("NOT (f AND f)", true),
        ("NOT (NOT t)", true),
        ("  t\n AND\tt ", true),
    ];
    for (source, expected) in cases {
        let spelled = source.replace('t', "stock=5").replace('f', "stock=6");
        assert_eq!(on(&spelled, &full()), expected, "{source}");
    }
}

#[test]
fn values_of_every_type_compare() {
    check(
        &full(),
        &[
            ("stock = 5", true),
            ("stock=5", true),
            ("stock != 5", false),
            ("stock > 4 AND stock >= 5 AND stock < 6 AND stock <= 5", true),
            ("rating = -2", true),
            ("rating > -3", true),
            ("price = 2.5 AND price < 3 AND price >= 25e-1", true),
            ("active = true AND sealed = false AND active:true", true),
            ("state = CART", true),
            ("state = \"CART\" AND state != PLACED", true),
            ("create_time = \"2024-05-01T11:00:00Z\"", true),
            ("create_time = \"2024-05-01T11:00:00.000000999Z\"", true),
            ("create_time < 2024-05-01T11:00:00.5Z", true),
            ("create_time >= \"2024-05-01T13:00:00+02:00\"", true),
            ("ttl = 20s AND ttl > 19.5s AND ttl < \"21s\"", true),
            ("day = \"2024-02-29\" AND day < 2024-03-01", true),
            ("title = \"Blue Tässchen 🍵\"", true),
            ("label = 'Blue Tässchen 🍵'", true),
            ("title > \"Blue\" AND title < \"blue\"", true),
            ("nick = \"a%_b\\*c\\\\\"", true),
        ],
    );
}

#[test]
fn stars_are_wildcards_and_nothing_else_is() {
    check(
        &full(),
        &[
            ("title = \"Blue*\"", true),
            ("title = Blue*", true),
            ("title = \"blue*\"", false),
            ("title = \"*🍵\"", true),
            ("title = \"*ssch*\"", true),
            ("title = \"B*🍵\"", true),
            ("title = \"Blue T*Tässchen 🍵\"", false),
            ("title != \"B*\"", false),
            ("title:\"*Tä*\"", true),
            ("title:*", true),
            ("nick = \"a%*\" AND nick = \"*c\\\\\" AND nick = \"*b\\*c*\"", true),
            ("nick = \"a_*\"", false),
            ("nick = \"%*\"", false),
            ("tags:\"re*\"", true),
            ("shop = \"shops/*\"", true),
            ("name = \"items/c*\"", true),
            ("title = \"Bl_e*\"", false),
        ],
    );
}

#[test]
fn names_references_and_etags_compare() {
    check(
        &full(),
        &[
            ("name = items/cup", true),
            ("name = \"items/mug\"", false),
            ("shop = \"shops/corner\"", true),
            ("shop != \"shops/corner\"", false),
            ("place = \"countries/it/towns/rome\"", true),
            ("place = \"nowhere\"", false),
            ("name > \"items/a\"", true),
            ("etag = \"00000000000000ab\"", true),
            ("etag != x", true),
            ("shop:*", true),
        ],
    );
}

#[test]
fn messages_lists_and_maps_are_looked_into() {
    check(
        &full(),
        &[
            ("address.city = Rome", true),
            ("address.city != Rome", false),
            ("address.floor > 2", true),
            ("address:*", true),
            ("address:city", true),
            ("address != null", true),
            ("tags:red", true),
            ("tags:\"x\\\"y\"", true),
            ("tags:blue", false),
            ("-tags:blue", true),
            ("tags:*", true),
            ("codes:-7 AND codes:1", true),
            ("codes:2", false),
            ("ratios:0.5 AND ratios:3", true),
            ("ratios:2", false),
            ("lines.product:\"products/b\"", true),
            ("lines.quantity:2", true),
            ("lines.quantity:0", true),
            ("lines.quantity:3", false),
            ("lines.notes:n1", true),
            ("lines.part.sku:S1", true),
            ("lines.part.sku:\"\"", false),
            ("lines.part:*", true),
            ("lines.sent:\"2024-05-01T12:00:00Z\"", true),
            ("lines:*", true),
            ("labels:color", true),
            ("labels:none", false),
            ("labels.color = blue", true),
            ("labels.color:blue", true),
            ("labels.color:*", true),
            ("labels.\"q\\\"k\" = v", true),
            ("labels.\"a b\" = \"\"", true),
            ("labels.color != red", true),
            ("counts.one > 0 AND counts.zero = 0", true),
            ("extra:k AND extra:*", true),
            ("extra:x", false),
            ("tree.word = root AND tree:word AND tree.child:*", true),
        ],
    );
}

#[test]
fn an_unset_scalar_reads_as_its_default() {
    check(
        &empty(),
        &[
            ("stock != 1", true),
            ("stock = 0", true),
            ("rating != 1", true),
            ("rating = 0", true),
            ("rating < 1", true),
            ("NOT rating = 1", true),
            ("weight > -0.5", true),
            ("sealed = false", true),
            ("nick = \"\"", true),
            ("nick != x", true),
            ("nick = \"*\"", false),
            ("nick = \"a*\"", false),
            ("shop = \"\"", true),
            ("shop != \"shops/corner\"", true),
            ("state = STATE_UNSPECIFIED", true),
            ("rating = null AND shop = \"\"", true),
            ("rating != null", false),
            ("title:*", false),
            ("stock:*", false),
            ("rating:*", false),
            ("state:*", false),
            ("active:*", false),
            ("shop:*", false),
        ],
    );
}

#[test]
fn presence_is_a_bare_star_and_absence_a_bare_null() {
    let mut star = full();
    star[column("nick")] = Value::Text("*".into());
    star[column("tags")] = Value::Json(r#"["*"]"#.into());
    star[column("labels")] = Value::Json(r#"{"*":"null"}"#.into());
    let cases = [
        // the filter, and what it says of a record with stars, one with other values, and an empty one
        ("nick:*", [true, true, false]),
        ("nick = *", [true, true, false]),
        ("nick != *", [false, false, true]),
        ("nick:\"*\"", [true, false, false]),
        ("nick = '*'", [true, false, false]),
        ("nick != \"*\"", [false, true, true]),
        ("nick = \"\\*\"", [true, false, false]),
        ("nick = null", [false, false, true]),
        ("nick:null", [false, false, true]),
        ("nick != null", [true, true, false]),
        ("nick = \"null\"", [false, false, false]),
        ("nick != \"null\"", [true, true, true]),
        ("rating = *", [true, true, false]),
        ("stock != *", [false, false, true]),
        ("shop = null", [false, false, true]),
        ("place != null", [true, true, false]),
        ("shop = *", [true, true, false]),
        ("digest = *", [true, true, false]),
        ("address = null", [false, false, true]),
        ("extra = null", [false, false, true]),
        ("create_time = null", [false, false, true]),
        ("tags:\"*\"", [true, false, false]),
        ("tags:*", [true, true, false]),
        ("labels:\"*\"", [true, false, false]),
        ("labels.\"*\" = \"null\"", [true, false, false]),
        ("labels:*", [true, true, false]),
    ];
    for (source, expected) in cases {
        assert_eq!([&star, &full(), &empty()].map(|record| on(source, record)), expected, "{source}");
    }
}

#[test]
fn a_float_is_found_by_what_it_shows() {
    check(
        &full(),
        &[
            ("grade = 0.1", true),
            ("grade:0.1", true),
            ("grade != 0.1", false),
            ("grade >= 0.1 AND grade <= 0.1", true),
            ("grade > 0.1 OR grade < 0.1", false),
            ("share = 16777217", true),
            ("share < 1e300 AND share != 1e300", true),
            ("grades:0.1 AND grades:0.5", true),
            ("grades:0.2", false),
            ("price = 2.5", true),
        ],
    );
    let mut record = full();
    record[column("price")] = Value::Double(0.1);
    record[column("grade")] = Value::Double(f64::INFINITY);
    check(&record, &[("price = 0.1", true), ("price = 0.10000000149011612", false), ("grade = 1e300", false)]);
}

#[test]
fn maps_with_integer_keys_are_looked_into() {
    check(
        &full(),
        &[
            ("by_number:1", true),
            ("by_number:-7", true),
            ("by_number:\"1\" AND by_number:01", true),
            ("by_number:2", false),
            ("NOT by_number:2", true),
            ("by_number:*", true),
            ("by_number.1 = one", true),
            ("by_number.1:*", true),
            ("by_number.1 != one", false),
            ("by_number.2 != one", false),
            ("by_number.-7 = \"\"", true),
        ],
    );
    check(&empty(), &[("by_number:1", false), ("by_number:*", false)]);
}

#[test]
fn an_unset_time_equals_nothing_and_has_no_order() {
    check(
        &empty(),
        &[
            ("create_time = \"1970-01-01T00:00:00Z\"", false),
            ("create_time != \"1970-01-01T00:00:00Z\"", true),
            ("create_time < \"2024-01-01T00:00:00Z\"", false),
            ("NOT create_time < \"2024-01-01T00:00:00Z\"", true),
            ("create_time = null", true),
            ("create_time:*", false),
            ("ttl = 0s", false),
            ("day != \"2024-01-01\"", true),
        ],
    );
}

#[test]
fn a_path_through_something_unset_skips_the_row() {
    check(
        &empty(),
        &[
            ("address.city = \"\"", false),
            ("address.city != x", false),
            ("NOT address.city = x", false),
            ("-(address.city = x OR stock = 1)", false),
            ("NOT (address.city = x AND stock = 1)", true),
            ("address.floor != 1", false),
            ("address:*", false),
            ("address = null", true),
            ("labels.color = blue", false),
            ("labels.color != blue", false),
            ("NOT labels.color = blue", false),
            ("labels:color", false),
            ("NOT labels:color", true),
            ("tree.word != x", false),
            ("tree = null", true),
            ("lines.product:x", false),
            ("NOT lines.product:x", true),
            ("tags:x", false),
        ],
    );
    let mut record = empty();
    record[column("_has_address")] = Value::Bool(true);
    check(&record, &[("address.city != x", true), ("address.floor != 1", true), ("address:city", false)]);
}

/// The same condition by any name of its fields, whichever the client knows.
#[test]
fn a_filter_takes_the_names_of_json() {
    for (json, proto) in [
        ("createTime > \"2024-05-01T12:00:00Z\"", "create_time > \"2024-05-01T12:00:00Z\""),
        ("label = a", "title = a"),
        ("NOT createTime:*", "NOT create_time:*"),
    ] {
        assert_eq!(compile_filter(json, &item(), &records()), compile_filter(proto, &item(), &records()), "{json}");
        assert!(compile_filter(json, &item(), &records()).is_ok(), "{json}");
    }
    let problem = compile_filter("CreateTime:*", &item(), &records()).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::UnknownName);
}

/// One text form of times and durations: what JSON takes, filters take.
#[test]
fn a_filter_reads_times_and_durations_as_json_does() {
    for time in [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-30T22:00:01Z",
        "1969-12-31T23:59:59.9Z",
        "2024-05-01T12:00:00+23:59",
        "2024-05-01T12:00:00.123456789-00:00",
    ] {
        for op in ["=", "<", ">="] {
            let source = format!("create_time {op} \"{time}\"");
            assert!(compile_filter(&source, &item(), &records()).is_ok(), "{source}");
        }
    }
    for time in [
        "2024-05-01t12:00:00Z",
        "2024-05-01T12:00:00z",
        "2024-05-01 12:00:00Z",
        "2016-12-31T23:59:60Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T12:00:00",
        "2024-05-01T12:00:00.1234567890Z",
        "2024-05-01T12:00:00+0100",
        "2024-05-01T12:00Z",
        "0001-01-01T00:00:00+00:01",
    ] {
        let problem = compile_filter(&format!("create_time = \"{time}\""), &item(), &records()).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Type, "{time}");
    }
    for duration in ["315576000000s", "-315576000000s", "1.000000001s", "-0.5s", "\"1.5s\""] {
        assert!(compile_filter(&format!("ttl = {duration}"), &item(), &records()).is_ok(), "{duration}");
    }
    for duration in ["315576000001s", "1.5m", "\"1s1s\"", "\".5s\"", "\"1.s\"", "1.0000000001s", "\"+1s\""] {
        assert!(compile_filter(&format!("ttl = {duration}"), &item(), &records()).is_err(), "{duration}");
    }
}
