//! Generated messages against the oracle.

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, prost::Message};
use serde_json::Value as Json;

use crate::schema::{
    PLANS, descriptor,
    entropy::Entropy,
    id, oracle_decode, oracle_text, parsed,
    sample::{Taste, message},
};

const ALL: &str = "test.v1.All";

fn sample(bytes: &[u8]) -> DynamicMessage {
    message(&descriptor(ALL), &mut Entropy::new(bytes), Taste::Anything, 5)
}

/// Cuts wire bytes into their fields.
fn fields(wire: &[u8]) -> Vec<&[u8]> {
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = wire[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < wire.len() {
        let start = at;
        match varint(&mut at) & 7 {
            0 => drop(varint(&mut at)),
            1 => at += 8,
            2 => {
                let length = varint(&mut at);
                at += usize::try_from(length).unwrap();
            }
            5 => at += 4,
            other => panic!("wire type {other}"),
        }
        found.push(&wire[start..at]);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_message_is_written_as_the_oracle_writes_it(bytes in proptest::collection::vec(any::<u8>(), 0..400), defaults: bool) {
        let wire = sample(&bytes).encode_to_vec();
        let message = oracle_decode(ALL, &wire).unwrap();
        let mut out = Vec::new();
        let options = mainstay_wire::JsonOptions { emit_defaults: defaults };
        PLANS.to_json_with(id(ALL), &wire, options, None, &mut out).unwrap();
        prop_assert_eq!(parsed(&out), parsed(&oracle_text(&message, defaults).unwrap()));
    }

    #[test]
    fn fields_in_any_order_and_in_pieces_are_merged(
        one in proptest::collection::vec(any::<u8>(), 0..200),
        two in proptest::collection::vec(any::<u8>(), 0..200),
        order in any::<u64>(),
    ) {
        let wire = [sample(&one).encode_to_vec(), sample(&two).encode_to_vec()].concat();
        let mut pieces = fields(&wire);
        let mut state = order | 1;
        for i in (1..pieces.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pieces.swap(i, (state >> 33) as usize % (i + 1));
        }
        let shuffled = pieces.concat();
        let message = oracle_decode(ALL, &shuffled).unwrap();
        let mut out = Vec::new();
        let ours = PLANS.to_json(id(ALL), &shuffled, &mut out);
        // an Any put together from two may hold bytes of another type, a Timestamp may leave its range
        match (oracle_text(&message, false), PLANS.check_json(id(ALL), &shuffled)) {
            (Ok(expected), Ok(())) => {
                prop_assert!(ours.is_ok());
                prop_assert_eq!(parsed(&out), parsed(&expected));
            }
            // A Duration whose halves came from two and differ in sign is none; the oracle writes it all the same.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("the same sign"), "{error}"),
            (Err(_), ours) => prop_assert!(ours.is_err()),
        }
    }

    #[test]
    fn json_is_read_as_the_oracle_reads_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let message = sample(&bytes);
        let json = oracle_text(&message, false).unwrap();
        let mut wire = Vec::new();
        PLANS.from_json(id(ALL), &json, &mut wire, None).unwrap();
        let ours = oracle_decode(ALL, &wire).unwrap();
        prop_assert_eq!(parsed(&oracle_text(&ours, false).unwrap()), parsed(&json));
    }

    #[test]
    fn json_goes_through_unchanged(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let wire = sample(&bytes).encode_to_vec();
        let (mut json, mut back, mut again) = (Vec::new(), Vec::new(), Vec::new());
        PLANS.to_json(id(ALL), &wire, &mut json).unwrap();
        PLANS.from_json(id(ALL), &json, &mut back, None).unwrap();
        PLANS.to_json(id(ALL), &back, &mut again).unwrap();
        prop_assert_eq!(json, again);
    }

    #[test]
    fn arbitrary_bytes_give_json_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut out = b"before".to_vec();
        match PLANS.to_json(id(ALL), &bytes, &mut out) {
            Ok(()) => drop(parsed(&out[6..])),
            Err(_) => prop_assert_eq!(out, b"before"),
        }
    }

    #[test]
    fn damaged_messages_give_json_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut wire = sample(&bytes).encode_to_vec();
        for (at, byte) in damage {
            let length = wire.len();
            if length > 0 {
                wire[at % length] = byte;
            }
        }
        let mut out = Vec::new();
        if PLANS.to_json(id(ALL), &wire, &mut out).is_ok() {
            let ours = without_infinite_wrappers(parsed(&out));
            // ours is stricter in places (a Value without a kind aside), never looser
            if let Ok(message) = oracle_decode(ALL, &wire)
                && let Ok(theirs) = oracle_text(&message, false)
            {
                prop_assert_eq!(ours, parsed(&theirs));
            }
        }
    }

    #[test]
    fn arbitrary_text_gives_a_message_or_an_error(text in "[\\[\\]{}\",:0-9a-z.\\\\ ue+-]{0,40}") {
        let mut out = b"before".to_vec();
        match PLANS.from_json(id(ALL), text.as_bytes(), &mut out, None) {
            Ok(()) => drop(oracle_decode(ALL, &out[6..]).unwrap()),
            Err(error) => {
                // What could be read is a message.
                prop_assert!(out.starts_with(b"before"));
                oracle_decode(ALL, &out[6..]).unwrap();
                prop_assert!(!error.message.is_empty());
            }
        }
    }

    #[test]
    fn damaged_json_gives_a_message_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut json = oracle_text(&sample(&bytes), false).unwrap();
        for (at, byte) in damage {
            let length = json.len();
            json[at % length] = byte;
        }
        let (mut wire, mut keys) = (Vec::new(), Vec::new());
        if PLANS.from_json(id(ALL), &json, &mut wire, Some(&mut keys)).is_ok() {
            // what is taken is JSON, and a message
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok());
        }
        oracle_decode(ALL, &wire).unwrap();
    }

    #[test]
    fn any_value_is_the_same_to_both(json in json_value()) {
        let wrapped = serde_json::json!({ "value": json, "structure": { "inside": json } });
        let text = serde_json::to_vec(&wrapped).unwrap();
        let (mut wire, mut back) = (Vec::new(), Vec::new());
        PLANS.from_json(id(ALL), &text, &mut wire, None).unwrap();
        PLANS.to_json(id(ALL), &wire, &mut back).unwrap();
        prop_assert_eq!(parsed(&back), parsed(&text));
    }
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// The oracle writes an infinite wrapper as null.
fn without_infinite_wrappers(json: Json) -> Json {
    match json {
        Json::Object(map) => map
            .into_iter()
            .map(|(key, value)| match &value {
                Json::String(text) if key.ends_with("Wrapper") && (text.ends_with("Infinity") || text == "NaN") => {
                    (key, Json::Null)
                }
                _ => (key, without_infinite_wrappers(value)),
            })
            .collect(),
        Json::Array(items) => items.into_iter().map(without_infinite_wrappers).collect(),
        other => other,
    }
}
