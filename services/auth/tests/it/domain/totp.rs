use mainstay_auth::domain::totp::TotpSecret;
use mainstay_keys::KeyEncryptionKey;

/// A key, and the secret of RFC 6238 appendix B sealed with it.
fn of_the_rfc() -> (KeyEncryptionKey, TotpSecret) {
    let key = KeyEncryptionKey::from_bytes(&[7; 32]).unwrap();
    let sealed = key.seal(b"mainstay auth factor x", b"12345678901234567890").unwrap();
    let secret = TotpSecret::open(&key, "x", &sealed).unwrap();
    (key, secret)
}

#[test]
fn codes_are_those_of_the_rfc() {
    let (_, secret) = of_the_rfc();
    // The last six of its eight digits.
    let rows = [
        (59, "287082", 1),
        (1_111_111_109, "081804", 37_037_036),
        (1_111_111_111, "050471", 37_037_037),
        (1_234_567_890, "005924", 41_152_263),
        (2_000_000_000, "279037", 66_666_666),
        (20_000_000_000, "353130", 666_666_666),
    ];
    for (time, code, step) in rows {
        assert_eq!(secret.step_of(code, time), Some(step), "{time}");
        assert_eq!(secret.step_of(code, time + 30), Some(step), "{time}: a step late");
        assert_eq!(secret.step_of(code, time - 30), Some(step), "{time}: a step early");
        assert_eq!(secret.step_of(code, time + 60), None, "{time}");
    }
}

#[test]
fn what_is_no_code_is_none() {
    let (_, secret) = of_the_rfc();
    assert_eq!(secret.step_of(" 287-082 ", 59), Some(1));
    for text in ["", "28708", "2870822", "28708x", "２８７０８２", &"287082 ".repeat(100), "287082\0"] {
        assert_eq!(secret.step_of(text, 59), None, "{text:?}");
    }
    assert_eq!(secret.step_of("287082", -1), None);
}

#[test]
fn a_secret_is_sealed_for_its_factor_and_shown_to_nobody() {
    let (key, secret) = of_the_rfc();
    let sealed = secret.seal(&key, "y").unwrap();
    assert!(TotpSecret::open(&key, "x", &sealed).is_err());
    assert_eq!(TotpSecret::open(&key, "y", &sealed).unwrap().to_text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(format!("{secret:?}"), "TotpSecret(***)");
    let uri = secret.uri("Shop: & Söhne", "ada@bücher.example").unwrap();
    assert!(uri.starts_with("otpauth://totp/Shop%20"), "{uri}");
    assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && uri.contains("&issuer=Shop%20"), "{uri}");
    assert_ne!(TotpSecret::generate().unwrap().to_text(), TotpSecret::generate().unwrap().to_text());
}
