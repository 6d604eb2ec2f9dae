use mainstay_auth::{Config, CreateOrganisations};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, config, fields, reason};

/// The name of an organisation that nobody has.
pub const NOBODYS: &str = "organisations/00000000-0000-7000-8000-00000000000f";

/// Ada, who owns an organisation; Bob, who is a member with these roles; Eve, who is neither.
pub struct Company {
    pub harness: Harness,
    pub name: String,
    pub ada: Caller,
    pub bob: Caller,
    pub eve: Caller,
    pub bobs: pb::Account,
    pub bobs_session: pb::Credentials,
}

impl Company {
    pub async fn found(harness: Harness, roles: &[&str]) -> Company {
        let (_, ada) = harness.user("ada@example.org").await;
        let (bobs, bobs_session) = harness.user("bob@example.org").await;
        let (_, eve) = harness.user("eve@example.org").await;
        let as_user = |session: &pb::Credentials| harness.caller.as_user(session);
        let (ada, bob, eve) = (as_user(&ada), as_user(&bobs_session), as_user(&eve));
        let name = ada.create_organisation("Acme").await.unwrap().name;
        harness.caller.as_operator().create_member(&name, &bobs.name, roles).await.unwrap();
        Company { harness, name, ada, bob, eve, bobs, bobs_session }
    }

    /// The name of Bob's membership.
    pub fn bobs_name(&self) -> String {
        format!("{}/members/{}", self.name, self.bobs.uid)
    }

    pub fn own_name(&self) -> String {
        format!("{}/members/me", self.name)
    }
}

both_engines! {
    async fn whoever_makes_one_owns_it_and_is_its_only_member(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, session) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&session);
        let made = ada.create_organisation("Acme & Söhne").await.unwrap();
        assert_eq!((made.name.as_str(), made.display_name.as_str()), (&*format!("organisations/{}", made.uid), "Acme & Söhne"));
        assert_eq!(ada.get_organisation(&made.name).await.unwrap(), made);
        let [member] = &ada.list_members(&made.name, 0, "").await.unwrap().members[..] else { panic!() };
        assert_eq!((member.account.as_str(), member.email.as_str()), (account.name.as_str(), "ada@example.org"));
        assert_eq!(member.roles, ["mainstay.owner"]);
        assert_eq!(&ada.get_member(&format!("{}/members/me", made.name)).await.unwrap(), member);
        for wrong in ["", " Acme", "Acme\n", "a\u{202E}b", &"x".repeat(101)] {
            assert_eq!(fields(ada.create_organisation(wrong).await), ["organisation.display_name"], "{wrong:?}");
        }
    }

    async fn an_installation_may_leave_it_to_administrators(engine: Engine) {
        let config = Config { create_organisations: CreateOrganisations::Closed, ..config() };
        let harness = Harness::with_config(engine, &config).await;
        let (account, session) = harness.user("ada@example.org").await;
        let ada = harness.caller.as_user(&session);
        assert_eq!(reason(ada.create_organisation("").await), Reason::PermissionDenied);
        let operator = harness.caller.as_operator();
        assert_eq!(fields(operator.create_organisation("Acme").await), ["owner"], "it has no account of its own");
        let made = operator.create_organisation_for(&account.name, "Acme").await.unwrap();
        assert_eq!(ada.get_member(&format!("{}/members/me", made.name)).await.unwrap().roles, ["mainstay.owner"]);
    }

    async fn nobody_else_learns_that_there_is_one(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let eve = &company.eve;
        let eves = eve.create_organisation("Eve's").await.unwrap().name;
        let eve = eve.acting_in(&eves).await;
        for name in [company.name.as_str(), NOBODYS] {
            let member = format!("{name}/members/{}", company.bobs.uid);
            let renamed = pb::Organisation { name: name.to_owned(), display_name: "Mine".to_owned(), ..Default::default() };
            let refused = [
                reason(eve.get_organisation(name).await),
                reason(eve.update_organisation(renamed, &["nothing"]).await),
                reason(eve.delete_organisation(name, "").await),
                reason(eve.list_members(name, -1, "x").await),
                reason(eve.get_member(&member).await),
                reason(eve.set_member_roles(&member, &["Not A Role"], "").await),
                reason(eve.delete_member(&member).await),
                reason(eve.delete_member(&format!("{name}/members/me")).await),
                reason(eve.switch(name).await),
            ];
            assert_eq!(refused, [Reason::ResourceNotFound; 9], "{name}");
            assert_eq!(reason(eve.create_member(name, "accounts/me", &[]).await), Reason::PermissionDenied);
        }
        assert_eq!(reason(eve.create_organisation_for(&company.bobs.name, "").await), Reason::ResourceNotFound);
        assert_eq!(reason(eve.list_organisations(&company.bobs.name, 0, "").await), Reason::ResourceNotFound);
        assert_eq!(eve.list_organisations("", 0, "").await.unwrap().organisations.len(), 1);
        // A service of the platform is no member of anything.
        assert_eq!(reason(company.harness.caller.as_service("gateway").get_organisation(&company.name).await), Reason::ResourceNotFound);
    }

    async fn members_see_managers_administer_and_owners_decide_who_does(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { ada, bob, name, .. } = &company;
        let (bobs, adas) = (company.bobs_name(), ada.get_member(&company.own_name()).await.unwrap().name);
        let called = |display_name: &str| pb::Organisation { name: name.clone(), display_name: display_name.to_owned(), ..Default::default() };

        // A member sees the others, but not their addresses.
        let seen = bob.list_members(name, 0, "").await.unwrap().members;
        assert_eq!(seen.iter().filter(|member| !member.email.is_empty()).map(|member| &member.name).collect::<Vec<_>>(), [&bobs]);
        assert_eq!(bob.get_member(&adas).await.unwrap().email, "");
        for refused in [
            bob.update_organisation(called("Bob's"), &[]).await.map(drop),
            bob.delete_organisation(name, "").await,
            bob.set_member_roles(&bobs, &["mainstay.owner"], "").await.map(drop),
            bob.set_member_roles(&bobs, &[], "").await.map(drop),
            bob.delete_member(&adas).await,
        ] {
            assert_eq!(reason(refused), Reason::PermissionDenied);
        }

        // A manager administers, and makes neither owners nor managers.
        ada.set_member_roles(&bobs, &["mainstay.manager", "editor"], "").await.unwrap();
        assert_eq!(bob.get_member(&adas).await.unwrap().email, "ada@example.org");
        bob.update_organisation(called("Acme Ltd"), &[]).await.unwrap();
        bob.set_member_roles(&bobs, &["mainstay.manager", "viewer"], "").await.unwrap();
        for (member, roles) in [
            (&bobs, &["mainstay.owner", "mainstay.manager"][..]),
            (&bobs, &["viewer"][..]),
            (&adas, &["mainstay.manager"][..]),
            (&adas, &["mainstay.owner", "viewer"][..]),
        ] {
            assert_eq!(reason(bob.set_member_roles(member, roles, "").await), Reason::PermissionDenied, "{roles:?}");
        }
        assert_eq!(reason(bob.delete_member(&adas).await), Reason::PermissionDenied);
        assert_eq!(reason(bob.delete_organisation(name, "").await), Reason::PermissionDenied);

        // An owner may do all of it, and so may who administers the installation.
        ada.set_member_roles(&bobs, &["mainstay.owner"], "").await.unwrap();
        bob.set_member_roles(&adas, &[], "").await.unwrap();
        assert_eq!(reason(ada.delete_member(&bobs).await), Reason::PermissionDenied);
        company.harness.caller.as_operator().set_member_roles(&adas, &["mainstay.owner"], "").await.unwrap();
        ada.delete_member(&bobs).await.unwrap();
        assert_eq!(reason(bob.get_organisation(name).await), Reason::ResourceNotFound);
    }

    async fn roles_are_of_the_usual_form_and_the_platform_keeps_its_own(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let bobs = company.bobs_name();
        for wrong in ["", "Editor", "a..b", "mainstay.admin", "mainstay.service", "mainstay", "mainstay.x"] {
            assert_eq!(fields(company.ada.set_member_roles(&bobs, &["a", wrong], "").await), ["roles[1]"], "{wrong:?}");
        }
        let many: Vec<String> = (0..33).map(|number| format!("role-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(fields(company.ada.set_member_roles(&bobs, &many, "").await), ["roles"]);
        let set = company.ada.set_member_roles(&bobs, &["b", "a", "b"], "").await.unwrap();
        assert_eq!(set.roles, ["a", "b"]);
        assert_eq!(reason(company.ada.set_member_roles(&bobs, &[], "x").await), Reason::EtagMismatch);
        company.ada.set_member_roles(&bobs, &[], &set.etag).await.unwrap();
        let (operator, account) = (company.harness.caller.as_operator(), &company.bobs.name);
        assert_eq!(reason(operator.create_member(&company.name, account, &[]).await), Reason::AlreadyExists);
        assert_eq!(fields(operator.create_member(&company.name, account, &["mainstay.admin"]).await), ["member.roles[0]"]);
        assert_eq!(reason(operator.create_member(NOBODYS, account, &[]).await), Reason::ResourceNotFound);
    }

    async fn somebody_owns_it_as_long_as_it_is_there(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let own = company.own_name();
        assert_eq!(reason(company.ada.delete_member(&own).await), Reason::FailedPrecondition);
        assert_eq!(reason(company.ada.set_member_roles(&own, &["mainstay.manager"], "").await), Reason::FailedPrecondition);
        let adas = company.ada.get_member(&own).await.unwrap().name;
        assert_eq!(reason(company.harness.caller.as_operator().delete_member(&adas).await), Reason::FailedPrecondition);
        company.ada.set_member_roles(&company.bobs_name(), &["mainstay.owner"], "").await.unwrap();
        company.ada.delete_member(&own).await.unwrap();
        assert_eq!(reason(company.bob.delete_member(&own).await), Reason::FailedPrecondition);
    }

    async fn of_owners_who_go_at_once_one_stays(engine: Engine) {
        for _ in 0..8 {
            let harness = Harness::start(engine).await;
            let company = Company::found(harness, &["mainstay.owner"]).await;
            let own = company.own_name();
            let (first, second) = tokio::join!(
                company.ada.delete_member(&own),
                company.bob.set_member_roles(&own, &[], ""),
            );
            let gone = usize::from(first.is_ok()) + usize::from(second.is_ok());
            assert_eq!(gone, 1, "{first:?} {second:?}");
            let left = company.harness.caller.as_operator().list_members(&company.name, 0, "").await.unwrap().members;
            assert_eq!(left.iter().filter(|member| member.roles == ["mainstay.owner"]).count(), 1);
        }
    }

    async fn only_what_is_the_callers_to_write_takes_effect(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let before = company.ada.get_organisation(&company.name).await.unwrap();
        let time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        let forged = pb::Organisation {
            uid: "mine".to_owned(), create_time: time, update_time: time, display_name: "Forged".to_owned(), ..before.clone()
        };
        let unchanged = company.ada.update_organisation(forged.clone(), &["uid", "create_time", "update_time", "name"]).await.unwrap();
        assert_eq!(unchanged, before);
        assert_eq!(fields(company.ada.update_organisation(forged.clone(), &["members"]).await), ["update_mask"]);
        let changed = company.ada.update_organisation(forged.clone(), &["*"]).await.unwrap();
        let expected = pb::Organisation { display_name: "Forged".to_owned(), etag: changed.etag.clone(), update_time: changed.update_time, ..before.clone() };
        assert_eq!(changed, expected);
        assert_eq!(reason(company.ada.update_organisation(forged, &[]).await), Reason::EtagMismatch, "of before");
        assert_eq!(reason(company.ada.delete_organisation(&company.name, &before.etag).await), Reason::EtagMismatch);
        company.ada.delete_organisation(&company.name, &changed.etag).await.unwrap();
    }

    async fn lists_come_in_pages_for_whom_they_are(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { ada, bob, name, harness, .. } = &company;
        let mut names = vec![name.clone()];
        for number in 0..4 {
            names.push(ada.create_organisation(&format!("{number}")).await.unwrap().name);
        }
        let eves = company.eve.create_organisation("Eve's").await.unwrap().name;
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = ada.list_organisations("", 2, &token).await.unwrap();
            seen.extend(page.organisations.into_iter().map(|organisation| organisation.name));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
            assert_eq!(reason(bob.list_organisations("", 2, &token).await), Reason::InvalidPageToken);
        }
        assert_eq!(seen, names);
        let operator = harness.caller.as_operator();
        names.push(eves);
        let all = operator.list_organisations("", 0, "").await.unwrap().organisations;
        assert_eq!(all.into_iter().map(|organisation| organisation.name).collect::<Vec<_>>(), names);
        let bobs = operator.list_organisations(&company.bobs.name, 0, "").await.unwrap().organisations;
        assert_eq!(bobs.into_iter().map(|organisation| organisation.name).collect::<Vec<_>>(), [name.as_str()]);

        let first = ada.list_members(name, 1, "").await.unwrap();
        let second = ada.list_members(name, 1, &first.next_page_token).await.unwrap();
        assert_eq!((first.members.len(), second.members.len(), second.next_page_token.as_str()), (1, 1, ""));
        assert_ne!(first.members[0].name, second.members[0].name);
        assert_eq!(reason(ada.list_members(&names[1], 1, &first.next_page_token).await), Reason::InvalidPageToken);
    }

    async fn what_is_done_is_in_the_audit_log(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        company.bob.acting_in(&company.name).await;
        company.ada.set_member_roles(&company.bobs_name(), &["viewer"], "").await.unwrap();
        company.ada.delete_member(&company.bobs_name()).await.unwrap();
        company.ada.delete_organisation(&company.name, "").await.unwrap();
        let actions = async |caller: &Caller| {
            let request = pb::ListAuditEventsRequest { parent: "accounts/me".to_owned(), ..Default::default() };
            let events = caller.list_audit_events(request).await.unwrap().audit_events;
            let told = |event: &pb::AuditEvent| event.action.starts_with("organisations.") || event.action.starts_with("members.") || event.action.contains("Organisation");
            events.into_iter().rev().filter(told).map(|event| event.action).collect::<Vec<_>>()
        };
        assert_eq!(actions(&company.ada).await, ["organisations.create", "organisations.delete"]);
        let bobs = ["members.create", "sessions.switchOrganisation", "members.setRoles", "members.delete"];
        assert_eq!(actions(&company.bob).await, bobs);
        company.harness.auth.give_places().await.unwrap();
        assert_eq!(company.harness.caller.as_operator().verify_audit_log(0, "").await.unwrap().problem, "");
    }
}
