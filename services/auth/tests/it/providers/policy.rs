//! What becomes of somebody whom a provider vouches for: the whole table.

use mainstay_auth::domain::email::Email;
use mainstay_auth::domain::provider::{Address, Decision, Local, TrustedDomains, decide};

fn address(verified: bool, trusted: bool) -> Address {
    Address { email: Email::parse("ada@example.org").unwrap(), verified, trusted }
}

#[test]
fn only_a_verified_address_of_a_trusted_domain_links() {
    let locals = [Local::None, Local::Unverified, Local::Verified];
    for local in locals {
        assert_eq!(decide(None, local), Decision::MakeWithoutAddress);
        for trusted in [false, true] {
            assert_eq!(decide(Some(&address(false, trusted)), local), Decision::MakeWithoutAddress);
        }
    }
    let decided = |local, trusted| decide(Some(&address(true, trusted)), local);
    assert_eq!(decided(Local::None, false), Decision::Make { verified: false });
    assert_eq!(decided(Local::None, true), Decision::Make { verified: true });
    assert_eq!(decided(Local::Unverified, false), Decision::Ask);
    assert_eq!(decided(Local::Verified, false), Decision::Ask);
    assert_eq!(decided(Local::Unverified, true), Decision::Reclaim);
    assert_eq!(decided(Local::Verified, true), Decision::Link);
}

#[test]
fn a_domain_is_trusted_alone_and_in_every_spelling() {
    let trusted = TrustedDomains::new(["Example.ORG", "bücher.example"]).unwrap();
    let includes = |email: &str| trusted.include(&Email::parse(email).unwrap());
    for email in ["a@example.org", "A@EXAMPLE.org", "a@bücher.example", "a@xn--bcher-kva.example"] {
        assert!(includes(email), "{email}");
    }
    for email in ["a@mail.example.org", "a@org", "a@example.org.evil.example", "a@notexample.org", "a@example.com"] {
        assert!(!includes(email), "{email}");
    }
    assert!(TrustedDomains::new(["*"]).unwrap().include(&Email::parse("a@anything.example").unwrap()));
    assert!(!TrustedDomains::default().include(&Email::parse("a@example.org").unwrap()));
    for wrong in ["", "*.example.org", "a@example.org", "exa mple.org", "https://example.org"] {
        assert!(TrustedDomains::new([wrong]).is_err(), "{wrong}");
    }
}
