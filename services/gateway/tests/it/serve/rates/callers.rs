//! Whose calls are counted together.

use std::borrow::Cow;

use mainstay_gateway::By;
use mainstay_identity::{Principal, User};

fn named<'c>(by: By, principal: &'c Principal, address: &str) -> Option<Cow<'c, str>> {
    by.of(principal, Some(address.parse().unwrap()), "/shop.v1.ProductService/GetProduct")
}

#[test]
fn an_address_of_ipv6_is_its_network_and_a_mapped_one_of_ipv4_itself() {
    let nobody = Principal::anonymous();
    let of = |address| named(By::Address, &nobody, address).unwrap();
    assert_eq!(of("192.0.2.7"), "192.0.2.7");
    assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
    assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
    assert_eq!(By::Address.of(&nobody, None, ""), None);
}

#[test]
fn who_is_nobody_has_no_account_and_no_credential() {
    let nobody = Principal::anonymous();
    for by in [By::Account, By::Organisation, By::Credential] {
        assert_eq!(named(by, &nobody, "192.0.2.7"), None, "{by:?}");
    }
    assert!(named(By::Method, &nobody, "192.0.2.7").is_some());
}

#[test]
fn a_key_is_counted_by_itself_and_with_its_account() {
    let key = Principal::user(User {
        uid: "service:0199".to_owned(),
        session_id: Some("key-1".to_owned()),
        organisation: Some("org-1".to_owned()),
        ..User::default()
    });
    assert_eq!(named(By::Account, &key, "192.0.2.7").unwrap(), "service:0199");
    assert_eq!(named(By::Credential, &key, "192.0.2.7").unwrap(), "key-1");
    assert_eq!(named(By::Organisation, &key, "192.0.2.7").unwrap(), "org-1");
    let configured = Principal::service("data", Vec::new());
    assert_eq!(named(By::Credential, &configured, "192.0.2.7").unwrap(), "service:data");
}
