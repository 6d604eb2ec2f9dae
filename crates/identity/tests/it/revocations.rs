use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use mainstay_fault::{Fault, Reason};
use mainstay_identity::{
    Actor, Clock, MAX_REVOCATIONS, Principal, Revocation, Revocations, Revoked, TokenError, User, Verdict,
};
use proptest::prelude::*;

use crate::forge::{NOW, StoppedClock, clock};

fn token(account: &str, session: &str, epoch: i64) -> Principal {
    issued(account, session, epoch, NOW)
}

fn issued(account: &str, session: &str, epoch: i64, at: i64) -> Principal {
    Principal::user(User {
        uid: account.to_owned(),
        session_id: Some(session.to_owned()),
        issued_at: Some(at),
        expires_at: Some(at + 300),
        epoch,
        ..User::default()
    })
}

fn acting(principal: &Principal, organisation: &str) -> Principal {
    Principal::user(User {
        uid: principal.uid().unwrap_or_default().to_owned(),
        session_id: principal.session_id().map(str::to_owned),
        issued_at: principal.issued_at(),
        expires_at: principal.expires_at(),
        epoch: principal.epoch(),
        organisation: Some(organisation.to_owned()),
        ..User::default()
    })
}

/// Support, signed in with this session in this epoch, who acts as Ada.
fn by_support(own: &str, epoch: i64) -> Principal {
    let actor = Actor { uid: "support".to_owned(), session_id: own.to_owned(), epoch };
    Principal::user(User {
        uid: "ada".to_owned(),
        session_id: Some("acted".to_owned()),
        issued_at: Some(NOW),
        expires_at: Some(NOW + 300),
        actor: Some(actor),
        ..User::default()
    })
}

fn entry(account: &str, what: Revoked) -> Revocation {
    Revocation { account: account.into(), what, at: NOW, forget_at: NOW + 360 }
}

fn session(account: &str, session: &str) -> Revocation {
    entry(account, Revoked::Session(session.into()))
}

fn set(clock: &Arc<StoppedClock>, max_age: Option<Duration>) -> Revocations {
    Revocations::unheard(Arc::clone(clock) as Arc<dyn Clock>, max_age)
}

fn complete(clock: &Arc<StoppedClock>) -> Revocations {
    let revocations = set(clock, None);
    revocations.complete(Duration::ZERO);
    revocations
}

#[test]
fn a_session_that_ended_is_refused_and_no_other() {
    let revocations = complete(&clock());
    revocations.add([session("ada", "one")]);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Err(Verdict::Ended));
    assert_eq!(revocations.judge(&token("ada", "two", 0)), Ok(()));
    assert_eq!(revocations.judge(&token("bob", "one", 0)), Ok(()));
    assert_eq!(revocations.judge(&Principal::service("gateway", Vec::new())), Ok(()));
    assert_eq!(revocations.judge(&Principal::anonymous()), Ok(()));
}

#[test]
fn all_sessions_are_refused_by_their_epoch_but_the_one_that_goes_on() {
    let revocations = complete(&clock());
    revocations.add([entry("ada", Revoked::Sessions { below: 3, except: Some("kept".into()) })]);
    assert_eq!(revocations.judge(&token("ada", "kept", 2)), Ok(()));
    assert_eq!(revocations.judge(&token("ada", "other", 2)), Err(Verdict::Ended));
    assert_eq!(revocations.judge(&token("ada", "other", 3)), Ok(()));
    // Another one spares another session: both hold.
    revocations.add([entry("ada", Revoked::Sessions { below: 4, except: Some("other".into()) })]);
    assert_eq!(revocations.judge(&token("ada", "kept", 3)), Err(Verdict::Ended));
    assert_eq!(revocations.judge(&token("ada", "other", 2)), Err(Verdict::Ended));
    assert_eq!(revocations.judge(&token("ada", "other", 3)), Ok(()));
    // A token that names no session is of none that is spared.
    let nameless = Principal::user(User { uid: "ada".into(), epoch: 3, ..User::default() });
    assert_eq!(revocations.judge(&nameless), Err(Verdict::Ended));
}

#[test]
fn tokens_that_say_what_is_not_so_any_more_are_to_be_refreshed() {
    let revocations = complete(&clock());
    revocations.add([entry("ada", Revoked::Tokens { below: 2 }), entry("ada", Revoked::Tokens { below: 1 })]);
    assert_eq!(revocations.judge(&token("ada", "one", 1)), Err(Verdict::Outdated));
    assert_eq!(revocations.judge(&token("ada", "one", 2)), Ok(()));
    assert_eq!(Fault::from(TokenError::from(Verdict::Outdated)).reason(), Some(Reason::TokenExpired));
    assert_eq!(Fault::from(TokenError::from(Verdict::Ended)).reason(), Some(Reason::SessionEnded));
}

#[test]
fn what_is_revoked_is_forgotten_when_its_last_token_has_expired() {
    let clock = clock();
    let revocations = complete(&clock);
    revocations.add([session("ada", "one"), entry("ada", Revoked::Sessions { below: 1, except: None })]);
    revocations.add([session("ada", "one")]);
    assert_eq!(revocations.len(), 2, "the same again is not another one");
    clock.advance_seconds(359);
    revocations.complete(Duration::ZERO);
    assert_eq!(revocations.judge(&token("ada", "two", 0)), Err(Verdict::Ended));
    clock.advance_seconds(1);
    revocations.complete(Duration::ZERO);
    assert!(revocations.is_empty());
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Ok(()));
    revocations.add([session("ada", "one")]);
    assert!(revocations.is_empty(), "what comes too late is not kept");
}

#[test]
fn nobody_is_let_in_before_anything_was_heard() {
    let clock = clock();
    let revocations = set(&clock, None);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Err(Verdict::Unknown));
    assert_eq!(revocations.age(), None);
    assert_eq!(Fault::from(TokenError::from(Verdict::Unknown)).reason(), Some(Reason::Unavailable));
    revocations.complete(Duration::ZERO);
    clock.advance_seconds(1_000_000);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Ok(()));
}

#[test]
fn knowledge_that_is_too_old_lets_nobody_in_where_that_is_wanted() {
    let clock = clock();
    let revocations = set(&clock, Some(Duration::from_secs(30)));
    revocations.complete(Duration::from_secs(10));
    assert_eq!(revocations.age(), Some(Duration::from_secs(10)));
    clock.advance_seconds(20);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Ok(()));
    clock.advance_seconds(1);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Err(Verdict::Unknown));
    assert_eq!(revocations.judge(&Principal::service("gateway", Vec::new())), Ok(()), "it shows its key");
    revocations.complete(Duration::ZERO);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Ok(()));
}

#[test]
fn a_token_that_is_valid_for_longer_than_tokens_are_now_is_to_be_refreshed() {
    let revocations = complete(&clock());
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Ok(()));
    revocations.limit_lifetime(299);
    assert_eq!(revocations.judge(&token("ada", "one", 0)), Err(Verdict::Outdated));
}

#[test]
fn too_many_are_forgotten_from_the_oldest_on_and_tokens_of_that_age_refreshed() {
    let clock = clock();
    let revocations = complete(&clock);
    let many = (0..=MAX_REVOCATIONS).map(|n| {
        let at = NOW - 200 + i64::try_from(n / 1_000).unwrap();
        Revocation { at, ..session("ada", &n.to_string()) }
    });
    revocations.add(many);
    assert!(revocations.len() <= MAX_REVOCATIONS);
    let outdated = revocations.outdated_until().unwrap();
    assert!((NOW - 200 + 24..NOW).contains(&outdated), "{}", outdated - NOW);
    assert_eq!(revocations.judge(&issued("ada", "0", 0, outdated)), Err(Verdict::Outdated), "one that is forgotten");
    assert_eq!(revocations.judge(&issued("bob", "x", 0, outdated)), Err(Verdict::Outdated));
    assert_eq!(revocations.judge(&issued("bob", "x", 0, outdated + 1)), Ok(()));
    let last = MAX_REVOCATIONS.to_string();
    assert_eq!(revocations.judge(&issued("ada", &last, 0, NOW)), Err(Verdict::Ended));
    clock.advance_seconds(3_600 + 120);
    revocations.complete(Duration::ZERO);
    assert_eq!((revocations.outdated_until(), revocations.len()), (None, 0));
}

#[test]
fn entries_are_passed_on_in_pages_from_wherever_one_is() {
    let clock = clock();
    let revocations = complete(&clock);
    let news = revocations.subscribe();
    revocations.add((0..5).map(|n| session("ada", &n.to_string())));
    assert_eq!(*news.borrow(), 5);
    let (first, at) = revocations.after(0, 3);
    let (second, end) = revocations.after(at, 3);
    assert_eq!((first.len(), at, second.len(), end), (3, 3, 2, 5));
    assert_eq!(revocations.after(end, 3), (Vec::new(), 5));
    clock.advance_seconds(400);
    revocations.add([Revocation { forget_at: NOW + 800, ..session("ada", "late") }]);
    let (rest, end) = revocations.after(2, 10);
    assert_eq!((rest.len(), end), (1, 6), "what is forgotten is skipped");
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_stream_is_woken_by_what_concerns_its_account_alone() {
    let clock = clock();
    let revocations = set(&clock, Some(Duration::from_secs(30)));
    revocations.complete(Duration::ZERO);
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut watched = revocations.watch(token("ada", "one", 0));
    let mut another = watched.clone();
    assert!(watched.poll(&mut cx).is_pending() && another.poll(&mut cx).is_pending());
    revocations.add([session("bob", "one")]);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    revocations.add([session("ada", "two")]);
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    assert!(watched.poll(&mut cx).is_pending() && another.poll(&mut cx).is_pending());
    revocations.add([session("ada", "one")]);
    assert_eq!(woken.0.load(Ordering::SeqCst), 4);
    assert_eq!(watched.poll(&mut cx), Poll::Ready(Verdict::Ended));
    drop(watched);
    assert_eq!(revocations.watchers(), 1);
    drop(another);
    assert_eq!(revocations.watchers(), 0);

    let mut of_bob = revocations.watch(token("bob", "two", 0));
    assert!(of_bob.poll(&mut cx).is_pending());
    clock.advance_seconds(31);
    revocations.look_at_age();
    assert_eq!(woken.0.load(Ordering::SeqCst), 5);
    assert_eq!(of_bob.poll(&mut cx), Poll::Ready(Verdict::Unknown));
}

#[test]
fn whoever_acts_as_somebody_is_refused_by_what_ends_either_of_them() {
    for (revoked, verdict) in [
        (session("ada", "acted"), Err(Verdict::Ended)),
        (entry("ada", Revoked::Sessions { below: 1, except: None }), Err(Verdict::Ended)),
        (session("support", "own"), Err(Verdict::Ended)),
        (entry("support", Revoked::Sessions { below: 8, except: None }), Err(Verdict::Ended)),
        (entry("support", Revoked::Tokens { below: 8 }), Err(Verdict::Outdated)),
        (entry("support", Revoked::Sessions { below: 8, except: Some("own".into()) }), Ok(())),
        (session("support", "another"), Ok(())),
        (session("ada", "own"), Ok(())),
        (session("support", "acted"), Ok(())),
    ] {
        let revocations = complete(&clock());
        revocations.add([revoked.clone()]);
        assert_eq!(revocations.judge(&by_support("own", 7)), verdict, "{revoked:?}");
    }
}

#[test]
fn a_stream_of_whoever_acts_as_somebody_is_woken_by_what_concerns_either() {
    let revocations = complete(&clock());
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut watched = revocations.watch(by_support("own", 7));
    assert!(watched.poll(&mut cx).is_pending());
    revocations.add([session("ada", "another")]);
    revocations.add([session("support", "another")]);
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    assert!(watched.poll(&mut cx).is_pending());
    revocations.add([session("support", "own")]);
    assert_eq!(woken.0.load(Ordering::SeqCst), 3);
    assert_eq!(watched.poll(&mut cx), Poll::Ready(Verdict::Ended));
    drop(watched);
    assert_eq!(revocations.watchers(), 0, "nothing is left of it at either account");
}

proptest! {
    /// The model is the list of all entries, looked through from the first to the last.
    #[test]
    fn whatever_the_entries_the_set_says_what_the_list_says(
        entries in proptest::collection::vec((0..2u8, 0..4u8, 0..4u8, 0..4i64, 1..6i64), 0..40),
        tokens in proptest::collection::vec((0..2u8, 0..3u8, 0..5i64, 0..5u8), 1..20),
    ) {
        let clock = clock();
        let revocations = complete(&clock);
        let entries: Vec<Revocation> = entries
            .into_iter()
            .enumerate()
            .map(|(place, (account, what, session, below, lasts))| {
                let named: Box<str> = session.to_string().into();
                let what = match what {
                    0 => Revoked::Session(named),
                    1 => Revoked::Sessions { below, except: (session > 0).then_some(named) },
                    2 => Revoked::Tokens { below },
                    _ => Revoked::Acting { organisation: named, below },
                };
                // In the order of their times, as entries come.
                let forget_at = NOW + i64::try_from(place).unwrap() / 5 + lasts;
                Revocation { account: account.to_string().into(), what, at: NOW, forget_at }
            })
            .collect();
        revocations.add(entries.clone());
        for (account, session, epoch, organisation) in tokens {
            let principal = token(&account.to_string(), &session.to_string(), epoch);
            let principal = if organisation < 4 { acting(&principal, &organisation.to_string()) } else { principal };
            let verdicts = entries.iter().filter(|entry| *entry.account == *account.to_string()).filter_map(|entry| {
                match &entry.what {
                    Revoked::Session(ended) => (**ended == *session.to_string()).then_some(Verdict::Ended),
                    Revoked::Sessions { below, except } => {
                        let is_spared = except.as_deref() == Some(&*session.to_string());
                        (epoch < *below && !is_spared).then_some(Verdict::Ended)
                    }
                    Revoked::Tokens { below } => (epoch < *below).then_some(Verdict::Outdated),
                    Revoked::Acting { organisation: of, below } => {
                        (epoch < *below && **of == *organisation.to_string()).then_some(Verdict::Outdated)
                    }
                }
            });
            let verdicts: Vec<Verdict> = verdicts.collect();
            let expected = match () {
                () if verdicts.contains(&Verdict::Ended) => Err(Verdict::Ended),
                () if verdicts.contains(&Verdict::Outdated) => Err(Verdict::Outdated),
                () => Ok(()),
            };
            prop_assert_eq!(revocations.judge(&principal), expected);
        }
        clock.advance_seconds(100);
        revocations.complete(Duration::ZERO);
        prop_assert!(revocations.is_empty());
    }
}
