//! Generated records against the oracle.

use mainstay_record::Value;
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, prost::Message};

use super::PLAN;
use crate::schema::{
    descriptor,
    entropy::Entropy,
    oracle_decode, oracle_text, parsed,
    sample::{Taste, message},
};

const ITEM: &str = "test.v1.Item";

/// A record that a table can hold without loss.
fn sample(bytes: &[u8]) -> DynamicMessage {
    let mut item = message(&descriptor(ITEM), &mut Entropy::new(bytes), Taste::Storable, 5);
    for (field, text) in [
        ("name", "items/one"),
        ("product", "products/cup"),
        ("shelf", "stores/a/shelves/b"),
        ("etag", "0000000000000007"),
    ] {
        item.set_field_by_name(field, prost_reflect::Value::String(text.to_owned()));
    }
    item
}

fn keyed(mut values: Vec<Value>) -> Vec<Value> {
    values[0] = Value::Text("one".to_owned());
    values[1] = Value::Int(7);
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_record_comes_back_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let item = sample(&bytes);
        let row = keyed(PLAN.decode(&item.encode_to_vec()).unwrap().values);
        let mut out = Vec::new();
        PLAN.encode(&row, &mut out).unwrap();
        let back = oracle_decode(ITEM, &out).unwrap();
        let (ours, theirs) = (oracle_text(&back, false).unwrap(), oracle_text(&item, false).unwrap());
        // a zero loses its sign on the way
        prop_assert_eq!(without_signs(parsed(&ours)), without_signs(parsed(&theirs)));
    }

    #[test]
    fn an_encoded_row_decodes_to_the_same_row(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let first = PLAN.decode(&sample(&bytes).encode_to_vec()).unwrap();
        let mut out = Vec::new();
        PLAN.encode(&keyed(first.values.clone()), &mut out).unwrap();
        let second = PLAN.decode(&out).unwrap();
        prop_assert_eq!(second.values, first.values);
        prop_assert_eq!(second.present, first.present);
    }

    #[test]
    fn an_update_without_a_mask_of_a_blank_row_is_the_message(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let decoded = PLAN.decode(&sample(&bytes).encode_to_vec()).unwrap();
        let mut row = PLAN.decode(b"").unwrap().values;
        PLAN.merge(&PLAN.populated(&decoded), &mut row, &decoded.values);
        prop_assert_eq!(row, decoded.values);
    }

    #[test]
    fn arbitrary_bytes_give_a_row_that_can_be_encoded_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let mut wire = sample(&bytes).encode_to_vec();
        for (at, byte) in damage {
            let length = wire.len();
            wire[at % length] = byte;
        }
        for wire in [&wire, &bytes] {
            if let Ok(decoded) = PLAN.decode(wire) {
                let mut out = Vec::new();
                PLAN.encode(&keyed(decoded.values.clone()), &mut out).unwrap();
                prop_assert_eq!(PLAN.decode(&out).unwrap().values, decoded.values);
            }
        }
    }
}

fn without_signs(json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match json {
        Json::String(text) if text == "#-0.0" => Json::from("#0.0"),
        Json::Array(items) => items.into_iter().map(without_signs).collect(),
        Json::Object(map) => map.into_iter().map(|(key, value)| (key, without_signs(value))).collect(),
        other => other,
    }
}
