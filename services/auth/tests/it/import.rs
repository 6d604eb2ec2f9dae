//! Accounts of other systems, with the hashes that those have made (`ImportAccounts`).
//!
//! The hashes were made by Python's `bcrypt` 5.0.0, `passlib` 1.7.4 (PBKDF2, scrypt, Django) and `argon2-cffi` 25.1.0; that of Firebase
//! is the sample of github.com/firebase/scrypt, made again with Python's `hashlib.scrypt` and OpenSSL's AES-256-CTR.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::imported_account::Password;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, answer, config, fields, reason};

const BCRYPT: &str = "$2b$05$.5xH73Nb7IeEYz.kauqqWe02CPHCgXEuc.8XXUNqEe4NSpVZlYMgm";

/// Hashes of [`PASSWORD`], but for those with another one beside.
const HASHES: [(&str, &str, &str); 9] = [
    ("bcrypt", BCRYPT, PASSWORD),
    ("bcrypt-2a", "$2a$04$xUXNVFHUEAxanHOnQgIam.cCAyywGfX.gJQ3nCeKhhCDLtImB6OMe", "pässword – 密码"),
    ("pbkdf2-sha1", "$pbkdf2$1000$h7D2vleKsRZijDGGEELI.Q$VBRQyDsTUvcYB7NIkaAckwjzIHA", PASSWORD),
    (
        "pbkdf2-sha256",
        "$pbkdf2-sha256$1000$nXNurVXqfQ.BkJKSUqp1Dg$MUeP3750yggIVnRK1zNsTscSdjUzPfKJ7lqKEllones",
        PASSWORD,
    ),
    (
        "pbkdf2-sha512",
        "$pbkdf2-sha512$1000$Wcs5B.B8D4FQ6r33nlNK6Q$F3ymq/QTxx8lIEV59MD.BRQJYD4LerzIZOeXwzRMufOHKcACndv63W1LfJmWX467KEWxJFKDaG4YM5XJXxu0gw",
        PASSWORD,
    ),
    ("django", "pbkdf2_sha256$1000$9t8YgXr5Qb2q$rQH3qAYx3rkVo7aLJPTzPc35zYHi+oQcwzcDQNeot6Y=", PASSWORD),
    ("scrypt", "$scrypt$ln=8,r=8,p=1$FIJwTonRGoPQ2vvfWyultA$rSiGhllMcpH429ZjuCqB/KKPETCtmCawtr8yPMyD/7M", PASSWORD),
    (
        "argon2i",
        "$argon2i$v=19$m=64,t=1,p=1$z8FSVxJSWVBAK5cTgzKvMw$kYchqgb1O7Ic0UvDNCCZVqEORn2z/bxM1W5g/klRkEE",
        PASSWORD,
    ),
    (
        "argon2id",
        "$argon2id$v=19$m=8,t=1,p=1$9EDynDR3RXSry3kzNdIMHg$DD8dC1AB5/0qpJBtHlVBu8cBDX6Gua6yqUyWekth0kk",
        PASSWORD,
    ),
];

fn imported(email: &str, password: Option<Password>) -> pb::ImportedAccount {
    let account = Some(pb::Account { email: email.to_owned(), ..pb::Account::default() });
    pb::ImportedAccount { account, email_verified: true, password }
}

fn hashed(email: &str, hash: &str) -> pb::ImportedAccount {
    imported(email, Some(Password::PasswordHash(hash.to_owned())))
}

/// The sample of Firebase: of `user1password`.
fn firebase() -> pb::FirebaseScrypt {
    let bytes = |text: &str| STANDARD.decode(text).unwrap();
    pb::FirebaseScrypt {
        hash: bytes("lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="),
        salt: bytes("42xEC+ixf3L2lw=="),
        signer_key: bytes("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
        salt_separator: bytes("Bw=="),
        rounds: 8,
        memory_cost: 14,
    }
}

async fn import(caller: &Caller, accounts: Vec<pb::ImportedAccount>) -> pb::ImportAccountsResponse {
    let message = pb::ImportAccountsRequest { accounts };
    answer(caller.accounts().import_accounts(caller.request(message)).await).unwrap()
}

async fn stored_hash(harness: &Harness, email: &'static str) -> String {
    let found = harness.database.read(mainstay_db::Lane::Inline, move |conn| {
        Box::pin(mainstay_auth::store::accounts::find_by_email_key(conn, email))
    });
    found.await.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}")).unwrap().password_hash
}

both_engines! {
    async fn whoever_had_a_password_elsewhere_signs_in_with_it_and_has_our_hash_then(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let accounts = HASHES.iter().map(|(name, hash, _)| hashed(&format!("{name}@example.org"), hash)).collect();
        let answer = import(&operator, accounts).await;
        assert_eq!((answer.imported_accounts, answer.failures), (9, vec![]));
        for (name, _, password) in HASHES {
            let email: &'static str = Box::leak(format!("{name}@example.org").into_boxed_str());
            let wrong = harness.caller.sign_in(email, "not the password").await;
            assert_eq!(reason(wrong), Reason::WrongCredentials, "{name}");
            let credentials = harness.caller.sign_in(email, password).await.unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
            assert!(credentials.account.unwrap().email_verified);
            let hash = stored_hash(&harness, email).await;
            assert!(hash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{name}: {hash}");
            harness.caller.sign_in(email, password).await.unwrap();
            assert_eq!(stored_hash(&harness, email).await, hash, "once is enough");
        }
    }

    async fn a_hash_of_firebase_opens_too(engine: Engine) {
        let harness = Harness::start(engine).await;
        let account = imported("ada@example.org", Some(Password::FirebaseScrypt(firebase())));
        assert_eq!(import(&harness.caller.as_operator(), vec![account]).await.imported_accounts, 1);
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", "user2password").await), Reason::WrongCredentials);
        harness.caller.sign_in("ada@example.org", "user1password").await.unwrap();
        assert!(stored_hash(&harness, "ada@example.org").await.starts_with("$argon2id$"));
        harness.caller.sign_in("ada@example.org", "user1password").await.unwrap();
    }

    async fn an_account_without_a_hash_is_signed_in_to_by_mail(engine: Engine) {
        let harness = Harness::start(engine).await;
        import(&harness.caller.as_operator(), vec![imported("ada@example.org", None)]).await;
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", PASSWORD).await), Reason::WrongCredentials);
        harness.caller.request_sign_in("ada@example.org").await.unwrap();
        let token = harness.token("sign_in", "ada@example.org").await;
        harness.caller.sign_in_with_link(&token).await.unwrap();
    }

    async fn what_cannot_be_imported_is_told_and_the_others_are(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("bob@example.org", PASSWORD).await.unwrap();
        let operator = harness.caller.as_operator();
        let mut costly = firebase();
        costly.memory_cost = 40;
        let mut short = firebase();
        short.hash.truncate(8);
        let refused = [
            hashed("BOB@example.org", BCRYPT),
            hashed("no address", BCRYPT),
            hashed("a@example.org", "correct horse battery"),
            hashed("a@example.org", "$1$salt$hash"),
            hashed("a@example.org", "$2b$31$.5xH73Nb7IeEYz.kauqqWe02CPHCgXEuc.8XXUNqEe4NSpVZlYMgm"),
            hashed("a@example.org", "$2b$05$short"),
            hashed("a@example.org", "$pbkdf2-sha256$999999999$nXNurVXqfQ.BkJKSUqp1Dg$MUeP3750yggIVnRK1zNsTscSdjUzPfKJ7lqKEllones"),
            hashed("a@example.org", "$pbkdf2-sha256$0$nXNurVXqfQ.BkJKSUqp1Dg$MUeP3750yggIVnRK1zNsTscSdjUzPfKJ7lqKEllones"),
            hashed("a@example.org", "$scrypt$ln=30,r=8,p=1$FIJwTonRGoPQ2vvfWyultA$rSiGhllMcpH429ZjuCqB/KKPETCtmCawtr8yPMyD/7M"),
            hashed("a@example.org", "$scrypt$ln=10,r=8,p=99999$FIJwTonRGoPQ2vvfWyultA$rSiGhllMcpH429ZjuCqB/KKPETCtmCawtr8yPMyD/7M"),
            hashed("a@example.org", "$argon2id$v=19$m=4294967295,t=1,p=1$9EDynDR3RXSry3kzNdIMHg$DD8dC1AB5/0qpJBtHlVBu8cBDX6Gua6yqUyWekth0kk"),
            hashed("a@example.org", "$argon2id$v=19$m=8,t=4294967295,p=1$9EDynDR3RXSry3kzNdIMHg$DD8dC1AB5/0qpJBtHlVBu8cBDX6Gua6yqUyWekth0kk"),
            hashed("a@example.org", ""),
            imported("a@example.org", Some(Password::FirebaseScrypt(costly))),
            imported("a@example.org", Some(Password::FirebaseScrypt(short))),
            pb::ImportedAccount::default(),
        ];
        let count = refused.len();
        let accounts: Vec<_> = refused.into_iter().chain([hashed("ada@example.org", BCRYPT)]).collect();
        let before = harness.auth.hashing_effort();
        let answer = import(&operator, accounts).await;
        assert_eq!(answer.imported_accounts, 1, "{answer:?}");
        let places: Vec<usize> = answer.failures.iter().map(|failure| usize::try_from(failure.index).unwrap()).collect();
        assert_eq!(places, (0..count).collect::<Vec<_>>());
        assert_eq!(answer.failures[0].reason, "EMAIL_TAKEN");
        assert!(answer.failures[1..].iter().all(|failure| failure.reason == "FIELD_VIOLATION"), "{answer:?}");
        assert!(answer.failures[4].message.contains("costs more"), "{answer:?}");
        assert!(!format!("{answer:?}").contains("5xH73Nb7IeEYz"), "no hash is told");
        assert_eq!(harness.auth.hashing_effort(), before, "nothing is hashed by an import");
        harness.caller.sign_in("bob@example.org", PASSWORD).await.unwrap();
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let many = pb::ImportAccountsRequest { accounts: vec![hashed("x@example.org", BCRYPT); 101] };
        assert_eq!(fields(crate::harness::answer(operator.accounts().import_accounts(operator.request(many)).await)), ["accounts"]);
    }

    async fn while_imported_hashes_are_left_every_wrong_password_costs_the_same(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("bob@example.org", PASSWORD).await.unwrap();
        let effort = async |harness: &Harness, email: &str| {
            let before = harness.auth.hashing_effort();
            assert_eq!(reason(harness.caller.sign_in(email, "not the password").await), Reason::WrongCredentials);
            harness.auth.hashing_effort() - before
        };
        assert_eq!(effort(&harness, "eve@example.org").await, 16, "ours alone");
        import(&harness.caller.as_operator(), vec![hashed("ada@example.org", BCRYPT)]).await;
        // After a restart too.
        for harness in [harness.restart(&config()).await] {
            for email in ["eve@example.org", "bob@example.org", "ada@example.org"] {
                assert_eq!(effort(&harness, email).await, 16 + 32, "{email}");
            }
            harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
            let harness = harness.restart(&config()).await;
            for email in ["eve@example.org", "ada@example.org"] {
                assert_eq!(effort(&harness, email).await, 16, "{email}: none is left");
            }
        }
    }
}
