use mainstay_identity::{Kind, OPERATOR, ServiceKeys, ServiceKeysError, TokenError, roles};
use secrecy::{ExposeSecret, SecretString};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn keys(accounts: &[(&str, &str)]) -> Result<ServiceKeys, ServiceKeysError> {
    ServiceKeys::new(accounts.iter().map(|(name, secret)| ((*name).to_owned(), SecretString::from(*secret))))
}

#[test]
fn a_service_is_known_by_its_name_and_secret() {
    let keys = keys(&[("gateway", SECRET), ("data", "another-secret-of-32-characters!")]).unwrap();
    let credential = ServiceKeys::credential("gateway", &SecretString::from(SECRET));
    assert!(ServiceKeys::is_service_credential(credential.expose_secret()));

    let principal = keys.authenticate(credential.expose_secret()).unwrap();
    assert_eq!(principal.kind(), Kind::Service);
    assert_eq!(principal.uid(), Some("service:gateway"));
    assert!(principal.has_role(roles::SERVICE) && !principal.has_role(roles::ADMIN));
}

#[test]
fn only_the_operator_administers() {
    let keys = keys(&[(OPERATOR, SECRET)]).unwrap();
    let principal = keys.authenticate(&format!("mainstay-service.operator.{SECRET}")).unwrap();
    assert!(principal.has_role(roles::ADMIN));
}

#[test]
fn wrong_names_and_secrets_are_refused_alike() {
    let keys = keys(&[("gateway", SECRET)]).unwrap();
    for credential in [
        "mainstay-service.gateway.0123456789abcdef0123456789abcdeF".to_owned(),
        "mainstay-service.gateway.".to_owned(),
        "mainstay-service.gateway".to_owned(),
        "mainstay-service.".to_owned(),
        format!("mainstay-service.data.{SECRET}"),
        format!("mainstay-service.Gateway.{SECRET}"),
        format!("mainstay-service..{SECRET}"),
        format!("mainstay-service.gateway.{SECRET} "),
        format!("MAINSTAY-SERVICE.gateway.{SECRET}"),
    ] {
        assert!(matches!(keys.authenticate(&credential), Err(TokenError::UnknownService)), "{credential}");
    }
}

#[test]
fn short_secrets_and_odd_names_are_refused_by_name() {
    assert_eq!(keys(&[("gateway", "short")]).unwrap_err(), ServiceKeysError::Secret("gateway".to_owned()));
    assert_eq!(keys(&[("gateway", &"é".repeat(32))]).unwrap_err(), ServiceKeysError::Secret("gateway".to_owned()));
    for name in ["", "Gateway", "a.b", "a b", &"a".repeat(65)] {
        assert_eq!(keys(&[(name, SECRET)]).unwrap_err(), ServiceKeysError::Name(name.to_owned()));
    }
}

#[test]
fn secrets_are_not_shown() {
    let keys = keys(&[("gateway", SECRET)]).unwrap();
    assert!(!format!("{keys:?}").contains(SECRET));
}
