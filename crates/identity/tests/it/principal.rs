use mainstay_identity::{Kind, Principal};

#[test]
fn the_system_and_nobody_have_no_uid_and_no_role() {
    for (principal, kind) in [(Principal::anonymous(), Kind::Anonymous), (Principal::system(), Kind::System)] {
        assert_eq!(principal.kind(), kind);
        assert_eq!(principal.uid(), None);
        assert!(principal.roles().is_empty());
    }
}
