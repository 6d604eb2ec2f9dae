use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use mainstay_identity::{Authenticator, Kind, ServiceKeys, TokenError};
use secrecy::SecretString;

use crate::forge::{Key, Source, clock, verifier};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn authenticator(key: &Key) -> Authenticator {
    let services = ServiceKeys::new([("gateway".to_owned(), SecretString::from(SECRET))]).unwrap();
    Authenticator::new(verifier(&Source::of(&[key]), &clock()), Arc::new(services))
}

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

#[tokio::test]
async fn no_header_is_nobody() {
    let authenticator = authenticator(&Key::new("key-1", 1));
    let principal = authenticator.try_authenticate(&HeaderMap::new()).unwrap().unwrap();
    assert_eq!(principal.kind(), Kind::Anonymous);
    assert_eq!(principal.uid(), None);
}

#[tokio::test]
async fn tokens_and_service_credentials_are_told_apart() {
    let key = Key::new("key-1", 1);
    let authenticator = authenticator(&key);
    let user = authenticator.authenticate(&headers(&[&format!("Bearer {}", key.token())])).await.unwrap();
    assert_eq!(user.kind(), Kind::User);
    let service = format!("bearer  mainstay-service.gateway.{SECRET}");
    let service = authenticator.try_authenticate(&headers(&[&service])).unwrap().unwrap();
    assert_eq!(service.kind(), Kind::Service);
}

#[tokio::test]
async fn a_credential_that_is_not_valid_is_never_nobody() {
    let key = Key::new("key-1", 1);
    let authenticator = authenticator(&key);
    let good = format!("Bearer {}", key.token());
    for values in [
        &["Bearer"][..],
        &["Bearer "],
        &[""],
        &["Basic YWRhOnNlY3JldA=="],
        &["Bearer not-a-token"],
        &["Bearer mainstay-service.gateway.wrong"],
        &["Bearer \u{e9}"],
        &[&good, &good],
        &["", &good],
    ] {
        assert!(authenticator.authenticate(&headers(values)).await.is_err(), "{values:?}");
    }
    let two = authenticator.authenticate(&headers(&[&good, &good])).await;
    assert!(matches!(two, Err(TokenError::Header)));
}
