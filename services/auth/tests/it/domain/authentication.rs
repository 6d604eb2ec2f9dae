use mainstay_auth::domain::authentication::{Authentication, Method};

const VERIFIED: Method = Method::Passkey { synced: true, verified: true };
const UNVERIFIED: Method = Method::Passkey { synced: false, verified: false };

fn of(methods: &[Method]) -> Authentication {
    let mut shown = Authentication::by(methods[0], 1);
    for method in &methods[1..] {
        shown = shown.with(*method, 2);
    }
    shown
}

#[test]
fn two_factors_are_something_known_and_something_held_or_a_passkey_that_has_made_sure() {
    use Method::{OneTimeSecret, Password, RecoveryCode, Totp};
    let rows: [(&[Method], &str, &[&str]); 10] = [
        (&[Password], "aal1", &["pwd"]),
        (&[OneTimeSecret], "aal1", &["otp"]),
        (&[OneTimeSecret, Password], "aal1", &["otp", "pwd"]),
        (&[Password, Totp], "aal2", &["pwd", "otp", "mfa"]),
        (&[OneTimeSecret, Totp], "aal2", &["otp", "mfa"]),
        (&[Password, RecoveryCode], "aal2", &["pwd", "otp", "mfa"]),
        (&[Password, UNVERIFIED], "aal2", &["pwd", "hwk", "mfa"]),
        (&[UNVERIFIED], "aal1", &["hwk"]),
        (&[UNVERIFIED, Totp], "aal1", &["hwk", "otp"]),
        (&[VERIFIED], "aal2", &["swk", "mfa"]),
    ];
    for (methods, level, words) in rows {
        let shown = of(methods);
        assert_eq!((shown.level(), shown.words().as_slice()), (level, words), "{methods:?}");
        assert_eq!(Authentication::from_stored(&shown.stored(), shown.time), Some(shown));
    }
}

#[test]
fn what_is_left_without_second_factors_is_of_one_factor_and_never_nothing() {
    let all = [Method::Password, Method::OneTimeSecret, Method::Totp, Method::RecoveryCode, VERIFIED, UNVERIFIED];
    for first in all {
        for second in all {
            let left = of(&[first, second]).without_second_factors();
            assert!(left.level() == "aal1" && !left.methods.is_empty(), "{first:?} {second:?}: {left:?}");
            assert_eq!(left.without_second_factors(), left);
        }
    }
}

#[test]
fn what_is_shown_again_stands_once_and_is_the_last_time() {
    let shown = of(&[Method::Password, Method::Totp]).with(Method::Totp, 9);
    assert_eq!((shown.methods.len(), shown.time), (2, 9));
    assert_eq!(Authentication::from_stored("pwd fingers", 1), None);
    assert_eq!(Authentication::from_stored("", 1), None);
}
