use mainstay_auth::domain::locale::check;

#[test]
fn a_language_tag_is_letters_and_digits_in_short_parts() {
    for tag in ["", "de", "de-AT", "zh-Hant-TW", "sl-rozaj-biske-1994", "yue"] {
        assert!(check(tag).is_ok(), "{tag}");
    }
    let long = "de-".to_owned() + &["abcdefgh"; 4].join("-");
    for tag in ["d", "deutsch", "de_AT", "de-", "-de", "d1", "de-\u{e4}", "de\n", "../en", "en/x", "de--AT", &long] {
        assert!(check(tag).is_err(), "{tag:?}");
    }
}
