use mainstay_auth::domain::email::{Email, EmailError};
use proptest::prelude::*;

#[test]
fn addresses_that_people_have_are_accepted() {
    for text in [
        "ada@example.org",
        "Ada.Lovelace+shop@mail.example.co.uk",
        "a@b",
        "admin@localhost",
        "o'brien@example.org",
        "x_1-2=3@example-1.org",
        "jörg@müller.example",
        "用户@例子.公司",
    ] {
        assert_eq!(Email::parse(text).unwrap().original(), text);
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_problem() {
    let long_local = format!("{}@example.org", "a".repeat(65));
    let long_label = format!("a@{}.org", "b".repeat(64));
    let long = format!("a@{}", "b.".repeat(130));
    for (text, problem) in [
        ("", EmailError::Empty),
        ("  ", EmailError::Empty),
        ("ada", EmailError::NoAt),
        ("@example.org", EmailError::NoAt),
        ("ada@", EmailError::NoAt),
        ("a b@example.org", EmailError::LocalPart),
        ("a..b@example.org", EmailError::LocalPart),
        (".a@example.org", EmailError::LocalPart),
        ("a@b@example.org", EmailError::LocalPart),
        ("\"a\"@example.org", EmailError::LocalPart),
        ("a\u{200b}da@example.org", EmailError::LocalPart),
        ("a\u{202e}da@example.org", EmailError::LocalPart),
        ("a\u{ff20}b@example.org", EmailError::LocalPart),
        ("a\nb@example.org", EmailError::LocalPart),
        ("a\u{0}@example.org", EmailError::LocalPart),
        ("ada@example..org", EmailError::Domain),
        ("ada@-example.org", EmailError::Domain),
        ("ada@exa_mple.org", EmailError::Domain),
        ("ada@[127.0.0.1]", EmailError::Domain),
        ("ada@example.org.", EmailError::Domain),
        ("ada@example.org>\r\nBcc: eve@example.org", EmailError::LocalPart),
        ("ada@example.org\r\nBcc: eve", EmailError::Domain),
        (&long_local, EmailError::LocalPart),
        (&long_label, EmailError::Domain),
        (&long, EmailError::TooLong),
    ] {
        assert_eq!(Email::parse(text), Err(problem), "{text:?}");
    }
}

#[test]
fn the_key_folds_case_and_compatibility_forms() {
    let key = |text| Email::parse(text).unwrap().key().to_owned();
    assert_eq!(key("Ada@Example.ORG"), "ada@example.org");
    assert_eq!(key("\u{ff21}da@example.org"), "ada@example.org");
    assert_eq!(key("JO\u{308}RG@example.org"), key("jörg@example.org"));
    assert_ne!(key("ada@example.org"), key("ada.@example.org".replace(".@", "@x").as_str()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn folding_twice_changes_nothing(local in "[a-zA-Z0-9\u{c0}-\u{24f}\u{ff21}-\u{ff5a}]{1,20}") {
        if let Ok(email) = Email::parse(&format!("{local}@example.org"))
            && let Ok(again) = Email::parse(email.key())
        {
            prop_assert_eq!(again.key(), email.key());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,300}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(email.key().matches('@').count(), 1);
            prop_assert!(!email.key().contains(char::is_whitespace));
        }
    }
}
