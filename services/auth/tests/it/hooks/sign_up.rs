//! Before an account is made.

use std::time::{Duration, Instant};

use mainstay_auth::hooks::OnFailure;
use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_fault::Reason;
use mainstay_proto::auth::hook::v1 as hook;
use mainstay_proto::auth::hook::v1::SignUpMethod;
use mainstay_proto::auth::hook::v1::before_sign_up_response::Decision;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use serde_json::json;
use tonic::{Code, Status};

use super::fake::{App, allow, claims, deny};
use crate::harness::{Harness, PASSWORD, reason};
use crate::providers::fake::Idp;
use crate::providers::{verified, with_providers};

const ADA: &str = "ada@example.org";

/// Whether there is an account with the address, or any at all.
async fn is_there(harness: &Harness, email: &str) -> bool {
    harness.caller.as_operator().lookup(email).await.is_ok()
}

async fn accounts(harness: &Harness) -> usize {
    harness.caller.as_operator().list(0, "").await.unwrap().accounts.len()
}

/// The ways by which it was asked, and the address.
fn ways(app: &App) -> Vec<(SignUpMethod, String)> {
    let script = app.script();
    let way = |asked: &hook::BeforeSignUpRequest| {
        (asked.method(), asked.account.as_ref().map(|account| account.email.clone()).unwrap_or_default())
    };
    script.asked_before.iter().map(way).collect()
}

both_engines! {
    async fn where_a_hook_hangs_a_sign_up_fails_in_time_and_nothing_is_stored(engine: Engine) {
        let app = App::start().await;
        app.script().silent.push("BeforeSignUp");
        let harness = Harness::with_config(engine, &app.before(OnFailure::Closed)).await;
        let began = Instant::now();
        assert_eq!(reason(harness.caller.sign_up(ADA, PASSWORD).await), Reason::HookUnavailable);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(990) && took < Duration::from_secs(5), "{took:?}");
        assert!(!is_there(&harness, ADA).await);
        assert_eq!((accounts(&harness).await, harness.mails().await.len()), (0, 0));
        app.script().silent.clear();
        harness.caller.sign_up(ADA, PASSWORD).await.unwrap();
    }

    async fn where_a_hook_is_not_there_nobody_signs_up_until_it_is(engine: Engine) {
        let app = App::start().await;
        let (config, address) = (app.before(OnFailure::Closed), app.address.to_string());
        drop(app);
        let harness = Harness::with_config(engine, &config).await;
        assert_eq!(reason(harness.caller.sign_up(ADA, PASSWORD).await), Reason::HookUnavailable);
        assert!(!is_there(&harness, ADA).await);
        let _app = App::start_at(&address).await;
        let mut tries = 0;
        while harness.caller.sign_up(ADA, PASSWORD).await.is_err() {
            tries += 1;
            assert!(tries < 20, "the connection comes back");
        }
    }

    async fn whom_it_denies_gets_no_account_and_its_words_alone(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Open)).await;
        harness.caller.sign_up("taken@example.org", PASSWORD).await.unwrap();
        app.script().before = deny("  Only \u{7}people of example.org, please.\n");
        let denied = harness.caller.sign_up(ADA, PASSWORD).await.unwrap_err();
        assert_eq!((denied.code(), denied.reason()), (Code::PermissionDenied, Some(Reason::SignUpDenied)));
        assert_eq!(denied.text(), "Only people of example.org, please.");
        // Whether an address has an account is told neither to it nor by it.
        let taken = harness.caller.sign_up("taken@example.org", PASSWORD).await.unwrap_err();
        assert_eq!((taken.reason(), taken.text()), (denied.reason(), denied.text()));
        app.script().before = deny(&"x".repeat(1_000));
        assert_eq!(harness.caller.sign_up(ADA, PASSWORD).await.unwrap_err().text().len(), 300);
        app.script().before = deny("");
        let silent = harness.caller.sign_up(ADA, PASSWORD).await.unwrap_err();
        assert_eq!(silent.text(), Reason::SignUpDenied.usual_message());
        assert_eq!(accounts(&harness).await, 1);
        app.script().before = allow();
        assert_eq!(reason(harness.caller.sign_up("taken@example.org", PASSWORD).await), Reason::EmailTaken);
        let asked = app.script().asked_before.clone();
        let [first, .., last] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(first, last, "the same is asked of an address that has an account");
    }

    async fn it_has_the_account_made_otherwise(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Closed)).await;
        app.script().before = Ok(Some(Decision::Allow(hook::Allow {
            display_name: Some(" Ada Lovelace ".to_owned()),
            picture_uri: Some("https://example.org/ada.png".to_owned()),
            locale: Some("de".to_owned()),
            claims: Some(claims(&[("tier", "gold")])),
        })));
        let made = harness.caller.from("203.0.113.7").sign_up_in("en", ADA, PASSWORD).await.unwrap();
        assert_eq!((made.display_name.as_str(), made.locale.as_str()), ("Ada Lovelace", "de"));
        assert_eq!((made.picture_uri.as_str(), &made.claims), ("https://example.org/ada.png", &Some(claims(&[("tier", "gold")]))));
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        assert_eq!(harness.verify(&session).await.unwrap().claims()["tier"], "gold");
        assert!(harness.mail("verify_email", ADA).await.text.contains("Bestätige") || harness.mail("verify_email", ADA).await.subject.contains("Adresse"), "in its language");
        let asked = app.script().asked_before.remove(0);
        let account = asked.account.clone().unwrap();
        assert_eq!((account.name.as_str(), account.email.as_str(), account.locale.as_str()), ("", ADA, "en"));
        assert_eq!((asked.method(), asked.provider.as_str(), asked.organisation.as_str()), (SignUpMethod::Password, "", ""));
        let caller = asked.caller.unwrap();
        assert_eq!((caller.address.as_str(), caller.actor.as_str()), ("203.0.113.7", ""));
    }

    async fn what_it_may_not_say_is_a_failure(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Closed)).await;
        let allowing = |change: fn(&mut hook::Allow)| {
            let mut wanted = hook::Allow::default();
            change(&mut wanted);
            Ok(Some(Decision::Allow(wanted)))
        };
        let lies = [
            Ok(None),
            Err(Status::internal("ada@example.org is unknown")),
            Err(Status::unimplemented("")),
            allowing(|allow| allow.display_name = Some("x".repeat(1_000))),
            allowing(|allow| allow.picture_uri = Some("javascript:alert(1)".to_owned())),
            allowing(|allow| allow.locale = Some("not a language".to_owned())),
            allowing(|allow| allow.claims = Some(claims(&[("a", &"x".repeat(5_000))]))),
            allowing(|allow| allow.claims = Some(claims(&[("a", &"x".repeat(100_000))]))),
            allowing(|allow| allow.claims = Some(claims(&[("sub", "somebody else")]))),
            allowing(|allow| allow.claims = Some(claims(&[("roles", "mainstay.admin")]))),
            allowing(|allow| allow.claims = Some(claims(&[("mainstay.admin", "yes")]))),
        ];
        for lie in lies {
            app.script().before = lie.clone();
            let refused = harness.caller.sign_up(ADA, PASSWORD).await.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::HookUnavailable), "{lie:?}");
            assert_eq!(refused.text(), Reason::HookUnavailable.usual_message(), "what it says is shown to nobody");
        }
        assert_eq!(accounts(&harness).await, 0);
    }

    async fn where_it_is_open_people_sign_up_without_it(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Open)).await;
        app.script().silent.push("BeforeSignUp");
        harness.caller.sign_up("hangs@example.org", PASSWORD).await.unwrap();
        app.script().silent.clear();
        app.script().before = Ok(None);
        harness.caller.sign_up("lies@example.org", PASSWORD).await.unwrap();
        app.script().before = Err(Status::unavailable("gone"));
        harness.caller.sign_up("gone@example.org", PASSWORD).await.unwrap();
        assert_eq!(accounts(&harness).await, 3);
    }

    async fn it_is_asked_whichever_way_an_account_is_made(engine: Engine) {
        let (app, idp) = (App::start().await, Idp::start().await);
        let anonymous_sign_in = AnonymousSignIn::Open;
        let config = Config { anonymous_sign_in, ..app.before(OnFailure::Closed) };
        let harness = Harness::with_config(engine, &with_providers(config, vec![("idp", idp.config())])).await;
        idp.follow(&harness.clock);
        let operator = harness.caller.as_operator();
        harness.caller.sign_up("password@example.org", PASSWORD).await.unwrap();
        idp.script().user = verified("ada", "provider@example.org");
        let first = harness.come_by("idp", &idp).await.unwrap();
        harness.come_by("idp", &idp).await.unwrap();
        operator.create_account("administrator@example.org", PASSWORD, &["editor"]).await.unwrap();
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        harness.caller.as_user(&anonymous).upgrade("accounts/me", "upgraded@example.org", PASSWORD).await.unwrap();
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        harness.caller.as_user(&anonymous).change_email("accounts/me", "changed@example.org", "").await.unwrap();
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        idp.script().user = verified("bob", "linked@example.org");
        harness.link_by(&anonymous, "idp", &idp).await.unwrap();
        let ada = harness.caller.as_user(&first);
        let organisation = ada.create_organisation("Acme").await.unwrap().name;
        ada.invite(&organisation, "invited@example.org", &[]).await.unwrap();
        let token = harness.token("invitation", "invited@example.org").await;
        harness.caller.sign_up_with_invitation(&token, PASSWORD).await.unwrap();
        let (asked, none) = (ways(&app), String::new);
        let of = |email: &str| format!("{email}@example.org");
        let expected = [
            (SignUpMethod::Password, of("password")),
            (SignUpMethod::Provider, of("provider")),
            (SignUpMethod::Administrator, of("administrator")),
            (SignUpMethod::Anonymous, none()),
            (SignUpMethod::Upgrade, of("upgraded")),
            (SignUpMethod::Anonymous, none()),
            (SignUpMethod::Upgrade, of("changed")),
            (SignUpMethod::Anonymous, none()),
            (SignUpMethod::Upgrade, of("linked")),
            (SignUpMethod::Invitation, of("invited")),
        ];
        assert_eq!(asked, expected);
        let script = app.script();
        assert_eq!(script.asked_before[1].provider, "idp");
        assert_eq!(script.asked_before[2].account.as_ref().unwrap().roles, ["editor"]);
        assert_eq!(script.asked_before[2].caller.as_ref().unwrap().actor, "services/operator");
        assert_eq!(script.asked_before[9].organisation, organisation);
        assert!(script.asked_before[9].account.as_ref().unwrap().email_verified);
    }

    async fn of_what_is_linked_it_is_asked_where_that_gives_an_account_an_address(engine: Engine) {
        let (app, idp) = (App::start().await, Idp::start().await);
        let config = with_providers(app.before(OnFailure::Closed), vec![("idp", idp.config())]);
        let harness = Harness::with_config(engine, &config).await;
        idp.follow(&harness.clock);
        idp.script().user = json!({"sub": "ada"});
        let nameless = harness.come_by("idp", &idp).await.unwrap();
        let name = nameless.account.unwrap().name;
        harness.caller.as_operator().set_roles(&name, &["editor"], "").await.unwrap();
        let session = harness.come_by("idp", &idp).await.unwrap();
        app.script().before = deny("no");
        app.script().asked_before.clear();
        let linked = harness.link_by(&session, "idp", &idp).await.unwrap();
        assert_eq!(harness.link_by(&session, "idp", &idp).await.unwrap().name, linked.name, "it was linked already");
        idp.script().user = json!({"sub": "ada, by another name"});
        harness.link_by(&session, "idp", &idp).await.unwrap();
        assert_eq!(ways(&app), []);
        idp.script().user = verified("ada at work", ADA);
        assert_eq!(reason(harness.link_by(&session, "idp", &idp).await), Reason::SignUpDenied);
        assert_eq!(ways(&app), [(SignUpMethod::Upgrade, ADA.to_owned())]);
        assert_eq!(app.script().asked_before[0].account.as_ref().unwrap().roles, ["editor"]);
        app.script().before = allow();
        harness.link_by(&session, "idp", &idp).await.unwrap();
        let session = harness.come_by("idp", &idp).await.unwrap();
        assert_eq!(session.account.as_ref().unwrap().email, ADA);
        app.script().before = deny("no");
        app.script().asked_before.clear();
        idp.script().user = verified("ada at school", "ada@school.example.org");
        harness.link_by(&session, "idp", &idp).await.unwrap();
        assert_eq!(ways(&app), [], "it has an address");
    }

    async fn none_of_these_ways_leads_past_it(engine: Engine) {
        let (app, idp) = (App::start().await, Idp::start().await);
        let anonymous_sign_in = AnonymousSignIn::Open;
        let config = Config { anonymous_sign_in, ..app.before(OnFailure::Closed) };
        let harness = Harness::with_config(engine, &with_providers(config, vec![("idp", idp.config())])).await;
        idp.follow(&harness.clock);
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        let own = harness.caller.as_user(&anonymous);
        app.script().before = deny("no");
        let operator = harness.caller.as_operator();
        idp.script().user = verified("ada", "provider@example.org");
        assert_eq!(reason(harness.caller.sign_up(ADA, PASSWORD).await), Reason::SignUpDenied);
        assert_eq!(reason(harness.come_by("idp", &idp).await), Reason::SignUpDenied);
        assert_eq!(reason(operator.create_account(ADA, PASSWORD, &[]).await), Reason::SignUpDenied);
        assert_eq!(reason(harness.caller.sign_in_anonymously().await), Reason::SignUpDenied);
        assert_eq!(reason(own.upgrade("accounts/me", ADA, PASSWORD).await), Reason::SignUpDenied);
        assert_eq!(reason(own.change_email("accounts/me", ADA, "").await), Reason::SignUpDenied);
        assert_eq!(reason(harness.link_by(&anonymous, "idp", &idp).await), Reason::SignUpDenied);
        assert_eq!(accounts(&harness).await, 1, "the one that was there");
        assert!(own.get_account("accounts/me").await.unwrap().anonymous);
        assert_eq!(harness.mails().await, []);
    }

    async fn an_address_that_nobody_has_shown_is_exchanged_for_none_that_it_denies(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.before(OnFailure::Closed)).await;
        let (_, session) = harness.user("nobody@example.org").await;
        let own = harness.caller.as_user(&session);
        let mails = harness.mails().await.len();
        app.script().before = deny("no");
        let changed = own.change_email("accounts/me", "eve@example.net", PASSWORD).await;
        assert_eq!((reason(changed), harness.mails().await.len()), (Reason::SignUpDenied, mails));
        harness.caller.verify_email(&harness.token("verify_email", "nobody@example.org").await).await.unwrap();
        let session = harness.caller.sign_in("nobody@example.org", PASSWORD).await.unwrap();
        let asked = app.script().asked_before.len();
        harness.caller.as_user(&session).change_email("accounts/me", "eve@example.net", PASSWORD).await.unwrap();
        assert_eq!(app.script().asked_before.len(), asked, "whose address is verified signed up long ago");
    }

    async fn whoever_runs_the_installation_asks_nobody(engine: Engine) {
        let app = App::start().await;
        let config = app.before(OnFailure::Closed);
        drop(app);
        let harness = Harness::with_config(engine, &config).await;
        let token = harness.auth.offer_first_administrator().await.unwrap().unwrap();
        harness.caller.from("127.0.0.1").create_first(&token, ADA, PASSWORD).await.unwrap();
        harness.auth.create_account("bob@example.org", PASSWORD, &[]).await.unwrap();
        let account = Some(pb::Account { email: "eve@example.org".to_owned(), ..Default::default() });
        let accounts = vec![pb::ImportedAccount { account, ..Default::default() }];
        let imported = harness.auth.import_accounts(pb::ImportAccountsRequest { accounts }).await.unwrap();
        assert_eq!((imported.imported_accounts, imported.failures.len()), (1, 0));
    }
}
