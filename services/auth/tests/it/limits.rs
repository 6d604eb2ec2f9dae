use std::net::IpAddr;
use std::sync::Arc;

use mainstay_auth::limits::{Exceeded, Limit, Limits, LimitsConfig, MAX_KEYS, Origin};
use mainstay_identity::Clock;

use crate::harness::TestClock;

fn origin(address: &str) -> Origin {
    Origin::of(Some(address.parse::<IpAddr>().unwrap()))
}

fn limits() -> (Limits, Arc<TestClock>) {
    let clock = TestClock::new();
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    (Limits::new(&LimitsConfig::default(), &shared), clock)
}

/// How many wrong passwords are let through until one is not, and the limit that it meets.
fn wrong_until_refused(limits: &Limits, from: Origin, accounts: impl Iterator<Item = String>) -> (usize, Limit) {
    for (done, account) in accounts.enumerate() {
        match limits.password(from, &account) {
            Ok(wrong) => drop(wrong),
            Err(exceeded) => return (done, exceeded.limit),
        }
    }
    panic!("no limit was met")
}

fn ada() -> impl Iterator<Item = String> {
    std::iter::repeat("ada@example.org".to_owned())
}

fn everybody() -> impl Iterator<Item = String> {
    (0..).map(|number| format!("user-{number}@example.org"))
}

#[test]
fn an_origin_is_an_address_or_the_network_that_one_household_has() {
    assert_eq!(origin("198.51.100.1"), origin("::ffff:198.51.100.1"), "one address, however it came");
    assert_ne!(origin("198.51.100.1"), origin("198.51.100.2"));
    assert_eq!(origin("2001:db8::1"), origin("2001:db8:0:0:ffff::"));
    assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
    assert_ne!(origin("2001:db8::1"), Origin::of(None));
}

#[test]
fn one_address_tries_an_account_ten_times_and_others_as_often_as_the_address_may() {
    let (limits, _) = limits();
    let attacker = origin("198.51.100.1");
    assert_eq!(wrong_until_refused(&limits, attacker, ada()), (10, Limit::Account));
    assert_eq!(wrong_until_refused(&limits, attacker, everybody()), (70, Limit::Address));
    assert_eq!(wrong_until_refused(&limits, origin("198.51.100.2"), ada()), (10, Limit::Account));
}

#[test]
fn what_is_refused_is_counted_nowhere() {
    let (limits, _) = limits();
    let attacker = origin("198.51.100.1");
    wrong_until_refused(&limits, attacker, ada());
    for _ in 0..1_000 {
        assert_eq!(limits.password(attacker, "ada@example.org").err().map(|it| it.limit), Some(Limit::Account));
    }
    assert_eq!(wrong_until_refused(&limits, attacker, everybody()), (70, Limit::Address), "neighbours go on");
}

#[test]
fn what_succeeds_or_was_not_tried_is_not_counted() {
    let (limits, _) = limits();
    let office = origin("198.51.100.1");
    for round in 0..1_000 {
        let attempt = limits.password(office, "ada@example.org").unwrap();
        if round % 2 == 0 {
            attempt.succeeded();
        } else {
            attempt.withdraw();
        }
        limits.token(office).unwrap().succeeded();
    }
    // Somebody's own right passwords do not give back the wrong ones for another account.
    for _ in 0..10 {
        limits.password(office, "eve@example.org").unwrap().succeeded();
        drop(limits.password(office, "ada@example.org").unwrap());
    }
    limits.password(office, "eve@example.org").unwrap().succeeded();
    assert!(limits.password(office, "ada@example.org").is_err());
}

#[test]
fn time_gives_it_back_and_the_refusal_says_how_much() {
    let (limits, clock) = limits();
    let attacker = origin("198.51.100.1");
    wrong_until_refused(&limits, attacker, ada());
    let Exceeded { wait, .. } = limits.password(attacker, "ada@example.org").err().unwrap();
    assert_eq!(wait.as_secs(), 10, "six a minute");
    clock.advance_seconds(9);
    assert!(limits.password(attacker, "ada@example.org").is_err());
    clock.advance_seconds(1);
    assert_eq!(wrong_until_refused(&limits, attacker, ada()).0, 1);
    clock.advance_seconds(-3_600);
    assert_eq!(
        limits.password(attacker, "ada@example.org").err().unwrap().wait.as_secs(),
        10,
        "a clock that is set back"
    );
    clock.advance_seconds(3_600);
    assert_eq!(wrong_until_refused(&limits, attacker, ada()).0, 10);
}

#[test]
fn networks_of_one_ipv6_site_share_a_larger_allowance() {
    let (limits, _) = limits();
    let mut done = 0;
    for network in 0..1_000 {
        match limits.token(origin(&format!("2001:db8:7:{network:x}::1"))) {
            Ok(wrong) => drop(wrong),
            Err(exceeded) => {
                assert_eq!(exceeded.limit, Limit::Address);
                break;
            }
        }
        done += 1;
    }
    assert_eq!(done, 8 * 80);
    assert!(limits.token(origin("2001:db8:8::1")).is_ok(), "another site");
    assert!(limits.sign_up(origin("2001:db8:7::1")).is_ok(), "another limit");
}

#[test]
fn an_attack_from_everywhere_slows_strangers_and_never_the_owner() {
    let (limits, clock) = limits();
    let home = origin("203.0.113.7");
    limits.password(home, "ada@example.org").unwrap().succeeded();
    let attackers = |range: std::ops::Range<usize>| {
        let let_through = range.map(|number| origin(&format!("10.0.{}.{}", number / 256, number % 256)));
        let_through.map(|from| (0..10).filter(|_| limits.password(from, "ada@example.org").map(drop).is_ok()).count())
    };
    assert_eq!(attackers(0..10).sum::<usize>(), 100);
    assert_eq!(attackers(10..200).sum::<usize>(), 190, "each stranger has one try, not ten");
    assert_eq!(attackers(0..10).sum::<usize>(), 0, "theirs are used up");

    assert_eq!(wrong_until_refused(&limits, home, ada()), (10, Limit::Account), "where she was signed in from before");
    let on_a_journey = origin("192.0.2.44");
    let Ok(attempt) = limits.password(on_a_journey, "ada@example.org") else { panic!("one try is always there") };
    attempt.succeeded();
    assert_eq!(wrong_until_refused(&limits, on_a_journey, ada()), (10, Limit::Account), "and known from now on");
    let mistyped = origin("192.0.2.45");
    assert_eq!(wrong_until_refused(&limits, mistyped, ada()), (1, Limit::AccountEverywhere));
    let wait = limits.password(mistyped, "ada@example.org").err().unwrap().wait;
    assert!((50..=60).contains(&wait.as_secs()), "{wait:?}");
    clock.advance_seconds(60);
    assert!(limits.password(mistyped, "ada@example.org").is_ok());
    assert!(limits.password(origin("10.0.0.1"), "bob@example.org").is_ok(), "nobody else's account is slowed");
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten_when_it_rests() {
    let (limits, clock) = limits();
    let attacker = origin("198.51.100.1");
    wrong_until_refused(&limits, attacker, ada());
    for number in 0..3 * u32::try_from(MAX_KEYS).unwrap() {
        let from = Origin::of(Some(IpAddr::V4((0x0a00_0000 | number).into())));
        limits.password(from, &format!("user-{number}@example.org")).map(drop).unwrap();
        limits.sign_up(from).unwrap();
    }
    assert!(limits.most_keys() <= MAX_KEYS, "{}", limits.most_keys());
    assert!(limits.password(attacker, "ada@example.org").is_err(), "what is used up most is remembered longest");
    clock.advance_seconds(24 * 3_600);
    limits.forget_the_rested();
    assert_eq!(limits.most_keys(), 0);
}
