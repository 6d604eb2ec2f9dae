use mainstay_auth::domain::one_time_secret::{Code, HashKey, Issued, LinkSecret, PREFIX, Purpose, Shown};
use uuid::Uuid;

fn secret() -> LinkSecret {
    LinkSecret::of(Uuid::now_v7()).unwrap()
}

fn issued(secret: &LinkSecret) -> Issued {
    Issued {
        id: secret.id(),
        purpose: Purpose::ResetPassword,
        account: None,
        address: HashKey::new(&[1; 32]).address("ada@example.org"),
        link: secret.hash(),
        code: None,
        create_time: 1_000,
        expire_time: 2_000,
        use_time: None,
    }
}

#[test]
fn a_link_is_read_as_it_was_written_and_says_its_row() {
    let secret = secret();
    let text = secret.to_text();
    assert!(text.starts_with(PREFIX) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let read = LinkSecret::parse(&text).unwrap();
    assert_eq!((read.id(), read.to_text()), (secret.id(), text));
    assert_eq!(format!("{secret:?}"), "LinkSecret(***)");
}

#[test]
fn what_is_no_link_is_none() {
    let text = secret().to_text();
    for wrong in [
        "",
        "mot_",
        "mrt_",
        &text[1..],
        &text[..text.len() - 1],
        &format!("{text}A"),
        &text.replace("mot_", "mrt_"),
        &"mot_A".repeat(100),
    ] {
        assert!(LinkSecret::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn of_two_secrets_of_one_row_one_is_good() {
    let one = secret();
    let other = LinkSecret::of(one.id()).unwrap();
    assert_ne!(one.to_text(), other.to_text());
    assert!(issued(&one).admits(Shown::Link(one.hash()), &[Purpose::ResetPassword], 1_500));
    assert!(!issued(&one).admits(Shown::Link(other.hash()), &[Purpose::ResetPassword], 1_500));
}

#[test]
fn a_secret_is_good_for_its_purpose_until_its_time_and_once() {
    let secret = secret();
    let (hash, known) = (Shown::Link(secret.hash()), issued(&secret));
    let all = Purpose::ALL;
    assert!(!known.admits(Shown::Code(secret.hash()), &all, 1_500), "a link is no code");
    assert!(known.admits(hash, &all, 1_999));
    assert!(!known.admits(hash, &all, 2_000));
    assert!(!known.admits(hash, &all[..3], 1_500));
    assert!(!Issued { use_time: Some(1_200), ..known }.admits(hash, &all, 1_500));
    for purpose in all {
        assert_eq!(Purpose::from_word(purpose.word()), Some(purpose));
    }
}

#[test]
fn addresses_are_hashed_with_a_key() {
    let (one, other) = (HashKey::new(&[1; 32]), HashKey::new(&[2; 32]));
    assert!(one.address("ada@example.org") == one.address("ada@example.org"));
    assert!(one.address("ada@example.org") != one.address("eve@example.org"));
    assert!(one.address("ada@example.org") != other.address("ada@example.org"));
}

#[test]
fn a_code_is_eight_digits_as_people_type_them() {
    let key = HashKey::new(&[1; 32]);
    let request = Uuid::now_v7();
    let code = Code::generate().unwrap();
    let text = code.to_text();
    assert!(text.len() == 9 && text.replace(' ', "").bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    assert_eq!(format!("{code:?}"), "Code(***)");
    for typed in
        [text.clone(), text.replace(' ', ""), text.replace(' ', "-"), format!(" {text}\n"), text.replace(' ', "\u{a0}")]
    {
        assert!(key.code(request, &Code::parse(&typed).unwrap()) == key.code(request, &code), "{typed}");
    }
    for wrong in ["", "1234567", "123456789", "1234567a", "\u{0661}2345678", "+1234567", &"1".repeat(100)] {
        assert!(Code::parse(wrong).is_none(), "{wrong}");
    }
    assert!(key.code(Uuid::now_v7(), &code) != key.code(request, &code), "it is good for its request");
}

#[test]
fn codes_are_drawn_from_all_there_are() {
    let drawn: std::collections::BTreeSet<String> = (0..2_000).map(|_| Code::generate().unwrap().to_text()).collect();
    assert!(drawn.len() >= 1_998, "two of two thousand may be the same, rarely");
    for digit in '0'..='9' {
        assert!(drawn.iter().any(|code| code.starts_with(digit)), "{digit} begins one, also zero");
    }
}
