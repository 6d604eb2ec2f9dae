use mainstay_identity::{Kind, Principal, User};

#[test]
fn the_system_and_nobody_have_no_uid_and_no_role() {
    for (principal, kind) in [(Principal::anonymous(), Kind::Anonymous), (Principal::system(), Kind::System)] {
        assert_eq!(principal.kind(), kind);
        assert_eq!(principal.uid(), None);
        assert!(principal.roles().is_empty());
        assert!(!principal.is_authenticated());
    }
}

#[test]
fn users_and_services_are_signed_in() {
    assert!(Principal::user(User { uid: "u".to_owned(), ..User::default() }).is_authenticated());
    assert!(Principal::service("gateway", Vec::new()).is_authenticated());
}
