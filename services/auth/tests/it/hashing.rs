use mainstay_auth::domain::password::Password;
use mainstay_auth::hashing::{Checked, Hasher, HashingConfig, HashingError, MAX_WAITING};

fn cheap() -> HashingConfig {
    HashingConfig { memory_kib: 16, iterations: 1, parallelism: 1 }
}

fn password(text: &str) -> Password {
    Password::attempt(text).unwrap()
}

#[tokio::test]
async fn a_password_is_known_again_and_another_is_not() {
    let hasher = Hasher::new(&cheap()).unwrap();
    let hash = hasher.hash(password("correct horse")).await.unwrap();
    assert_ne!(hash, hasher.hash(password("correct horse")).await.unwrap(), "salted");
    assert_eq!(hasher.check(password("correct horse"), Some(hash.clone())).await.unwrap(), Checked::Right);
    assert_eq!(hasher.check(password("wrong horse"), Some(hash)).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn without_an_account_every_password_is_wrong() {
    let hasher = Hasher::new(&cheap()).unwrap();
    assert_eq!(hasher.check(password("correct horse"), None).await.unwrap(), Checked::Wrong);
}

#[tokio::test]
async fn a_stored_hash_that_is_none_is_an_error_and_no_match() {
    let hasher = Hasher::new(&cheap()).unwrap();
    for stored in ["", "plain", "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ", "$scrypt$ln=1$c2FsdHNhbHQ$aGFzaA"] {
        let checked = hasher.check(password("correct horse"), Some(stored.to_owned())).await;
        assert!(!matches!(checked, Ok(Checked::Right | Checked::RightAndRehashed(_))), "{stored}: {checked:?}");
    }
}

#[test]
fn parameters_that_are_not_possible_are_refused() {
    assert!(matches!(Hasher::new(&HashingConfig { memory_kib: 1, ..cheap() }), Err(HashingError::Params(_))));
    assert!(matches!(Hasher::new(&HashingConfig { iterations: 0, ..cheap() }), Err(HashingError::Params(_))));
}

#[tokio::test]
async fn the_queue_is_bounded_and_frees_its_places() {
    let hasher = Hasher::new(&HashingConfig { memory_kib: 4_096, ..cheap() }).unwrap();
    // Far more than can wait: all are started before the first is polled again.
    let calls: Vec<_> = (0..4 * MAX_WAITING).map(|_| hasher.hash(password("correct horse"))).collect();
    let outcomes = futures_util::future::join_all(calls).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(HashingError::Busy))).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(refused + done, outcomes.len());
    assert!(refused > 0 && done >= MAX_WAITING, "{refused} refused, {done} done");
    hasher.hash(password("correct horse")).await.unwrap();
}

#[tokio::test]
async fn callers_that_go_away_give_up_their_place() {
    let hasher = Hasher::new(&HashingConfig { memory_kib: 4_096, ..cheap() }).unwrap();
    for _ in 0..4 * MAX_WAITING {
        let mut call = Box::pin(hasher.hash(password("correct horse")));
        let _ = futures_util::poll!(call.as_mut());
    }
    hasher.hash(password("correct horse")).await.unwrap();
}
