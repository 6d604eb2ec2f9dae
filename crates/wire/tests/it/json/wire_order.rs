//! Legal bytes that no encoder writes in one piece.

use crate::schema::to_json;

fn written(wire: &[u8]) -> String {
    to_json("test.v1.All", wire).unwrap()
}

#[test]
fn fields_are_written_in_the_order_of_their_numbers() {
    assert_eq!(written(b"\x10\x01\x0a\x01a"), r#"{"name":"a","flag":true}"#);
}

#[test]
fn the_last_of_a_singular_scalar_counts() {
    assert_eq!(written(b"\x0a\x01a\x0a\x01b"), r#"{"name":"b"}"#);
    assert_eq!(written(b"\x0a\x01a\x0a\x00"), "{}");
}

#[test]
fn pieces_of_a_message_are_merged() {
    assert_eq!(written(b"\x8a\x01\x03\x0a\x01a\x8a\x01\x02\x10\x05"), r#"{"inner":{"title":"a","count":5}}"#);
}

#[test]
fn a_repeated_field_in_pieces_is_one_list() {
    assert_eq!(written(b"\xa2\x01\x01a\x10\x01\xa2\x01\x01b"), r#"{"flag":true,"words":["a","b"]}"#);
    assert_eq!(
        written(b"\x92\x01\x02\x01\x02\x90\x01\x03\x10\x01\x92\x01\x01\x04"),
        r#"{"flag":true,"packed":[1,2,3,4]}"#
    );
}

#[test]
fn packed_and_unpacked_are_both_taken() {
    assert_eq!(written(b"\x92\x01\x02\x01\x02"), r#"{"packed":[1,2]}"#);
    assert_eq!(written(b"\x90\x01\x01\x90\x01\x02"), r#"{"packed":[1,2]}"#);
    assert_eq!(written(b"\x9a\x01\x02\x01\x02"), r#"{"unpacked":["1","2"]}"#);
    assert_eq!(written(b"\x92\x01\x00"), "{}");
}

#[test]
fn of_a_key_given_twice_the_last_entry_counts() {
    let entry = b"\xb2\x01\x05\x0a\x01a\x10";
    let wire = [&entry[..], b"\x01", entry, b"\x02"].concat();
    assert_eq!(written(&wire), r#"{"counts":{"a":"2"}}"#);
    let many: Vec<u8> = (0..100u8).flat_map(|i| [entry as &[u8], &[i & 0x7f]].concat()).collect();
    assert_eq!(written(&many), r#"{"counts":{"a":"99"}}"#);
}

#[test]
fn a_map_entry_may_lack_its_parts() {
    assert_eq!(written(b"\xb2\x01\x00"), r#"{"counts":{"":"0"}}"#);
    assert_eq!(written(b"\xba\x01\x00"), r#"{"byNumber":{"0":{}}}"#);
    assert_eq!(written(b"\xc2\x01\x00"), r#"{"byFlag":{"false":"STATE_UNSPECIFIED"}}"#);
}

#[test]
fn of_a_oneof_the_last_member_counts() {
    assert_eq!(written(b"\xda\x01\x01a\xe0\x01\x05"), r#"{"choiceNumber":"5"}"#);
    assert_eq!(written(b"\xe0\x01\x05\xda\x01\x01a"), r#"{"choiceText":"a"}"#);
    // the first message is gone with the text that came after it
    let wire = b"\xea\x01\x03\x0a\x01a\xda\x01\x01x\xea\x01\x02\x10\x05";
    assert_eq!(written(wire), r#"{"choiceInner":{"count":5}}"#);
}

#[test]
fn thirty_two_bit_types_take_the_low_bits() {
    assert_eq!(written(b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), r#"{"int32Value":-1}"#);
    assert_eq!(written(b"\x18\x80\x80\x80\x80\x10"), "{}");
}

#[test]
fn a_flood_of_alternating_members_is_read_in_one_pass() {
    let wire: Vec<u8> =
        (0..200_000).flat_map(|i| if i % 2 == 0 { *b"\xda\x01\x00" } else { *b"\xe0\x01\x05" }).collect();
    assert_eq!(written(&wire), r#"{"choiceNumber":"5"}"#);
}

#[test]
fn malformed_bytes_are_refused() {
    for wire in [
        &b"\x0a"[..],
        b"\x0a\x05a",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\x00\x01",
        b"\x07",
        b"\x0e",
        b"\x0c",
        b"\x10",
        b"\x10\x80",
        b"\x4d\x01\x02\x03",
        b"\x59\x01",
        b"\x08\x01",
        b"\x12\x01a",
        b"\x92\x01\x01\x80",
        b"\xb2\x01\x02\x08\x01",
        b"\xfb\xff\xff\xff\x7f\x01",
    ] {
        assert!(to_json("test.v1.All", wire).is_err(), "{wire:?}");
    }
}
