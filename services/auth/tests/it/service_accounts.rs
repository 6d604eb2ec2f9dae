use std::time::Duration;

use mainstay_db::{Engine, Lane};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Kind;
use mainstay_layers::{RoutesEndpoint, Stack};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::service_account_service_client::ServiceAccountServiceClient;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, answer, fields, reason};
use crate::organisation_calls::texts;
use crate::organisations::Company;

impl Caller {
    fn services(&self) -> ServiceAccountServiceClient<Stack<RoutesEndpoint>> {
        ServiceAccountServiceClient::new(self.stack())
    }

    pub async fn create_service_account(
        &self,
        organisation: &str,
        roles: &[&str],
    ) -> Result<pb::ServiceAccount, Fault> {
        let (organisation, display_name) = (organisation.to_owned(), "Robot".to_owned());
        let account = pb::ServiceAccount { organisation, display_name, roles: texts(roles), ..Default::default() };
        let message = pb::CreateServiceAccountRequest { service_account: Some(account) };
        answer(self.services().create_service_account(self.request(message)).await)
    }

    async fn get_service_account(&self, name: &str) -> Result<pb::ServiceAccount, Fault> {
        let message = pb::GetServiceAccountRequest { name: name.to_owned() };
        answer(self.services().get_service_account(self.request(message)).await)
    }

    async fn list_service_accounts(&self, organisation: &str) -> Result<Vec<pb::ServiceAccount>, Fault> {
        let message = pb::ListServiceAccountsRequest { organisation: organisation.to_owned(), ..Default::default() };
        answer(self.services().list_service_accounts(self.request(message)).await).map(|page| page.service_accounts)
    }

    async fn set_service_roles(&self, name: &str, roles: &[&str]) -> Result<pb::ServiceAccount, Fault> {
        let message =
            pb::SetServiceAccountRolesRequest { name: name.to_owned(), roles: texts(roles), etag: String::new() };
        answer(self.services().set_service_account_roles(self.request(message)).await)
    }

    async fn delete_service_account(&self, name: &str) -> Result<(), Fault> {
        let message = pb::DeleteServiceAccountRequest { name: name.to_owned(), etag: String::new() };
        answer(self.services().delete_service_account(self.request(message)).await)
    }

    pub async fn create_key(&self, parent: &str, networks: &[&str]) -> Result<pb::ServiceAccountKey, Fault> {
        self.create_key_until(parent, networks, None).await
    }

    async fn create_key_until(
        &self,
        parent: &str,
        networks: &[&str],
        seconds: Option<i64>,
    ) -> Result<pb::ServiceAccountKey, Fault> {
        let expire_time = seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
        let key = pb::ServiceAccountKey { networks: texts(networks), expire_time, ..Default::default() };
        let message = pb::CreateServiceAccountKeyRequest { parent: parent.to_owned(), service_account_key: Some(key) };
        answer(self.services().create_service_account_key(self.request(message)).await)
    }

    pub async fn list_keys(&self, parent: &str) -> Result<Vec<pb::ServiceAccountKey>, Fault> {
        let message = pb::ListServiceAccountKeysRequest { parent: parent.to_owned(), ..Default::default() };
        answer(self.services().list_service_account_keys(self.request(message)).await)
            .map(|page| page.service_account_keys)
    }

    async fn rotate_key(&self, name: &str, overlap: Option<Duration>) -> Result<pb::ServiceAccountKey, Fault> {
        let overlap = overlap.map(|overlap| overlap.try_into().unwrap());
        let message = pb::RotateServiceAccountKeyRequest { name: name.to_owned(), overlap };
        answer(self.services().rotate_service_account_key(self.request(message)).await)
    }

    pub async fn delete_key(&self, name: &str) -> Result<(), Fault> {
        let message = pb::DeleteServiceAccountKeyRequest { name: name.to_owned() };
        answer(self.services().delete_service_account_key(self.request(message)).await)
    }

    pub async fn exchange_key(&self, key: &str) -> Result<pb::ExchangeKeyResponse, Fault> {
        answer(self.services().exchange_key(self.request(pb::ExchangeKeyRequest { key: key.to_owned() })).await)
    }
}

/// Whether a token of a service is let in: it asks for its account, which it does not have, or is refused before.
async fn is_let_in(caller: &Caller, token: &str) -> Result<(), Reason> {
    match reason(caller.with_bearer(token).get_account("accounts/me").await) {
        Reason::ResourceNotFound => Ok(()),
        refused => Err(refused),
    }
}

both_engines! {
    async fn a_key_is_shown_once_and_is_exchanged_for_tokens_of_its_service_account(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &["robot", "reader"]).await.unwrap();
        assert_eq!((&service.organisation, &service.roles[..]), (name, &["reader".to_owned(), "robot".to_owned()][..]));
        assert_eq!(ada.get_service_account(&service.name).await.unwrap(), service);
        let key = ada.create_key(&service.name, &[]).await.unwrap();
        assert!(key.secret.starts_with(&key.prefix) && key.prefix.starts_with("mak_") && key.prefix.len() < 20);
        let exchanged = harness.caller.exchange_key(&key.secret).await.unwrap();
        assert_eq!((exchanged.token_type.as_str(), exchanged.expires_in), ("Bearer", 300));
        let principal = harness.verifier.verify(&exchanged.access_token).await.unwrap();
        assert_eq!((principal.kind(), principal.uid()), (Kind::Service, Some(&*format!("service:{}", service.uid))));
        assert_eq!(principal.organisation().map(|uid| format!("organisations/{uid}")).as_ref(), Some(name));
        assert_eq!((principal.roles().len(), principal.organisation_roles()), (0, &service.roles[..]));
        let [listed] = &ada.list_keys(&service.name).await.unwrap()[..] else { panic!() };
        assert!(listed.secret.is_empty() && listed.last_use_time.is_some());
        assert_eq!((&listed.name, &listed.prefix), (&key.name, &key.prefix));
    }

    async fn one_of_the_installation_is_its_administrators(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, .. } = &company;
        assert_eq!(reason(ada.create_service_account("", &[]).await), Reason::PermissionDenied);
        assert_eq!(reason(ada.list_service_accounts("").await), Reason::PermissionDenied);
        let operator = harness.caller.as_operator();
        let service = operator.create_service_account("", &["mainstay.admin"]).await.unwrap();
        assert_eq!(operator.list_service_accounts("").await.unwrap(), std::slice::from_ref(&service));
        assert_eq!(reason(ada.get_service_account(&service.name).await), Reason::ResourceNotFound);
        let key = operator.create_key(&service.name, &[]).await.unwrap();
        let token = harness.caller.exchange_key(&key.secret).await.unwrap().access_token;
        let principal = harness.verifier.verify(&token).await.unwrap();
        assert_eq!((principal.roles(), principal.organisation()), (&["mainstay.admin".to_owned()][..], None));
        harness.caller.with_bearer(&token).list(0, "").await.unwrap();
        for wrong in ["mainstay.service", "mainstay.owner"] {
            assert_eq!(fields(operator.create_service_account("", &[wrong]).await), ["service_account.roles[0]"]);
        }
        for wrong in ["mainstay.owner", "mainstay.manager"] {
            assert_eq!(fields(ada.create_service_account(&company.name, &[wrong]).await), ["service_account.roles"]);
        }
        assert_eq!(fields(ada.create_service_account(&company.name, &["mainstay.admin"]).await), ["service_account.roles[0]"]);
    }

    async fn members_who_do_not_administer_make_no_keys(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let service = company.ada.create_service_account(&company.name, &[]).await.unwrap();
        for refused in [
            company.bob.create_service_account(&company.name, &[]).await.map(drop),
            company.bob.list_service_accounts(&company.name).await.map(drop),
            company.bob.create_key(&service.name, &[]).await.map(drop),
            company.bob.delete_service_account(&service.name).await,
        ] {
            assert_eq!(reason(refused), Reason::PermissionDenied);
        }
        assert_eq!(reason(company.eve.create_key(&service.name, &[]).await), Reason::ResourceNotFound);
        // It belongs to the organisation: whoever made it may go.
        company.ada.set_member_roles(&company.bobs_name(), &["mainstay.owner"], "").await.unwrap();
        company.ada.delete_member(&company.own_name()).await.unwrap();
        let key = company.bob.create_key(&service.name, &[]).await.unwrap();
        company.harness.caller.exchange_key(&key.secret).await.unwrap();
    }

    async fn what_is_not_good_is_refused_in_one_way(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &[]).await.unwrap();
        let now = 1_800_000_000;
        let short = ada.create_key_until(&service.name, &[], Some(now + 60)).await.unwrap();
        let placed = ada.create_key(&service.name, &["203.0.113.0/24", "2001:db8::7"]).await.unwrap();
        assert_eq!(harness.caller.exchange_key(&short.secret).await.unwrap().expires_in, 60, "no longer than the key");
        for inside in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::7"] {
            harness.caller.from(inside).exchange_key(&placed.secret).await.unwrap();
        }
        harness.clock.advance_seconds(60);
        let other = mainstay_auth::domain::service_account::KeySecret::parse(&placed.secret).unwrap().id();
        let forged = mainstay_auth::domain::service_account::KeySecret::of(other).unwrap().to_text();
        let mut seen = Vec::new();
        for (place, key) in [
            ("203.0.113.9", short.secret.as_str()),
            ("198.51.100.1", placed.secret.as_str()),
            ("2001:db8::8", placed.secret.as_str()),
            ("203.0.113.9", forged.as_str()),
            ("203.0.113.9", "mak_x"),
        ] {
            let message = pb::ExchangeKeyRequest { key: key.to_owned() };
            let caller = harness.caller.from(place);
            let status = caller.services().exchange_key(caller.request(message)).await.unwrap_err();
            seen.push((status.code(), status.message().to_owned(), status.details().to_vec()));
        }
        assert!(seen.iter().all(|one| *one == seen[0]) && seen[0].0 == tonic::Code::Unauthenticated, "{seen:?}");
        assert_eq!(fields(ada.create_key(&service.name, &["10.0.0.0/8", "nowhere"]).await), ["service_account_key.networks[1]"]);
        assert_eq!(fields(ada.create_key_until(&service.name, &[], Some(now)).await), ["service_account_key.expire_time"]);
    }

    async fn a_key_that_ends_lets_nobody_in_any_more(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &["robot", "reader"]).await.unwrap();
        let (first, second) = (ada.create_key(&service.name, &[]).await.unwrap(), ada.create_key(&service.name, &[]).await.unwrap());
        let token = async |key: &pb::ServiceAccountKey| harness.caller.exchange_key(&key.secret).await.unwrap().access_token;
        let (one, two) = (token(&first).await, token(&second).await);
        ada.delete_key(&first.name).await.unwrap();
        assert_eq!(reason(harness.caller.exchange_key(&first.secret).await), Reason::WrongCredentials);
        assert_eq!(is_let_in(&harness.caller, &one).await, Err(Reason::SessionEnded));
        assert_eq!(is_let_in(&harness.caller, &two).await, Ok(()));

        ada.set_service_roles(&service.name, &["robot"]).await.unwrap();
        assert_eq!(is_let_in(&harness.caller, &two).await, Err(Reason::TokenExpired));
        let two = token(&second).await;
        assert_eq!(harness.verifier.verify(&two).await.unwrap().organisation_roles(), ["robot"]);
        assert_eq!(is_let_in(&harness.caller, &two).await, Ok(()));

        ada.delete_service_account(&service.name).await.unwrap();
        assert_eq!(is_let_in(&harness.caller, &two).await, Err(Reason::SessionEnded));
        assert_eq!(reason(harness.caller.exchange_key(&second.secret).await), Reason::WrongCredentials);

        let service = ada.create_service_account(name, &[]).await.unwrap();
        let key = ada.create_key(&service.name, &[]).await.unwrap();
        let last = token(&key).await;
        ada.delete_organisation(name, "").await.unwrap();
        assert_eq!(is_let_in(&harness.caller, &last).await, Err(Reason::SessionEnded));
        assert_eq!(reason(harness.caller.exchange_key(&key.secret).await), Reason::WrongCredentials);
    }

    async fn a_key_is_rotated_with_an_overlap(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, ada, name, .. } = &company;
        let service = ada.create_service_account(name, &[]).await.unwrap();
        let first = ada.create_key(&service.name, &["203.0.113.0/24"]).await.unwrap();
        let second = ada.rotate_key(&first.name, Some(Duration::from_secs(120))).await.unwrap();
        assert_eq!(second.networks, first.networks);
        let here = harness.caller.from("203.0.113.9");
        for key in [&first, &second] {
            here.exchange_key(&key.secret).await.unwrap();
        }
        harness.clock.advance_seconds(120);
        assert_eq!(reason(here.exchange_key(&first.secret).await), Reason::WrongCredentials);
        here.exchange_key(&second.secret).await.unwrap();
        assert_eq!(fields(ada.rotate_key(&second.name, Some(Duration::from_secs(31 * 24 * 3_600))).await), ["overlap"]);
        for _ in 0..8 {
            ada.create_key(&service.name, &[]).await.unwrap();
        }
        assert_eq!(reason(ada.create_key(&service.name, &[]).await), Reason::FailedPrecondition);
        assert_eq!(reason(ada.rotate_key(&second.name, None).await), Reason::FailedPrecondition);
        here.exchange_key(&second.secret).await.unwrap();
    }

    async fn the_store_holds_no_key(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let service = company.ada.create_service_account(&company.name, &[]).await.unwrap();
        let key = company.ada.create_key(&service.name, &[]).await.unwrap();
        company.harness.caller.exchange_key(&key.secret).await.unwrap();
        let uid = key.name.rsplit('/').next().unwrap().to_owned();
        let row = company.harness.database.read(Lane::Inline, move |conn| {
            let uid = uid.clone();
            Box::pin(async move { mainstay_auth::store::service_accounts::find_key(conn, &uid).await })
        });
        let row = format!("{:?}", row.await.unwrap().unwrap());
        let mut stored = company.harness.file();
        stored.extend(row.bytes());
        let secret = &key.secret[key.prefix.len()..];
        assert!(!stored.windows(24).any(|window| window == &secret.as_bytes()[..24]));
        assert!(!format!("{:?}", mainstay_auth::domain::service_account::KeySecret::parse(&key.secret)).contains(secret));
        assert!(engine == Engine::Postgres || !stored.is_empty());
    }
}
