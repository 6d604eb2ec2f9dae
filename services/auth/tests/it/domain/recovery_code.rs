use std::collections::HashSet;

use mainstay_auth::domain::account::AccountId;
use mainstay_auth::domain::one_time_secret::HashKey;
use mainstay_auth::domain::recovery_code::RecoveryCode;

#[test]
fn a_code_is_read_as_people_type_it_and_is_good_for_one_account() {
    let (key, ada, eve) = (HashKey::new(&[1; 32]), AccountId::generate(), AccountId::generate());
    let code = RecoveryCode::generate().unwrap();
    let text = code.to_text();
    let hash = code.hash(&key, ada);
    let typed = [
        text.clone(),
        text.to_uppercase(),
        text.replace('-', ""),
        text.replace('-', "  "),
        text.replace('1', "l").replace('0', "O"),
    ];
    for typed in typed {
        assert_eq!(RecoveryCode::parse(&typed).unwrap().hash(&key, ada), hash, "{typed}");
    }
    assert_ne!(code.hash(&key, eve), hash);
    assert_ne!(code.hash(&HashKey::new(&[2; 32]), ada), hash);
    assert_eq!(format!("{code:?}"), "RecoveryCode(***)");
    for text in ["", "abcd-efgh-jkm", "abcd-efgh-jkmnp", "abcd-efgh-jkmu", "äbcd-efgh-jkm", &"a".repeat(1_000)] {
        assert!(RecoveryCode::parse(text).is_none(), "{text}");
    }
}

#[test]
fn codes_are_drawn_from_all_there_are() {
    let codes = RecoveryCode::generate_all().unwrap();
    let texts: HashSet<String> = codes.iter().map(RecoveryCode::to_text).collect();
    assert_eq!(texts.len(), 10);
    let drawn: String = (0..200).map(|_| RecoveryCode::generate().unwrap().to_text()).collect();
    let signs: HashSet<char> = drawn.chars().filter(|sign| *sign != '-').collect();
    assert_eq!(signs.len(), 32);
    assert!(texts.iter().all(|text| text.len() == 14), "{texts:?}");
}
