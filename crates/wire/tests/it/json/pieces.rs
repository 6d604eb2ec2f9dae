//! The JSON of long messages, piece by piece: the same text, and never more than a piece of it at once.

use bytes::Bytes;
use mainstay_wire::{JsonOptions, JsonPieces, Selection, WireError};
use proptest::prelude::*;
use prost_reflect::prost::Message;

use crate::schema::{
    PLANS, descriptor,
    entropy::Entropy,
    from_json, id,
    sample::{Taste, message},
};

const ALL: &str = "test.v1.All";

fn whole(wire: &[u8], options: JsonOptions, selection: Option<&Selection>) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    PLANS.to_json_with(id(ALL), wire, options, selection, &mut out).map(|()| out)
}

fn pieces(
    wire: &[u8],
    options: JsonOptions,
    selection: Option<&Selection>,
    size: usize,
) -> Result<Vec<Vec<u8>>, WireError> {
    let wire = Bytes::copy_from_slice(wire);
    JsonPieces::new(PLANS.clone(), id(ALL), wire, options, selection.cloned(), size).collect()
}

fn sample(bytes: &[u8]) -> Vec<u8> {
    message(&descriptor(ALL), &mut Entropy::new(bytes), Taste::Anything, 5).encode_to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_pieces_are_the_whole(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        more in proptest::collection::vec(any::<u8>(), 0..100),
        emit_defaults: bool,
        size in prop_oneof![1usize..12, 12usize..300],
    ) {
        // Of two, the fields are not in order.
        for wire in [sample(&bytes), [sample(&bytes), sample(&more)].concat()] {
            let options = JsonOptions { emit_defaults };
            let (whole, pieces) = (whole(&wire, options, None), pieces(&wire, options, None, size));
            prop_assert_eq!(whole.ok(), pieces.ok().map(|pieces| pieces.concat()));
        }
    }

    #[test]
    fn the_pieces_have_what_is_selected(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        emit_defaults: bool,
        size in 1usize..50,
    ) {
        let wire = sample(&bytes);
        let paths = ["inner.innermost.tags", "inners.title", "words", "by_number", "choice_text", "bytes_value"];
        let selection = PLANS.select(id(ALL), &paths).unwrap();
        let options = JsonOptions { emit_defaults };
        let pieces = pieces(&wire, options, Some(&selection), size).unwrap();
        prop_assert_eq!(whole(&wire, options, Some(&selection)).unwrap(), pieces.concat());
    }

    #[test]
    fn damaged_messages_end_alike(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        size in 1usize..50,
    ) {
        let mut wire = sample(&bytes);
        let length = wire.len();
        for (at, byte) in damage.into_iter().filter(|_| length > 0) {
            wire[at % length] = byte;
        }
        let options = JsonOptions::default();
        if let Ok(whole) = whole(&wire, options, None) {
            prop_assert_eq!(whole, pieces(&wire, options, None, size).unwrap().concat());
        } else {
            prop_assert!(pieces(&wire, options, None, size).is_err());
        }
    }
}

#[test]
fn legal_bytes_that_no_encoder_writes_are_the_same_in_pieces() {
    for wire in [
        &b"\x92\x01\x00"[..],
        b"\x92\x01\x00\x92\x01\x02\x01\x02\x92\x01\x00",
        b"\x92\x01\x02\x01\x02\x90\x01\x03\x92\x01\x01\x04",
        b"\xa2\x01\x01a\x10\x01\xa2\x01\x01b",
        // An unknown field between two elements.
        b"\xa2\x01\x01a\xf8\x7f\x01\xa2\x01\x01b",
        b"\xb2\x01\x05\x0a\x01a\x10\x01\xf8\x7f\x01\xb2\x01\x05\x0a\x01b\x10\x02",
        b"\x0a\x01a\x0a\x00",
        b"\xda\x01\x01a\xe0\x01\x05",
        b"",
    ] {
        for emit_defaults in [false, true] {
            let options = JsonOptions { emit_defaults };
            for size in 1..8 {
                let pieces = pieces(wire, options, None, size).unwrap().concat();
                assert_eq!(whole(wire, options, None).unwrap(), pieces, "{wire:?} {size}");
            }
        }
    }
}

/// What is long is taken apart wherever it is: no piece is much larger than was asked for.
#[test]
fn no_piece_is_much_longer_than_asked_for() {
    const SIZE: usize = 1_000;
    let long = "ä\\n\u{1f600}".repeat(5_000);
    let base64 = "QUJD".repeat(9_000);
    let inner = format!(r#"{{"title":"{long}","innermost":{{"text":"{long}","tags":["{long}","short","{long}"]}}}}"#);
    let packed = vec!["-1"; 9_000].join(",");
    let many = vec![r#"{"title":"a","count":1}"#; 3_000].join(",");
    for json in [
        format!(r#"{{"name":"{long}"}}"#),
        format!(r#"{{"bytesValue":"{base64}"}}"#),
        format!(r#"{{"inner":{inner}}}"#),
        format!(r#"{{"packed":[{packed}],"unpacked":["1","2"]}}"#),
        format!(r#"{{"inners":[{many},{inner},{inner}]}}"#),
        format!(r#"{{"name":"a","words":["{long}","b"],"choiceInner":{inner},"far":"{long}"}}"#),
    ] {
        let wire = from_json(ALL, &json).unwrap();
        let pieces = pieces(&wire, JsonOptions::default(), None, SIZE).unwrap();
        assert_eq!(String::from_utf8(pieces.concat()).unwrap(), json);
        let longest = pieces.iter().map(Vec::len).max().unwrap();
        assert!(longest < 2 * SIZE, "{longest}");
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.len() >= SIZE));
    }
}

/// A broken message ends the pieces: nothing is said after the error.
#[test]
fn nothing_comes_after_an_error() {
    let mut wire = from_json(ALL, &format!(r#"{{"words":["{}","b"]}}"#, "a".repeat(500))).unwrap();
    wire.truncate(wire.len() - 1);
    let mut pieces = JsonPieces::new(PLANS.clone(), id(ALL), Bytes::from(wire), JsonOptions::default(), None, 100);
    assert!(pieces.by_ref().any(|piece| piece.is_err()));
    assert!(pieces.next().is_none());
}
