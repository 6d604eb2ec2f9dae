use mainstay_auth::domain::one_time_secret::{HashKey, Issued, LinkSecret, PREFIX, Purpose};
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
    assert!(issued(&one).admits(one.hash(), &[Purpose::ResetPassword], 1_500));
    assert!(!issued(&one).admits(other.hash(), &[Purpose::ResetPassword], 1_500));
}

#[test]
fn a_secret_is_good_for_its_purpose_until_its_time_and_once() {
    let secret = secret();
    let (hash, known) = (secret.hash(), issued(&secret));
    let all = [Purpose::VerifyEmail, Purpose::ChangeEmail, Purpose::ApproveEmailChange, Purpose::ResetPassword];
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
