//! Calls between services, in memory and over the network.

use crate::echo::{Running, any_port, credential, guards, policies, routes};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderValue;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Principal, User};
use mainstay_layers::stack;
use mainstay_runtime::channel::{Call, Channel, GrpcChannel, Input, RemoteConfig, Target};
use mainstay_runtime::server::TlsConfig;
use mainstay_runtime::{ServerConfig, Shutdown};
use mainstay_telemetry::TraceContext;
use serde_json::Value;
use std::time::{Duration, Instant};

fn in_memory() -> Box<dyn Channel> {
    let guards = guards();
    Box::new(GrpcChannel::in_memory(stack::inner(routes(), policies(&guards.metrics), guards)))
}

fn remote(url: String) -> Box<dyn Channel> {
    Box::new(GrpcChannel::connect(&RemoteConfig { url, ..RemoteConfig::default() }, Some(&credential())).unwrap())
}

fn call(path: &str, principal: Principal) -> Call {
    Call::new(path, principal, Bytes::from_static(b"hello"))
}

fn ada() -> Principal {
    Principal::user(User { uid: "ada".into(), ..User::default() })
}

fn gateway() -> Principal {
    Principal::service("gateway", vec!["mainstay.service".into()])
}

/// A call that is answered with a stream.
fn count(input: Input) -> Call {
    Call::new(Target::new("/t.Echo/Count").streaming(), ada(), input)
}

async fn say(channel: &dyn Channel, call: Call) -> Result<Value, Fault> {
    Ok(serde_json::from_slice(&channel.call(call).await?.message()?).unwrap())
}

#[tokio::test]
async fn in_memory_the_principal_travels_as_a_value() {
    let channel = in_memory();
    let heard = say(&*channel, call("/t.Echo/Say", ada())).await.unwrap();
    assert_eq!((heard["message"].as_str(), heard["uid"].as_str()), (Some("hello"), Some("ada")));
    let heard = say(&*channel, call("/t.Echo/Members", Principal::system())).await.unwrap();
    assert_eq!(heard["kind"], "System");
    let refused = say(&*channel, call("/t.Echo/Members", Principal::anonymous())).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Unauthenticated));
}

#[tokio::test]
async fn over_the_network_a_call_without_a_token_stays_anonymous_unless_a_service_makes_it() {
    let server = Running::echo(any_port(), |routes| routes);
    let channel = remote(server.url());
    for principal in [Principal::anonymous(), ada()] {
        let heard = say(&*channel, call("/t.Echo/Say", principal)).await.unwrap();
        assert_eq!((&heard["kind"], &heard["authorization"]), (&"Anonymous".into(), &false.into()));
    }
    let heard = say(&*channel, call("/t.Echo/Members", gateway())).await.unwrap();
    assert_eq!(heard["uid"], "service:gateway");
    let refused = say(&*channel, call("/t.Echo/Members", Principal::anonymous())).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Unauthenticated));
    let never = say(&*channel, call("/t.Echo/Say", Principal::system())).await.unwrap_err();
    assert_eq!(never.reason(), Some(Reason::Internal), "the system never goes over a wire");
    drop(channel);
    server.stop().await;
}

#[tokio::test]
async fn the_address_of_the_callers_request_travels_in_memory_and_with_a_voucher() {
    let server = Running::echo(any_port(), |routes| routes);
    let config = RemoteConfig { url: server.url(), ..RemoteConfig::default() };
    let from = |address: &str| {
        let mut call = call("/t.Echo/Say", Principal::anonymous());
        call.peer = Some(address.parse().unwrap());
        call
    };
    let heard = say(&*in_memory(), from("2001:db8::1")).await.unwrap();
    assert_eq!(heard["peer"], "2001:db8::1");
    let vouching = GrpcChannel::connect(&config, Some(&credential())).unwrap().vouching();
    assert_eq!(say(&vouching, from("2001:db8::1")).await.unwrap()["peer"], "2001:db8::1");
    let forged = secrecy::SecretString::from("mainstay-service.gateway.ffffffffffffffffffffffffffffffff");
    let forging = GrpcChannel::connect(&config, Some(&forged)).unwrap().vouching();
    let nobody = GrpcChannel::connect(&config, None).unwrap().vouching();
    let silent = GrpcChannel::connect(&config, Some(&credential())).unwrap();
    for channel in [forging, nobody, silent] {
        let heard = say(&channel, from("2001:db8::1")).await.unwrap();
        assert_eq!(heard["peer"], "127.0.0.1", "what nobody vouches for is the other end of the connection");
    }
    assert_eq!(say(&*in_memory(), call("/t.Echo/Say", Principal::system())).await.unwrap()["peer"], Value::Null);
    drop(vouching);
    server.stop().await;
}

#[tokio::test]
async fn the_callers_own_token_is_forwarded_and_verified_again() {
    let server = Running::echo(any_port(), |routes| routes);
    let channel = remote(server.url());
    let mut call = call("/t.Echo/Say", ada());
    call.token = Some(HeaderValue::from_static("Bearer forged.token.here"));
    assert_eq!(say(&*channel, call).await.unwrap_err().reason(), Some(Reason::TokenInvalid));
    drop(channel);
    server.stop().await;
}

#[tokio::test]
async fn ids_trace_deadline_and_chosen_metadata_travel() {
    let server = Running::echo(any_port(), |routes| routes);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let received = http::HeaderMap::from_iter([("traceparent".parse().unwrap(), traceparent.parse().unwrap())]);
    for channel in [in_memory(), remote(server.url())] {
        let circumstances = || {
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut call = call("/t.Echo/Say", Principal::anonymous()).deadline(deadline);
            call.request_id = Some(HeaderValue::from_static("order-42"));
            call.trace = TraceContext::from_headers(&received);
            call.metadata.insert("x-goog-fieldmask", HeaderValue::from_static("title"));
            call
        };
        let mut smuggling = circumstances();
        smuggling.metadata.insert("authorization", HeaderValue::from_static("Bearer smuggled"));
        let heard = match say(&*channel, smuggling).await {
            Ok(heard) => heard,
            // In memory there is no header to replace; the principal is what counts.
            Err(_) => say(&*channel, circumstances()).await.unwrap(),
        };
        assert_eq!((&heard["request_id"], &heard["traceparent"]), (&"order-42".into(), &traceparent.into()));
        assert_eq!((&heard["deadline"], &heard["mask"]), (&true.into(), &"title".into()));
    }
    server.stop().await;
}

#[tokio::test]
async fn faults_arrive_with_everything_that_they_say() {
    let server = Running::echo(any_port(), |routes| routes);
    for channel in [in_memory(), remote(server.url())] {
        let fault = say(&*channel, call("/t.Echo/Fail", ada())).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::FieldViolation));
        assert_eq!(fault.violations()[0].field, "title");
        let fault = say(&*channel, call("/t.Echo/Panic", ada())).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::Internal));
        let fault = say(&*channel, call("/t.Echo/Missing", ada())).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::MethodNotFound));
        let fault = say(&*channel, call("not a path", ada())).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::MethodNotFound));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_fault() {
    let server = Running::echo(any_port(), |routes| routes);
    for channel in [in_memory(), remote(server.url())] {
        let reply = channel.call(count(Bytes::from_static(b"hello").into())).await.unwrap();
        let items: Vec<_> = reply.stream().unwrap().collect().await;
        let numbers: Vec<&[u8]> = items.iter().filter_map(|item| item.as_ref().ok()).map(|bytes| &bytes[..]).collect();
        assert_eq!(numbers, [b"1", b"2", b"3"]);
        assert_eq!(items[3].as_ref().unwrap_err().reason(), Some(Reason::SessionEnded));
    }
    server.stop().await;
}

#[tokio::test]
async fn messages_of_the_caller_arrive_as_they_come_and_a_break_breaks_the_call_off() {
    let server = Running::echo(any_port(), |routes| routes);
    for channel in [in_memory(), remote(server.url())] {
        let messages = |items: Vec<Result<&'static str, Fault>>| {
            let items = items.into_iter().map(|item| item.map(|text| Bytes::from_static(text.as_bytes())));
            Input::Stream(futures_util::stream::iter(items).boxed())
        };
        let joined = Call::new("/t.Echo/Join", ada(), messages(vec![Ok("a"), Ok("b"), Ok("c")]));
        assert_eq!(channel.call(joined).await.unwrap().message().unwrap(), "abc");
        let broken = vec![Ok("a"), Err(Fault::new(Reason::PayloadTooLarge))];
        let fault = channel.call(Call::new("/t.Echo/Join", ada(), messages(broken))).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::PayloadTooLarge), "what came is not taken for all");
        let echoed = Call::new(Target::new("/t.Echo/Each").streaming(), ada(), messages(vec![Ok("a"), Ok("b")]));
        let items: Vec<_> = channel.call(echoed).await.unwrap().stream().unwrap().map(Result::unwrap).collect().await;
        assert_eq!(items, ["a", "b"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_call_travels_and_is_told_to_who_may_call() {
    let server = Running::echo(any_port(), |routes| routes);
    for channel in [in_memory(), remote(server.url())] {
        let wrong = |principal: Principal, method: &str| {
            let mut call = call(method, principal);
            call.defects = Some(Fault::new(Reason::UnknownField).violation("book.colour", "is no field"));
            call
        };
        let refused = say(&*channel, wrong(Principal::anonymous(), "/t.Echo/Members")).await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::Unauthenticated));
        for (principal, method) in [(gateway(), "/t.Echo/Members"), (Principal::anonymous(), "/t.Echo/Say")] {
            let told = say(&*channel, wrong(principal, method)).await.unwrap_err();
            assert_eq!(told.reason(), Some(Reason::UnknownField));
            assert_eq!(told.violations()[0].field, "book.colour");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn no_call_waits_past_its_deadline() {
    let server = Running::echo(any_port(), |routes| routes);
    for channel in [in_memory(), remote(server.url())] {
        let call = call("/t.Echo/Never", ada()).deadline(Instant::now() + Duration::from_millis(50));
        assert_eq!(channel.call(call).await.unwrap_err().reason(), Some(Reason::DeadlineExceeded));
    }
    server.shutdown.force();
    server.ended().await;
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable_and_is_found_again() {
    let server = Running::echo(any_port(), |routes| routes);
    let (address, channel) = (server.address, remote(server.url()));
    assert!(say(&*channel, call("/t.Echo/Say", ada())).await.is_ok());
    server.stop().await;
    let fault = say(&*channel, call("/t.Echo/Say", ada())).await.unwrap_err();
    assert_eq!(fault.reason(), Some(Reason::Unavailable));
    assert!(!String::from_utf8(fault.to_json()).unwrap().contains("127.0.0.1"), "no address is shown");
    let server = Running::echo(address, |routes| routes);
    // The lost connection is noticed by the first call at the latest.
    let mut answered = say(&*channel, call("/t.Echo/Say", ada())).await;
    if answered.is_err() {
        answered = say(&*channel, call("/t.Echo/Say", ada())).await;
    }
    assert_eq!(answered.unwrap()["message"], "hello");
    server.shutdown.force();
    server.ended().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_when_the_channel_is_made() {
    for url in ["", "127.0.0.1:9000", "ftp://x", "http://", "unix:/x"] {
        let error =
            GrpcChannel::connect(&RemoteConfig { url: url.into(), ..RemoteConfig::default() }, None).unwrap_err();
        assert!(error.to_string().contains("write http://host:port"), "{url}: {error}");
    }
    let missing = RemoteConfig {
        url: "https://localhost:1".into(),
        ca_file: Some("/no/such/file".into()),
        ..RemoteConfig::default()
    };
    assert!(GrpcChannel::connect(&missing, None).unwrap_err().to_string().contains("/no/such/file"));
}

#[tokio::test]
async fn a_service_behind_tls_is_believed_only_with_a_certificate_that_is_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_file, made.cert.pem()).unwrap();
    std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
    let tls = TlsConfig::new(cert_file.clone(), key_file);
    let guards = guards();
    let stack = stack::listener(routes(), policies(&guards.metrics), guards);
    let config = ServerConfig { tls: Some(tls), ..ServerConfig::at(any_port()) };
    let server = Running::serve(&config, stack, Shutdown::new());

    let url = format!("https://localhost:{}", server.address.port());
    let trusting = RemoteConfig { url: url.clone(), ca_file: Some(cert_file), ..RemoteConfig::default() };
    let channel = GrpcChannel::connect(&trusting, Some(&credential())).unwrap();
    assert_eq!(say(&channel, call("/t.Echo/Members", gateway())).await.unwrap()["uid"], "service:gateway");
    let wary = GrpcChannel::connect(&RemoteConfig { url, ..RemoteConfig::default() }, Some(&credential())).unwrap();
    let refused = say(&wary, call("/t.Echo/Members", gateway())).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Unavailable));
    server.shutdown.force();
    server.ended().await;
}
