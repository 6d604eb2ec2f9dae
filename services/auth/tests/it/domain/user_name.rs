use mainstay_auth::domain::user_name::{UserName, UserNameError};
use proptest::prelude::*;

fn name(text: &str) -> String {
    UserName::parse(text).unwrap_or_else(|problem| panic!("{text} {problem}")).as_str().to_owned()
}

#[test]
fn names_of_all_scripts_are_taken_in_their_one_form() {
    for (text, canonical) in [
        ("ada", "ada"),
        ("Ada.Lovelace", "ada.lovelace"),
        (" ADA_99 ", "ada_99"),
        ("jörg-müller", "jörg-müller"),
        ("JO\u{308}RG", "jörg"),
        ("\u{ff21}\u{ff44}\u{ff41}", "ada"),
        ("Straße", "strasse"),
        ("ΝΙΚΟΣ", "νικοσ"),
        ("нина_к", "нина_к"),
        ("用户名", "用户名"),
        ("さくら桜", "さくら桜"),
        ("राम.कुमार", "राम.कुमार"),
        ("علياء", "علياء"),
    ] {
        assert_eq!(name(text), canonical, "{text}");
        assert_eq!(name(canonical), canonical);
    }
}

#[test]
fn what_is_no_name_is_refused_with_its_problem() {
    let long = "a".repeat(33);
    let huge = "a".repeat(5_000);
    for (text, problem) in [
        ("", UserNameError::Length),
        ("ab", UserNameError::Length),
        (&long, UserNameError::Length),
        (&huge, UserNameError::Length),
        ("ada@example.org", UserNameError::Character('@')),
        ("ada lovelace", UserNameError::Character(' ')),
        ("ada/me", UserNameError::Character('/')),
        ("ada\u{0}x", UserNameError::Character('\u{0}')),
        ("a\u{1f600}da", UserNameError::Character('\u{1f600}')),
        ("ad\u{200b}a", UserNameError::Invisible('\u{200b}')),
        ("ad\u{202e}a", UserNameError::Invisible('\u{202e}')),
        ("ad\u{ad}a", UserNameError::Invisible('\u{ad}')),
        // A Cyrillic а among Latin letters.
        ("\u{430}dam", UserNameError::MixedScripts),
        ("p\u{430}yp\u{430}l", UserNameError::MixedScripts),
        (".ada", UserNameError::Signs),
        ("ada-", UserNameError::Signs),
        ("ada.-b", UserNameError::Signs),
        ("admin", UserNameError::Reserved),
        ("ADMIN", UserNameError::Reserved),
        ("r00t", UserNameError::Reserved),
        ("he1p", UserNameError::Reserved),
    ] {
        assert_eq!(UserName::parse(text), Err(problem), "{text:?}");
    }
}

#[test]
fn names_that_look_alike_have_one_look() {
    let look = |text: &str| UserName::parse(text).unwrap().look();
    for (one, other) in [("paypal", "paypa1"), ("modern", "modem"), ("b0b", "bob"), ("оса", "oca")] {
        assert_eq!(look(one), look(other), "{one} {other}");
        assert_ne!(name(one), name(other));
    }
    assert_ne!(look("ada"), look("eda"));
}

proptest! {
    #[test]
    fn a_name_is_its_own_form_and_holds_nothing_that_stands_elsewhere(text in "\\PC{3,12}|[a-zA-Zа-я0-9._-]{3,12}") {
        if let Ok(name) = UserName::parse(&text) {
            prop_assert_eq!(UserName::parse(name.as_str()), Ok(name.clone()));
            prop_assert!(!name.as_str().contains(['@', '/', ' ', '%', '"', '\'']));
            prop_assert!((3..=32).contains(&name.as_str().chars().count()));
        }
    }
}
