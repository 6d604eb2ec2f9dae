use mainstay_auth::domain::password::{MAX_PASSWORD_BYTES, Password, PasswordError};

#[test]
fn length_is_counted_in_characters_and_bounded_in_bytes() {
    assert!(Password::choose("12345678", 8).is_ok());
    assert_eq!(Password::choose("1234567", 8).err(), Some(PasswordError::TooShort(8)));
    assert!(Password::choose("äöüäöüäö", 8).is_ok());
    assert_eq!(Password::choose("äöüäöüä", 8).err(), Some(PasswordError::TooShort(8)));
    assert!(Password::choose(&"x".repeat(MAX_PASSWORD_BYTES), 8).is_ok());
    assert_eq!(Password::choose(&"x".repeat(MAX_PASSWORD_BYTES + 1), 8).err(), Some(PasswordError::TooLong));
    assert_eq!(Password::choose("", 8).err(), Some(PasswordError::Empty));
}

#[test]
fn spaces_count_and_stay() {
    assert_eq!(Password::choose("  pass  word ", 8).unwrap().as_bytes(), b"  pass  word ");
}

#[test]
fn the_same_characters_are_the_same_bytes() {
    let composed = Password::attempt("Am\u{e9}lie\u{fb01}").unwrap();
    let decomposed = Password::attempt("Ame\u{301}liefi").unwrap();
    assert_eq!(composed.as_bytes(), decomposed.as_bytes());
}
