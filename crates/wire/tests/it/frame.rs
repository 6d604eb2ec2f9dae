//! Single fields of messages.

use mainstay_wire::frame;

const WIRE: &[u8] = b"\x0a\x01a\x10\x05\x0a\x01b\x18\x01\x22\x06\x0a\x01x\x0a\x01y";

#[test]
fn the_last_value_counts_and_messages_are_merged() {
    assert_eq!(frame::string(WIRE, 1), Ok(Some("b")));
    assert_eq!(frame::strings(WIRE, 1), Ok(vec!["a", "b"]));
    assert_eq!(frame::bytes(WIRE, 1), Ok(Some(&b"b"[..])));
    assert_eq!(frame::message(WIRE, 1).unwrap().as_deref(), Some(&b"ab"[..]));
    assert_eq!(frame::messages(WIRE, 1), Ok(vec![&b"a"[..], b"b"]));
    assert_eq!(frame::varint(WIRE, 2), Ok(Some(5)));
    assert_eq!(frame::int32(b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2), Ok(Some(-1)));
    assert_eq!(frame::boolean(WIRE, 3), Ok(true));
    assert_eq!(frame::field_mask(WIRE, 4).unwrap(), Some(vec!["x".to_owned(), "y".to_owned()]));
}

#[test]
fn an_unset_field_is_nothing() {
    assert_eq!(frame::string(WIRE, 9), Ok(None));
    assert_eq!(frame::message(WIRE, 9), Ok(None));
    assert_eq!(frame::boolean(WIRE, 9), Ok(false));
    assert_eq!(frame::field_mask(WIRE, 9), Ok(None));
}

#[test]
fn a_field_of_another_type_is_refused() {
    assert!(frame::string(WIRE, 2).is_err());
    assert!(frame::varint(WIRE, 1).is_err());
    assert!(frame::string(b"\x0a\x01\xff", 1).is_err());
    assert!(frame::string(b"\x0a\x05", 1).is_err());
}

#[test]
fn appended_fields_are_found_again() {
    let mut out = Vec::new();
    frame::put_bytes(1, b"", &mut out);
    frame::put_varint(2, 0, &mut out);
    assert!(out.is_empty());
    frame::put_bytes(1, b"name", &mut out);
    frame::put_varint(2, 300, &mut out);
    frame::put_message(2000, b"", &mut out);
    frame::put_field_mask(4, &["a", "b.c"], &mut out);
    assert_eq!(frame::string(&out, 1), Ok(Some("name")));
    assert_eq!(frame::varint(&out, 2), Ok(Some(300)));
    assert_eq!(frame::bytes(&out, 2000), Ok(Some(&b""[..])));
    assert_eq!(frame::field_mask(&out, 4).unwrap(), Some(vec!["a".to_owned(), "b.c".to_owned()]));
}

/// Its tag is looked for as bytes: they may stand in a text, or in the middle of another number, and are no field there.
#[test]
fn a_rare_message_field_is_found_where_it_is_a_field() {
    const RARE: u32 = 51_911;
    let mut rare = Vec::new();
    frame::put_message(RARE, b"x", &mut rare);
    let tag = &rare[..3];
    let mut chance = Vec::new();
    frame::put_message(1, &[b"a text with ", tag].concat(), &mut chance);
    assert!(!frame::has_message(&[], RARE));
    assert!(!frame::has_message(&chance, RARE));
    assert!(!frame::has_message(tag, RARE), "what breaks off is no field");
    assert!(frame::has_message(&rare, RARE));
    assert!(frame::has_message(&[chance.as_slice(), &rare].concat(), RARE));
    let mut number = Vec::new();
    frame::put_varint(RARE, 7, &mut number);
    assert!(!frame::has_message(&number, RARE), "of another wire type");
}
