//! S2: nothing tells whether an address has an account.

use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use tonic::{Code, Status};

use crate::harness::{Harness, PASSWORD, config};

async fn refused(harness: &Harness, email: &str, password: &str) -> Status {
    let message = pb::SignInRequest { email: email.to_owned(), password: password.to_owned() };
    harness.caller.sessions().sign_in(harness.caller.request(message)).await.unwrap_err()
}

/// What one refused attempt costs: counted, because time tells nothing twice.
async fn effort_of(harness: &Harness, email: &str) -> u64 {
    let before = harness.auth.hashing_effort();
    assert_eq!(refused(harness, email, "not the password").await.code(), Code::Unauthenticated);
    harness.auth.hashing_effort() - before
}

both_engines! {
    async fn an_unknown_address_and_a_wrong_password_cost_the_same_work(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let unknown = effort_of(&harness, "eve@example.org").await;
        assert_eq!(unknown, 16, "one hash as it is configured: 16 KiB, one pass");
        assert_eq!(effort_of(&harness, "ada@example.org").await, unknown);
        assert_eq!(effort_of(&harness, "ADA@example.org").await, unknown);
    }

    async fn an_address_whose_hash_is_an_old_one_costs_the_same_work(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut stronger = config();
        stronger.password_hashing.memory_kib = 64;
        stronger.password_hashing.iterations = 2;
        let harness = harness.restart(&stronger).await;
        assert_eq!(effort_of(&harness, "eve@example.org").await, 128);
        assert_eq!(effort_of(&harness, "ada@example.org").await, 128);
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(effort_of(&harness, "ada@example.org").await, 128, "hashed anew");
    }

    async fn an_unknown_address_and_a_wrong_password_get_the_same_answer(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let wrong = refused(&harness, "ada@example.org", "not the password").await;
        let unknown = refused(&harness, "eve@example.org", "not the password").await;
        assert_eq!(wrong.code(), Code::Unauthenticated);
        assert_eq!(wrong.code(), unknown.code());
        assert_eq!(wrong.message(), unknown.message());
        assert_eq!(wrong.details(), unknown.details());
        assert_eq!(wrong.metadata().keys().count(), unknown.metadata().keys().count());
    }
}
