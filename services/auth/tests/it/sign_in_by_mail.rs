use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, fields, reason, subjects};

const ADA: &str = "ada@example.org";

/// Somebody whose address is verified.
async fn verified(harness: &Harness) -> mainstay_proto::auth::v1::Credentials {
    let (_, session) = harness.user(ADA).await;
    harness.caller.verify_email(&harness.token("verify_email", ADA).await).await.unwrap();
    session
}

/// A code that is not this one.
fn another(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

both_engines! {
    async fn a_code_signs_in_for_the_request_that_sent_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let before = verified(&harness).await;
        let request = harness.caller.request_sign_in("ADA@example.org").await.unwrap();
        let mail = harness.mail("sign_in", ADA).await;
        let secret = mail.link.split_once("#token=").unwrap().1;
        assert!(mail.text.contains(&mail.code) && mail.html.contains(&mail.code) && mail.html.contains(secret));
        let signed_in = harness.caller.sign_in_with_code(&request, &mail.code.replace(' ', "")).await.unwrap();
        assert_eq!(harness.verify(&signed_in).await.unwrap().email(), Some(ADA));
        harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
        harness.caller.refresh(&before.refresh_token).await.unwrap();
        harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in_with_code(&request, &mail.code).await), Reason::WrongCode, "once");
        let token = mail.link.split_once("#token=").unwrap().1;
        assert_eq!(reason(harness.caller.sign_in_with_link(token).await), Reason::OneTimeSecretNotFound, "either of the two");
    }

    async fn a_link_signs_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        verified(&harness).await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let mail = harness.mail("sign_in", ADA).await;
        assert!(mail.link.starts_with("https://app.example.org/auth/sign-in/link#token=mot_"), "{}", mail.link);
        let signed_in = harness.caller.sign_in_with_link(&harness.token("sign_in", ADA).await).await.unwrap();
        harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in_with_code(&request, &mail.code).await), Reason::WrongCode);
        assert_eq!(reason(harness.caller.verify_email(&harness.token("sign_in", ADA).await).await), Reason::OneTimeSecretNotFound);
    }

    async fn a_request_has_five_tries_and_a_right_one_comes_too_late(engine: Engine) {
        let harness = Harness::start(engine).await;
        verified(&harness).await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let code = harness.mail("sign_in", ADA).await.code;
        for wrong in ["x", &another(&code), &another(&code), "12345678901", &another(&code)] {
            assert_eq!(reason(harness.caller.sign_in_with_code(&request, wrong).await), Reason::WrongCode, "{wrong}");
        }
        assert_eq!(reason(harness.caller.sign_in_with_code(&request, &code).await), Reason::WrongCode);
        // Whoever tries codes keeps nobody from the link.
        harness.caller.sign_in_with_link(&harness.token("sign_in", ADA).await).await.unwrap();
    }

    async fn the_fifth_try_may_be_the_right_one_and_another_request_has_its_own(engine: Engine) {
        let harness = Harness::start(engine).await;
        verified(&harness).await;
        let first = harness.caller.request_sign_in(ADA).await.unwrap();
        let code = harness.mail("sign_in", ADA).await.code;
        harness.clock.advance_seconds(1);
        let second = harness.caller.request_sign_in(ADA).await.unwrap();
        let newer = harness.mail("sign_in", ADA).await.code;
        assert_eq!(reason(harness.caller.sign_in_with_code(&second, &code).await), Reason::WrongCode, "it is for the other one");
        for _ in 0..4 {
            assert_eq!(reason(harness.caller.sign_in_with_code(&first, &another(&code)).await), Reason::WrongCode);
        }
        harness.caller.sign_in_with_code(&first, &code).await.unwrap();
        harness.caller.sign_in_with_code(&second, &newer).await.unwrap();
    }

    async fn of_twenty_at_once_one_signs_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        verified(&harness).await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let code = harness.mail("sign_in", ADA).await.code;
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (caller, request, code) = (harness.caller.clone(), request.clone(), code.clone());
                tokio::spawn(async move { caller.sign_in_with_code(&request, &code).await })
            })
            .collect();
        let mut signed_in = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => signed_in += 1,
                Err(fault) => assert_eq!(fault.reason(), Some(Reason::WrongCode), "{fault:?}"),
            }
        }
        assert_eq!(signed_in, 1);
    }

    async fn it_is_good_for_ten_minutes(engine: Engine) {
        let harness = Harness::start(engine).await;
        verified(&harness).await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let mail = harness.mail("sign_in", ADA).await;
        harness.clock.advance_seconds(600);
        assert_eq!(reason(harness.caller.sign_in_with_code(&request, &mail.code).await), Reason::WrongCode);
        assert_eq!(reason(harness.caller.sign_in_with_link(mail.link.split_once("#token=").unwrap().1).await), Reason::OneTimeSecretNotFound);
    }

    async fn nobody_without_an_account_gets_a_mail_and_bad_requests_are_named(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.request_sign_in("nobody@example.org").await.unwrap();
        assert_eq!(subjects(&harness.mails().await), []);
        assert_eq!(fields(harness.caller.request_sign_in("nobody").await), ["email"]);
        assert_eq!(fields(harness.caller.sign_in_with_code("", "").await), ["request_id", "code"]);
        assert_eq!(fields(harness.caller.sign_in_with_link("").await), ["token"]);
        let never = uuid::Uuid::now_v7().to_string();
        assert_eq!(reason(harness.caller.sign_in_with_code(&never, "1234 5678").await), Reason::WrongCode);
    }

    /// S1a: somebody made an account with a victim's address before its owner signed in.
    async fn the_first_proof_of_an_address_ends_what_a_stranger_may_have_set(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, attacker) = harness.user(ADA).await;
        harness.caller.as_user(&attacker).change_email("accounts/me", "eve@example.net", PASSWORD).await.unwrap();
        let change = harness.token("change_email", "eve@example.net").await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let code = harness.mail("sign_in", ADA).await.code;
        let owner = harness.caller.sign_in_with_code(&request, &code).await.unwrap();
        let owned = owner.account.clone().unwrap();
        assert!(owned.email_verified && owned.uid == account.uid);
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.refresh(&attacker.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.confirm_change(&change).await), Reason::OneTimeSecretNotFound);
        harness.caller.refresh(&owner.refresh_token).await.unwrap();
    }
}
