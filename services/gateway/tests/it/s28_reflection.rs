//! S28: in production nobody is shown what he may not call.

use std::collections::BTreeSet;
use std::sync::Arc;

use mainstay_gateway::Config;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ExtensionRequest, ServerReflectionRequest};

use crate::support::fakes::FakeService;
use crate::support::{Harness, compile, service};

const CONTRACT: &str = r#"
syntax = "proto3";
package club.v1;
import "google/api/annotations.proto";
import "mainstay/v1/options.proto";
option (mainstay.v1.roles) = {role {name: "hidden-role"}};
service DoorService {
  // Tells whether it is open.
  rpc GetDoor(GetDoorRequest) returns (Door) {
    option (google.api.http) = {get: "/club/v1/door"};
    // A hidden-remark.
    option (mainstay.v1.sql) = {query: "SELECT 'hidden-sql'"};
    option (mainstay.v1.schedule) = {cron: "hidden-cron"};
    option (mainstay.v1.webhook) = {secret: "hidden-secret"};
    option (mainstay.v1.auth) = {roles: "hidden-auth"};
  }
  // Opens it from inside.
  rpc OpenDoor(OpenDoorRequest) returns (Door);
}
service PorterService {
  option (mainstay.v1.upstream) = "hidden-upstream";
  rpc AskPorter(GetDoorRequest) returns (Door) { option (mainstay.v1.auth) = {public: true}; }
}
service VaultService { rpc GetVault(GetVaultRequest) returns (Vault); }
message GetDoorRequest { string name = 1; }
message OpenDoorRequest { string pin = 1; }
message Door {
  option (mainstay.v1.resource) = {access {read: "hidden-rule"}};
  string name = 1 [(mainstay.v1.field) = {aliases: "shown-alias" read: "hidden-read" write: "hidden-write"}];
  Colour colour = 2 [(mainstay.v1.states) = {
    initial: "shown-state" transition {name: "Paint" access: "hidden-access" guard: "hidden-guard"}
  }];
  repeated Hinge hinges = 3 [(mainstay.v1.field).read = "hidden-hinges"];
}
enum Colour { COLOUR_UNSPECIFIED = 0; RED = 1; }
message Hinge { int32 size = 1; }
message GetVaultRequest { string name = 1; }
message Vault { string combination = 1; }
"#;

const OPEN: [&str; 1] = ["/club.v1.DoorService/GetDoor"];

/// Asks once, with a credential or without.
async fn ask(harness: &Harness, credential: Option<&str>, question: MessageRequest) -> MessageResponse {
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut request = tonic::Request::new(futures_util::stream::iter([question]));
    if let Some(credential) = credential {
        request.metadata_mut().insert("authorization", credential.parse().unwrap());
    }
    let mut client = ServerReflectionClient::new(harness.service.clone());
    let mut answers = client.server_reflection_info(request).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().message_response.unwrap()
}

async fn services(harness: &Harness, credential: Option<&str>) -> BTreeSet<String> {
    match ask(harness, credential, MessageRequest::ListServices(String::new())).await {
        MessageResponse::ListServicesResponse(list) => list.service.into_iter().map(|service| service.name).collect(),
        other => panic!("{other:?}"),
    }
}

/// The files of an answer; nothing where it is an error.
async fn files(
    harness: &Harness,
    credential: Option<&str>,
    question: MessageRequest,
) -> Option<Vec<FileDescriptorProto>> {
    match ask(harness, credential, question).await {
        MessageResponse::FileDescriptorResponse(files) => {
            let decoded =
                files.file_descriptor_proto.iter().map(|bytes| FileDescriptorProto::decode(&bytes[..]).unwrap());
            Some(decoded.collect())
        }
        MessageResponse::ErrorResponse(_) => None,
        other => panic!("{other:?}"),
    }
}

fn symbol(name: &str) -> MessageRequest {
    MessageRequest::FileContainingSymbol(name.to_owned())
}

async fn club(development: bool) -> Harness {
    let data = Arc::new(FakeService::default());
    data.publish_open(1, &compile("club/v1/club.proto", CONTRACT), &OPEN);
    let harness = Harness::before(data, Config::default(), None, development).await;
    harness.serves(1).await;
    harness
}

#[tokio::test]
async fn nobody_is_shown_the_methods_that_he_may_call() {
    let harness = club(false).await;
    let shown = services(&harness, None).await;
    for service in ["club.v1.DoorService", "mainstay.auth.v1.SessionService", "grpc.health.v1.Health"] {
        assert!(shown.contains(service), "{service}: {shown:?}");
    }
    for hidden in ["club.v1.VaultService", "mainstay.data.v1.ContractService"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown:?}");
    }
    let door = files(&harness, None, symbol("club.v1.DoorService")).await.unwrap();
    let service = &door[0].service[0];
    assert_eq!(service.method.iter().map(|method| method.name()).collect::<Vec<_>>(), ["GetDoor"]);
    let messages: BTreeSet<&str> = door[0].message_type.iter().map(|message| message.name()).collect();
    assert_eq!(messages, BTreeSet::from(["Door", "GetDoorRequest", "Hinge"]));
    assert_eq!(door[0].enum_type.len(), 1);
    assert!(!format!("{door:?}").contains("from inside"), "no comment of what is hidden");
}

#[tokio::test]
async fn what_is_hidden_is_as_if_it_were_not_there() {
    let harness = club(false).await;
    for hidden in [
        "club.v1.VaultService",
        "club.v1.VaultService.GetVault",
        "club.v1.Vault",
        "club.v1.Vault.combination",
        "club.v1.GetVaultRequest",
        "club.v1.DoorService.OpenDoor",
        "club.v1.OpenDoorRequest",
        "mainstay.data.v1.ContractService",
        "mainstay.data.v1.ApplyContractRequest",
    ] {
        assert!(files(&harness, None, symbol(hidden)).await.is_none(), "{hidden}");
        assert!(files(&harness, Some(&service()), symbol(hidden)).await.is_some(), "{hidden}");
    }
    for name in ["mainstay/data/v1/contract_service.proto", "mainstay/data/v1/contract.proto"] {
        assert!(files(&harness, None, MessageRequest::FileByFilename(name.into())).await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn what_is_shown_links_by_itself_and_keeps_its_options() {
    let harness = club(false).await;
    let mut set = FileDescriptorSet::default();
    for service in services(&harness, None).await {
        for file in files(&harness, None, symbol(&service)).await.unwrap() {
            if set.file.iter().all(|known| known.name() != file.name()) {
                set.file.push(file);
            }
        }
    }
    DescriptorPool::from_file_descriptor_set(set).unwrap();
    let question = MessageRequest::FileContainingSymbol("club.v1.DoorService.GetDoor".into());
    let MessageResponse::FileDescriptorResponse(answer) = ask(&harness, None, question).await else { panic!("a file") };
    let file = &answer.file_descriptor_proto[0];
    assert!(file.windows(13).any(|bytes| bytes == b"/club/v1/door"), "its route");
    let asked =
        ExtensionRequest { containing_type: "google.protobuf.MethodOptions".into(), extension_number: 72_295_728 };
    assert!(files(&harness, None, MessageRequest::FileContainingExtension(asked)).await.is_some());
}

/// The file that declares the doors, as it is encoded.
async fn encoded(harness: &Harness, credential: Option<&str>) -> String {
    match ask(harness, credential, symbol("club.v1.DoorService")).await {
        MessageResponse::FileDescriptorResponse(files) => {
            String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_is_shown_by_what_rules_and_with_whom_the_server_works() {
    const HIDDEN: [&str; 13] = [
        "role", "remark", "sql", "cron", "secret", "auth", "upstream", "rule", "read", "write", "access", "guard",
        "hinges",
    ];
    let (production, development) = (club(false).await, club(true).await);
    let shown = encoded(&production, None).await;
    assert!(!shown.contains("hidden"), "{shown}");
    for file in [shown, encoded(&production, Some(&service())).await] {
        assert!(
            file.contains("shown-alias") && file.contains("shown-state") && file.contains("/club/v1/door"),
            "{file}"
        );
    }
    for file in [encoded(&production, Some(&service())).await, encoded(&development, None).await] {
        HIDDEN.iter().for_each(|word| assert!(file.contains(&format!("hidden-{word}")), "{word}: {file}"));
    }
}

#[tokio::test]
async fn who_is_signed_in_and_who_develops_is_shown_all() {
    let (production, development) = (club(false).await, club(true).await);
    let all = services(&development, None).await;
    assert!(all.contains("club.v1.VaultService") && all.contains("mainstay.data.v1.ContractService"));
    assert_eq!(services(&production, Some(&service())).await, all);
    assert!(services(&production, None).await.len() < all.len());
}

#[tokio::test]
async fn another_contract_opens_other_methods() {
    let harness = club(false).await;
    assert!(!services(&harness, None).await.contains("club.v1.VaultService"));
    let contract = compile("club/v1/club.proto", CONTRACT);
    harness.data.publish_open(2, &contract, &["/club.v1.VaultService/GetVault", "/club.v1.VaultService/NoSuch"]);
    harness.serves(2).await;
    let shown = services(&harness, None).await;
    assert!(shown.contains("club.v1.VaultService") && !shown.contains("club.v1.DoorService"), "{shown:?}");
}

mainstay_testkit::both_engines! {
    async fn a_stored_contract_is_closed_until_data_says_what_is_open(engine: Engine) {
        let database = mainstay_testkit::database::fresh(engine).await;
        let open = ["/library.v1.Library/GetMessage"];
        let first = Harness::in_production(&open, Some(database.clone())).await;
        first.stored(&database, 1).await;
        assert!(services(&first, None).await.contains("library.v1.Library"));
        first.jobs.end().await;
        let silent =
            Harness::before(Arc::new(FakeService::default()), Config::default(), Some(database.clone()), false).await;
        silent.serves(1).await;
        assert!(!services(&silent, None).await.contains("library.v1.Library"));
        assert!(services(&silent, Some(&service())).await.contains("library.v1.Library"));
        silent.jobs.end().await;
        let again = Harness::in_production(&open, Some(database.clone())).await;
        again.announced_at(1).await;
        while !services(&again, None).await.contains("library.v1.Library") {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
