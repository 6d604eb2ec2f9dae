//! S13: whatever name of somebody else's, or of another organisation's, a call is given, in whichever field, it is answered as a
//! name that nobody has.

use bytes::Bytes;
use mainstay_auth::store::identities::{self, IdentityRow};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Access;
use mainstay_runtime::RawCodec;
use mainstay_runtime::policies::{access_of, path_of};
use mainstay_testkit::both_engines;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MethodDescriptor, Value};
use tonic::client::Grpc;

use crate::harness::{Caller, Harness};

const REFERENCE: &str = "google.api.resource_reference";

/// The kinds of resources that a field names: of its own, or of what stands below it.
fn names(field: &FieldDescriptor) -> Vec<&'static str> {
    match reference(field) {
        Some("audit events") => vec!["account", "organisation"],
        kind => kind.into_iter().collect(),
    }
}

fn reference(field: &FieldDescriptor) -> Option<&'static str> {
    let extension = field.parent_pool().get_extension_by_name(REFERENCE)?;
    let options = field.options();
    let reference = options.get_extension(&extension);
    let reference = reference.as_message()?;
    let says = |name: &str| reference.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    match (says("type").unwrap_or_default().as_str(), says("child_type").unwrap_or_default().as_str()) {
        ("mainstay.dev/Account", _)
        | (_, "mainstay.dev/Session" | "mainstay.dev/Factor" | "mainstay.dev/Identity" | "mainstay.dev/OAuthConsent") => {
            Some("account")
        }
        ("mainstay.dev/Session", _) => Some("session"),
        ("mainstay.dev/Factor", _) => Some("factor"),
        ("mainstay.dev/Identity", _) => Some("identity"),
        ("mainstay.dev/Organisation", _) | (_, "mainstay.dev/Member" | "mainstay.dev/Invitation") => {
            Some("organisation")
        }
        ("mainstay.dev/Invitation", _) => Some("invitation"),
        ("mainstay.dev/OAuthClient", _) => Some("client"),
        ("mainstay.dev/OAuthConsent", _) => Some("consent"),
        ("mainstay.dev/ServiceAccount", _) | (_, "mainstay.dev/ServiceAccountKey") => Some("service account"),
        ("mainstay.dev/ServiceAccountKey", _) => Some("key"),
        ("mainstay.dev/Member", _) => Some("member"),
        (_, "mainstay.dev/AuditEvent") => Some("audit events"),
        // Nobody owns a mail: who sees the mailbox sees all of it.
        ("mainstay.dev/Mail", _) => None,
        // Everybody sees the providers.
        ("mainstay.dev/Provider", _) => None,
        ("", "") => None,
        other => panic!("{other:?} is a kind of resource that this crawl does not know"),
    }
}

/// Whether nobody looks at what a request says in a field (AIP-203).
fn is_output_only(field: &FieldDescriptor) -> bool {
    const OUTPUT_ONLY: i32 = 3;
    let extension = field.parent_pool().get_extension_by_name("google.api.field_behavior").unwrap();
    let options = field.options();
    let behaviors = options.get_extension(&extension);
    behaviors.as_list().is_some_and(|all| all.iter().any(|one| one.as_enum_number() == Some(OUTPUT_ONLY)))
}

/// The fields of a request that are names, each by the way to it: what a request holds is looked into, and the name of a resource
/// of its own is one, too.
fn named(method: &MethodDescriptor) -> Vec<(Vec<FieldDescriptor>, &'static str)> {
    let mut found = Vec::new();
    for field in method.input().fields() {
        found.extend(names(&field).into_iter().map(|kind| (vec![field.clone()], kind)));
        let Some(inner) = field.kind().as_message().filter(|_| !field.is_list() && !field.is_map()).cloned() else {
            continue;
        };
        for below in inner.fields() {
            let own = (below.name() == "name").then(|| match inner.name() {
                "Organisation" => "organisation",
                "Member" => "member",
                "Factor" => "factor",
                "Invitation" => "invitation",
                "ServiceAccount" => "service account",
                "ServiceAccountKey" => "key",
                "Account" => "account",
                "OAuthClient" => "client",
                other => panic!("{other:?} is a kind of resource that this crawl does not know"),
            });
            let kinds = own.map_or_else(|| names(&below), |kind| vec![kind]);
            let kinds = kinds.into_iter().filter(|_| !is_output_only(&below));
            found.extend(kinds.map(|kind| (vec![field.clone(), below.clone()], kind)));
        }
    }
    found
}

/// The fields of a request that are names, each by the way to it, and what it names.
type Names = Vec<(Vec<FieldDescriptor>, &'static str)>;

/// Every method of the service that takes a name from whoever is signed in, with the fields that are names.
fn methods() -> Vec<(MethodDescriptor, Names)> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.package_name() == mainstay_auth::PACKAGE);
    let methods: Vec<_> = services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let named = methods.into_iter().map(|method| {
        let fields = named(&method);
        (method, fields)
    });
    named.filter(|(_, fields)| !fields.is_empty()).collect()
}

async fn call(caller: &Caller, method: &MethodDescriptor, way: &[FieldDescriptor], name: &str) -> Result<(), Fault> {
    let mut message = DynamicMessage::new(method.input());
    match way {
        [outer, inner] => {
            let mut below = DynamicMessage::new(outer.kind().as_message().unwrap().clone());
            below.set_field(inner, Value::String(name.to_owned()));
            message.set_field(outer, Value::Message(below));
        }
        [field] => message.set_field(field, Value::String(name.to_owned())),
        other => panic!("{other:?}"),
    }
    let request = caller.request(Bytes::from(message.encode_to_vec()));
    let mut client = Grpc::new(caller.stack());
    client.ready().await.unwrap();
    let answer = client.unary(request, path_of(method).parse().unwrap(), RawCodec).await;
    answer.map(drop).map_err(Fault::from_status)
}

/// What a creation takes as the name of the new resource it does not look at (AIP-133), and changes one's own by it.
fn is_looked_at(method: &MethodDescriptor, way: &[FieldDescriptor]) -> bool {
    !(method.name().starts_with("Create") && way.len() == 2 && way[1].name() == "name")
}

/// What a provider knows the owner of an account by. Gives its name.
async fn an_identity(harness: &Harness, account: &str) -> String {
    let text = |text: &str| text.to_owned();
    let row = IdentityRow {
        uid: text("00000000-0000-7000-8000-0000000000aa"),
        account_uid: text(account),
        provider: text("idp"),
        issuer: text("https://idp.example.org"),
        subject: text("ada"),
        display_name: String::new(),
        create_time: 0,
        use_time: 0,
    };
    let name = format!("accounts/{account}/identities/{}", row.uid);
    let stored = harness.database.write(mainstay_db::Atomic::Statement, move |conn| {
        let row = row.clone();
        Box::pin(async move { identities::insert(conn, &row).await })
    });
    stored.await.unwrap();
    name
}

both_engines! {
    async fn a_name_of_somebody_elses_is_answered_as_one_that_nobody_has(engine: Engine) {
        let harness = Harness::start(engine).await;
        let with_app = harness.owner_with_app("ada@example.org").await;
        let credentials = with_app.credentials;
        let ada = harness.caller.as_user(&credentials).get_account("accounts/me").await.unwrap();
        let (_, bob) = harness.user("bob@example.org").await;
        let owner = harness.caller.as_user(&credentials);
        let session = owner.list_sessions("accounts/me", 0, "").await.unwrap().sessions.remove(0).name;
        let organisation = owner.create_organisation("Ada's").await.unwrap();
        let member = owner.get_member(&format!("{}/members/me", organisation.name)).await.unwrap();
        let invitation = owner.invite(&organisation.name, "eve@example.org", &[]).await.unwrap();
        let service = owner.create_service_account(&organisation.name, &["robot"]).await.unwrap();
        let key = owner.create_key(&service.name, &[]).await.unwrap();
        let identity = an_identity(&harness, &ada.uid).await;
        let client = harness.caller.as_operator().register(crate::oauth::wanted()).await.unwrap();
        let ticket = owner.authorize(crate::oauth::asks(&client)).await.unwrap().question.unwrap().ticket;
        owner.decide(&ticket, true).await.unwrap();
        let consent = owner.list_consents("accounts/me").await.unwrap().remove(0);
        let bob = harness.caller.as_user(&bob);
        let bobs = bob.create_organisation("Bob's").await.unwrap();
        let bob = bob.acting_in(&bobs.name).await;
        let nobodys = "00000000-0000-7000-8000-00000000000f";
        let mut crawled = 0;
        for (method, fields) in methods() {
            let is_administrative = access_of(&method) == Some(Access::roles(["mainstay.admin"]));
            for (way, kind) in fields.into_iter().filter(|(way, _)| is_looked_at(&method, way)) {
                let (known, missing) = match kind {
                    "account" => (ada.name.clone(), format!("accounts/{nobodys}")),
                    "identity" => (identity.clone(), format!("accounts/{nobodys}/identities/{nobodys}")),
                    "factor" => (with_app.factor.clone(), format!("accounts/{nobodys}/factors/{nobodys}")),
                    "organisation" => (organisation.name.clone(), format!("organisations/{nobodys}")),
                    "service account" => (service.name.clone(), format!("serviceAccounts/{nobodys}")),
                    "key" => (key.name.clone(), format!("serviceAccounts/{nobodys}/keys/{nobodys}")),
                    "invitation" => (invitation.name.clone(), format!("organisations/{nobodys}/invitations/{nobodys}")),
                    "client" => (client.name.clone(), format!("oauthClients/{nobodys}")),
                    "consent" => (consent.name.clone(), format!("accounts/{nobodys}/oauthConsents/{nobodys}")),
                    "member" => (member.name.clone(), format!("organisations/{nobodys}/members/{nobodys}")),
                    _ => (session.clone(), format!("accounts/{nobodys}/sessions/{nobodys}")),
                };
                let (known, missing) = (call(&bob, &method, &way, &known).await, call(&bob, &method, &way, &missing).await);
                let place = format!("{:?} of {}", way.iter().map(FieldDescriptor::name).collect::<Vec<_>>(), path_of(&method));
                let (known, missing) = (known.expect_err(&place), missing.expect_err(&place));
                let expected = if is_administrative { Reason::PermissionDenied } else { Reason::ResourceNotFound };
                assert_eq!(known.reason(), Some(expected), "{place}");
                assert_eq!((known.code(), known.text()), (missing.code(), missing.text()), "{place}");
                crawled += 1;
            }
        }
        assert_eq!(owner.list_consents("accounts/me").await.unwrap(), [consent]);
        assert!(crawled >= 42, "only {crawled} fields that name something were found");
        // A member that is another organisation's is none of one's own, either.
        let mixed = format!("{}/members/{}", bobs.name, ada.uid);
        assert_eq!(bob.get_member(&mixed).await.unwrap_err().reason(), Some(Reason::ResourceNotFound));
        assert_eq!(bob.delete_member(&mixed).await.unwrap_err().reason(), Some(Reason::ResourceNotFound));
        let mixed = invitation.name.replace(&organisation.name, &bobs.name);
        assert_eq!(bob.get_invitation(&mixed).await.unwrap_err().reason(), Some(Reason::ResourceNotFound));
        assert_eq!(bob.delete_invitation(&mixed).await.unwrap_err().reason(), Some(Reason::ResourceNotFound));
        let bobs_service = bob.create_service_account(&bobs.name, &[]).await.unwrap();
        let mixed = key.name.replace(&service.name, &bobs_service.name);
        assert_eq!(bob.delete_key(&mixed).await.unwrap_err().reason(), Some(Reason::ResourceNotFound));
        // Nothing was done by any of it.
        assert_eq!(owner.list_keys(&service.name).await.unwrap().len(), 1);
        owner.exchange_key(&key.secret).await.unwrap();
        assert_eq!(owner.get_invitation(&invitation.name).await.unwrap(), invitation);
        assert_eq!(owner.get_account("accounts/me").await.unwrap(), ada);
        assert_eq!(owner.get_organisation(&organisation.name).await.unwrap(), organisation);
        assert_eq!(owner.list_members(&organisation.name, 0, "").await.unwrap().members, [member]);
        owner.get_session(&session).await.unwrap();
        assert_eq!(owner.list_factors("accounts/me").await.unwrap().factors.len(), 1);
        owner.get_identity(&identity).await.unwrap();
    }
}
