//! What the gateway says of itself: the OpenAPI document, the contract, and the page that shows both.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use http::{Method, Request, StatusCode};
use mainstay_gateway::{Config, Doc};
use mainstay_layers::Body;
use mainstay_testkit::tools::OpenApiTools;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::{FileDescriptorProto, FileDescriptorSet};
use serde_json::{Value, json};

use crate::support::fakes::FakeService;
use crate::support::{Answered, Harness, compile, full, operator, service};

const CONTRACT: &str = r#"
syntax = "proto3";
package club.v1;
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "buf/validate/validate.proto";
import "mainstay/v1/options.proto";
// Doors.
service DoorService {
  // Tells whether it is open. Nobody has to knock.
  rpc GetDoor(GetDoorRequest) returns (Door) { option (google.api.http) = {get: "/club/v1/{name=doors/*}"}; option idempotency_level = NO_SIDE_EFFECTS; }
  // Opens it from inside.
  rpc OpenDoor(OpenDoorRequest) returns (Door) { option (google.api.http) = {post: "/club/v1/{name=doors/*}:open" body: "*"}; option deprecated = true; }
}
service VaultService {
  rpc GetVault(GetVaultRequest) returns (Vault) { option (google.api.http) = {get: "/club/v1/vault"}; }
  rpc TryVault(GetVaultRequest) returns (Vault) {
    option (google.api.http) = {custom {kind: "*" path: "/club/v1/vault"} additional_bindings {custom {kind: "*" path: "/club/v1/any"}}};
  }
  rpc PutShelf(PutShelfRequest) returns (Shelf) {
    option (google.api.http) = {put: "/club/v1/{shelf.name=shelves/*}/walls/{shelf.wall.id}" body: "shelf"};
  }
}
service SmithService {
  option (mainstay.v1.upstream) = "hidden-smith";
  rpc Forge(Anvil) returns (Anvil) { option (google.api.http) = {post: "/club/v1/{name=anvils/*}:forge" body: "*"}; }
}
message Anvil {
  string name = 1;
  double heat = 2;
  float worn = 3 [(buf.validate.field).float.gte = 0];
  map<string, double> blows = 4 [(buf.validate.field).map.values.double.finite = true];
}
message PutShelfRequest { Shelf shelf = 1; }
message Shelf {
  option (mainstay.v1.resource) = {access {read: "hidden-shelf"}};
  string name = 1 [(google.api.field_behavior) = REQUIRED];
  Wall wall = 2 [(google.api.field_behavior) = REQUIRED];
  string label = 3 [(google.api.field_behavior) = REQUIRED];
  double width = 4;
  double share = 5 [(buf.validate.field).double = {gte: 0 lte: 1}];
}
message Wall { string id = 1 [(google.api.field_behavior) = REQUIRED]; string paint = 2 [(google.api.field_behavior) = REQUIRED]; }
message GetDoorRequest { string name = 1; Colour colour = 2; repeated int64 sizes = 3; Hinge hinge = 4; }
message OpenDoorRequest {
  string name = 1 [(google.api.field_behavior) = REQUIRED];
  string pin = 2 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string = {min_len: 4 max_len: 8 pattern: "^[0-9]+$"}];
}
// A door.
message Door {
  option (google.api.resource) = {type: "club.example.com/Door" pattern: "doors/{door}"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  // How it is painted.
  Colour colour = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  repeated Hinge hinges = 3 [(buf.validate.field).repeated = {min_items: 1 max_items: 3}];
  int64 opened = 4;
  oneof lock { string key = 5; int32 code = 6 [(buf.validate.field).int32 = {gte: 0 lt: 1000}]; }
  string etag = 7;
}
enum Colour { COLOUR_UNSPECIFIED = 0; RED = 1; }
message Hinge { option (mainstay.v1.resource) = {access {read: "hidden-rule"}}; int32 size = 1; }
message GetVaultRequest { string name = 1; }
message Vault { string combination = 1; }
"#;

const OPEN: [&str; 1] = ["/club.v1.DoorService/GetDoor"];

async fn club(development: bool) -> Harness {
    let data = Arc::new(FakeService::default());
    data.publish_open(1, &compile("club/v1/club.proto", CONTRACT), &OPEN);
    let harness = Harness::before(data, Config::default(), None, development).await;
    harness.serves(1).await;
    harness
}

fn asked(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(full("")).unwrap()
}

async fn get_as(harness: &Harness, path: &str, credential: Option<&str>) -> Answered {
    let headers: Vec<(&str, &str)> = credential.map(|credential| ("authorization", credential)).into_iter().collect();
    let answered = harness.send(asked(Method::GET, path, &headers)).await;
    assert_eq!(answered.status, StatusCode::OK, "{path}: {:?}", answered.body);
    answered
}

/// The ids of the operations of a document.
fn operations(document: &Value) -> BTreeSet<String> {
    let items =
        document["paths"].as_object().unwrap().values().filter_map(Value::as_object).flat_map(|item| item.values());
    items.filter_map(|operation| operation["operationId"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_document_has_what_its_reader_may_call() {
    let harness = club(false).await;
    let nobody = operations(&get_as(&harness, "/openapi.json", None).await.json());
    let service = operations(&get_as(&harness, "/openapi.json", Some(&service())).await.json());
    let operator = operations(&get_as(&harness, "/openapi.json", Some(&operator())).await.json());
    let shown = |id: &str| [&nobody, &service, &operator].map(|operations| operations.contains(id));
    assert_eq!(shown("DoorService_GetDoor"), [true, true, true]);
    assert_eq!(shown("SessionService_SignIn"), [true, true, true]);
    assert_eq!(shown("DoorService_OpenDoor"), [false, true, true]);
    assert_eq!(shown("VaultService_GetVault"), [false, true, true]);
    assert!(!shown("AccountService_SetRoles")[0]);
    assert!(operator.len() > nobody.len());
    let document = get_as(&harness, "/openapi.json", None).await;
    for hidden in ["Vault", "OpenDoor", "from inside", "ApplyContract"] {
        assert!(!String::from_utf8_lossy(&document.body).contains(hidden), "{hidden}");
    }
    let all = operations(&get_as(&club(true).await, "/openapi.json", None).await.json());
    assert!(all.contains("ContractService_ApplyContract"), "in development everybody sees everything");
}

#[tokio::test]
async fn an_operation_is_what_the_transcoder_takes() {
    let document = get_as(&club(true).await, "/openapi.json", None).await.json();
    let get = &document["paths"]["/club/v1/doors/{door}"]["get"];
    assert_eq!(get["summary"], "Tells whether it is open");
    assert_eq!((&get["tags"], &get["x-grpc-method"]), (&json!(["DoorService"]), &json!("club.v1.DoorService/GetDoor")));
    assert_eq!(get["security"][0], json!({}), "nobody has to sign in");
    let names: Vec<&str> = get["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str().or(p["$ref"].as_str()))
        .collect();
    let shared = |name: &str| format!("#/components/parameters/{name}");
    assert_eq!(names, ["door", "colour", "sizes", "hinge.size", &shared("Fields"), &shared("IfNoneMatch")]);
    assert_eq!(get["parameters"][2]["schema"]["items"]["format"], "int64");
    for status in ["200", "304", "400", "401", "403", "404", "412", "500", "503"] {
        assert!(get["responses"][status].is_object(), "{status}");
    }
    let reasons = &get["responses"]["404"]["x-error-reasons"];
    assert!(reasons.as_array().unwrap().contains(&json!("RESOURCE_NOT_FOUND")), "{reasons}");
    let open = &document["paths"]["/club/v1/doors/{door}:open"]["post"];
    assert_eq!((&open["deprecated"], open["security"][0].as_object().unwrap().len()), (&json!(true), 1));
    let body = &open["requestBody"]["content"]["application/json"];
    assert_eq!(body["schema"]["required"], json!(["pin"]), "the name is the path's");
    let pin = json!({"type": "string", "minLength": 4, "maxLength": 8, "pattern": "^[0-9]+$"});
    assert_eq!(body["schema"]["properties"], json!({"pin": pin}));
    assert_eq!(body["example"], json!({"pin": "0000"}));
}

#[tokio::test]
async fn a_schema_says_what_the_contract_does() {
    let document = get_as(&club(true).await, "/openapi.json", None).await.json();
    let door = &document["components"]["schemas"]["club.v1.Door"];
    assert_eq!(door["description"], "A door.\n\nAt most one of `key`, `code`.");
    assert_eq!(door["properties"]["colour"]["$ref"], "#/components/schemas/club.v1.Colour");
    assert_eq!(
        (&door["properties"]["colour"]["readOnly"], &door["properties"]["colour"]["description"]),
        (&json!(true), &json!("How it is painted."))
    );
    assert_eq!(
        (&door["properties"]["hinges"]["minItems"], &door["properties"]["hinges"]["maxItems"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        (&door["properties"]["opened"]["type"], &door["properties"]["opened"]["format"]),
        (&json!("string"), &json!("int64"))
    );
    let code = &door["properties"]["code"];
    assert_eq!((&code["minimum"], &code["exclusiveMaximum"]), (&json!(0), &json!(1000)));
    assert_eq!(door["allOf"][0]["oneOf"].as_array().unwrap().len(), 3);
    assert_eq!(document["components"]["schemas"]["club.v1.Colour"]["enum"], json!(["COLOUR_UNSPECIFIED", "RED"]));
}

/// The operation of this id.
fn operation<'d>(document: &'d Value, id: &str) -> &'d Value {
    let mut all = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    all.find(|operation| operation["operationId"] == id).unwrap_or_else(|| panic!("{id} is missing"))
}

#[tokio::test]
async fn a_body_need_not_have_what_the_path_gives() {
    let document = get_as(&club(true).await, "/openapi.json", None).await.json();
    let schema = &operation(&document, "VaultService_PutShelf")["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["label"]), "the path gives the others");
    assert_eq!(schema["properties"]["wall"]["required"], json!(["paint"]));
    assert!(schema["properties"]["wall"]["properties"]["id"].is_object(), "it may be said once more");
}

#[tokio::test]
async fn a_rule_of_every_method_takes_the_place_of_no_other() {
    let harness = club(false).await;
    for credential in [service(), operator()] {
        let document = get_as(&harness, "/openapi.json", Some(&credential)).await.json();
        let vault = &document["paths"]["/club/v1/vault"];
        assert_eq!(vault["get"]["operationId"], "VaultService_GetVault");
        assert_eq!(vault["x-additionalOperations"]["*"]["operationId"], "VaultService_TryVault");
        assert_eq!(document["paths"]["/club/v1/any"]["get"]["operationId"], "VaultService_TryVault_2");
    }
}

#[tokio::test]
async fn numbers_that_json_has_not_are_texts_where_they_may_be() {
    let document = get_as(&club(true).await, "/openapi.json", None).await.json();
    let or = |schema: &Value| schema["anyOf"][1]["enum"].clone();
    let shelf = &document["components"]["schemas"]["club.v1.Shelf"]["properties"];
    assert_eq!(or(&shelf["width"]), json!(["Infinity", "-Infinity"]), "what is stored is never NaN");
    assert_eq!(shelf["width"]["anyOf"][0], json!({"type": "number", "format": "double"}));
    assert_eq!(shelf["share"]["type"], "number", "it has bounds");
    let anvil = &document["components"]["schemas"]["club.v1.Anvil"]["properties"];
    assert_eq!(or(&anvil["heat"]), json!(["Infinity", "-Infinity", "NaN"]), "an upstream answers what it likes");
    assert_eq!(or(&anvil["worn"]), json!(["Infinity"]));
    assert_eq!(anvil["blows"]["additionalProperties"]["type"], "number");
    let name = &operation(&document, "SmithService_Forge")["parameters"][0];
    assert_eq!(name["schema"]["pattern"], "^[^/]+$", "an upstream has ids of its own");
}

#[tokio::test]
async fn tools_take_a_document_of_every_form_of_route() {
    let document = get_as(&Harness::start().await, "/openapi.json", None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, &document.body).unwrap();
    let clients = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/openapi");
    OpenApiTools::of(&clients.canonicalize().unwrap()).judge(&path);
    let document = document.json();
    let read = &document["paths"]["/library/v1/files/{file_path}"]["get"]["parameters"][0];
    assert_eq!(read["x-multi-segment"], true);
    assert!(document["paths"]["/library/v1/messages/{message_id}"]["x-additionalOperations"]["PURGE"].is_object());
    let follow = &document["paths"]["/library/v1/messages/{message}:follow"]["get"]["responses"]["200"]["content"];
    let kinds: Vec<&str> = follow.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(kinds, ["application/json", "application/x-ndjson", "text/event-stream"]);
    assert!(!operations(&document).contains("Library_Collect"), "a stream of the client's messages has no REST form");
    assert!(!operations(&document).contains("Library_Clash"), "what is not served is not described");
    assert!(operations(&document).contains("Library_GetMessage_2"), "each rule is an operation");
}

#[tokio::test]
async fn what_is_described_is_conditional_and_compressed() {
    let harness = club(false).await;
    for doc in Doc::ALL {
        let first = harness.send(asked(Method::GET, doc.path(), &[])).await;
        assert_eq!(first.status, StatusCode::OK, "{doc:?}");
        let etag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = harness.send(asked(Method::GET, doc.path(), &[("if-none-match", &etag)])).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{doc:?}");
        let head = harness.send(asked(Method::HEAD, doc.path(), &[])).await;
        assert_eq!((head.status, head.headers["etag"].to_str().unwrap()), (StatusCode::OK, etag.as_str()), "{doc:?}");
        let wrong = harness.rest(Method::POST, doc.path(), "{}").await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{doc:?}");
    }
    let whole = harness.send(asked(Method::GET, "/openapi.json", &[])).await;
    let smaller = harness.send(asked(Method::GET, "/openapi.json", &[("accept-encoding", "gzip")])).await;
    assert_eq!(smaller.headers["content-encoding"], "gzip");
    assert!(smaller.body.len() * 5 < whole.body.len(), "{} of {}", smaller.body.len(), whole.body.len());
    assert_eq!(whole.headers["cache-control"], "private, no-cache");
    let page = harness.get("/docs").await;
    assert!(
        page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self'")
    );
    assert_eq!(harness.get("/docs/other.js").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn descriptors_are_those_of_what_the_reader_may_call() {
    let harness = club(false).await;
    let files = async |credential: Option<&str>| {
        let answered = get_as(&harness, "/contract.binpb", credential).await;
        FileDescriptorSet::decode(&answered.body[..]).unwrap().file
    };
    let club =
        |files: &[FileDescriptorProto]| files.iter().find(|file| file.name() == "club/v1/club.proto").unwrap().clone();
    let nobody = files(None).await;
    let shown = club(&nobody);
    assert_eq!(shown.service.len(), 1);
    assert_eq!(shown.service[0].method.iter().map(|method| method.name()).collect::<Vec<_>>(), ["GetDoor"]);
    let comments = format!("{:?}", shown.source_code_info);
    assert!(comments.contains("Nobody has to knock") && comments.contains("How it is painted"), "{comments}");
    assert!(!comments.contains("from inside"));
    assert!(nobody.iter().all(|file| file.name() != "mainstay/data/v1/contract_service.proto"));
    DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: nobody }).unwrap();
    assert_eq!(club(&files(Some(&service())).await).service.len(), 2);
}

#[tokio::test]
async fn who_may_not_read_the_contract_itself_is_not_told_its_rules() {
    let (production, development) = (club(false).await, club(true).await);
    let told = async |harness: &Harness, credential: Option<&str>| {
        let descriptors = get_as(harness, "/contract.binpb", credential).await.body;
        let sources = unpacked(&get_as(harness, "/contract.zip", credential).await.body);
        let (_, source) = sources.into_iter().find(|(name, _)| name == "club/v1/club.proto").unwrap();
        [String::from_utf8_lossy(&descriptors).into_owned(), source].map(|text| text.contains("hidden-rule"))
    };
    assert_eq!(told(&production, None).await, [false; 2]);
    assert_eq!(told(&production, Some(&operator())).await, [true; 2]);
    assert_eq!(told(&development, None).await, [true; 2]);
}

/// The files of an archive.
fn unpacked(archive: &[u8]) -> Vec<(String, String)> {
    let (mut rest, mut files) = (archive, Vec::new());
    while let Some(local) = rest.strip_prefix(b"PK\x03\x04") {
        let number = |at: usize| usize::try_from(u32::from_le_bytes(local[at..at + 4].try_into().unwrap())).unwrap();
        let (packed, name) = (number(14), number(22) & 0xffff);
        let mut text = String::new();
        DeflateDecoder::new(&local[26 + name..26 + name + packed]).read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), number(18));
        files.push((String::from_utf8(local[26..26 + name].to_vec()).unwrap(), text));
        rest = &local[26 + name + packed..];
    }
    files
}

/// Compiles files as any compiler does that has only them. Answers each without its places and comments.
fn compiled(files: &[(String, String)]) -> Vec<FileDescriptorProto> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
    compiler.include_imports(true);
    for (name, text) in files {
        compiler.open_file(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
    }
    compiler.file_descriptor_set().file
}

/// The same of an encoded set.
fn described(set: &[u8]) -> Vec<FileDescriptorProto> {
    let mut files = FileDescriptorSet::decode(set).unwrap().file;
    files.iter_mut().for_each(|file| file.source_code_info = None);
    files
}

/// Constraints of a contract's own, and a method that is called like what it takes.
const RULES: &str = r#"
syntax = "proto2";
package rules.v1;
import "buf/validate/validate.proto";
// What texts may be.
extend buf.validate.StringRules {
  // A path.
  optional bool path = 1161 [(buf.validate.predefined).cel = {id: "string.path" expression: "!rule || this.startsWith('/')"}];
  repeated string beginnings = 1162 [deprecated = true];
}
// What numbers may be.
extend buf.validate.Int64Rules {
  optional int64 multiple_of = 1161 [(buf.validate.predefined).cel = {id: "int64.multiple_of" expression: "this % rule == 0"}];
}
service AskService { rpc Question(.rules.v1.Question) returns (Answer); }
message Question {
  optional string text = 1 [(buf.validate.field).string.(path) = true];
  extensions 100 to 199;
}
message Answer {
  extend Question { optional Answer last = 100 [deprecated = true]; }
}
"#;

async fn rules() -> Harness {
    let data = Arc::new(FakeService::default());
    data.publish(1, &compile("rules/v1/rules.proto", RULES));
    let harness = Harness::before(data, Config::default(), None, true).await;
    harness.serves(1).await;
    harness
}

#[tokio::test]
async fn sources_have_extensions_with_their_options_and_comments() {
    let files = unpacked(&get_as(&rules().await, "/contract.zip", None).await.body);
    let (_, text) = files.iter().find(|(name, _)| name == "rules/v1/rules.proto").unwrap();
    for said in [
        "// What texts may be.\nextend buf.validate.StringRules {\n  // A path.\n  optional bool path = 1161 [",
        "(buf.validate.predefined) = {",
        "id: \"string.path\"",
        "  repeated string beginnings = 1162 [deprecated = true];\n}\n",
        "// What numbers may be.\nextend buf.validate.Int64Rules {\n",
        "  extend .rules.v1.Question {\n    optional Answer last = 100 [deprecated = true];\n  }\n",
        "rpc Question(.rules.v1.Question) returns (Answer);",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[tokio::test]
async fn sources_say_what_descriptors_do() {
    for harness in [club(false).await, club(true).await, Harness::start().await, rules().await] {
        let archive = get_as(&harness, "/contract.zip", None).await;
        assert_eq!(archive.headers["content-type"], "application/zip");
        let files = unpacked(&archive.body);
        let of_sources = compiled(&files);
        for wanted in described(&get_as(&harness, "/contract.binpb", None).await.body) {
            let found = of_sources.iter().find(|file| file.name() == wanted.name());
            let found = found.unwrap_or_else(|| panic!("{} is missing", wanted.name()));
            if !wanted.name().starts_with("google/protobuf/") {
                let text = files.iter().find(|(name, _)| name == wanted.name()).map(|(_, text)| text.as_str());
                assert_eq!(found, &wanted, "{}\n{}", wanted.name(), text.unwrap_or_default());
            }
        }
    }
    let archive = get_as(&club(true).await, "/contract.zip", None).await;
    let files = unpacked(&archive.body);
    let (_, text) = files.iter().find(|(name, _)| name == "club/v1/club.proto").unwrap();
    assert!(text.contains("  // Opens it from inside.\n  rpc OpenDoor(OpenDoorRequest) returns (Door) {"), "{text}");
}
