use mainstay_auth::domain::role::{MAX_ROLES, RoleError, check, check_all, with};

#[test]
fn roles_have_a_shape_and_platform_roles_are_reserved() {
    for role in [
        "merchant",
        "shop.merchant",
        "a-b_c.d2",
        "mainstay.admin",
        "mainstay.impersonator",
        "mainstayer",
        &"r".repeat(64),
    ] {
        assert_eq!(check(role), Ok(()), "{role}");
    }
    for role in ["", "Merchant", "a b", "a,b", ".a", "a.", "a..b", "é", "a'b", &"r".repeat(65)] {
        assert_eq!(check(role), Err(RoleError::Shape), "{role}");
    }
    for role in ["mainstay", "mainstay.service", "mainstay.admin.x", "mainstay.owner"] {
        assert_eq!(check(role), Err(RoleError::Reserved), "{role}");
    }
}

#[test]
fn every_wrong_entry_is_named() {
    let roles = ["ok", "Bad", "mainstay.x"].map(str::to_owned);
    assert_eq!(check_all(&roles), Err(vec![(Some(1), RoleError::Shape), (Some(2), RoleError::Reserved)]));
    let many: Vec<String> = (0..=MAX_ROLES).map(|n| format!("r{n}")).collect();
    assert_eq!(check_all(&many), Err(vec![(None, RoleError::TooMany)]));
}

#[test]
fn a_role_is_held_once() {
    let held = ["a", "c"].map(str::to_owned);
    assert_eq!(with(&held, "b"), ["a", "b", "c"]);
    assert_eq!(with(&held, "c"), ["a", "c"]);
}
