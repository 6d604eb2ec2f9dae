use mainstay_auth::domain::strength::weakness;

#[test]
fn what_is_guessed_at_once_is_told_with_a_remedy() {
    for (password, part) in [
        ("password", "password"),
        ("12345678", "Add another word"),
        ("qwertyuiop", "common password"),
        ("aaaaaaaaaaaa", "Repeats"),
        ("2019-12-31", "Dates"),
        ("P@ssw0rd", "substitutions"),
    ] {
        let said = weakness(password, &[], 2).unwrap_or_else(|| panic!("{password} is let through"));
        assert!(said.contains(part), "{password}: {said}");
        assert!(!said.contains(password) || password == "password", "{said}");
    }
}

#[test]
fn what_holds_is_let_through_and_more_can_be_asked_for() {
    for password in ["correct horse battery", "gT7#qLw9zR", "Donaudampfschifffahrt", "пароль надёжный весьма"]
    {
        assert_eq!(weakness(password, &[], 2), None, "{password}");
    }
    assert_eq!(weakness("password", &[], 0), None, "nothing is asked for");
    let middling = "tr0ub4dour&3";
    assert!(weakness(middling, &[], 1).is_none() && weakness(middling, &[], 4).is_some());
    assert!(weakness(&"x1".repeat(2_000), &[], 5).is_some(), "however long");
}

#[test]
fn what_a_guesser_knows_of_the_owner_counts() {
    assert_eq!(weakness("lovelaceconsulting", &[], 2), None);
    assert!(weakness("lovelaceconsulting", &["lovelaceconsulting"], 2).is_some());
}
