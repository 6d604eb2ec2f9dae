//! S5: no method that takes a secret can be asked for as many as one likes, and nobody keeps an owner out by trying.

use std::time::Duration;

use mainstay_auth::limits::LimitsConfig;
use mainstay_auth::providers::ProviderConfig;
use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use prost_reflect::{DescriptorPool, FieldDescriptor, MethodDescriptor};
use tonic_types::StatusExt as _;

use crate::harness::{Caller, Harness, PASSWORD, Shown, answer, config, limited, reason};
use crate::oauth::{by_refresh, proof};

const ATTACKER: &str = "198.51.100.66";
const OWNER: &str = "203.0.113.7";

/// The methods that take a secret, by the field that must not be printed.
fn methods_with_secrets() -> Vec<String> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.package_name() == "mainstay.auth.v1");
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let takes_one = |method: &MethodDescriptor| {
        let is_secret = |field: FieldDescriptor| {
            field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
        };
        method.input().fields().any(is_secret)
    };
    let methods: Vec<String> = methods.filter(takes_one).map(|method| method.name().to_owned()).collect();
    assert!(methods.len() >= 5, "they were found: {methods:?}");
    methods
}

fn wrong_link() -> String {
    mainstay_auth::domain::one_time_secret::LinkSecret::of(uuid::Uuid::now_v7()).unwrap().to_text()
}

fn wrong_challenge() -> String {
    mainstay_auth::domain::challenge::ChallengeToken::of(uuid::Uuid::now_v7()).unwrap().to_text()
}

fn wrong_key() -> String {
    mainstay_auth::domain::service_account::KeySecret::of(uuid::Uuid::now_v7()).unwrap().to_text()
}

/// The settings with a provider that is called nowhere.
fn with_a_provider() -> Config {
    let provider = ProviderConfig {
        issuer: Some("https://idp.invalid".to_owned()),
        client_id: "client".to_owned(),
        ..ProviderConfig::default()
    };
    let anonymous_sign_in = AnonymousSignIn::Open;
    Config { providers: [("idp".to_owned(), provider)].into(), anonymous_sign_in, ..limited() }
}

/// One try of a secret that is wrong, with a method.
async fn try_wrongly(caller: &Caller, method: &str, number: usize) -> Result<(), Fault> {
    let wrong = mainstay_auth::domain::refresh_token::RefreshToken::first_of(uuid::Uuid::now_v7()).unwrap().to_text();
    let email = format!("user-{number}@example.org");
    match method {
        "SignIn" => caller.sign_in(&email, "not the password").await.map(drop),
        "Refresh" => caller.refresh(&wrong).await.map(drop),
        "SignOut" => caller.sign_out(&wrong).await,
        "SignUp" => caller.sign_up(&email, PASSWORD).await.map(drop),
        "SignInAnonymously" => caller.sign_in_anonymously().await.map(drop),
        "RequestSignIn" => caller.request_sign_in(&email).await.map(drop),
        "RequestPasswordReset" => caller.request_reset(&email).await,
        "SignInWithLink" => caller.sign_in_with_link(&wrong_link()).await.map(drop),
        "SignInWithCode" => caller.sign_in_with_code(&uuid::Uuid::now_v7().to_string(), "1234 5678").await.map(drop),
        "SignInWithTotp" => caller.sign_in_with_totp(&wrong_challenge(), "123456").await.map(drop),
        "SignInWithRecoveryCode" => caller.sign_in_with_recovery_code(&wrong_challenge(), "x").await.map(drop),
        "StepUp" => caller.step_up(Shown::TotpCode("123456".to_owned())).await.map(drop),
        "ConfirmTotp" => {
            let name = format!("accounts/me/factors/{}", uuid::Uuid::now_v7());
            caller.confirm_totp(&name, "123456").await.map(drop)
        }
        "BeginPasskeySignIn" => caller.begin_passkey_sign_in(&wrong_challenge()).await.map(drop),
        "SignInWithPasskey" => caller.sign_in_with_passkey(&wrong_challenge(), Default::default()).await.map(drop),
        "FinishPasskey" => caller.finish_passkey(&wrong_challenge(), Default::default()).await.map(drop),
        "FinishSignIn" => {
            caller.finish_sign_in(&wrong_challenge(), &crate::providers::back("code", "state")).await.map(drop)
        }
        "FinishLink" => {
            let back = crate::providers::back("code", "state");
            caller.finish_link("accounts/me", &wrong_challenge(), &back).await.map(drop)
        }
        "ExchangeIdToken" => caller.exchange_id_token("idp", "a.b.c", "a nonce of its own").await.map(drop),
        "LinkIdToken" => caller.link_id_token("accounts/me", "idp", ("a.b.c", "a nonce of its own")).await.map(drop),
        "VerifyEmail" => caller.verify_email(&wrong_link()).await.map(drop),
        "ConfirmEmailChange" => caller.confirm_change(&wrong_link()).await.map(drop),
        "ResetPassword" => caller.reset_password(&wrong_link(), PASSWORD).await,
        "ChangeEmail" => caller.change_email("accounts/me", &email, "not the password").await.map(drop),
        "ChangePassword" => caller.change_password("accounts/me", "not the password", PASSWORD).await,
        "ExchangeKey" => caller.exchange_key(&wrong_key()).await.map(drop),
        "AcceptInvitation" => caller.accept_invitation(&wrong_link()).await.map(drop),
        "SignUpWithInvitation" => caller.sign_up_with_invitation(&wrong_link(), PASSWORD).await.map(drop),
        "CreateFirstAdministrator" => caller.create_first(&wrong_link(), &email, PASSWORD).await.map(drop),
        "DeleteAccount" => caller.delete("accounts/me", "not the password", "").await,
        "EraseAccount" => caller.erase("accounts/me", "not the password").await.map(drop),
        uncounted if UNCOUNTED.contains(&uncounted) => Err(Fault::new(Reason::RateLimited)),
        other => try_as_an_application(caller, other).await,
    }
}

/// Nobody proves anything by what they bring, as it is an administrator's, or chosen for an account that has none; or it is signed or
/// sealed by the service itself, and there is nothing to be guessed.
const UNCOUNTED: [&str; 7] = [
    "CreateAccount",
    "UpgradeAccount",
    "BeginAuthorization",
    "DecideAuthorization",
    "BeginSignOut",
    "GetUserInfo",
    "ExchangeToken",
];

/// The same of what applications call, and owners of accounts for them.
async fn try_as_an_application(caller: &Caller, method: &str) -> Result<(), Fault> {
    let nobody = pb::OAuthClient {
        client_id: uuid::Uuid::now_v7().to_string(),
        client_secret: "not the secret".to_owned(),
        ..Default::default()
    };
    match method {
        "IssueToken" => caller.issue(by_refresh(&nobody, "not a token")).await.map(drop),
        "IntrospectToken" => caller.introspected(proof(&nobody), "not a token").await.map(drop),
        "RevokeToken" => caller.revoked(proof(&nobody), "not a token").await.map(drop),
        "GetDeviceAuthorization" => caller.show_device("BCDF-GHJK").await.map(drop),
        "DecideDeviceAuthorization" => caller.decide_device("BCDF-GHJK", true).await,
        new => panic!("{new} is not in the table: how is it limited?"),
    }
}

both_engines! {
    async fn every_method_that_takes_a_secret_is_limited(engine: Engine) {
        for method in methods_with_secrets() {
            let harness = Harness::with_config(engine, &with_a_provider()).await;
            // Whoever has found a device open; where nobody has to be signed in, that changes nothing.
            let (_, session) = harness.user("ada@example.org").await;
            let caller = harness.caller.as_user(&session).from(ATTACKER);
            let mut tries = 0;
            while !matches!(try_wrongly(&caller, &method, tries).await, Err(fault) if fault.reason() == Some(Reason::RateLimited)) {
                tries += 1;
                assert!(tries <= 100, "{method}");
            }
            if !UNCOUNTED.contains(&method.as_str()) {
                let other = try_wrongly(&harness.caller.as_user(&session).from(OWNER), &method, tries).await;
                assert_ne!(other.err().and_then(|fault| fault.reason()), Some(Reason::RateLimited), "{method}");
            }
        }
    }

    async fn a_refusal_names_the_limit_and_says_when_to_come_again(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let caller = harness.caller.from(ATTACKER);
        for _ in 0..10 {
            assert_eq!(reason(caller.sign_in("ada@example.org", "not the password").await), Reason::WrongCredentials);
        }
        let message = pb::SignInRequest { email: "ADA@example.org".to_owned(), password: PASSWORD.to_owned() };
        let status = caller.sessions().sign_in(caller.request(message)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(status.message(), "too many wrong passwords for this account from this address; try again in 10 seconds");
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.metadata.get("limit").map(String::as_str)), ("RATE_LIMITED", Some("account")));
        let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(wait, Duration::from_secs(10));
        harness.clock.advance_seconds(10);
        caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
    }

    async fn an_attacker_does_not_lock_the_owner_out(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let attacker = harness.caller.from(ATTACKER);
        let before = harness.auth.hashing_effort();
        for _ in 0..1_000 {
            assert!(attacker.sign_in("ada@example.org", "not the password").await.is_err());
        }
        assert_eq!(harness.auth.hashing_effort() - before, 10 * 16, "what is refused is not hashed");
        assert_eq!(reason(attacker.sign_in("ada@example.org", PASSWORD).await), Reason::RateLimited);
        harness.caller.from(OWNER).sign_in("ada@example.org", PASSWORD).await.unwrap();
    }

    async fn an_attacker_with_many_addresses_does_not_lock_the_owner_out(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        for number in 0..150 {
            let attacker = harness.caller.from(&format!("10.0.0.{number}"));
            for _ in 0..12 {
                assert!(attacker.sign_in("ada@example.org", "not the password").await.is_err());
            }
        }
        for owner in [OWNER, "2001:db8::7", "10.0.1.1"] {
            harness.caller.from(owner).sign_in("ada@example.org", PASSWORD).await.unwrap();
        }
    }

    async fn codes_of_factors_are_counted_by_account_and_place_before_they_are_looked_at(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { limits: LimitsConfig { account_burst: 1_000, ..limited().limits }, ..config() }).await;
        let owner = harness.owner_with_app("ada@example.org").await;
        // The owner is known at this place.
        let at_home = harness.caller.from(OWNER);
        let challenge = at_home.sign_in("ada@example.org", PASSWORD).await.unwrap().challenge.unwrap().token;
        at_home.sign_in_with_totp(&challenge, &owner.app.code(&harness.clock)).await.unwrap();
        let mut counted = 0;
        // Whoever knows the password gets as many challenges as they like, and no more tries.
        for number in 0..60 {
            let attacker = harness.caller.from(&format!("198.51.100.{}", number / 12));
            let challenge = attacker.sign_in("ada@example.org", PASSWORD).await.unwrap().challenge.unwrap().token;
            let wrong = owner.app.code_at(&harness.clock, 9);
            match attacker.sign_in_with_totp(&challenge, &wrong).await.unwrap_err().reason() {
                Some(Reason::WrongCode) => counted += 1,
                other => assert_eq!(other, Some(Reason::RateLimited)),
            }
        }
        assert_eq!(counted, 30, "ten at each place, thirty at all");
        let stranger = harness.caller.from("192.0.2.9");
        let challenge = stranger.sign_in("ada@example.org", PASSWORD).await.unwrap().challenge.unwrap().token;
        let code = owner.app.code_at(&harness.clock, 1);
        let refused = stranger.sign_in_with_totp(&challenge, &code).await.unwrap_err();
        assert_eq!(refused.metadata("limit"), Some("second_factor_everywhere"));
        let refused = stranger.sign_in_with_recovery_code(&challenge, &owner.recovery_codes[0]).await.unwrap_err();
        assert_eq!(refused.metadata("limit"), Some("second_factor_everywhere"));
        let challenge = at_home.sign_in("ada@example.org", PASSWORD).await.unwrap().challenge.unwrap().token;
        at_home.sign_in_with_totp(&challenge, &code).await.unwrap();
    }

    async fn limits_tell_nothing_of_who_has_an_account(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut answers = Vec::new();
        for (address, email) in [("198.51.100.1", "ada@example.org"), ("198.51.100.2", "eve@example.org")] {
            let caller = harness.caller.from(address);
            let mut seen = Vec::new();
            for _ in 0..15 {
                let message = pb::SignInRequest { email: email.to_owned(), password: "not the password".to_owned() };
                let status = caller.sessions().sign_in(caller.request(message)).await.unwrap_err();
                seen.push((status.code(), status.message().to_owned(), status.details().to_vec()));
            }
            answers.push(seen);
        }
        assert_eq!(answers[0], answers[1]);
    }

    async fn right_passwords_and_tokens_are_not_counted(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let caller = harness.caller.from(OWNER);
        caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut session = caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        for _ in 0..120 {
            caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
            session = caller.refresh(&session.refresh_token).await.unwrap();
        }
    }

    async fn making_accounts_is_limited_and_an_administrator_is_not(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let caller = harness.caller.from(ATTACKER);
        for number in 0..100 {
            // Also where the address is taken: the answer tells that it is.
            let made = caller.sign_up(&format!("user-{}@example.org", number % 50), PASSWORD).await;
            assert_ne!(made.err().and_then(|fault| fault.reason()), Some(Reason::RateLimited));
        }
        let refused = caller.sign_up("one-more@example.org", PASSWORD).await.unwrap_err();
        assert_eq!((refused.reason(), refused.metadata("limit")), (Some(Reason::RateLimited), Some("sign_up")));
        caller.sign_in("user-1@example.org", PASSWORD).await.unwrap();
        let operator = caller.as_operator();
        for number in 0..120 {
            operator.create_account(&format!("made-{number}@example.org"), PASSWORD, &[]).await.unwrap();
        }
        assert_eq!(answer(caller.accounts().sign_up(caller.request(pb::SignUpRequest::default())).await).unwrap_err().reason(), Some(Reason::FieldViolation), "what cannot be an account is not counted");
    }

    async fn what_limits_remember_goes_with_time(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        for number in 0..20 {
            let caller = harness.caller.from(&format!("10.0.0.{number}"));
            assert!(caller.sign_in(&format!("user-{number}@example.org"), "not the password").await.is_err());
        }
        assert_eq!(harness.auth.limit_keys(), 20);
        harness.clock.advance_seconds(3_600);
        harness.auth.maintain().await.unwrap();
        assert_eq!(harness.auth.limit_keys(), 0);
    }
}
