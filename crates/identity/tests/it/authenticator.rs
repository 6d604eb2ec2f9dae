use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{
    Authenticator, ExchangeFuture, KeyExchange, Kind, Revocation, Revocations, Revoked, ServiceKeys, TokenError,
};
use secrecy::SecretString;
use serde_json::json;

use crate::forge::{Key, NOW, Source, claims_with, clock, verifier};

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

/// Knows one key, and counts how often it is asked.
struct Exchange {
    token: Mutex<String>,
    asked: AtomicUsize,
}

impl KeyExchange for Exchange {
    fn exchange(&self, key: &str, peer: Option<IpAddr>) -> ExchangeFuture {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let is_good = key == "mak_good" && peer.is_none_or(|peer| peer.is_loopback());
        let token = self.token.lock().unwrap().clone();
        let answer = if is_good { Ok(token) } else { Err(Fault::new(Reason::WrongCredentials)) };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn a_key_is_exchanged_once_for_as_long_as_its_token_is_good() {
    let key = Key::new("key-1", 1);
    let token = |session: &str| {
        let claims = json!({"sub": "service:robot", "sid": session, "org": "acme", "org_roles": ["reader"]});
        key.sign(&key.header().to_string(), &claims_with(&claims))
    };
    let exchange = Arc::new(Exchange { token: Mutex::new(token("one")), asked: AtomicUsize::new(0) });
    let revocations = Revocations::none();
    let authenticator = authenticator(&key).judging_by(revocations.clone());
    let shown = headers(&["Bearer mak_good"]);
    assert_eq!(authenticator.key(&shown), None, "keys are taken nowhere but where they are exchanged");
    assert!(authenticator.authenticate(&shown).await.is_err());

    let authenticator = authenticator.exchanging(Arc::clone(&exchange) as Arc<dyn KeyExchange>);
    assert_eq!(authenticator.key(&headers(&[&format!("Bearer {}", key.token())])), None);
    let shown = authenticator.key(&shown).unwrap();
    for _ in 0..3 {
        let (principal, header) = authenticator.exchange(shown, None).await.unwrap();
        assert_eq!((principal.kind(), principal.uid()), (Kind::Service, Some("service:robot")));
        assert_eq!(
            (principal.organisation(), principal.organisation_roles()),
            (Some("acme"), &["reader".to_owned()][..])
        );
        assert!(header.is_sensitive() && header.to_str().unwrap() == format!("Bearer {}", token("one")));
    }
    assert_eq!(exchange.asked.load(Ordering::SeqCst), 1);
    // From another place it is asked anew, and from where it may not be used it is worth nothing.
    authenticator.exchange(shown, Some("127.0.0.1".parse().unwrap())).await.unwrap();
    let elsewhere = authenticator.exchange(shown, Some("203.0.113.7".parse().unwrap())).await.unwrap_err();
    assert_eq!((elsewhere.reason(), exchange.asked.load(Ordering::SeqCst)), (Some(Reason::WrongCredentials), 3));

    // What is revoked is not used any more; a new token is, and where there is none the answer is that of whoever knows.
    let what = Revoked::Session("one".into());
    revocations.add([Revocation { account: "service:robot".into(), what, at: NOW, forget_at: NOW + 360 }]);
    assert_eq!(authenticator.exchange(shown, None).await.unwrap_err().reason(), Some(Reason::SessionEnded));
    *exchange.token.lock().unwrap() = token("two");
    authenticator.exchange(shown, None).await.unwrap();
}
