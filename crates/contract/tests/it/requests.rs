//! Requests taken apart by the table, with `wire::frame`, which looks for one field at a time, as the oracle.

use mainstay_contract::{Role, Verb};
use mainstay_wire::frame;
use proptest::prelude::*;

const ROLES: [Role; 20] = [
    Role::Name,
    Role::Parent,
    Role::Id,
    Role::Body,
    Role::Mask,
    Role::Etag,
    Role::RequestId,
    Role::ValidateOnly,
    Role::AllowMissing,
    Role::Force,
    Role::PageSize,
    Role::PageToken,
    Role::Filter,
    Role::OrderBy,
    Role::ShowDeleted,
    Role::Search,
    Role::Rows,
    Role::NextPageToken,
    Role::Expand,
    Role::Expanded,
];

fn update(parts: &[(u32, &[u8])]) -> Vec<u8> {
    let mut wire = Vec::new();
    parts.iter().for_each(|(number, value)| frame::put_message(*number, value, &mut wire));
    wire
}

#[test]
fn each_field_is_found_by_what_it_is_for() {
    let mut wire = update(&[(1, b"body"), (4, b"id")]);
    frame::put_field_mask(2, &["title", "price.units"], &mut wire);
    frame::put_varint(3, 1, &mut wire);
    let request = Verb::Update.read(&wire).expect("a request");
    assert_eq!((request.bytes(Role::Body), request.text(Role::RequestId).unwrap()), (&b"body"[..], "id"));
    assert_eq!(request.mask(Role::Mask).unwrap().unwrap(), ["title", "price.units"]);
    assert!(request.flag(Role::AllowMissing) && !request.flag(Role::ValidateOnly));
}

#[test]
fn what_a_method_has_not_is_unset() {
    let wire = update(&[(1, b"products/cup"), (2, b"etag?"), (15, b"?"), (4000, b"?")]);
    let request = Verb::Get.read(&wire).expect("a request");
    assert_eq!(request.text(Role::Name).unwrap(), "products/cup");
    assert_eq!((request.text(Role::Etag).unwrap(), request.has(Role::Etag)), ("", false));
    assert_eq!((request.flag(Role::Force), request.int32(Role::PageSize)), (false, 0));
    assert_eq!(request.mask(Role::Mask).unwrap(), None);
    assert!(request.each(Role::Rows).unwrap().is_empty());
}

#[test]
fn an_empty_message_is_there_and_an_absent_one_is_not() {
    let wire = update(&[(2, b"")]);
    let request = Verb::Update.read(&wire).expect("a request");
    assert!(request.has(Role::Mask) && !request.has(Role::Body));
    assert_eq!(request.mask(Role::Mask).unwrap(), Some(vec![]));
}

#[test]
fn a_message_in_parts_is_merged_and_of_a_text_the_last_counts() {
    let wire = update(&[(1, b"a"), (2, b"x"), (1, b"b"), (4, b"old"), (2, b"y"), (1, b"c"), (4, b"new")]);
    let request = Verb::Update.read(&wire).expect("a request");
    assert_eq!((request.bytes(Role::Body), request.bytes(Role::Mask)), (&b"abc"[..], &b"xy"[..]));
    assert_eq!(request.text(Role::RequestId).unwrap(), "new");
}

#[test]
fn a_message_in_very_many_parts_is_put_together_in_one_go() {
    let mut wire = Vec::new();
    for _ in 0..200_000 {
        frame::put_message(1, b"a", &mut wire);
        frame::put_message(2, b"b", &mut wire);
    }
    let request = Verb::Update.read(&wire).expect("a request");
    assert_eq!((request.bytes(Role::Body).len(), request.bytes(Role::Mask).len()), (200_000, 200_000));
}

#[test]
fn a_field_of_another_type_and_bytes_that_are_no_message_are_refused() {
    let mut number_for_text = Vec::new();
    frame::put_varint(1, 7, &mut number_for_text);
    let text_for_flag = update(&[(3, b"true")]);
    let fixed = [0x0d, 0, 0, 0, 0];
    for wire in [&number_for_text[..], &text_for_flag, &fixed, &[0x0a, 0x05, b'a'], &[0xff], &[0x00]] {
        assert!(Verb::Update.read(wire).is_err(), "{wire:?}");
    }
    let request = [0x22, 0x01, 0xff];
    let read = Verb::Update.read(&request[..]).expect("its frame is whole");
    assert!(read.text(Role::RequestId).is_err(), "but its text is not UTF-8");
}

#[test]
fn an_int32_may_be_negative() {
    let mut wire = Vec::new();
    frame::put_varint(2, (-5i64).cast_unsigned(), &mut wire);
    assert_eq!(Verb::List.read(&wire).expect("a request").int32(Role::PageSize), -5);
}

proptest! {
    #[test]
    fn one_pass_finds_what_one_pass_for_each_field_finds(
        parts in proptest::collection::vec((1u32..9, proptest::collection::vec(any::<u8>(), 0..6), any::<bool>()), 0..12),
        cut in any::<Option<u8>>(),
    ) {
        let mut wire = Vec::new();
        for (number, bytes, delimited) in &parts {
            if *delimited {
                frame::put_message(*number, bytes, &mut wire);
            } else {
                frame::put_varint(*number, bytes.len() as u64, &mut wire);
            }
        }
        if let Some(cut) = cut {
            wire.truncate(usize::from(cut));
        }
        for verb in Verb::ALL {
            let Ok(request) = verb.read(&wire) else { continue };
            for role in ROLES {
                let number = verb.request().number(role);
                let merged = matches!(role, Role::Body | Role::Mask | Role::Expand);
                if number == 0 {
                    prop_assert!(!request.has(role));
                } else if merged {
                    let found = frame::message(&wire, number).unwrap();
                    prop_assert_eq!((request.has(role), request.bytes(role)), (found.is_some(), &*found.unwrap_or_default()));
                } else if let Ok(Some(found)) = frame::varint(&wire, number) {
                    prop_assert_eq!(request.flag(role), found != 0);
                } else if let Ok(found) = frame::bytes(&wire, number) {
                    prop_assert_eq!(request.bytes(role), found.unwrap_or_default());
                }
            }
        }
    }
}
