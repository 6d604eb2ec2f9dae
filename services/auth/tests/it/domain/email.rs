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
        "用户@例子。公司",
        "राम@उदाहरण.भारत",
        "ส้มโอ@ตัวอย่าง.ไทย",
        "น้ำ@น้ำ.ไทย",
        "нина@пример.рф",
        "דוד@דוגמה.ישראל",
        "علي@مثال.إختبار",
        "a@xn--bcher-kva.example",
        "a@faß.example",
        "a@l·l.example",
        "〇@example.org",
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
        ("a\u{200b}da@example.org", EmailError::Invisible('\u{200b}')),
        ("a\u{202e}da@example.org", EmailError::Invisible('\u{202e}')),
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

fn key(text: &str) -> String {
    Email::parse(text).unwrap_or_else(|problem| panic!("{text:?} {problem}")).key().to_owned()
}

#[test]
fn all_spellings_of_one_address_are_one() {
    for (one, other) in [
        ("Ada@Example.ORG", "ada@example.org"),
        ("ΝΙΚΟΣ@example.org", "νικος@example.org"),
        ("νικοσ@example.org", "νικος@example.org"),
        ("STRASSE@example.org", "straße@example.org"),
        ("\u{1e9e}@example.org", "ss@example.org"),
        ("ﬁsh@example.org", "FISH@example.org"),
        ("\u{212a}elvin@example.org", "kelvin@example.org"),
        ("ЖЕНЯ@пример.РФ", "женя@ПРИМЕР.рф"),
        ("JO\u{308}RG@example.org", "jörg@example.org"),
        ("e\u{301}\u{323}@example.org", "e\u{323}\u{301}@example.org"),
        ("\u{1112}\u{1161}\u{11ab}@example.org", "한@example.org"),
        ("Ａｄａ@example.org", "ada@example.org"),
        ("ｶﾞ@example.org", "ガ@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@XN--BCHER-KVA.EXAMPLE"),
        ("a@bu\u{308}cher.example", "a@bücher.example"),
        ("a@ｅｘａｍｐｌｅ．org", "a@example.org"),
        ("a@例子。公司", "a@例子.公司"),
    ] {
        assert_eq!(key(one), key(other), "{one} {other}");
    }
}

#[test]
fn what_differs_for_its_owner_stays_two() {
    for (one, other) in [
        ("ada@example.org", "ada.l@example.org"),
        ("ada@example.org", "ada+shop@example.org"),
        ("a@faß.example", "a@fass.example"),
        ("i@example.org", "ı@example.org"),
        ("a@example.org", "á@example.org"),
    ] {
        assert_ne!(key(one), key(other), "{one} {other}");
    }
}

#[test]
fn what_nobody_sees_is_refused_wherever_it_stands() {
    for c in [
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff0}',
        '\u{2800}',
        '\u{13441}',
        '\u{16fe4}',
        '\u{1d159}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e0100}',
    ] {
        for text in [
            format!("a{c}da@example.org"),
            format!("ada{c}@example.org"),
            format!("ada@exam{c}ple.org"),
            format!("ada@example.org{c}x"),
        ] {
            let refused = Email::parse(&text).unwrap_err();
            assert_eq!(refused, EmailError::Invisible(c), "{text:?}");
            assert!(refused.to_string().contains(&format!("U+{:04X}", u32::from(c))), "{refused}");
        }
    }
    // Nor does one come in by Punycode.
    for domain in
        ["xn--11b2ezcw70k.example", "xn--mgba3gch31f060k.example", "xn--bucher-4de.example", "xn--ab-3w4a.example"]
    {
        assert!(Email::parse(&format!("a@{domain}")).is_err(), "{domain}");
    }
}

#[test]
fn what_stands_for_other_characters_is_refused() {
    for text in [
        "a@⒈com",
        "a@example⒈org",
        "①@example.org",
        "x²@example.org",
        "a@½.example",
        "Ⅷ@example.org",
        "a@ⅷ.example",
        "℡@example.org",
        "a@a․com",
        "a@a…com",
        "𝐚da@example.org",
        "a@\u{1d41a}.org",
        "a⑴@example.org",
        "ª@example.org",
    ] {
        let refused = Email::parse(text).unwrap_err();
        assert!(matches!(refused, EmailError::Disguised(_)), "{text} {refused}");
    }
    for text in [
        "a＠b@example.org",
        "a@℀.example",
        "a@ex ample.org",
        "a@ex\u{3000}ample.org",
        "\u{301}a@example.org",
        "a.\u{301}b@example.org",
        "a@\u{301}b.org",
        "\u{e000}@example.org",
        "\u{378}@example.org",
        "☃@example.org",
        "a\u{fffc}@example.org",
        "a\u{fffd}@example.org",
        "a\u{20dd}@example.org",
        "a@☃.example",
        "a@exa_mple.org",
        "a@xn--.example",
        "a@xn--0.example",
        "a@-b.example",
        "a@b-.example",
        "a@例子。。公司",
    ] {
        assert!(Email::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn folding_twice_changes_nothing(local in "[a-zA-Z0-9\u{c0}-\u{24f}\u{300}-\u{3ff}\u{1e00}-\u{1fff}\u{ff21}-\u{ff5a}]{1,20}", domain in "[a-z\u{c0}-\u{24f}\u{370}-\u{3ff}]{1,8}") {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}.org"))
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
