use mainstay_auth::domain::search::{Condition, Key, parse};
use proptest::prelude::*;

fn one(text: &str) -> Condition {
    let mut conditions = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    assert_eq!(conditions.len(), 1, "{text}");
    conditions.remove(0)
}

#[test]
fn conditions_are_read_in_their_canonical_form() {
    const NEW_YEAR: i64 = 1_767_225_600_000_000;
    for (text, condition) in [
        ("email = \"Ada@Example.org\"", Condition::Is(Key::Email, "ada@example.org".into())),
        ("email=ada@example.org", Condition::Is(Key::Email, "ada@example.org".into())),
        ("email:'a@bücher.example'", Condition::Is(Key::Email, "a@xn--bcher-kva.example".into())),
        ("email = \"ADA*\"", Condition::Begins(Key::Email, "ada".into())),
        ("email = ada*", Condition::Begins(Key::Email, "ada".into())),
        ("user_name = \"Ada\"", Condition::Is(Key::UserName, "ada".into())),
        ("userName:ad*", Condition::Begins(Key::UserName, "ad".into())),
        ("display_name = \"Ada Lovelace\"", Condition::Is(Key::DisplayName, "ada lovelace".into())),
        ("display_name = \"ÄDA *\"", Condition::Begins(Key::DisplayName, "äda ".into())),
        (r#"display_name = "a \"b\" \*""#, Condition::Is(Key::DisplayName, "a \"b\" *".into())),
        ("roles:\"editor\"", Condition::Role("editor".into())),
        ("disable_time:*", Condition::Disabled(true)),
        ("disable_time != *", Condition::Disabled(false)),
        ("email_verified = true", Condition::Verified(true)),
        ("anonymous != true", Condition::Anonymous(false)),
        ("create_time >= \"2026-01-01T00:00:00Z\"", Condition::From(NEW_YEAR)),
        ("create_time > 2026-01-01T00:00:00Z", Condition::From(NEW_YEAR + 1)),
        ("create_time < \"2026-01-01T01:00:00+01:00\"", Condition::Before(NEW_YEAR)),
        ("create_time <= \"2026-01-01T00:00:00Z\"", Condition::Before(NEW_YEAR + 1)),
    ] {
        assert_eq!(one(text), condition, "{text}");
    }
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(parse("  ").unwrap(), []);
    assert_eq!(parse("email=a* AND roles:x  anonymous = false").unwrap().len(), 3);
    assert_eq!(parse("roles:AND AND roles:OR").unwrap().len(), 2);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let many = ["roles:a"; 9].join(" ");
    let long = format!("email = \"{}\"", "a".repeat(2_000));
    for (text, at, part) in [
        ("colour = red", 1, "`colour` is not looked for"),
        ("password_hash:*", 1, "`password_hash` is not looked for"),
        ("email", 6, "a value is expected"),
        ("email = ", 9, "a value is expected"),
        ("= x", 1, "a field is expected"),
        ("email > \"a\"", 7, "`=`"),
        ("email != \"a@example.org\"", 7, "`=`"),
        ("email = \"no address\"", 9, "has no part before and after"),
        ("email = \"*ada\"", 10, "at the end alone"),
        ("email = \"a*b\"", 11, "at the end alone"),
        ("email = *", 9, "before `*`"),
        ("email = \"ada", 9, "not closed"),
        ("user_name = \"a b\"", 13, "`a b`"),
        ("roles = editor", 7, "roles:\"editor\""),
        ("roles:*", 6, "roles:\"editor\""),
        ("create_time = \"2026-01-01T00:00:00Z\"", 13, "`<`"),
        ("create_time > yesterday", 15, "2026-01-31"),
        ("disable_time > \"2026-01-01T00:00:00Z\"", 14, "disable_time:*"),
        ("anonymous = maybe", 11, "= true"),
        ("roles:a OR roles:b", 9, "ask twice"),
        ("NOT roles:a", 1, "no NOT"),
        ("-roles:a", 1, "no NOT"),
        ("(roles:a)", 1, "no parentheses"),
        (&many, 65, "at most 8"),
        (&long, 1, "at most 1024"),
    ] {
        let problem = parse(text).unwrap_err();
        assert!(problem.what.contains(part), "{text}: {problem}");
        assert_eq!(problem.at, at, "{text}: {problem}");
    }
}

proptest! {
    #[test]
    fn whatever_is_given_is_read_or_refused(text in "\\PC{0,40}|(email|roles|create_time|disable_time)? ?[=:<>!*\"' a-zA-Z@.()-]{0,30}") {
        if let Err(problem) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&problem.at), "{}", problem);
        }
    }
}
