use mainstay_fault::{Fault, Reason};
use mainstay_identity::{KEYS_FRESH_FOR, Kind, REFRESH_INTERVAL, TokenError};

use crate::forge::{Key, NOW, Source, claims_with, clock, verifier};
use serde_json::json;

#[tokio::test]
async fn a_token_becomes_a_principal() {
    let key = Key::new("key-1", 1);
    let principal = verifier(&Source::of(&[&key]), &clock()).verify(&key.token()).await.unwrap();

    assert_eq!(principal.kind(), Kind::User);
    assert_eq!(principal.uid(), Some("0199a1c4-0000-7000-8000-000000000001"));
    assert_eq!(principal.session_id(), Some("0199a1c4-0000-7000-8000-000000000002"));
    assert_eq!(principal.email(), Some("ada@example.org"));
    assert!(principal.email_verified());
    assert_eq!(principal.roles(), ["editor", "merchant"]);
    assert!(principal.has_role("merchant") && !principal.has_role("Merchant"));
    assert_eq!(principal.expires_at(), Some(NOW + 290));
}

#[tokio::test]
async fn a_token_says_when_its_user_was_last_sure_and_in_which_organisation_they_act() {
    let key = Key::new("k1", 1);
    let verifier = verifier(&Source::of(&[&key]), &clock());
    let read = async |claims| {
        let token = key.sign(&key.header().to_string(), &claims_with(&claims));
        verifier.verify(&token).await.unwrap()
    };

    let acting = read(json!({"auth_time": NOW - 60, "org": "acme", "org_roles": ["treasurer"]})).await;
    assert_eq!(acting.authenticated_at(), Some(NOW - 60));
    assert_eq!(acting.organisation(), Some("acme"));
    assert_eq!(acting.organisation_roles(), ["treasurer"]);
    assert!(!acting.has_role("treasurer"), "a role in an organisation is none of the account's");

    for nowhere in [json!({"org_roles": ["treasurer"]}), json!({"org": "", "org_roles": ["treasurer"]})] {
        let principal = read(nowhere).await;
        assert_eq!((principal.organisation(), principal.organisation_roles().len()), (None, 0));
    }
}

#[tokio::test]
async fn a_token_says_who_acts_as_its_user_and_by_which_session() {
    let key = Key::new("k1", 1);
    let verifier = verifier(&Source::of(&[&key]), &clock());
    let read = async |claims| verifier.verify(&key.sign(&key.header().to_string(), &claims_with(&claims))).await;
    let act = json!({"sub": "support", "sid": "own", "epoch": 3});

    let reading = read(json!({"act": act})).await.unwrap();
    let actor = reading.actor().unwrap();
    assert_eq!((actor.uid.as_str(), actor.session_id.as_str(), actor.epoch), ("support", "own", 3));
    assert!(reading.only_reads());
    assert!(!read(json!({"act": act, "writes": true})).await.unwrap().only_reads());
    let own = read(json!({"writes": true})).await.unwrap();
    assert!(own.actor().is_none() && !own.only_reads());

    // One whom nothing would end is nobody.
    for wrong in [json!({"sub": "support"}), json!({"sub": "support", "sid": "own"}), json!("support"), json!({})] {
        assert!(read(json!({"act": wrong})).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_many_tokens_at_once() {
    let key = Key::new("key-1", 1);
    let source = Source::of(&[&key]);
    let verifier = verifier(&source, &clock());
    let calls: Vec<_> = (0..50)
        .map(|n| {
            let (verifier, token) =
                (verifier.clone(), key.sign(&key.header().to_string(), &claims_with(&json!({"jti": n}))));
            tokio::spawn(async move { verifier.verify(&token).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn a_verified_token_is_answered_without_waiting_until_it_expires() {
    let key = Key::new("key-1", 1);
    let (source, clock) = (Source::of(&[&key]), clock());
    let verifier = verifier(&source, &clock);
    assert!(verifier.try_verify(&key.token()).is_none(), "no keys yet");

    verifier.verify(&key.token()).await.unwrap();
    assert!(verifier.try_verify(&key.token()).unwrap().is_ok());
    clock.advance_seconds(289);
    assert!(verifier.try_verify(&key.token()).unwrap().is_ok());
    clock.advance_seconds(1);
    assert!(matches!(verifier.try_verify(&key.token()), Some(Err(TokenError::Expired))));
}

#[tokio::test]
async fn a_new_key_is_found_when_its_first_token_comes() {
    let (old, new) = (Key::new("old", 1), Key::new("new", 2));
    let (source, clock) = (Source::of(&[&old]), clock());
    let verifier = verifier(&source, &clock);
    verifier.verify(&old.token()).await.unwrap();

    source.set(&[&old, &new]);
    clock.advance_seconds(REFRESH_INTERVAL.as_secs().cast_signed());
    verifier.verify(&new.token()).await.unwrap();
    verifier.verify(&old.token()).await.unwrap();
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn unknown_key_ids_do_not_make_the_verifier_fetch_again_and_again() {
    let (known, unknown) = (Key::new("known", 1), Key::new("unknown", 2));
    let (source, clock) = (Source::of(&[&known]), clock());
    let verifier = verifier(&source, &clock);
    for _ in 0..100 {
        assert!(matches!(verifier.verify(&unknown.token()).await, Err(TokenError::UnknownKey)));
    }
    assert_eq!(source.fetches(), 1);
    clock.advance_seconds(REFRESH_INTERVAL.as_secs().cast_signed());
    assert!(matches!(verifier.verify(&unknown.token()).await, Err(TokenError::UnknownKey)));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn known_tokens_and_known_keys_keep_working_while_the_auth_service_is_away() {
    let key = Key::new("key-1", 1);
    let (source, clock) = (Source::of(&[&key]), clock());
    let verifier = verifier(&source, &clock);
    verifier.verify(&key.token()).await.unwrap();

    source.take_away();
    verifier.verify(&key.token()).await.unwrap();
    clock.advance_seconds(2 * KEYS_FRESH_FOR.as_secs().cast_signed());
    let later = json!({"iat": NOW + 600, "exp": NOW + 900});
    verifier.verify(&key.sign(&key.header().to_string(), &claims_with(&later))).await.unwrap();
}

#[tokio::test]
async fn without_the_auth_service_an_unknown_key_is_neither_accepted_nor_refused() {
    let (known, unknown) = (Key::new("known", 1), Key::new("unknown", 2));
    let (source, clock) = (Source::of(&[&known]), clock());
    let verifier = verifier(&source, &clock);
    verifier.verify(&known.token()).await.unwrap();
    source.take_away();
    clock.advance_seconds(REFRESH_INTERVAL.as_secs().cast_signed());

    for _ in 0..2 {
        let error = verifier.verify(&unknown.token()).await.unwrap_err();
        assert!(matches!(error, TokenError::KeysUnavailable { .. }), "{error:?}");
        assert_eq!(Fault::from(error).reason(), Some(Reason::Unavailable));
    }
    assert_eq!(source.fetches(), 2, "one for the known key, one for the unknown");

    source.set(&[&known, &unknown]);
    clock.advance_seconds(REFRESH_INTERVAL.as_secs().cast_signed());
    verifier.verify(&unknown.token()).await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_key_is_not_accepted_once_the_keys_are_fetched_again() {
    let (withdrawn, next) = (Key::new("withdrawn", 1), Key::new("next", 2));
    let (source, clock) = (Source::of(&[&withdrawn]), clock());
    let verifier = verifier(&source, &clock);
    verifier.verify(&withdrawn.token()).await.unwrap();

    source.set(&[&next]);
    verifier.prefetch().await.unwrap();
    assert!(matches!(verifier.verify(&withdrawn.token()).await, Err(TokenError::UnknownKey)));
}

#[tokio::test]
async fn stale_keys_are_fetched_again_in_the_background() {
    let key = Key::new("key-1", 1);
    let (source, clock) = (Source::of(&[&key]), clock());
    let verifier = verifier(&source, &clock);
    verifier.verify(&key.token()).await.unwrap();
    clock.advance_seconds(KEYS_FRESH_FOR.as_secs().cast_signed());

    let later = json!({"iat": NOW + 300, "exp": NOW + 600});
    let token = key.sign(&key.header().to_string(), &claims_with(&later));
    assert!(verifier.try_verify(&token).unwrap().is_ok(), "nobody waits for the fetch");
    while source.fetches() < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_does_not_revive_tokens() {
    let key = Key::new("key-1", 1);
    let (source, clock) = (Source::of(&[&key]), clock());
    let verifier = verifier(&source, &clock);
    let token = key.sign(&key.header().to_string(), &claims_with(&json!({"iat": NOW - 400, "exp": NOW - 100})));
    assert!(matches!(verifier.verify(&token).await, Err(TokenError::Expired)));

    clock.advance_seconds(-24 * 3600);
    assert!(matches!(verifier.verify(&token).await, Err(TokenError::Claim("iat"))));
}
