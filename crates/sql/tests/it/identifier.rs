use mainstay_sql::{IDENTIFIER_MAX_BYTES, identifier, quote};
use proptest::prelude::*;

#[test]
fn a_short_name_stays_as_it_is() {
    assert_eq!(identifier("address__city"), "address__city");
    let longest = "a".repeat(IDENTIFIER_MAX_BYTES);
    assert_eq!(identifier(&longest), longest);
}

#[test]
fn a_long_name_is_cut_the_same_way_for_ever() {
    let name = format!("shop_v1_{}", "very_".repeat(20));
    insta::assert_snapshot!(identifier(&name), @r"shop_v1_very_very_very_very_very_very_very_very_very_v_ce585a49");
}

#[test]
fn two_long_names_with_the_same_beginning_stay_different() {
    let name = "a".repeat(80);
    let (first, second) = (format!("{name}_first"), format!("{name}_second"));
    assert_ne!(identifier(&first), identifier(&second));
}

#[test]
fn quotes_and_reserved_words_are_only_names() {
    assert_eq!(quote("select"), "\"select\"");
    assert_eq!(quote("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
    assert_eq!(quote("a\0b"), "\"ab\"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_identifier_always_fits_and_shortening_again_changes_nothing(name in "\\PC{0,100}") {
        let short = identifier(&name).into_owned();
        prop_assert!(short.len() <= IDENTIFIER_MAX_BYTES);
        prop_assert_eq!(identifier(&short), short.as_str());
    }
}
