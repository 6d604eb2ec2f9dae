use mainstay_auth::{Config, SignUp};
use mainstay_db::Counters;
use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, config, fields, limited, reason, token_of};
use crate::organisations::Company;

const DAY: i64 = 24 * 3_600;
const EVE: &str = "eve@example.org";

/// What a caller gets to see of a refusal.
fn shown(refused: Result<pb::Member, Fault>) -> (tonic::Code, String, Option<Reason>) {
    let fault = refused.unwrap_err();
    (fault.code(), fault.text().to_owned(), fault.reason())
}

/// What a call had the store do.
fn work(before: &Counters, after: &Counters) -> [u64; 3] {
    [after.jobs - before.jobs, after.inline_reads - before.inline_reads, after.heavy_reads - before.heavy_reads]
}

async fn owner(harness: &Harness) -> (Caller, String) {
    let (_, session) = harness.verified_user("ada@example.org").await;
    let ada = harness.caller.as_user(&session);
    let organisation = ada.create_organisation("Acme").await.unwrap().name;
    (ada, organisation)
}

both_engines! {
    async fn whoever_has_the_address_accepts_once_and_gets_what_was_said(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, organisation) = owner(&harness).await;
        let (eves, session) = harness.verified_user(EVE).await;
        let eve = harness.caller.as_user(&session);
        let invited = ada.invite(&organisation, "EVE@example.org", &["viewer", "editor"]).await.unwrap();
        assert_eq!((invited.email.as_str(), &invited.roles[..]), ("EVE@example.org", &["editor".to_owned(), "viewer".to_owned()][..]));
        assert_eq!(ada.list_invitations(&organisation, 0, "").await.unwrap().invitations, std::slice::from_ref(&invited));
        let mail = harness.mail("invitation", "EVE@example.org").await;
        assert!(mail.link.contains("/invitation#token=mot_") && mail.text.contains("“Acme”") && mail.text.contains("7 days"), "{}", mail.text);
        let member = eve.accept_invitation(&token_of(&mail)).await.unwrap();
        assert_eq!((member.account.as_str(), &member.roles), (eves.name.as_str(), &invited.roles));
        assert_eq!(eve.list_organisations("", 0, "").await.unwrap().organisations.len(), 1);
        assert_eq!(reason(eve.accept_invitation(&token_of(&mail)).await), Reason::OneTimeSecretNotFound);
        assert_eq!(reason(ada.get_invitation(&invited.name).await), Reason::ResourceNotFound, "it was taken up");
        assert_eq!(ada.list_invitations(&organisation, 0, "").await.unwrap().invitations, []);
    }

    async fn to_every_other_account_the_link_is_as_good_as_none(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, organisation) = owner(&harness).await;
        let (_, session) = harness.verified_user("bob@example.org").await;
        let bob = harness.caller.as_user(&session);
        ada.invite(&organisation, EVE, &[]).await.unwrap();
        let token = harness.token("invitation", EVE).await;
        let never = mainstay_auth::domain::one_time_secret::LinkSecret::of(uuid::Uuid::now_v7()).unwrap().to_text();
        let other = shown(bob.accept_invitation(&token).await);
        assert_eq!(other, shown(bob.accept_invitation(&never).await));
        assert_eq!(other.2, Some(Reason::OneTimeSecretNotFound));
        assert_eq!(reason(harness.caller.accept_invitation(&token).await), Reason::Unauthenticated);
        assert_eq!(reason(harness.caller.as_operator().accept_invitation(&token).await), Reason::Unauthenticated);
        assert_eq!(reason(harness.caller.verify_email(&token).await), Reason::OneTimeSecretNotFound, "it is good for nothing else");
        assert_eq!(reason(harness.caller.sign_in_with_link(&token).await), Reason::OneTimeSecretNotFound);
        // Whoever has the address shows that first: somebody else may have made the account.
        let (_, session) = harness.user(EVE).await;
        let eve = harness.caller.as_user(&session);
        assert_eq!(reason(eve.accept_invitation(&token).await), Reason::FailedPrecondition);
        let verification = harness.token("verify_email", EVE).await;
        harness.caller.verify_email(&verification).await.unwrap();
        eve.accept_invitation(&token).await.unwrap();
    }

    async fn whoever_invites_does_not_learn_who_has_an_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, organisation) = owner(&harness).await;
        harness.verified_user(EVE).await;
        harness.clock.advance_seconds(2 * 3_600);
        let session = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let ada = ada.with_bearer(&session.access_token);
        let mut worlds = Vec::new();
        for email in [EVE, "nobody@example.org"] {
            let before = harness.database.counters();
            let answer = ada.invite(&organisation, email, &["editor"]).await.unwrap();
            let work = work(&before, &harness.database.counters());
            worlds.push((pb::Invitation { name: String::new(), email: String::new(), ..answer }, work));
        }
        assert_eq!(worlds[0], worlds[1]);
        let sent = harness.mails().await.into_iter().filter(|mail| mail.kind == "invitation").count();
        assert_eq!(sent, 2, "both are asked");
    }

    async fn it_ends_with_its_time_with_another_one_and_when_it_is_taken_back(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, organisation) = owner(&harness).await;
        let (_, session) = harness.verified_user(EVE).await;
        let eve = harness.caller.as_user(&session);
        let first = ada.invite(&organisation, EVE, &["first"]).await.unwrap();
        let first_token = harness.token("invitation", EVE).await;
        harness.clock.advance_seconds(1);
        let second = ada.invite(&organisation, EVE, &["second"]).await.unwrap();
        let second_token = harness.token("invitation", EVE).await;
        assert_eq!(reason(eve.accept_invitation(&first_token).await), Reason::OneTimeSecretNotFound);
        assert_eq!(ada.list_invitations(&organisation, 0, "").await.unwrap().invitations, std::slice::from_ref(&second));
        assert_eq!(reason(ada.delete_invitation(&first.name).await), Reason::ResourceNotFound);
        ada.delete_invitation(&second.name).await.unwrap();
        assert_eq!(reason(eve.accept_invitation(&second_token).await), Reason::OneTimeSecretNotFound);

        let third = ada.invite(&organisation, EVE, &[]).await.unwrap();
        let third_token = harness.token("invitation", EVE).await;
        harness.clock.advance_seconds(7 * DAY);
        let again = async |email: &str| harness.caller.sign_in(email, PASSWORD).await.unwrap();
        let (ada, eve) = (harness.caller.as_user(&again("ada@example.org").await), harness.caller.as_user(&again(EVE).await));
        assert_eq!(reason(eve.accept_invitation(&third_token).await), Reason::OneTimeSecretNotFound);
        assert_eq!(reason(ada.get_invitation(&third.name).await), Reason::ResourceNotFound);
        harness.auth.maintain().await.unwrap();
        assert_eq!(ada.list_invitations(&organisation, 0, "").await.unwrap().invitations, []);
    }

    async fn managers_invite_but_make_nobody_who_administers(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { ada, bob, name, .. } = &company;
        assert_eq!(reason(bob.invite(name, "", &["Not A Role"]).await), Reason::PermissionDenied);
        assert_eq!(reason(bob.list_invitations(name, 0, "").await), Reason::PermissionDenied);
        ada.set_member_roles(&company.bobs_name(), &["mainstay.manager"], "").await.unwrap();
        for role in ["mainstay.owner", "mainstay.manager"] {
            assert_eq!(reason(bob.invite(name, "new@example.org", &[role]).await), Reason::PermissionDenied);
        }
        assert_eq!(fields(bob.invite(name, "no address", &[]).await), ["invitation.email"]);
        assert_eq!(fields(bob.invite(name, "new@example.org", &["mainstay.admin"]).await), ["invitation.roles[0]"]);
        bob.invite(name, "new@example.org", &["editor"]).await.unwrap();
    }

    async fn whoever_was_sent_away_leaves_no_doors_open(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["mainstay.owner"]).await;
        let Company { harness, ada, bob, name, .. } = &company;
        let (_, session) = harness.verified_user("zoe@example.org").await;
        let zoe = harness.caller.as_user(&session);
        bob.invite(name, "zoe@example.org", &["mainstay.owner"]).await.unwrap();
        let token = harness.token("invitation", "zoe@example.org").await;
        ada.set_member_roles(&company.bobs_name(), &["mainstay.manager"], "").await.unwrap();
        assert_eq!(reason(zoe.accept_invitation(&token).await), Reason::OneTimeSecretNotFound);
        ada.delete_member(&company.bobs_name()).await.unwrap();
        assert_eq!(reason(zoe.accept_invitation(&token).await), Reason::OneTimeSecretNotFound);
        // It was not used up by that: an owner is worth something again.
        harness.caller.as_operator().create_member(name, &company.bobs.name, &["mainstay.owner"]).await.unwrap();
        zoe.accept_invitation(&token).await.unwrap();

        // And nobody comes back by what was said to them before.
        let bobs = harness.token("verify_email", "bob@example.org").await;
        harness.caller.verify_email(&bobs).await.unwrap();
        ada.invite(name, "bob@example.org", &[]).await.unwrap();
        let token = harness.token("invitation", "bob@example.org").await;
        assert_eq!(reason(bob.accept_invitation(&token).await), Reason::AlreadyExists);
        ada.delete_member(&company.bobs_name()).await.unwrap();
        assert_eq!(reason(bob.accept_invitation(&token).await), Reason::OneTimeSecretNotFound);
        // Nor into what is there no more.
        ada.invite(name, "bob@example.org", &[]).await.unwrap();
        let token = harness.token("invitation", "bob@example.org").await;
        ada.delete_organisation(name, "").await.unwrap();
        assert_eq!(reason(bob.accept_invitation(&token).await), Reason::OneTimeSecretNotFound);
    }

    async fn whoever_has_no_account_signs_up_by_it(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { sign_up: SignUp::Invited, ..config() }).await;
        assert_eq!(reason(harness.caller.sign_up(EVE, PASSWORD).await), Reason::PermissionDenied);
        let account = harness.caller.as_operator().create_account("ada@example.org", PASSWORD, &[]).await.unwrap();
        let session = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let ada = harness.caller.as_user(&session);
        let organisation = ada.create_organisation("Acme").await.unwrap().name;
        ada.invite(&organisation, EVE, &["editor"]).await.unwrap();
        let token = harness.token("invitation", EVE).await;
        assert_eq!(fields(harness.caller.sign_up_with_invitation(&token, "short").await), ["password"]);
        let made = harness.caller.sign_up_with_invitation(&token, PASSWORD).await.unwrap();
        assert!(made.email_verified && made.roles.is_empty() && made.email == EVE, "{made:?}");
        assert_eq!(reason(harness.caller.sign_up_with_invitation(&token, PASSWORD).await), Reason::OneTimeSecretNotFound);
        let session = harness.caller.sign_in(EVE, PASSWORD).await.unwrap();
        let acting = harness.caller.as_user(&session).switch(&organisation).await.unwrap();
        assert_eq!(harness.verifier.verify(&acting.access_token).await.unwrap().organisation_roles(), ["editor"]);
        // Whoever has an account accepts with it.
        ada.delete_member(&format!("{organisation}/members/{}", made.uid)).await.unwrap();
        ada.invite(&organisation, EVE, &[]).await.unwrap();
        let token = harness.token("invitation", EVE).await;
        assert_eq!(reason(harness.caller.sign_up_with_invitation(&token, PASSWORD).await), Reason::EmailTaken);
        assert_ne!(account.uid, made.uid);

        let harness = Harness::with_config(engine, &Config { sign_up: SignUp::Closed, ..config() }).await;
        assert_eq!(reason(harness.caller.sign_up_with_invitation("", PASSWORD).await), Reason::PermissionDenied);
    }

    async fn nobody_sends_mails_without_number_by_inviting(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let (ada, organisation) = owner(&harness).await;
        let mut sent = 0;
        while ada.from("198.51.100.66").invite(&organisation, EVE, &[]).await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, 10, "to one address");
        while ada.from("198.51.100.66").invite(&organisation, &format!("user-{sent}@example.org"), &[]).await.is_ok() {
            sent += 1;
        }
        assert!(sent <= 20, "{sent} from one place");
        assert_eq!(reason(ada.from("198.51.100.66").invite(&organisation, "x@example.org", &[]).await), Reason::RateLimited);
        ada.from("203.0.113.7").invite(&organisation, "x@example.org", &[]).await.unwrap();
    }

    async fn a_name_is_no_advertisement(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&session);
        let organisation = ada.create_organisation("win at https://evil.example/x <b>now</b>").await.unwrap().name;
        ada.invite(&organisation, EVE, &[]).await.unwrap();
        let mail = harness.mail("invitation", EVE).await;
        let all = format!("{} {} {}", mail.subject, mail.text, mail.html);
        assert!(!all.contains("evil.example") && !all.contains("<b>") && !mail.subject.contains("win"), "{all}");
    }
}
