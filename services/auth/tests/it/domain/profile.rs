use mainstay_auth::domain::profile::{DisplayNameError, check_picture_uri, display_name};

#[test]
fn a_name_that_is_shown_may_be_any_text_without_controls() {
    for (text, shown) in [
        ("", ""),
        ("  Ada Lovelace ", "Ada Lovelace"),
        ("Jo\u{308}rg", "Jörg"),
        ("O'Brien <script>", "O'Brien <script>"),
        ("👩‍💻 Zoë", "👩‍💻 Zoë"),
        ("نام\u{200c}خانوادگی", "نام\u{200c}خانوادگی"),
    ] {
        assert_eq!(display_name(text).as_deref(), Ok(shown));
    }
    assert_eq!(display_name("a\u{7}b"), Err(DisplayNameError::Control('\u{7}')));
    assert_eq!(display_name("a\nb"), Err(DisplayNameError::Control('\n')));
    assert_eq!(display_name("a\u{2028}b"), Err(DisplayNameError::Control('\u{2028}')));
    assert_eq!(display_name("a\u{202e}b"), Err(DisplayNameError::Control('\u{202e}')));
    assert_eq!(display_name(&"ä".repeat(100)).unwrap().chars().count(), 100);
    assert_eq!(display_name(&"ä".repeat(101)), Err(DisplayNameError::TooLong));
}

#[test]
fn a_picture_has_an_address_that_begins_with_https_and_a_host() {
    for fine in
        ["", "https://example.org", "https://cdn.example.org:8443/a/b.png?size=64&x='1'#top", "HTTPS://example.org/a"]
    {
        assert!(check_picture_uri(fine).is_ok(), "{fine}");
    }
    let long = format!("https://example.org/{}", "a".repeat(2_048));
    for wrong in [
        "http://example.org/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//example.org/a.png",
        "/a.png",
        "https:///a.png",
        "https://ada:secret@example.org/a.png",
        "https://example.org/a b.png",
        "https://example.org/\"onerror=alert(1)",
        "https://example.org/<b>",
        "https://example.org/\n",
        "https://exämple.org/a.png",
        " https://example.org",
        &long,
    ] {
        assert!(check_picture_uri(wrong).is_err(), "{wrong}");
    }
}
