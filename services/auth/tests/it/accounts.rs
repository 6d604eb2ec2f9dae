use mainstay_auth::SignUp;
use mainstay_auth::store::accounts as store;
use mainstay_db::Lane;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, config, fields, reason};

async fn stored(harness: &Harness, key: &'static str) -> store::AccountRow {
    let found = harness.database.read(Lane::Inline, move |conn| Box::pin(store::find_by_email_key(conn, key))).await;
    found.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}")).unwrap()
}

both_engines! {
    async fn an_account_is_made_and_shown_to_its_owner(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, credentials) = harness.user("Ada@Example.org").await;
        assert_eq!(made.name, format!("accounts/{}", made.uid));
        assert_eq!(made.email, "Ada@Example.org");
        assert!(!made.email_verified && made.roles.is_empty() && made.create_time == made.update_time);
        assert_eq!(made.etag.len(), 16);

        let own = harness.caller.as_user(&credentials);
        assert_eq!(own.get_account("accounts/me").await.unwrap(), made);
        assert_eq!(own.get_account(&made.name).await.unwrap(), made);
        assert_eq!(credentials.account.unwrap(), made);
    }

    async fn an_email_can_be_taken_only_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        for same in ["ada@example.org", "ADA@EXAMPLE.ORG", " ada@example.org ", "\u{ff41}da@example.org"] {
            assert_eq!(reason(harness.caller.sign_up(same, PASSWORD).await), Reason::EmailTaken, "{same}");
        }
        harness.caller.sign_up("ada2@example.org", PASSWORD).await.unwrap();
    }

    async fn of_many_sign_ups_at_once_with_one_email_one_succeeds(engine: Engine) {
        let harness = Harness::start(engine).await;
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let caller = harness.caller.clone();
                tokio::spawn(async move { caller.sign_up("ada@example.org", PASSWORD).await })
            })
            .collect();
        let mut made = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => made += 1,
                Err(fault) => assert_eq!(fault.reason(), Some(Reason::EmailTaken)),
            }
        }
        assert_eq!(made, 1);
    }

    async fn a_password_is_stored_as_argon2id_with_its_parameters(engine: Engine) {
        let mut config = config();
        config.password_hashing = mainstay_auth::Config::default().password_hashing;
        let harness = Harness::with_config(engine, &config).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let row = stored(&harness, "ada@example.org").await;
        assert!(row.password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", row.password_hash);
    }

    async fn a_hash_that_is_weaker_than_configured_is_replaced_at_the_next_sign_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let before = stored(&harness, "ada@example.org").await.password_hash;
        let mut stronger = config();
        stronger.password_hashing.memory_kib = 32;
        stronger.password_hashing.iterations = 2;

        let harness = harness.restart(&stronger).await;
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", "wrong password").await), Reason::WrongCredentials);
        assert_eq!(stored(&harness, "ada@example.org").await.password_hash, before);
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let after = stored(&harness, "ada@example.org").await.password_hash;
        assert!(after.contains("$m=32,t=2,p=1$"), "{after}");

        let harness = harness.restart(&config()).await;
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(stored(&harness, "ada@example.org").await.password_hash, after, "never made weaker");
    }

    async fn all_that_is_wrong_with_a_request_is_said_at_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        assert_eq!(fields(harness.caller.sign_up("ada", "short").await), ["email", "password"]);
        assert_eq!(fields(harness.caller.sign_up("", "").await), ["email", "password"]);
        let long = "x".repeat(4097);
        assert_eq!(fields(harness.caller.sign_up("ada@example.org", &long).await), ["password"]);
        let operator = harness.caller.as_operator();
        let refused = operator.create_account("ada", "short", &["ok", "Not Ok", "mainstay.root"]).await;
        assert_eq!(fields(refused), ["account.email", "password", "account.roles[1]", "account.roles[2]"]);
        assert_eq!(fields(operator.lookup("ada").await), ["email"]);
    }

    async fn to_others_an_account_does_not_exist(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let (_, eve) = harness.user("eve@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.get_account(&ada.name).await), Reason::ResourceNotFound);
        let missing = "accounts/0199a1c4-0000-7000-8000-000000000000";
        assert_eq!(reason(eve.get_account(missing).await), Reason::ResourceNotFound);

        let operator = harness.caller.as_operator();
        assert_eq!(operator.get_account(&ada.name).await.unwrap(), ada);
        assert_eq!(operator.lookup("ADA@example.org").await.unwrap(), ada);
        assert_eq!(reason(operator.get_account(missing).await), Reason::ResourceNotFound);
        assert_eq!(reason(operator.lookup("nobody@example.org").await), Reason::ResourceNotFound);
        assert_eq!(reason(operator.get_account("accounts/me").await), Reason::ResourceNotFound);
    }

    async fn a_name_has_one_spelling(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&credentials);
        for name in ["", "me", "accounts/", "accounts/ME", "accounts/1", "accounts/me/x", "users/me", &ada.name.to_uppercase(), &ada.name.replace('-', "")] {
            assert_eq!(fields(own.get_account(name).await), ["name"], "{name}");
        }
    }

    async fn sign_up_can_be_closed(engine: Engine) {
        let mut config = config();
        config.sign_up = SignUp::Closed;
        let harness = Harness::with_config(engine, &config).await;
        assert_eq!(reason(harness.caller.sign_up("ada@example.org", PASSWORD).await), Reason::PermissionDenied);
        harness.caller.as_operator().create_account("ada@example.org", PASSWORD, &[]).await.unwrap();
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
    }

    async fn roles_are_replaced_sorted_and_each_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let operator = harness.caller.as_operator();
        let changed = operator.set_roles(&ada.name, &["warehouse", "merchant", "warehouse"], &ada.etag).await.unwrap();
        assert_eq!(changed.roles, ["merchant", "warehouse"]);
        assert_ne!(changed.etag, ada.etag);
        assert_eq!(operator.get_account(&ada.name).await.unwrap(), changed);

        assert_eq!(reason(operator.set_roles(&ada.name, &[], &ada.etag).await), Reason::EtagMismatch);
        assert_eq!(operator.set_roles(&ada.name, &[], &changed.etag).await.unwrap().roles, [""; 0]);
    }

    async fn only_administrators_set_roles_and_only_known_platform_roles(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&credentials);
        assert_eq!(reason(own.set_roles("accounts/me", &["mainstay.admin"], "").await), Reason::PermissionDenied);
        assert_eq!(reason(harness.caller.set_roles(&ada.name, &["x"], "").await), Reason::Unauthenticated);
        let gateway = harness.caller.as_service("gateway");
        assert_eq!(reason(gateway.set_roles(&ada.name, &["x"], "").await), Reason::PermissionDenied);

        let operator = harness.caller.as_operator();
        for role in ["mainstay.service", "mainstay.root", "mainstay", "Merchant", "", "a..b", ".a", "a b", "é", &"r".repeat(65)] {
            assert_eq!(fields(operator.set_roles(&ada.name, &["ok", role], "").await), ["roles[1]"], "{role}");
        }
        let many: Vec<String> = (0..33).map(|n| format!("role-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(fields(operator.set_roles(&ada.name, &many, "").await), ["roles"]);
        operator.set_roles(&ada.name, &["mainstay.admin"], "").await.unwrap();
    }

    async fn a_role_takes_effect_at_the_next_refresh(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, before) = harness.user("ada@example.org").await;
        harness.caller.as_operator().set_roles(&ada.name, &["mainstay.admin"], "").await.unwrap();
        assert!(!harness.verify(&before).await.unwrap().has_role("mainstay.admin"));

        let after = harness.caller.refresh(&before.refresh_token).await.unwrap();
        assert!(harness.verify(&after).await.unwrap().has_role("mainstay.admin"));
        harness.caller.as_user(&after).lookup("ada@example.org").await.unwrap();
    }

    async fn the_command_line_makes_accounts_and_grants_roles_in_process(engine: Engine) {
        let harness = Harness::start(engine).await;
        let made = harness.auth.create_account("root@example.org", PASSWORD, &["mainstay.admin".to_owned()]).await.unwrap();
        assert_eq!(made.roles, ["mainstay.admin"]);
        for _ in 0..2 {
            let granted = harness.auth.grant_role("ROOT@example.org", "merchant").await.unwrap();
            assert_eq!(granted.roles, ["mainstay.admin", "merchant"]);
        }
        assert!(harness.auth.grant_role("nobody@example.org", "merchant").await.is_err());
        assert!(harness.auth.grant_role("root@example.org", "mainstay.service").await.is_err());
    }

    async fn roles_that_are_granted_at_once_all_stay(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let grants: Vec<_> = (0..8)
            .map(|n| {
                let auth = harness.auth.clone();
                tokio::spawn(async move { auth.grant_role("ada@example.org", &format!("role-{n}")).await })
            })
            .collect();
        for grant in grants {
            grant.await.unwrap().unwrap();
        }
        assert_eq!(harness.caller.as_operator().lookup("ada@example.org").await.unwrap().roles.len(), 8);
    }
}
