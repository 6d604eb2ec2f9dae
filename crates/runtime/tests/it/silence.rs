//! A network between services on which everything gets lost, and that closes nothing.

use crate::echo::{Running, any_port, credential};
use bytes::Bytes;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_runtime::channel::{Call, Channel, GrpcChannel, RemoteConfig};
use mainstay_testkit::proxy::Proxy;
use mainstay_testkit::wait;
use std::time::{Duration, Instant};

/// Longer than a lost connection may go unnoticed, and shorter than what a call would wait for it.
const NOTICED: Duration = Duration::from_secs(25);

struct Way {
    _server: Running,
    proxy: Proxy,
    channel: Box<dyn Channel>,
}

async fn through_a_proxy() -> Way {
    let server = Running::echo(any_port(), |routes| routes);
    let proxy = Proxy::to(server.address).await;
    let url = format!("http://{}", proxy.address());
    let channel = GrpcChannel::connect(&RemoteConfig { url, ..RemoteConfig::default() }, Some(&credential())).unwrap();
    Way { _server: server, proxy, channel: Box::new(channel) }
}

impl Way {
    async fn call(&self, method: &str) -> Result<Bytes, Fault> {
        // Nobody would notice by his deadline.
        let deadline = Instant::now() + Duration::from_secs(300);
        let call = Call::new(method, Principal::anonymous(), Bytes::from_static(b"hello")).deadline(deadline);
        self.channel.call(call).await?.message()
    }
}

#[tokio::test]
async fn a_call_does_not_wait_for_an_answer_over_a_connection_that_is_lost() {
    let way = through_a_proxy().await;
    way.call("/t.Echo/Say").await.unwrap();
    way.proxy.lose_connections();
    let lost = tokio::time::timeout(NOTICED, way.call("/t.Echo/Say")).await.expect("it is noticed");
    assert_eq!(lost.unwrap_err().reason(), Some(Reason::Unavailable));
    tokio::time::timeout(NOTICED, way.call("/t.Echo/Say")).await.expect("the next goes another way").unwrap();
}

#[tokio::test]
async fn a_service_that_nothing_reaches_is_unavailable_until_something_does() {
    let way = through_a_proxy().await;
    way.call("/t.Echo/Say").await.unwrap();
    way.proxy.lose_everything();
    for _ in 0..2 {
        let lost = tokio::time::timeout(NOTICED, way.call("/t.Echo/Say")).await.expect("it is noticed");
        assert_eq!(lost.unwrap_err().reason(), Some(Reason::Unavailable));
    }
    way.proxy.heal();
    wait::until("calls are answered again", || async { way.call("/t.Echo/Say").await.ok() }).await;
}

#[tokio::test]
async fn a_call_that_takes_long_is_not_taken_for_a_lost_one() {
    let way = through_a_proxy().await;
    let longer = Duration::from_secs(10);
    let answer = tokio::time::timeout(longer, way.call("/t.Echo/Never")).await;
    assert!(answer.is_err(), "{answer:?}");
    way.call("/t.Echo/Say").await.unwrap();
}
