//! A contract that the repository has never seen, with every kind of field.

use mainstay_testkit::http::Http;
use serde_json::{Value, json};

use crate::support::{Folder, System, repository};

const FILE: &str = "fleet/v1/fleet.proto";

const CONTRACT: &str = r#"syntax = "proto3";

package fleet.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "google/type/money.proto";
import "mainstay/v1/options.proto";

// A ship, with one field of every kind.
message Ship {
  option (google.api.resource) = {type: "fleet.example.org/Ship" pattern: "ships/{ship}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.listed || resource.owner == auth.uid"
      create: "resource.owner == auth.uid && resource.call_sign.startsWith('DX')"
      update: "old.owner == auth.uid && new.owner == auth.uid && new.crew >= 0"
      delete: "resource.owner == auth.uid && resource.state != State.AT_SEA"
    }
    index {fields: "call_sign" unique: true}
    index {fields: "state" fields: "built"}
  };

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(google.api.field_behavior) = IMMUTABLE, (mainstay.v1.field) = {default: "auth.uid"}];
  string call_sign = 3 [
    (google.api.field_behavior) = REQUIRED,
    (buf.validate.field).string = {min_len: 3, max_len: 8, pattern: "^[A-Z0-9]+$"}
  ];
  bool listed = 4;
  int32 crew = 5 [(buf.validate.field).int32 = {gte: 0, lt: 10000}];
  int64 displacement = 6;
  uint32 decks = 7;
  uint64 serial = 8;
  sint32 trim = 9;
  sint64 offset = 10;
  fixed32 beacon = 11;
  fixed64 transponder = 12;
  sfixed32 depth = 13;
  sfixed64 drift = 14;
  float draught = 15;
  double length = 16 [(buf.validate.field).double.gt = 0];
  bytes seal = 17;
  optional int32 rating = 18;
  State state = 19;
  Engine engine = 20;
  repeated string ports = 21 [(buf.validate.field).repeated.max_items = 5];
  repeated Engine spares = 22;
  map<string, string> labels = 23;
  map<int32, Engine> boilers = 24;
  google.protobuf.Timestamp launched = 25;
  google.protobuf.Duration endurance = 26;
  google.protobuf.Struct papers = 27;
  google.type.Date built = 28;
  google.type.Money price = 29;
  google.protobuf.Timestamp create_time = 30 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp update_time = 31 [(google.api.field_behavior) = OUTPUT_ONLY];
  string etag = 32;

  message Engine {
    string maker = 1;
    int32 kilowatts = 2;
    repeated int32 cylinders = 3;
  }

  enum State {
    STATE_UNSPECIFIED = 0;
    IN_PORT = 1;
    AT_SEA = 2;
  }
}

// A voyage of a ship.
message Voyage {
  option (google.api.resource) = {type: "fleet.example.org/Voyage" pattern: "ships/{ship}/voyages/{voyage}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.email != ''"}};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string sister = 2 [(google.api.resource_reference).type = "fleet.example.org/Ship"];
  google.type.Date begin = 3;
}
"#;

/// A ship with something in every field.
fn ship() -> Value {
    json!({
        "callSign": "DXAB1", "listed": false, "crew": 23, "displacement": "-9007199254740993", "decks": 4_294_967_295u32,
        "serial": "9223372036854775807", "trim": -5, "offset": "-6", "beacon": 7, "transponder": "8", "depth": -9,
        "drift": "-10", "draught": 4.25, "length": 120.5, "seal": "3q2+7w==", "rating": 0, "state": "AT_SEA",
        "engine": {"maker": "Kraft & Söhne", "kilowatts": 900, "cylinders": [1, 2, 3]},
        "ports": ["Kiel", "Lübeck", ""], "spares": [{"maker": "A"}, {"kilowatts": 3}],
        "labels": {"flag": "de", "class": "ice"}, "boilers": {"-1": {"maker": "B"}, "2": {"cylinders": [4]}},
        "launched": "1969-07-20T20:17:40.123456Z", "endurance": "86400.500s",
        "papers": {"kind": "tanker", "list": [1, null, {"deep": true}]}, "built": {"year": 1968, "month": 2, "day": 29},
        "price": {"currencyCode": "EUR", "units": "1200000", "nanos": 990_000_000},
    })
}

mainstay_testkit::both_engines! {
    async fn a_contract_never_seen_before_is_served_like_any_other(engine: Engine) {
        let system = System::one(engine, Folder::with(FILE, CONTRACT)).await;
        let (ada, eve) = (system.user("ada@example.org").await, system.user("eve@example.org").await);
        every_field_comes_back(&system, &ada).await;
        rules_and_constraints_hold(&ada, &eve).await;
        filters_reach_every_kind(&ada).await;
        children_have_their_place(&ada).await;
    }
}

async fn every_field_comes_back(system: &System, ada: &Http) {
    let created = ada.post("/fleet/v1/ships?shipId=anna", ship()).await.ok();
    let read = ada.get("/fleet/v1/ships/anna").await.ok();
    assert_eq!(read, created);
    let mut expected = ship();
    let own = expected.as_object_mut().expect("a ship is an object");
    own.remove("listed");
    for (field, value) in own.iter() {
        assert_eq!(&read[field], value, "{field}");
    }
    let grpc = system.grpc().with_token(ada.token());
    assert_eq!(grpc.call("fleet.v1.ShipService/GetShip", &json!({"name": "ships/anna"})), Ok(read));
}

async fn rules_and_constraints_hold(ada: &Http, eve: &Http) {
    eve.get("/fleet/v1/ships/anna").await.refusal(404, "NOT_FOUND");
    assert_eq!(eve.get("/fleet/v1/ships").await.ok(), json!({}));
    ada.patch("/fleet/v1/ships/anna", json!({"listed": true})).await.ok();
    eve.get("/fleet/v1/ships/anna").await.ok();
    eve.patch("/fleet/v1/ships/anna", json!({"crew": 1})).await.refusal(403, "PERMISSION_DENIED");
    ada.delete("/fleet/v1/ships/anna").await.refusal(403, "PERMISSION_DENIED");
    ada.post("/fleet/v1/ships", json!({"callSign": "ZZ1", "length": 1})).await.refusal(403, "PERMISSION_DENIED");
    let bad = json!({"callSign": "DX ü", "length": -1, "crew": 10_000, "ports": ["a", "b", "c", "d", "e", "f"]});
    let refusal = ada.post("/fleet/v1/ships", bad).await.refusal(400, "INVALID_ARGUMENT").to_string();
    for field in ["call_sign", "length", "crew", "ports"] {
        assert!(refusal.contains(field), "{field} is not named: {refusal}");
    }
    let twice = json!({"callSign": "DXAB1", "length": 1});
    ada.post("/fleet/v1/ships", twice).await.refusal(409, "ALREADY_EXISTS");
}

async fn filters_reach_every_kind(ada: &Http) {
    ada.post("/fleet/v1/ships?shipId=bert", json!({"callSign": "DXB", "length": 9.5, "state": "IN_PORT"})).await.ok();
    for filter in [
        "listed = true",
        "crew > 22",
        "displacement < -9007199254740992",
        "decks = 4294967295",
        "rating = 0 AND crew > 0",
        "state = AT_SEA",
        "engine.maker = \"Kraft & Söhne\"",
        "engine.kilowatts >= 900",
        "ports:\"Kiel\"",
        "labels.flag = \"de\"",
        "launched < \"1970-01-01T00:00:00Z\"",
        "length > 100",
        "draught = 4.25",
        "call_sign = \"DXAB1\"",
        "NOT state = IN_PORT AND (crew = 23 OR crew = 24)",
    ] {
        let query = encode(filter);
        let page = ada.get(&format!("/fleet/v1/ships?filter={query}&orderBy=length%20desc")).await.ok();
        let names: Vec<&str> =
            page["ships"].as_array().into_iter().flatten().filter_map(|ship| ship["name"].as_str()).collect();
        assert_eq!(names, ["ships/anna"], "{filter}");
    }
    let refused = ada.get("/fleet/v1/ships?filter=colour%20%3D%201").await.refusal(400, "INVALID_ARGUMENT");
    assert!(refused.to_string().contains("colour"), "{refused}");
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

async fn children_have_their_place(ada: &Http) {
    let voyage = json!({"sister": "ships/bert", "begin": {"year": 2024, "month": 5, "day": 1}});
    let created = ada.post("/fleet/v1/ships/anna/voyages?voyageId=one", voyage).await.ok();
    assert_eq!((&created["name"], &created["sister"]), (&json!("ships/anna/voyages/one"), &json!("ships/bert")));
    assert_eq!(ada.get("/fleet/v1/ships/anna/voyages").await.ok()["voyages"][0], created);
    assert_eq!(ada.get("/fleet/v1/ships/bert/voyages").await.ok(), json!({}));
    let nowhere = json!({"sister": "ships/none"});
    ada.post("/fleet/v1/ships/anna/voyages", nowhere).await.refusal(404, "NOT_FOUND");
    ada.delete("/fleet/v1/ships/bert").await.refusal(400, "FAILED_PRECONDITION");
    ada.delete("/fleet/v1/ships/anna/voyages/one").await.ok();
    ada.delete("/fleet/v1/ships/bert").await.ok();
}

#[tokio::test]
async fn the_command_line_checks_plans_applies_exports_and_explains_it() {
    let folder = Folder::with(FILE, CONTRACT);
    let launch = mainstay_testkit::server::Launch::new(folder.path());
    let contracts = folder.contracts().to_string_lossy().into_owned();
    let run = |arguments: &[&str]| {
        let output = launch.command(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{error}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));

    assert!(run(&["contract", "check", &contracts]).contains("is a valid contract"));
    assert_eq!(json(&run(&["contract", "check", &contracts, "--json"]))["ok"], true);

    let plan = run(&["contract", "plan", &contracts]);
    assert!(plan.contains("add resource   fleet.example.org/Ship") && plan.contains("create table"), "{plan}");
    assert_eq!(run(&["contract", "plan", &contracts]), plan, "the same plan in the same bytes");
    let plan = json(&run(&["contract", "plan", &contracts, "--json"]));
    let (hash, steps) = (plan["hash"].as_str().expect("a plan has a hash"), plan["steps"].as_array().expect("steps"));
    assert!(!steps.is_empty());

    let other = launch.command(&["contract", "apply", &contracts, "--plan-hash", "00"]);
    assert!(!other.status.success(), "a plan that nobody reviewed is not applied");
    run(&["contract", "apply", &contracts, "--plan-hash", hash, "--json"]);
    assert_eq!(json(&run(&["contract", "plan", &contracts, "--json"]))["steps"], json!([]));

    let explained = run(&["contract", "explain", "Ship.update", &contracts]);
    for part in ["old.owner == auth.uid", "SQLite", "PostgreSQL", "UPDATE"] {
        assert!(explained.contains(part), "{explained}");
    }
    the_export_compiles(
        &folder,
        &run(&["contract", "export", &contracts, "--out", &folder.path().join("out").to_string_lossy()]),
    );
}

/// What is exported is all that a compiler needs beside the imports, which registries have.
fn the_export_compiles(folder: &Folder, printed: &str) {
    assert!(printed.contains("wrote"), "{printed}");
    let out = folder.path().join("out");
    let mut compiler = protox::Compiler::new([out, repository().join("proto")]).expect("the folders are there");
    compiler.include_imports(true);
    compiler.open_file(FILE).unwrap_or_else(|error| panic!("the export does not compile: {error}"));
    let pool = compiler.descriptor_pool();
    let service = pool.get_service_by_name("fleet.v1.ShipService");
    let service = service.or_else(|| exported_service(&mut compiler, folder));
    let methods: Vec<String> =
        service.expect("the service is exported").methods().map(|method| method.name().to_owned()).collect();
    for method in ["GetShip", "ListShips", "CreateShip", "UpdateShip", "DeleteShip"] {
        assert!(methods.iter().any(|name| name == method), "{methods:?}");
    }
}

/// The derived services may stand in files of their own.
fn exported_service(compiler: &mut protox::Compiler, folder: &Folder) -> Option<prost_reflect::ServiceDescriptor> {
    let files = std::fs::read_dir(folder.path().join("out/fleet/v1")).expect("the export has the package's folder");
    for file in files.flatten() {
        let path = format!("fleet/v1/{}", file.file_name().to_string_lossy());
        compiler.open_file(&path).unwrap_or_else(|error| panic!("{path} does not compile: {error}"));
    }
    compiler.descriptor_pool().get_service_by_name("fleet.v1.ShipService")
}
