use mainstay_auth::domain::refresh_token::RefreshToken;
use proptest::prelude::*;
use uuid::Uuid;

#[test]
fn a_token_reads_back_and_names_its_session() {
    let session = Uuid::now_v7();
    let token = RefreshToken::first_of(session).unwrap();
    let text = token.to_text();
    assert!(text.starts_with("mrt_") && text.len() == 90);
    let read = RefreshToken::parse(&text).unwrap();
    assert_eq!(read.session(), session);
    assert_eq!(read.hash(), token.hash());
    assert_eq!(read.family_hash(), token.family_hash());
}

#[test]
fn a_successor_is_of_the_same_family_and_otherwise_new() {
    let token = RefreshToken::first_of(Uuid::now_v7()).unwrap();
    let (one, two) = (token.successor().unwrap(), token.successor().unwrap());
    assert_eq!(one.family_hash(), token.family_hash());
    assert_ne!(one.hash(), token.hash());
    assert_ne!(one.hash(), two.hash());
    let other = RefreshToken::first_of(token.session()).unwrap();
    assert_ne!(other.family_hash(), token.family_hash());
}

#[test]
fn a_sealed_successor_opens_with_its_parent_alone() {
    let token = RefreshToken::first_of(Uuid::now_v7()).unwrap();
    let successor = token.successor().unwrap();
    let sealed = token.seal_successor(&successor).unwrap();
    assert_eq!(token.open_successor(&sealed).unwrap().hash(), successor.hash());
    assert!(successor.open_successor(&sealed).is_err());
    assert!(token.successor().unwrap().open_successor(&sealed).is_err());
}

#[test]
fn a_token_is_not_shown() {
    assert_eq!(format!("{:?}", RefreshToken::first_of(Uuid::now_v7()).unwrap()), "RefreshToken(***)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_the_parser_panic(text in "(mrt_)?.{0,120}") {
        if let Some(token) = RefreshToken::parse(&text) {
            prop_assert_eq!(token.to_text(), text);
        }
    }
}
