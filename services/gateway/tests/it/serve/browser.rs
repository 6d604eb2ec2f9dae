//! Sessions that browsers keep in cookies: which answers begin, continue and end one.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{Method, Request, StatusCode};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::Reply;
use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::support::{Answered, Harness, full, operator};

async fn post(harness: &Harness, path: &str, headers: &[(&str, &str)]) -> Answered {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    let request = request.header("sec-fetch-site", "same-origin");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    harness.send(request.body(full("{}")).unwrap()).await
}

fn cookies(answered: &Answered) -> Vec<(String, usize)> {
    let lines = answered.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
    lines.map(|line| (line.split('=').next().unwrap().to_owned(), line.split(';').next().unwrap().len())).collect()
}

/// Every answer of the platform's that has an access token of a session in it, at any depth.
fn with_tokens() -> BTreeSet<String> {
    fn has(message: &MessageDescriptor, depth: usize) -> bool {
        message.full_name() == "mainstay.auth.v1.Credentials"
            || message.get_field_by_name("session_expires_in").is_some()
            || (depth > 0
                && message.fields().any(|field| field.kind().as_message().is_some_and(|of| has(of, depth - 1))))
    }
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.filter(|method| has(&method.output(), 4)).map(|method| method.full_name().to_owned()).collect()
}

/// New methods join by themselves: whatever gives tokens gives them into cookies.
#[tokio::test]
async fn no_answer_of_a_session_in_cookies_has_a_token_in_it() {
    let harness = Harness::start().await;
    let mut found = with_tokens();
    // Nobody here holds the role that it wants: it is called in a journey.
    assert!(found.remove("mainstay.auth.v1.AccountService.ImpersonateAccount"));
    assert!(found.len() >= 10, "{found:?}");
    let cookie = format!("__Host-mainstay-access=1.{}", operator().trim_start_matches("Bearer "));
    for method in found {
        let (service, name) = method.rsplit_once('.').unwrap();
        let path = format!("/{service}/{name}");
        let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
        let output =
            pool.get_service_by_name(service).unwrap().methods().find(|of| of.name() == name).unwrap().output();
        let held = tokens_of(&output);
        harness.auth.on(&path, move |_| Ok(Reply::Message(held.clone())));
        for headers in [&[("session-mode", "cookie")][..], &[("cookie", &cookie)]] {
            let headers: Vec<_> = headers.iter().copied().chain([("cookie", cookie.as_str())]).collect();
            let answered = post(&harness, &path, &headers).await;
            assert_eq!(answered.status, StatusCode::OK, "{path}: {:?}", answered.body);
            let body = String::from_utf8_lossy(&answered.body).into_owned();
            assert!(!body.contains("SECRET"), "{path}: {body}");
            assert!(!cookies(&answered).is_empty(), "{path} keeps its tokens");
        }
    }
}

/// A message whose tokens are all set.
fn tokens_of(message: &MessageDescriptor) -> Bytes {
    fn fill(message: &MessageDescriptor) -> prost_reflect::DynamicMessage {
        let mut filled = prost_reflect::DynamicMessage::new(message.clone());
        for field in message.fields() {
            match (field.name(), field.kind()) {
                ("access_token" | "refresh_token", _) => {
                    filled.set_field(&field, prost_reflect::Value::String("SECRET".to_owned()));
                }
                ("session_expires_in", _) => filled.set_field(&field, prost_reflect::Value::I32(60)),
                (_, prost_reflect::Kind::Message(of)) if of.full_name() == "mainstay.auth.v1.Credentials" => {
                    filled.set_field(&field, prost_reflect::Value::Message(fill(&of)));
                }
                _ => {}
            }
        }
        filled
    }
    fill(message).encode_to_vec().into()
}

#[tokio::test]
async fn a_long_token_is_kept_in_several_cookies_of_a_length_that_browsers_take() {
    let harness = Harness::start().await;
    for (length, expected) in [(1, 1), (3_900, 1), (3_901, 2), (14 << 10, 4)] {
        let token = "t".repeat(length);
        harness.auth.on("/mainstay.auth.v1.SessionService/SignIn", move |_| {
            let credentials =
                pb::Credentials { access_token: token.clone(), session_expires_in: 5, ..Default::default() };
            Ok(Reply::Message(credentials.encode_to_vec().into()))
        });
        let answered = post(&harness, "/auth/v1/sessions:signIn", &[("session-mode", "cookie")]).await;
        let kept = cookies(&answered);
        assert_eq!(kept.len(), expected, "{length}");
        assert!(kept.iter().all(|(name, length)| name.starts_with("__Host-mainstay-access") && *length <= 4_096));
    }
}

#[tokio::test]
async fn who_does_not_ask_for_cookies_gets_tokens_and_none() {
    let harness = Harness::start().await;
    harness.auth.on("/mainstay.auth.v1.SessionService/SignIn", |_| {
        let credentials = pb::Credentials { access_token: "t".to_owned(), ..Default::default() };
        Ok(Reply::Message(credentials.encode_to_vec().into()))
    });
    let answered = post(&harness, "/auth/v1/sessions:signIn", &[]).await;
    assert_eq!(answered.json()["accessToken"], "t");
    assert!(cookies(&answered).is_empty());
}
