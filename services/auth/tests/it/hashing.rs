use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use mainstay_auth::domain::password::Password;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mainstay_auth::hashing::{
    Checked, Hasher, HashingConfig, HashingError, KEPT_IDLE, MAX_WAITING, MAX_WAITING_OF_ONE,
};
use mainstay_auth::limits::{Limit, Origin};

fn cheap() -> HashingConfig {
    HashingConfig { memory_kib: 16, iterations: 1, parallelism: 1 }
}

fn password(text: &str) -> Password {
    Password::attempt(text).unwrap()
}

#[tokio::test]
async fn a_password_is_known_again_and_another_is_not() {
    let hasher = Hasher::new(&cheap()).unwrap();
    let hash = hasher.hash(password("correct horse"), Origin::Inside).await.unwrap();
    assert_ne!(hash, hasher.hash(password("correct horse"), Origin::Inside).await.unwrap(), "salted");
    assert_eq!(
        hasher.check(password("correct horse"), Some(hash.clone()), Origin::Inside).await.unwrap(),
        Checked::Right
    );
    assert_eq!(hasher.check(password("wrong horse"), Some(hash), Origin::Inside).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn without_an_account_every_password_is_wrong() {
    let hasher = Hasher::new(&cheap()).unwrap();
    assert_eq!(hasher.check(password("correct horse"), None, Origin::Inside).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn a_stored_hash_that_is_none_is_an_error_and_no_match() {
    let hasher = Hasher::new(&cheap()).unwrap();
    for stored in ["", "plain", "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ", "$scrypt$ln=1$c2FsdHNhbHQ$aGFzaA"] {
        let checked = hasher.check(password("correct horse"), Some(stored.to_owned()), Origin::Inside).await;
        assert!(!matches!(checked, Ok(Checked::Right | Checked::RightAndRehashed(_))), "{stored}: {checked:?}");
    }
}

#[test]
fn parameters_that_are_not_possible_are_refused() {
    assert!(matches!(Hasher::new(&HashingConfig { memory_kib: 1, ..cheap() }), Err(HashingError::Params(_))));
    assert!(matches!(Hasher::new(&HashingConfig { iterations: 0, ..cheap() }), Err(HashingError::Params(_))));
}

/// A network of callers.
fn network(number: usize) -> Origin {
    let [.., high, low] = u32::try_from(number).unwrap().to_be_bytes();
    Origin::of(Some([10, 0, high, low].into()))
}

fn slow() -> Hasher {
    Hasher::new(&HashingConfig { memory_kib: 8_192, ..cheap() }).unwrap()
}

#[tokio::test]
async fn the_queue_of_one_network_is_bounded_and_frees_its_places() {
    let hasher = slow();
    // Far more than can wait: all are started before the first is polled again.
    let calls: Vec<_> =
        (0..4 * MAX_WAITING_OF_ONE).map(|_| hasher.hash(password("correct horse"), network(1))).collect();
    let outcomes = futures_util::future::join_all(calls).await;
    let too_many = |outcome: &Result<String, HashingError>| matches!(outcome, Err(HashingError::TooMany(exceeded)) if exceeded.limit == Limit::AtOnce);
    let refused = outcomes.iter().filter(|outcome| too_many(outcome)).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(refused + done, outcomes.len());
    assert!(refused > 0 && done >= MAX_WAITING_OF_ONE + cores(), "{refused} refused, {done} done");
    hasher.hash(password("correct horse"), network(1)).await.unwrap();
}

#[tokio::test]
async fn all_queues_together_are_bounded_and_the_longest_gives_way() {
    let hasher = slow();
    let crowd = |number: usize, size: usize| {
        let call =
            |hasher: Hasher| async move { (number, hasher.hash(password("correct horse"), network(number)).await) };
        (0..size).map(|_| call(hasher.clone())).collect::<Vec<_>>()
    };
    let full = MAX_WAITING / MAX_WAITING_OF_ONE;
    let first = (0..full).flat_map(|number| crowd(number, MAX_WAITING_OF_ONE + if number == 0 { cores() } else { 0 }));
    // Others come when there is no place left. The first of them take the places of those who have most.
    let others = (1_000..1_020).flat_map(|number| crowd(number, 2));
    let calls: Vec<_> = first.chain(others).collect();
    let outcomes = futures_util::future::join_all(calls).await;
    let busy = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Err(HashingError::Busy))).count();
    // Some hashes may end while the others still come, and make room.
    assert!((20..=40).contains(&busy), "{busy}: as many as came when all was full");
    for (number, outcome) in &outcomes {
        assert!(*number < full || outcome.is_ok(), "network {number}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_hundred_callers_from_one_network_do_not_keep_another_waiting() {
    let hasher = slow();
    let done = Arc::new(AtomicUsize::new(0));
    let attack = |hasher: Hasher, done: Arc<AtomicUsize>| async move {
        if hasher.check(password("guess"), None, network(1)).await.is_ok() {
            done.fetch_add(1, Ordering::SeqCst);
        }
    };
    let attacks: Vec<_> = (0..100).map(|_| attack(hasher.clone(), Arc::clone(&done))).collect();
    let attacks = futures_util::future::join_all(attacks);
    let owner = async {
        hasher.check(password("correct horse"), None, network(2)).await.unwrap();
        done.load(Ordering::SeqCst)
    };
    let (_, done_before) = futures_util::future::join(attacks, owner).await;
    // Those that were at work already, one more whose turn it was, and what a slow machine did before the owner came.
    assert!(done_before < 20, "{done_before} of the others came first");
}

#[tokio::test]
async fn networks_take_turns() {
    let hasher = slow();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let one = |number: usize| {
        let (hasher, order) = (hasher.clone(), Arc::clone(&order));
        async move {
            hasher.hash(password("correct horse"), network(number)).await.unwrap();
            order.lock().unwrap().push(number);
        }
    };
    // All of the first come before the first of the others.
    let calls: Vec<_> = [1; 30].into_iter().chain([2; 5]).chain([3; 5]).map(one).collect();
    futures_util::future::join_all(calls).await;
    let order = order.lock().unwrap();
    let last = order.iter().rposition(|number| *number != 1).unwrap();
    assert!(last < 32, "the others are through after as many rounds as they have callers: {order:?}");
}

#[tokio::test]
async fn callers_that_go_away_give_up_their_place() {
    let hasher = slow();
    for number in 0..4 * MAX_WAITING {
        let mut call = Box::pin(hasher.hash(password("correct horse"), network(number % 3)));
        let _ = futures_util::poll!(call.as_mut());
    }
    hasher.hash(password("correct horse"), network(1)).await.unwrap();
    // Some go away after they were called and before they heard of it.
    for _ in 0..20 {
        let mut calls: Vec<_> =
            (0..8).map(|number| Box::pin(hasher.hash(password("correct horse"), network(number)))).collect();
        for call in &mut calls {
            let _ = futures_util::poll!(call.as_mut());
        }
        tokio::task::yield_now().await;
    }
    let all: Vec<_> = (0..cores() + 4).map(|number| hasher.hash(password("correct horse"), network(number))).collect();
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok), "no turn was lost");
}

#[tokio::test]
async fn hashes_with_other_parameters_are_known_again() {
    let hasher = Hasher::new(&cheap()).unwrap();
    for algorithm in [Algorithm::Argon2id, Algorithm::Argon2i, Algorithm::Argon2d] {
        for (version, lanes, output) in [(Version::V0x13, 1, 32), (Version::V0x10, 2, 16), (Version::V0x13, 3, 64)] {
            let params = Params::new(64, 2, lanes, Some(output)).unwrap();
            let theirs = Argon2::new(algorithm, version, params);
            let stored = theirs.hash_password_with_salt(b"correct horse", b"any salt of theirs").unwrap().to_string();
            let right = hasher.check(password("correct horse"), Some(stored.clone()), Origin::Inside).await.unwrap();
            match algorithm {
                Algorithm::Argon2id => assert_eq!(right, Checked::Right, "{stored}"),
                // Another algorithm than ours is replaced, as a weaker hash is.
                _ => assert!(
                    matches!(&right, Checked::RightAndRehashed(ours) if ours.starts_with("$argon2id$")),
                    "{stored}"
                ),
            }
            let wrong = hasher.check(password("wrong horse"), Some(stored.clone()), Origin::Inside).await.unwrap();
            assert_eq!(wrong, Checked::Wrong, "{stored}");
        }
    }
}

#[tokio::test]
async fn a_hash_is_the_one_that_the_library_makes_by_itself() {
    let hasher = Hasher::new(&cheap()).unwrap();
    for text in ["correct horse", "x", "ünïcödé"] {
        let hash = hasher.hash(password(text), Origin::Inside).await.unwrap();
        let parsed = PasswordHash::new(&hash).unwrap();
        assert_eq!(Argon2::default().verify_password(text.as_bytes(), &parsed), Ok(()), "{hash}");
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_never_more_memory_for_hashes_than_hashes_are_made_at_once() {
    let hasher = Hasher::new(&cheap()).unwrap();
    let hash = hasher.hash(password("correct horse"), Origin::Inside).await.unwrap();
    for _ in 0..4 {
        let attempts: Vec<_> = (0..MAX_WAITING_OF_ONE)
            .map(|n| {
                let (hasher, hash) = (hasher.clone(), hash.clone());
                tokio::spawn(async move {
                    match n % 4 {
                        0 => hasher.hash(password("correct horse"), Origin::Inside).await.map(|_| ()),
                        1 => hasher.check(password("correct horse"), None, Origin::Inside).await.map(|_| ()),
                        2 => hasher.check(password("wrong horse"), Some(hash), Origin::Inside).await.map(|_| ()),
                        _ => hasher.check(password("correct horse"), Some(hash), Origin::Inside).await.map(|_| ()),
                    }
                })
            })
            .collect();
        for attempt in futures_util::future::join_all(attempts).await {
            attempt.unwrap().unwrap();
        }
    }
    let (now, most) = hasher.areas();
    assert!((1..=cores()).contains(&most) && now <= most, "{most} at most, {now} now, {} cores", cores());
}

#[tokio::test(start_paused = true)]
async fn memory_that_nobody_hashes_in_goes_back_to_the_system() {
    let hasher = Hasher::new(&cheap()).unwrap();
    for _ in 0..2 {
        hasher.hash(password("correct horse"), Origin::Inside).await.unwrap();
        hasher.hash(password("correct horse"), Origin::Inside).await.unwrap();
        assert_eq!(hasher.areas(), (1, 1), "used again");
        tokio::time::sleep(KEPT_IDLE / 2).await;
        hasher.end_idle();
        assert_eq!(hasher.areas().0, 1, "kept for the next");
        tokio::time::sleep(KEPT_IDLE / 2).await;
        hasher.end_idle();
        assert_eq!(hasher.areas().0, 0);
    }
}

const CHILD: &str = "MAINSTAY_AUTH_TEST_MEMORY";

/// In a process of its own, because the memory of a process is that of all its tests.
#[cfg(target_os = "linux")]
#[test]
fn wrong_passwords_take_no_memory_that_stays() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hashing::child_that_checks_passwords", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("checked"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "runs as the child process of the test above"]
async fn child_that_checks_passwords() {
    /// What the process takes for its threads and the pages of its program, with room: less than one more check takes.
    const BESIDE_MIB: usize = 18;
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let hasher = Hasher::new(&HashingConfig { iterations: 1, ..HashingConfig::default() }).unwrap();
    let before = resident_mib();
    for _ in 0..4 {
        let checks = (0..32).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.check(password("correct horse"), None, Origin::Inside).await })
        });
        for checked in futures_util::future::join_all(checks).await {
            assert_eq!(checked.unwrap().unwrap(), Checked::Wrong);
        }
    }
    let after = resident_mib();
    let allowed = before + cores() * 19 + BESIDE_MIB;
    assert!(after <= allowed, "{before} MiB before, {after} MiB after, {allowed} MiB allowed");
    println!("checked");
}

/// What the process holds in memory.
fn resident_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}
