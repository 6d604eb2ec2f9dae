//! S2: nothing tells whether an address has an account.

use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use tonic::{Code, Status};

use crate::harness::{Harness, PASSWORD};

async fn refused(harness: &Harness, email: &str, password: &str) -> Status {
    let message = pb::SignInRequest { email: email.to_owned(), password: password.to_owned() };
    harness.caller.sessions().sign_in(harness.caller.request(message)).await.unwrap_err()
}

both_engines! {
    async fn an_unknown_address_and_a_wrong_password_get_the_same_answer(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let wrong = refused(&harness, "ada@example.org", "not the password").await;
        let unknown = refused(&harness, "eve@example.org", "not the password").await;
        assert_eq!(wrong.code(), Code::Unauthenticated);
        assert_eq!(wrong.code(), unknown.code());
        assert_eq!(wrong.message(), unknown.message());
        assert_eq!(wrong.details(), unknown.details());
    }
}
