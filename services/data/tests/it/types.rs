//! Types of protobuf's and google's own: in and out, found, sorted, asked by rules, masked, and refused where they are none.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "type.v1.ThingService/CreateThing";
const GET: &str = "type.v1.ThingService/GetThing";
const LIST: &str = "type.v1.ThingService/ListThings";
const UPDATE: &str = "type.v1.ThingService/UpdateThing";

const FIELDS: [(&str, &str); 10] = [
    ("google.protobuf.Any", "any"),
    ("google.protobuf.Value", "value"),
    ("google.protobuf.ListValue", "list"),
    ("google.protobuf.Empty", "empty"),
    ("google.protobuf.FieldMask", "mask"),
    ("google.type.Decimal", "decimal"),
    ("google.type.LatLng", "place"),
    ("google.type.TimeOfDay", "opens"),
    ("google.type.DateTime", "begins"),
    ("google.protobuf.FloatValue", "float"),
];

/// Each type as a field, in a list, in a map, in a message and in one that contains itself.
fn contract_with(options: &str) -> String {
    let numbered = |format: fn(&str, &str, usize) -> String, from: usize| -> String {
        (from..).zip(FIELDS).map(|(number, (ty, name))| format(ty, name, number)).collect()
    };
    let single = numbered(|ty, name, number| format!("  {ty} {name} = {number};\n"), 2);
    let lists = numbered(|ty, name, number| format!("  repeated {ty} {name}_list = {number};\n"), 20);
    let maps = numbered(|ty, name, number| format!("  map<string, {ty}> {name}_map = {number};\n"), 40);
    let inner = numbered(|ty, name, number| format!("    {ty} {name} = {number};\n"), 1);
    let body = format!(
        "message Thing {{\n  option (google.api.resource) = {{type: \"type.example.com/Thing\" pattern: \"things/{{thing}}\"}};\n\
         {options}  string name = 1 [(google.api.field_behavior) = IDENTIFIER];\n{single}{lists}{maps}  Inner inner = 60;\n  Tree tree = 61;\n\
         message Inner {{\n{inner}  }}\n  message Tree {{\n    Tree only = 30;\n{inner}  }}\n}}\n"
    );
    let imports = ["any", "empty", "field_mask"].map(|name| format!("import \"google/protobuf/{name}.proto\";\n"));
    let types =
        ["decimal", "latlng", "timeofday", "datetime"].map(|name| format!("import \"google/type/{name}.proto\";\n"));
    file("type.v1", &body).replacen("import", &format!("{}{}import", imports.concat(), types.concat()), 1)
}

fn contract() -> String {
    contract_with("  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}};\n")
}

/// Values that say something, and those that say as little as can be.
fn values() -> Vec<Vec<(&'static str, Json)>> {
    vec![
        vec![
            ("any", json!({"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s"})),
            ("value", json!({"a": [1.0, null, "x", true, {"b": {}}]})),
            ("list", json!([1.0, [null], {"k": "v"}])),
            ("empty", json!({})),
            ("mask", json!("inner.decimal,name")),
            ("decimal", json!({"value": "-12.5"})),
            ("place", json!({"latitude": 52.5, "longitude": -180.0})),
            ("opens", json!({"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_999})),
            ("begins", json!({"year": 2024, "month": 2, "day": 29, "hours": 23, "nanos": 1, "utc_offset": "3600s"})),
            ("float", json!(0.5)),
        ],
        vec![
            ("value", json!("text")),
            ("list", json!([])),
            ("empty", json!({})),
            ("mask", json!("")),
            ("decimal", json!({"value": "0"})),
            ("place", json!({})),
            ("opens", json!({})),
            ("begins", json!({})),
            ("float", json!(0.0)),
        ],
        vec![
            ("any", json!({"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}})),
            ("value", json!(false)),
            ("decimal", json!({"value": "1234567890.12345678901234567890123456789"})),
            ("opens", json!({"hours": 24})),
            ("begins", json!({"month": 12, "day": 31, "time_zone": {"id": "Europe/Berlin", "version": "2024a"}})),
        ],
        vec![
            ("value", json!(null)),
            ("decimal", json!({"value": "1E500"})),
            ("begins", json!({"year": 1, "month": 1, "day": 1})),
        ],
        vec![("value", json!(1e300)), ("decimal", json!({"value": "-1.5E-500"}))],
    ]
}

/// A thing with the values everywhere.
fn thing(values: &[(&str, Json)]) -> Json {
    let mut thing = json!({});
    for (name, value) in values {
        thing[*name] = value.clone();
        thing[format!("{name}_list")] = json!([value, value]);
        thing[format!("{name}_map")] = json!({"": value, "k": value});
        thing["inner"][*name] = value.clone();
        thing["tree"][*name] = value.clone();
        thing["tree"]["only"][*name] = value.clone();
    }
    thing
}

fn without_name(mut thing: Json) -> Json {
    thing.as_object_mut().unwrap().remove("name");
    thing
}

async fn found(fixture: &Fixture, filter: &str) -> usize {
    let answer = fixture.anonymous().ok(LIST, json!({"filter": filter, "page_size": 1000})).await;
    answer["things"].as_array().map_or(0, Vec::len)
}

/// A number of the form `digits`E-`scale`, and the same times 10^6.
fn decimals() -> Vec<(String, i128)> {
    let mut all = Vec::new();
    for number in
        [-1_000_000, -12_345, -1_000, -999, -100, -99, -10, -9, -2, -1, 0, 1, 2, 9, 10, 11, 99, 100, 12_345, 1_000_000]
    {
        for scale in [0, 1, 3, 6] {
            all.push((format!("{number}E-{scale}"), i128::from(number) * 10i128.pow(6 - scale)));
        }
    }
    all
}

both_engines! {
    async fn every_type_comes_out_as_it_went_in(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let anonymous = fixture.anonymous();
        for values in values() {
            let thing = thing(&values);
            let made = anonymous.ok(CREATE, json!({"thing": thing})).await;
            assert_eq!(without_name(made.clone()), thing, "created");
            assert_eq!(without_name(anonymous.ok(GET, json!({"name": made["name"]})).await), thing, "got");
            let listed = anonymous.ok(LIST, json!({"filter": format!("name = {}", made["name"])})).await;
            assert_eq!(without_name(listed["things"][0].clone()), thing, "listed");
            for mask in [Some("*"), None] {
                let other = anonymous.ok(CREATE, json!({"thing": {}})).await;
                let mut replacement = thing.clone();
                replacement["name"] = other["name"].clone();
                let mut request = json!({"thing": replacement});
                mask.into_iter().for_each(|mask| request["update_mask"] = json!(mask));
                assert_eq!(without_name(anonymous.ok(UPDATE, request).await), thing, "replaced by {mask:?}");
            }
            for (name, value) in &values {
                let only = anonymous.with_read_mask(name).ok(GET, json!({"name": made["name"]})).await;
                assert_eq!(only, json!({*name: value}), "masked");
                let unset = json!({"thing": {"name": made["name"]}, "update_mask": *name});
                assert_eq!(anonymous.ok(UPDATE, unset).await.get(*name), None, "unset");
            }
        }
    }

    async fn a_decimal_has_one_spelling_and_is_exact(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        for (sent, kept) in [("2.50", "2.5"), ("+.5", "0.5"), ("", "0"), ("-0", "0"), ("1e3", "1000"), ("0.1", "0.1")] {
            let thing = json!({"decimal": {"value": sent}, "decimal_list": [{"value": sent}]});
            let made = fixture.anonymous().ok(CREATE, json!({"thing": thing})).await;
            assert_eq!((&made["decimal"]["value"], &made["decimal_list"][0]["value"]), (&json!(kept), &json!(kept)));
        }
    }

    async fn values_that_are_none_are_refused_with_their_place(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let digits = "9".repeat(101);
        for (field, value, places) in [
            ("decimal", json!({"value": "12,5"}), &["decimal"][..]),
            ("decimal", json!({"value": "NaN"}), &["decimal"]),
            ("decimal", json!({"value": "1E1001"}), &["decimal"]),
            ("decimal", json!({"value": digits}), &["decimal"]),
            ("opens", json!({"hours": 25}), &["opens"]),
            ("opens", json!({"hours": 24, "nanos": 1}), &["opens"]),
            ("opens", json!({"seconds": 60}), &["opens"]),
            ("opens", json!({"minutes": -1}), &["opens"]),
            ("place", json!({"latitude": 90.5, "longitude": -181.0}), &["place.latitude", "place.longitude"]),
            ("begins", json!({"year": 2023, "month": 2, "day": 29}), &["begins.day"]),
            ("begins", json!({"year": 2023, "day": 1}), &["begins.month"]),
            ("begins", json!({"year": 10_000, "month": 1, "day": 1}), &["begins.year"]),
            ("begins", json!({"month": 1, "day": 1, "hours": 24, "minutes": 60}), &["begins.hours", "begins.minutes"]),
            ("begins", json!({"month": 1, "day": 1, "utc_offset": "64801s"}), &["begins.utc_offset"]),
        ] {
            for (wrap, prefix) in [
                (json!({field: value}), ""),
                (json!({"inner": {field: value}}), "inner."),
                (json!({"tree": {"only": {field: value}}}), "tree.only."),
            ] {
                let (reason, fields) = fixture.anonymous().refused(CREATE, json!({"thing": wrap})).await;
                let expected: Vec<String> = places.iter().map(|place| format!("thing.{prefix}{place}")).collect();
                let fits = fields.len() == expected.len() && fields.iter().zip(&expected).all(|(a, b)| a.starts_with(b.as_str()));
                assert!(fits && reason == Reason::FieldViolation, "{wrap}: {fields:?}");
            }
        }
    }

    async fn what_no_client_could_read_in_json_is_refused(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let delimited = |number: u8, body: &[u8]| [&[number << 3 | 2, u8::try_from(body.len()).unwrap()], body].concat();
        let any = |url: &str, value: &[u8]| [delimited(1, url.as_bytes()), delimited(2, value)].concat();
        let unknown = any("type.googleapis.com/nobody.v1.Knows", b"");
        let garbled = any("type.googleapis.com/google.protobuf.Duration", &[0x08]);
        let nameless = any("", b"x");
        let path = delimited(1, b"a__b");
        for (number, body) in [(2, unknown), (2, garbled), (2, nameless), (6, path)] {
            let request = delimited(3, &delimited(number, &body));
            let fault = fixture.anonymous().raw(CREATE, request).await.unwrap_err();
            let field = if number == 2 { "thing.any" } else { "thing.mask" };
            assert!(fault.reason() == Some(Reason::FieldViolation) && fault.violations()[0].field.starts_with(field), "{fault:?}");
        }
        let known = delimited(3, &delimited(2, &any("type.googleapis.com/type.v1.Thing.Inner", b"")));
        fixture.anonymous().raw(CREATE, known).await.unwrap();
    }

    async fn what_was_stored_under_a_type_that_is_gone_stays_and_is_no_bar_to_changes(engine: Engine) {
        let whole = contract();
        let fixture = Fixture::start(engine, &(whole.clone() + "\nmessage Gone { string text = 1; }\n")).await;
        let gone = json!({"@type": "type.googleapis.com/type.v1.Gone", "text": "x"});
        let thing = json!({"any": gone, "any_list": [gone], "inner": {"any": gone}, "mask": "name"});
        fixture.system().ok(CREATE, json!({"thing_id": "a", "thing": thing})).await;
        fixture.rewrite(&whole).await;
        let nobody = fixture.anonymous().with_read_mask("mask,float");
        let change = |thing: Json, mask: &str| {
            let mut thing = thing;
            thing["name"] = json!("things/a");
            json!({"thing": thing, "update_mask": mask})
        };
        assert_eq!(nobody.ok(UPDATE, change(json!({"float": 0.5}), "float")).await, json!({"mask": "name", "float": 0.5}));
        assert_eq!(nobody.ok(UPDATE, change(json!({"mask": "float"}), "mask")).await, json!({"mask": "float", "float": 0.5}));
        // What comes anew is refused, beside what stays.
        let delimited = |number: u8, body: &[u8]| [&[number << 3 | 2, u8::try_from(body.len()).unwrap()], body].concat();
        let any = delimited(2, &[delimited(1, b"type.googleapis.com/type.v1.Gone"), delimited(2, b"")].concat());
        let update = [delimited(1, &[delimited(1, b"things/a"), any].concat()), delimited(2, &delimited(1, b"any"))].concat();
        let fault = fixture.anonymous().raw(UPDATE, update).await.unwrap_err();
        assert!(fault.reason() == Some(Reason::FieldViolation) && fault.violations()[0].field == "thing.any", "{fault:?}");
    }

    async fn decimals_are_compared_and_sorted_as_numbers(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let all = decimals();
        let requests: Vec<Json> = all
            .iter()
            .map(|(text, _)| json!({"thing": {"decimal": {"value": text}, "decimal_list": [{"value": text}], "inner": {"decimal": {"value": text}}}}))
            .collect();
        fixture.anonymous().ok("type.v1.ThingService/BatchCreateThings", json!({"requests": requests})).await;
        fixture.anonymous().ok(CREATE, json!({"thing": {}})).await;
        for (constant, number) in [("0", 0), ("-9.9", -9_900_000), ("10", 10_000_000), ("12.345", 12_345_000), ("0.0005", 500), ("1e6", 1_000_000_000_000)] {
            let count = |is_it: fn(&i128, &i128) -> bool| all.iter().filter(|(_, own)| is_it(own, &number)).count();
            for path in ["decimal", "inner.decimal"] {
                for (sign, expected) in [
                    ("=", count(i128::eq)), ("<", count(i128::lt)), ("<=", count(i128::le)),
                    (">", count(i128::gt)), (">=", count(i128::ge)),
                ] {
                    assert_eq!(found(&fixture, &format!("{path} {sign} {constant}")).await, expected, "{path} {sign} {constant}");
                    assert_eq!(found(&fixture, &format!("{path} {sign} \"{constant}\"")).await, expected, "in quotes");
                }
            }
            assert_eq!(found(&fixture, &format!("decimal_list:{constant}")).await, count(i128::eq), "in a list");
        }
        let ordered = fixture.anonymous().ok(LIST, json!({"order_by": "decimal", "page_size": 1000})).await;
        let texts: Vec<String> = ordered["things"].as_array().unwrap()[1..].iter().map(|thing| thing["decimal"]["value"].as_str().unwrap().to_owned()).collect();
        let mut sorted: Vec<i128> = all.iter().map(|(_, number)| *number).collect();
        sorted.sort_unstable();
        let numbers: Vec<i128> = texts.iter().map(|text| exact(text)).collect();
        assert_eq!(numbers, sorted);
    }

    async fn filters_ask_what_can_be_asked_and_say_what_cannot(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        for values in values() {
            fixture.anonymous().ok(CREATE, json!({"thing": thing(&values)})).await;
        }
        fixture.anonymous().ok(CREATE, json!({"thing": {}})).await;
        for (filter, count) in [
            ("any:*", 2), ("value:*", 5), ("list:*", 2), ("empty:*", 2), ("NOT empty:*", 4), ("mask:*", 2), ("mask:\"name\"", 1),
            ("mask:\"inner.decimal\"", 1), ("mask:\"inner\"", 0), ("decimal:*", 5), ("decimal = null", 1), ("place:*", 2),
            ("place.latitude > 50", 1), ("opens:*", 3), ("opens = \"00:00\"", 1), ("opens > \"12:00\"", 2), ("opens >= \"23:59:59.999999999\"", 2),
            ("opens = \"24:00:00\"", 1), ("begins:*", 4), ("begins.year = 2024", 1), ("begins.utc_offset = 3600s", 1),
            ("begins.time_zone.id = \"Europe/Berlin\"", 1), ("begins.time_zone:*", 1), ("inner.decimal < 0", 2), ("inner.opens = \"24:00\"", 1),
            ("inner.empty:*", 2), ("tree.decimal < 0", 2), ("any = null", 4), ("value != null", 5), ("inner.mask:\"name\"", 1),
        ] {
            assert_eq!(found(&fixture, filter).await, count, "{filter}");
        }
        for (filter, says) in [
            ("any = \"x\"", "a google.protobuf.Any"),
            ("value = 1", "a google.protobuf.Value"),
            ("value.a = 1", "a google.protobuf.Value"),
            ("list:1", "a google.protobuf.ListValue"),
            ("decimal = \"a\"", "a decimal"),
            ("decimal.value = \"1\"", "a decimal"),
            ("opens = \"25:00\"", "a time of day"),
            ("opens = 8", "a time of day"),
            ("begins = \"2024-01-01\"", "google.type.DateTime"),
            ("mask = \"name\"", "a list"),
        ] {
            let fault = fixture.anonymous().fault(LIST, json!({"filter": filter})).await;
            assert!(fault.reason() == Some(Reason::InvalidFilter) && format!("{fault:?}").contains(says), "{filter}: {fault:?}");
        }
        for order in ["any", "value", "list", "empty", "mask", "place", "begins", "decimal_list"] {
            let fault = fixture.anonymous().fault(LIST, json!({"order_by": order})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidOrderBy), "{order}");
        }
        for order in ["decimal", "opens desc", "place.latitude", "begins.year,begins.month desc"] {
            fixture.anonymous().ok(LIST, json!({"order_by": order})).await;
        }
        for mask in ["decimal.value", "opens.hours", "mask.paths", "any.value"] {
            let request = json!({"thing": {"name": "things/x"}, "update_mask": mask});
            let made = fixture.anonymous().ok(CREATE, json!({"thing": {}})).await;
            let request = json!({"thing": {"name": made["name"]}, "update_mask": request["update_mask"]});
            assert!(matches!(fixture.anonymous().call(UPDATE, request).await, Err(fault) if fault.reason() == Some(Reason::InvalidMask)), "{mask}");
        }
    }

    async fn rules_compare_them_in_sql_as_in_memory(engine: Engine) {
        let rule = "(!has(resource.decimal) || resource.decimal >= 1.5 && resource.decimal < '1E3') \
                    && (!has(resource.opens) || resource.opens >= '08:00') && !has(resource.any) \
                    && (!has(resource.mask) || 'name' in resource.mask) && (!has(resource.inner.empty) || resource.inner.decimal != 7)";
        let options = |read: &str, create: &str| format!(
            "  option (mainstay.v1.resource) = {{access {{read: \"{read}\" create: \"{create}\"}}}};\n"
        );
        let open = Fixture::start(engine, &contract_with(&options(rule, "true"))).await;
        let strict = Fixture::start(engine, &contract_with(&options("true", rule))).await;
        let any = json!({"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}});
        let mut cases = vec![(json!({}), true), (json!({"any": any}), false), (json!({"mask": "name"}), true), (json!({"mask": ""}), false), (json!({"mask": "inner"}), false)];
        cases.extend(["1.5", "1.4999", "999.999", "1000", "-2", "0", "1.50000000000000000001"].map(|text| {
            (json!({"decimal": {"value": text}}), ["1.5", "999.999", "1.50000000000000000001"].contains(&text))
        }));
        cases.extend([(7, false), (8, true), (24, true)].map(|(hours, fits)| (json!({"opens": {"hours": hours}}), fits)));
        cases.extend([("7", false), ("7.0", false), ("8", true)].map(|(text, fits)| (json!({"inner": {"empty": {}, "decimal": {"value": text}}}), fits)));
        let caller = open.user("u", &[]);
        for (thing, fits) in cases {
            let made = open.system().ok(CREATE, json!({"thing": thing})).await;
            let seen = caller.call(GET, json!({"name": made["name"]})).await.is_ok();
            let created = strict.user("u", &[]).call(CREATE, json!({"thing": thing})).await.is_ok();
            assert_eq!((seen, created), (fits, fits), "{thing}");
        }
    }

    async fn indexes_and_unique_ones_are_on_the_values(engine: Engine) {
        let options = "  option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"} index {fields: \"decimal\" unique: true} \
                       index {fields: \"opens\" fields: \"place.latitude\"}};\n";
        let fixture = Fixture::start(engine, &contract_with(options)).await;
        fixture.anonymous().ok(CREATE, json!({"thing": {"decimal": {"value": "1.50"}}})).await;
        fixture.anonymous().ok(CREATE, json!({"thing": {"decimal": {"value": "1.51"}}})).await;
        let same = fixture.anonymous().refused(CREATE, json!({"thing": {"decimal": {"value": "15e-1"}}})).await;
        assert_eq!(same.0, Reason::UniqueViolation);
        fixture.anonymous().ok(CREATE, json!({"thing": {}})).await;
        fixture.anonymous().ok(CREATE, json!({"thing": {}})).await;
    }
}

/// A decimal in its plain spelling, times 10^6.
fn exact(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<6}").parse().unwrap()
}
