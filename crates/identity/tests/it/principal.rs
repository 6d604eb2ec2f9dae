use mainstay_identity::{Kind, Principal, User};

#[test]
fn the_system_and_nobody_have_no_uid_and_no_role() {
    for (principal, kind) in [(Principal::anonymous(), Kind::Anonymous), (Principal::system(), Kind::System)] {
        assert_eq!(principal.kind(), kind);
        assert_eq!(principal.uid(), None);
        assert!(principal.roles().is_empty());
    }
}

#[test]
fn the_process_works_within_an_organisation_and_everybody_else_stays_where_their_token_says() {
    let within = Principal::system().within("acme");
    assert_eq!((within.kind(), within.organisation(), within.uid()), (Kind::System, Some("acme"), None));
    let user =
        Principal::user(User { uid: "ann".to_owned(), organisation: Some("zeta".to_owned()), ..User::default() });
    assert_eq!(user.within("acme"), user);
    assert_eq!(Principal::anonymous().within("acme").organisation(), None);
    assert_eq!(Principal::service("gateway", Vec::new()).within("acme").organisation(), None);
}
