//! Rows that references lead to, answered with the rows that hold them (`expand`).

use std::collections::BTreeMap;

use mainstay_contract::EXPANDED_IN_ROW;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use mainstay_wire::frame;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

/// Shops with wares, of which some are hidden, and baskets that name them.
fn bazaar() -> String {
    file("bz.v1", BAZAAR)
}

const BAZAAR: &str = r#"
message Stall {
  option (google.api.resource) = {type: "bz.example.com/Stall" pattern: "stalls/{stall}"};
  option (mainstay.v1.resource) = {access {read: "resource.open || resource.owner == auth.uid" write: "false"} soft_delete: true};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(google.api.resource_reference).type = "mainstay.dev/Account"];
  bool open = 3;
  string motto = 4;
  string rent = 5 [(mainstay.v1.field) = {read: "resource.owner == auth.uid"}];
  string branch_of = 6 [(google.api.resource_reference).type = "bz.example.com/Stall"];
  string backer = 7 [(mainstay.v1.field).read = "'auditor' in auth.roles", (google.api.resource_reference).type = "bz.example.com/Stall"];
  google.protobuf.Timestamp delete_time = 8;
}
message Ware {
  option (google.api.resource) = {type: "bz.example.com/Ware" pattern: "stalls/{stall}/wares/{ware}"};
  option (mainstay.v1.resource) = {access {read: "!resource.secret || stall.owner == auth.uid" write: "false"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2 [(mainstay.v1.field).aliases = "headline"];
  bool secret = 3;
  string maker = 4 [(google.api.resource_reference).type = "bz.example.com/Stall"];
}
message Basket {
  option (google.api.resource) = {type: "bz.example.com/Basket" pattern: "baskets/{basket}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "false"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string stall = 2 [(google.api.resource_reference).type = "bz.example.com/Stall"];
  repeated Line lines = 3;
  repeated string liked = 4 [(google.api.resource_reference).type = "bz.example.com/Ware"];
  Gift gift = 5;
  string note = 6;
  map<string, Line> named = 7;
}
message Line {
  string ware = 1 [(google.api.resource_reference).type = "bz.example.com/Ware"];
  int32 count = 2;
}
message Gift { string from_stall = 1 [(google.api.resource_reference).type = "bz.example.com/Stall"]; }
"#;

async fn filled(engine: mainstay_testkit::Engine) -> Fixture {
    let fixture = Fixture::start(engine, &bazaar()).await;
    let system = fixture.system();
    let make = async |message: &str, parent: &str, id: &str, body: Json| {
        let field = message.to_lowercase();
        let mut request = json!({format!("{field}_id"): id, field: body});
        if !parent.is_empty() {
            request["parent"] = json!(parent);
        }
        system.ok(&format!("bz.v1.{message}Service/Create{message}"), request).await;
    };
    let main = json!({"owner": "accounts/ann", "open": true, "motto": "m", "rent": "r"});
    make("Stall", "", "main", main).await;
    make("Stall", "", "dark", json!({"owner": "accounts/ben", "motto": "hush", "branch_of": "stalls/main"})).await;
    make(
        "Stall",
        "",
        "side",
        json!({"owner": "accounts/ben", "open": true, "branch_of": "stalls/dark", "backer": "stalls/main"}),
    )
    .await;
    make("Ware", "stalls/main", "cup", json!({"title": "Cup", "maker": "stalls/side"})).await;
    make("Ware", "stalls/main", "gem", json!({"title": "Gem", "secret": true})).await;
    make("Ware", "stalls/dark", "pot", json!({"title": "Pot", "maker": "stalls/dark"})).await;
    make("Basket", "", "one", json!({
        "stall": "stalls/side", "note": "n", "gift": {"from_stall": "stalls/main"},
        "lines": [{"ware": "stalls/main/wares/cup", "count": 2}, {"ware": "stalls/main/wares/gem"}, {"ware": "stalls/main/wares/cup"}],
        "liked": ["stalls/dark/wares/pot"], "named": {"A": {"ware": "stalls/dark/wares/pot"}}
    })).await;
    make("Basket", "", "two", json!({"stall": "stalls/dark"})).await;
    make("Basket", "", "three", json!({})).await;
    fixture
}

/// What a page or a batch went to, without the types of it.
fn rows(answer: &Json) -> BTreeMap<String, Json> {
    let entries = answer["expanded"].as_object().into_iter().flatten();
    let bare = |row: &Json| {
        let mut row = row.clone();
        let ty = row.as_object_mut().and_then(|row| row.remove("@type")).unwrap();
        assert!(ty.as_str().unwrap().starts_with("type.googleapis.com/bz.v1."), "{ty}");
        row
    };
    entries.map(|(name, row)| (name.clone(), bare(row))).collect()
}

async fn listed(caller: &Caller<'_>, expand: &str) -> BTreeMap<String, Json> {
    rows(&caller.ok("bz.v1.BasketService/ListBaskets", json!({"expand": expand})).await)
}

/// What a Get went to: it stands beside the fields of the resource.
async fn got(fixture: &Fixture, caller: &Caller<'_>, name: &str, expand: &[&str]) -> BTreeMap<String, Json> {
    let mut request = Vec::new();
    frame::put_message(1, name.as_bytes(), &mut request);
    frame::put_field_mask(2, expand, &mut request);
    let answer = caller.raw("bz.v1.BasketService/GetBasket", request).await.unwrap();
    let pool = fixture.pool();
    let mut found = BTreeMap::new();
    for entry in frame::messages(&answer, EXPANDED_IN_ROW).unwrap() {
        let name = frame::string(entry, 1).unwrap().unwrap_or_default().to_owned();
        let any = frame::messages(entry, 2).unwrap()[0];
        let url = frame::string(any, 1).unwrap().unwrap();
        let message = pool.get_message_by_name(url.rsplit('/').next().unwrap()).unwrap();
        let row = DynamicMessage::decode(message, frame::messages(any, 2).unwrap()[0]).unwrap();
        let mut json = Vec::new();
        let mut writer = serde_json::Serializer::new(&mut json);
        row.serialize_with_options(&mut writer, &SerializeOptions::new().use_proto_field_name(true)).unwrap();
        found.insert(name, serde_json::from_slice(&json).unwrap());
    }
    // To whoever does not know of it the answer is the resource alone.
    let message = pool.get_message_by_name("bz.v1.Basket").unwrap();
    assert_eq!(DynamicMessage::decode(message, answer).unwrap().unknown_fields().count(), found.len());
    found
}

/// The last parts of their names, sorted.
fn names(found: &BTreeMap<String, Json>) -> String {
    let mut names: Vec<&str> = found.keys().map(|name| name.rsplit('/').next().unwrap()).collect();
    names.sort_unstable();
    names.join(" ")
}

both_engines! {
    async fn an_answer_goes_through_references_as_far_as_its_caller_may_read(engine: Engine) {
        let fixture = filled(engine).await;
        let (nobody, ann, ben, system) = (fixture.anonymous(), fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.system());
        for (expand, by_nobody, by_ann, by_ben, by_system) in [
            ("stall", "side", "side", "dark side", "dark side"),
            ("stall.branchOf", "side", "side", "dark main side", "dark main side"),
            ("gift.fromStall", "main", "main", "main", "main"),
            ("lines.ware", "cup", "cup gem", "cup", "cup gem"),
            ("lines.ware.maker.branchOf", "cup side", "cup gem side", "cup dark side", "cup dark gem side"),
            ("liked", "pot", "pot", "pot", "pot"),
            ("named.ware.maker", "pot", "pot", "dark pot", "dark pot"),
            ("stall,lines.ware,gift.fromStall", "cup main side", "cup gem main side", "cup dark main side", "cup dark gem main side"),
        ] {
            for (caller, wanted) in [(&nobody, by_nobody), (&ann, by_ann), (&ben, by_ben), (&system, by_system)] {
                assert_eq!(names(&listed(caller, expand).await), wanted, "{expand}");
            }
        }
        assert!(listed(&nobody, "").await.is_empty());
    }

    async fn only_the_wanted_fields_of_it_come_and_always_the_name(engine: Engine) {
        let fixture = filled(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        assert_eq!(listed(&ann, "lines.ware.title").await["stalls/main/wares/cup"], json!({"name": "stalls/main/wares/cup", "title": "Cup"}));
        assert_eq!(listed(&ann, "lines.ware.headline").await["stalls/main/wares/cup"]["title"], "Cup");
        let through = listed(&ben, "lines.ware.maker.motto").await;
        assert_eq!(through["stalls/main/wares/cup"], json!({"name": "stalls/main/wares/cup", "maker": "stalls/side"}));
        assert_eq!(through["stalls/side"], json!({"name": "stalls/side"}));
        let whole = json!({"name": "stalls/side", "owner": "accounts/ben", "open": true, "branch_of": "stalls/dark"});
        for expand in ["stall", "stall.*", "stall.motto,stall.*", "stall.motto,stall"] {
            assert_eq!(listed(&ben, expand).await["stalls/side"], whole, "{expand}");
        }
        // Two ways to one row: it comes once, with what either wants.
        let both = listed(&ben, "stall.branchOf.motto,stall.branchOf.branchOf.motto,gift.fromStall.open").await;
        assert_eq!(both["stalls/main"], json!({"name": "stalls/main", "open": true, "motto": "m"}));
        // Field rules hold there as everywhere.
        assert_eq!(listed(&ann, "gift.fromStall.rent").await["stalls/main"]["rent"], "r");
        assert_eq!(listed(&ben, "gift.fromStall").await["stalls/main"].get("rent"), None);
    }

    async fn a_get_and_a_batch_go_the_same_ways(engine: Engine) {
        let fixture = filled(engine).await;
        let ben = fixture.user("ben", &[]);
        let page = listed(&ben, "stall,lines.ware.title").await;
        let mut one = got(&fixture, &ben, "baskets/one", &["stall", "lines.ware.title"]).await;
        one.extend(got(&fixture, &ben, "baskets/two", &["stall", "lines.ware.title"]).await);
        assert_eq!(one, page);
        let batch = json!({"names": ["baskets/two", "baskets/one"], "expand": "stall,lines.ware.title"});
        assert_eq!(rows(&ben.ok("bz.v1.BasketService/BatchGetBaskets", batch).await), page);
        assert!(got(&fixture, &ben, "baskets/three", &["stall"]).await.is_empty());
        // What is wanted of the rows themselves is another thing.
        let masked = ben.with_read_mask("baskets.note").ok("bz.v1.BasketService/ListBaskets", json!({"expand": "stall"})).await;
        assert_eq!((rows(&masked).len(), masked["baskets"][0].clone()), (2, json!({"note": "n"})));
        let page = json!({"expand": "stall", "page_size": 1, "order_by": "name desc"});
        let first = ben.ok("bz.v1.BasketService/ListBaskets", page).await;
        assert_eq!((names(&rows(&first)), first["baskets"][0]["name"].as_str()), ("dark".to_owned(), Some("baskets/two")));
    }

    async fn what_cannot_be_gone_through_is_refused_with_its_path(engine: Engine) {
        let fixture = filled(engine).await;
        let (ann, nobody) = (fixture.user("ann", &[]), fixture.anonymous());
        let deep = format!("stall{}", ".branchOf".repeat(5));
        let many = vec!["stall"; 33].join(",");
        for expand in ["note", "nothing", "stall.nothing", "stall.motto.x", "lines", "lines.count", "*", "stall..motto", "stall.owner.email", deep.as_str(), many.as_str()] {
            for method in ["ListBaskets", "GetBasket"] {
                let mut request = json!({"expand": expand});
                if method == "GetBasket" {
                    request["name"] = json!("baskets/one");
                }
                let fault = ann.fault(&format!("bz.v1.BasketService/{method}"), request).await;
                assert_eq!(fault.reason(), Some(Reason::InvalidMask), "{expand}: {fault:?}");
                assert_eq!(fault.violations()[0].field, "expand", "{expand}");
            }
        }
        let unseen = ann.fault("bz.v1.BasketService/ListBaskets", json!({"expand": "stall.backer"})).await;
        let missing = ann.fault("bz.v1.BasketService/ListBaskets", json!({"expand": "stall.nothing"})).await;
        assert_eq!((unseen.code(), unseen.violations()[0].field.as_str()), (missing.code(), "expand"));
        listed(&fixture.user("ann", &["auditor"]), "stall.backer").await;
        let owner = listed(&ann, "gift.fromStall.owner").await;
        assert_eq!(owner["stalls/main"], json!({"name": "stalls/main", "owner": "accounts/ann"}));
        // Permission comes first.
        let ware = nobody.fault("bz.v1.WareService/GetWare", json!({"name": "stalls/main/wares/gem", "expand": "maker"})).await;
        assert_ne!(ware.reason(), Some(Reason::InvalidMask));
    }

    async fn a_page_goes_to_so_many_rows_at_most(engine: Engine) {
        let fixture = filled(engine).await;
        let many = match engine {
            mainstay_testkit::Engine::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001)",
            mainstay_testkit::Engine::Postgres => "WITH n(i) AS (SELECT * FROM generate_series(1, 2001))",
        };
        fixture.sql(&format!("INSERT INTO bz_v1_stall (_id, _revision, open, motto) {many} SELECT 's' || i, 1, TRUE, 'm' FROM n")).await;
        let baskets = "INSERT INTO bz_v1_basket (_id, _revision, stall, _has_gift, gift__from_stall)";
        fixture.sql(&format!("{baskets} {many} SELECT 'b' || i, 1, 's' || i, TRUE, 's' || (i + 1000) FROM n WHERE i <= 1000")).await;
        let nobody = fixture.anonymous();
        let page = nobody.ok("bz.v1.BasketService/ListBaskets", json!({"page_size": 1000, "expand": "stall.open"})).await;
        assert_eq!((page["baskets"].as_array().unwrap().len(), rows(&page).len()), (1000, 1000));
        let both = || json!({"page_size": 1000, "expand": "stall.open,gift.fromStall.open,liked.title"});
        assert_eq!(rows(&nobody.ok("bz.v1.BasketService/ListBaskets", both()).await).len(), 2000);
        fixture.sql("UPDATE bz_v1_basket SET liked = '[\"stalls/dark/wares/pot\"]' WHERE _id = 'b1'").await;
        let (reason, fields) = nobody.refused("bz.v1.BasketService/ListBaskets", both()).await;
        assert_eq!((reason, fields), (Reason::FieldViolation, vec!["expand".to_owned()]));
    }
}
