//! An owner with an app that makes codes.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use totp_rs::{Builder, Secret};

use crate::harness::{Harness, TestClock};

/// An app that makes codes, on a telephone whose clock is right.
#[derive(Clone)]
pub struct App(String);

impl App {
    pub fn of(enrolled: &pb::EnrollTotpResponse) -> App {
        App(enrolled.secret.clone())
    }

    /// The code that it shows `steps` after now.
    pub fn code_at(&self, clock: &TestClock, steps: i64) -> String {
        use mainstay_identity::Clock as _;
        let secret = Secret::try_from_base32(&self.0).unwrap();
        let app = Builder::new().with_secret(secret).build().unwrap();
        app.generate(u64::try_from(clock.now_seconds() + 30 * steps).unwrap()).to_string()
    }

    pub fn code(&self, clock: &TestClock) -> String {
        self.code_at(clock, 0)
    }
}

/// Somebody whose account has an app, thirty seconds after it was enrolled.
pub struct Owner {
    pub name: String,
    pub app: App,
    pub factor: String,
    pub recovery_codes: Vec<String>,
    /// What the session in which it was enrolled is worth since.
    pub credentials: pb::Credentials,
}

impl Harness {
    /// Somebody who has signed up, verified the address, and signed in.
    pub async fn verified(&self, email: &str) -> (pb::Account, pb::Credentials) {
        let (account, _) = self.user(email).await;
        self.caller.verify_email(&self.token("verify_email", email).await).await.unwrap();
        (account, self.caller.sign_in(email, crate::harness::PASSWORD).await.unwrap())
    }

    /// Enrols an app in a session, and waits until its next code.
    pub async fn enroll(&self, credentials: &pb::Credentials) -> Result<(App, pb::ConfirmTotpResponse), Fault> {
        let own = self.caller.as_user(credentials);
        let enrolled = own.enroll_totp("accounts/me", "Telephone").await?;
        let app = App::of(&enrolled);
        let confirmed = own.confirm_totp(&enrolled.factor.unwrap().name, &app.code(&self.clock)).await?;
        self.clock.advance_seconds(30);
        Ok((app, confirmed))
    }

    pub async fn owner_with_app(&self, email: &str) -> Owner {
        let (account, before) = self.verified(email).await;
        let (app, confirmed) = self.enroll(&before).await.unwrap();
        let factor = confirmed.factor.unwrap().name;
        let refresh_token = before.refresh_token;
        let credentials = pb::Credentials { refresh_token, ..confirmed.credentials.unwrap() };
        let recovery_codes = confirmed.recovery_codes;
        Owner { name: account.name, app, factor, recovery_codes, credentials }
    }

    /// The challenge that a right password is answered with.
    pub async fn challenge(&self, email: &str) -> pb::Challenge {
        let answer = self.caller.sign_in(email, crate::harness::PASSWORD).await.unwrap();
        assert_eq!((answer.access_token.as_str(), answer.refresh_token.as_str(), &answer.account), ("", "", &None));
        answer.challenge.unwrap()
    }
}
