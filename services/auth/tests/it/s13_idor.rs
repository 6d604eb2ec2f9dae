//! S13: whatever name of somebody else's a call is given, in whichever field, it is answered as a name that nobody has.

use bytes::Bytes;
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

/// The kind of resource that a field names: of its own, or of what stands below it.
fn names(field: &FieldDescriptor) -> Option<&'static str> {
    let extension = field.parent_pool().get_extension_by_name(REFERENCE)?;
    let options = field.options();
    let reference = options.get_extension(&extension);
    let reference = reference.as_message()?;
    let says = |name: &str| reference.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    match (says("type").unwrap_or_default().as_str(), says("child_type").unwrap_or_default().as_str()) {
        ("mainstay.dev/Account", _) | (_, "mainstay.dev/Session" | "mainstay.dev/Factor") => Some("account"),
        ("mainstay.dev/Session", _) => Some("session"),
        ("mainstay.dev/Factor", _) => Some("factor"),
        // Nobody owns a mail: who sees the mailbox sees all of it.
        ("mainstay.dev/Mail", _) => None,
        ("", "") => None,
        other => panic!("{other:?} is a kind of resource that this crawl does not know"),
    }
}

/// Every method of the service that takes a name from whoever is signed in, with the fields that are names.
fn methods() -> Vec<(MethodDescriptor, Vec<FieldDescriptor>)> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.package_name() == mainstay_auth::PACKAGE);
    let methods: Vec<_> = services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let named = methods.into_iter().map(|method| {
        let fields: Vec<FieldDescriptor> = method.input().fields().filter(|field| names(field).is_some()).collect();
        (method, fields)
    });
    named.filter(|(_, fields)| !fields.is_empty()).collect()
}

async fn call(caller: &Caller, method: &MethodDescriptor, field: &FieldDescriptor, name: &str) -> Result<(), Fault> {
    let mut message = DynamicMessage::new(method.input());
    message.set_field(field, Value::String(name.to_owned()));
    let request = caller.request(Bytes::from(message.encode_to_vec()));
    let mut client = Grpc::new(caller.stack());
    client.ready().await.unwrap();
    let answer = client.unary(request, path_of(method).parse().unwrap(), RawCodec).await;
    answer.map(drop).map_err(Fault::from_status)
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
        let bob = harness.caller.as_user(&bob);
        let nobodys = "00000000-0000-7000-8000-00000000000f";
        let mut crawled = 0;
        for (method, fields) in methods() {
            let is_administrative = access_of(&method) == Some(Access::roles(["mainstay.admin"]));
            for field in fields {
                let (known, missing) = match names(&field).unwrap() {
                    "account" => (ada.name.clone(), format!("accounts/{nobodys}")),
                    "factor" => (with_app.factor.clone(), format!("accounts/{nobodys}/factors/{nobodys}")),
                    _ => (session.clone(), format!("accounts/{nobodys}/sessions/{nobodys}")),
                };
                let (known, missing) = (call(&bob, &method, &field, &known).await, call(&bob, &method, &field, &missing).await);
                let (known, missing) = (known.unwrap_err(), missing.unwrap_err());
                let expected = if is_administrative { Reason::PermissionDenied } else { Reason::ResourceNotFound };
                let place = format!("{} of {}", field.name(), path_of(&method));
                assert_eq!(known.reason(), Some(expected), "{place}");
                assert_eq!((known.code(), known.text()), (missing.code(), missing.text()), "{place}");
                crawled += 1;
            }
        }
        assert!(crawled >= 8, "only {crawled} fields that name something were found");
        // Nothing was done by any of it.
        assert_eq!(owner.get_account("accounts/me").await.unwrap(), ada);
        owner.get_session(&session).await.unwrap();
        assert_eq!(owner.list_factors("accounts/me").await.unwrap().factors.len(), 1);
    }
}
