//! Several gateways that count together in a Redis, and what holds while that is away.

use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use mainstay_gateway::{By, Config, LimitsConfig, PolicyConfig, RedisConfig};
use mainstay_layers::Body;
use mainstay_testkit::redis::Redis;
use mainstay_testkit::wait::until;

use super::{daily, from, get, hourly, left, limits, started};
use crate::support::{Harness, full};

/// With more time than a busy machine lets an answer wait.
fn shared_by(redis: &Redis, gateways: u32) -> RedisConfig {
    RedisConfig { url: Some(redis.url().into()), timeout_ms: 5_000, gateways }
}

async fn gateway(redis: &Redis, policy: PolicyConfig) -> Harness {
    let redis = shared_by(redis, 3);
    let limits = LimitsConfig { redis, ..limits(&[("shared", policy)]) };
    started(Config { limits, ..Config::default() }).await
}

async fn ask(gateway: &Harness, address: &str) -> (StatusCode, u32) {
    let answered = gateway.send(from(address, get("/orders/v1/orders/1"))).await;
    (answered.status, left(&answered).1)
}

/// Waits until a gateway counts in the Redis: of what it counts for itself, a third is there.
async fn counts_together(gateway: &Harness, quota: u32) {
    let mut number = 0;
    until("the gateway counts together with others", || {
        number += 1;
        let address = format!("198.51.{}.{}", number / 250, number % 250);
        async move { (ask(gateway, &address).await.1 == quota - 1).then_some(()) }
    })
    .await;
}

async fn three(redis: &Redis, quota: u32) -> [Harness; 3] {
    let policy = || hourly(By::Address, quota, &[]);
    let gateways = [gateway(redis, policy()).await, gateway(redis, policy()).await, gateway(redis, policy()).await];
    for gateway in &gateways {
        counts_together(gateway, quota).await;
    }
    gateways
}

#[tokio::test]
async fn three_gateways_allow_what_one_would() {
    let redis = Redis::start();
    let gateways = three(&redis, 300).await;
    let mut allowed = 0;
    for _ in 0..200 {
        let answers = futures_util::future::join_all(gateways.iter().map(|gateway| ask(gateway, "192.0.2.7"))).await;
        allowed += answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    }
    assert!((300..=330).contains(&allowed), "{allowed}: within ten in a hundred of what is allowed");
    let (status, left) = ask(&gateways[0], "192.0.2.8").await;
    assert_eq!((status, left), (StatusCode::OK, 299), "another address has its own");
    assert_eq!(ask(&gateways[1], "192.0.2.8").await.1, 298);
}

#[tokio::test]
async fn while_the_redis_is_away_each_gateway_allows_its_part_and_it_is_found_again() {
    let mut redis = Redis::start();
    let gateways = three(&redis, 30).await;
    redis.stop();
    for gateway in &gateways {
        // The first call may still find out.
        let mut allowed = 0;
        for _ in 0..30 {
            allowed += u32::from(ask(gateway, "192.0.2.7").await.0 == StatusCode::OK);
        }
        assert_eq!(allowed, 10);
        let metrics = gateway.metrics.render();
        let failures = metrics.lines().find(|line| line.starts_with("mainstay_rate_limit_store_failures_total"));
        assert!(failures.is_some_and(|line| !line.ends_with(" 0")), "{failures:?}");
    }
    redis.start_again();
    for gateway in &gateways {
        counts_together(gateway, 30).await;
    }
    let mut allowed = 0;
    for _ in 0..30 {
        for gateway in &gateways {
            allowed += u32::from(ask(gateway, "192.0.2.9").await.0 == StatusCode::OK);
        }
    }
    assert_eq!(allowed, 30);
}

#[tokio::test]
async fn no_call_waits_for_a_redis_that_hangs() {
    let redis = Redis::start();
    let deadline = Duration::from_secs(3);
    let patient = RedisConfig { timeout_ms: 3_000, ..shared_by(&redis, 3) };
    let limits = LimitsConfig { redis: patient, ..limits(&[("shared", daily(By::Address, 300, &[]))]) };
    let gateway = started(Config { limits, ..Config::default() }).await;
    counts_together(&gateway, 300).await;
    redis.hold();
    let began = Instant::now();
    for number in 0..50 {
        let (status, _) = ask(&gateway, &format!("192.0.2.{number}")).await;
        assert_eq!(status, StatusCode::OK);
    }
    // One waits, and no other does: else it were as many deadlines.
    assert!(began.elapsed() < 25 * deadline);
    redis.go_on();
    counts_together(&gateway, 300).await;
}

#[tokio::test]
async fn what_was_used_under_another_policy_is_no_more_than_all_of_this_one() {
    let redis = Redis::start();
    let start = async |policy: PolicyConfig| {
        let limits = LimitsConfig { redis: shared_by(&redis, 1), ..limits(&[("shared", policy)]) };
        let gateway = started(Config { limits, ..Config::default() }).await;
        until("the gateway counts in the Redis", || async {
            let metrics = gateway.metrics.render();
            metrics.contains("mainstay_job_last_run_seconds{mainstay_job_name=\"rate limits\"}").then_some(())
        })
        .await;
        gateway
    };
    let before = start(PolicyConfig { burst: Some(1_000), ..daily(By::Address, 10, &[]) }).await;
    let names: Vec<String> = (0..1_000).map(|number| format!("names=orders/{number}")).collect();
    let batch = from("192.0.2.7", get(&format!("/orders/v1/orders:batchGet?{}", names.join("&"))));
    assert_eq!(before.send(batch).await.status, StatusCode::OK);
    let after = start(daily(By::Address, 1_000, &[])).await;
    let refused = after.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait <= 87, "one comes back each 86.4 s, and no hundred days are to be waited for: {wait}");
}

#[tokio::test]
async fn batches_and_several_policies_count_together_as_well() {
    let redis = Redis::start();
    let policies = || {
        let gets = ["orders.v1.OrderService/*"];
        limits(&[("a-wide", daily(By::Address, 1_000, &[])), ("b-narrow", hourly(By::Method, 100, &gets))])
    };
    let start = async || {
        let limits = LimitsConfig { redis: shared_by(&redis, 2), ..policies() };
        started(Config { limits, ..Config::default() }).await
    };
    let (one, other) = (start().await, start().await);
    let batch = |size: usize| {
        let names: Vec<String> = (0..size).map(|number| format!("names=orders/{number}")).collect();
        from("192.0.2.7", get(&format!("/orders/v1/orders:batchGet?{}", names.join("&"))))
    };
    for gateway in [&one, &other] {
        until("the gateway counts together with others", || async {
            let answered = gateway.send(from("203.0.113.1", get("/orders/v1/orders/1"))).await;
            // Alone it would allow fifty.
            (left(&answered).1 > 50).then_some(())
        })
        .await;
    }
    assert_eq!(left(&one.send(batch(60)).await), ("b-narrow".to_owned(), 40, 2_160));
    let refused = other.send(batch(60)).await;
    assert_eq!((refused.status, left(&refused).1), (StatusCode::TOO_MANY_REQUESTS, 39));
    assert_eq!(left(&other.send(batch(39)).await).1, 0);
    // The wide one has counted what was let in, and that it was asked: 60, 1 and 39.
    let answered = one.send(from("192.0.2.7", post_commit())).await;
    assert_eq!((left(&answered).0.as_str(), left(&answered).1), ("a-wide", 899));
}

/// A Commit without a write.
fn post_commit() -> Request<Body> {
    Request::builder().method(Method::POST).uri("/orders/v1:commit").body(full("{}")).unwrap()
}
