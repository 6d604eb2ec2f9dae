//! Rows that belong to organisations (`tenant: true`): each organisation has its own, by whatever names, and those of others are
//! not there.

use mainstay_fault::Reason;
use mainstay_testkit::wait::until;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::relations::{list, method};
use crate::support::{Caller, Fixture, on_the_wire};

/// Stores with products below them, orders that refer to products, and regions that belong to nobody.
#[expect(clippy::too_many_lines, reason = "a contract")]
pub fn stores() -> String {
    file(
        "m.v1",
        r#"
message Store {
  option (google.api.resource) = {type: "m.example.com/Store" pattern: "stores/{store}"};
  option (mainstay.v1.resource) = {
    tenant: true
    access {read: "!resource.closed || resource.owner == auth.uid" write: "true"}
    index {fields: "code" unique: true}
    index {fields: "owner"}
    soft_delete: true
    purge_after: "1h"
    effect {on: "create" adjust {field: "region.stores" by: "1"}}
    effect {on: "Open" put {resource: "Notice" set {field: "text" value: "resource.owner"} set {field: "store" value: "resource.name"}}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  optional string code = 3;
  string branch_of = 4 [
    (google.api.resource_reference).type = "m.example.com/Store", (mainstay.v1.field).acyclic = true
  ];
  string region = 5 [(google.api.resource_reference).type = "m.example.com/Region"];
  bool closed = 6;
  State state = 7 [(mainstay.v1.states) = {
    initial: "PLANNED"
    transition {name: "Open" from: "PLANNED" to: "OPEN" access: "true" at: "resource.open_time"}
  }];
  google.protobuf.Timestamp open_time = 8;
  google.protobuf.Timestamp delete_time = 9;
  string etag = 10;
  string mate = 11 [(google.api.resource_reference).type = "m.example.com/Store", (mainstay.v1.field).on_delete = SET_NULL];
  int32 orders = 12 [(google.api.field_behavior) = OUTPUT_ONLY];
  repeated string regions = 13 [(google.api.resource_reference).type = "m.example.com/Region"];
  enum State { STATE_UNSPECIFIED = 0; PLANNED = 1; OPEN = 2; }
}
message Product {
  option (google.api.resource) = {type: "m.example.com/Product" pattern: "stores/{store}/products/{product}"};
  option (mainstay.v1.resource) = {
    access {
      read: "Store.exists(s, s.owner == auth.uid) || store.owner != 'nobody'"
      write: "!Ban.exists(b, b.account == auth.uid)"
    }
    on_parent_delete: CASCADE
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
message Settings {
  option (google.api.resource) = {type: "m.example.com/Settings" pattern: "stores/{store}/settings"};
  option (mainstay.v1.resource) = {access {read: "true" update: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string theme = 2;
}
message Order {
  option (google.api.resource) = {type: "m.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    tenant: true
    access {read: "true" write: "true"}
    effect {on: "create" adjust {field: "store.orders" by: "1"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string product = 2 [(google.api.resource_reference).type = "m.example.com/Product"];
  string store = 3 [(google.api.resource_reference).type = "m.example.com/Store", (mainstay.v1.field).on_delete = CASCADE];
}
message Notice {
  option (google.api.resource) = {type: "m.example.com/Notice" pattern: "notices/{notice}"};
  option (mainstay.v1.resource) = {tenant: true access {read: "true" write: "false"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
  string store = 3 [(google.api.resource_reference).type = "m.example.com/Store", (mainstay.v1.field).on_delete = CASCADE];
}
message Ban {
  option (google.api.resource) = {type: "m.example.com/Ban" pattern: "bans/{ban}"};
  option (mainstay.v1.resource) = {
    tenant: true
    access {read: "true" write: "true"}
    exclude {fields: "account" from: "start_time" to: "end_time"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
  google.protobuf.Timestamp start_time = 3;
  google.protobuf.Timestamp end_time = 4;
}
message Region {
  option (google.api.resource) = {type: "m.example.com/Region" pattern: "regions/{region}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "Ban.exists(b, b.account == auth.uid)"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 stores = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  string title = 3;
}
"#,
    )
}

const COMMIT: &str = "m.v1.CommitService/Commit";

async fn market(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &stores()).await;
    fixture.system().ok(&method("Create", "Region"), json!({"region_id": "north", "region": {}})).await;
    fixture
}

async fn store(caller: &Caller<'_>, id: &str, body: Json) -> Json {
    caller.ok(&method("Create", "Store"), json!({"store_id": id, "store": body})).await
}

async fn get(caller: &Caller<'_>, message: &str, name: &str) -> Json {
    caller.ok(&method("Get", message), json!({"name": name})).await
}

async fn names(caller: &Caller<'_>, message: &str, request: Json) -> Vec<String> {
    let page = caller.ok(&list(message), request).await;
    let mut all: Vec<String> = Vec::new();
    for rows in page.as_object().unwrap().values().filter_map(Json::as_array) {
        all.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
    }
    all
}

both_engines! {
    async fn two_organisations_have_rows_of_one_name(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        store(&ann, "main", json!({"owner": "a", "code": "C1"})).await;
        assert_eq!(bob.refused(&method("Get", "Store"), json!({"name": "stores/main"})).await.0, Reason::ResourceNotFound);
        store(&bob, "main", json!({"owner": "z", "code": "C1"})).await;
        assert_eq!(get(&ann, "Store", "stores/main").await["owner"], "a");
        assert_eq!(get(&bob, "Store", "stores/main").await["owner"], "z");
        let again = json!({"store_id": "main", "store": {}});
        assert_eq!(ann.refused(&method("Create", "Store"), again).await.0, Reason::AlreadyExists);
        let taken = json!({"store": {"code": "C1"}});
        assert_eq!(ann.refused(&method("Create", "Store"), taken).await.0, Reason::UniqueViolation);

        ann.ok(&method("Update", "Store"), json!({"store": {"name": "stores/main", "owner": "a2"}})).await;
        assert_eq!(get(&bob, "Store", "stores/main").await["owner"], "z");
        ann.ok(&method("Delete", "Store"), json!({"name": "stores/main"})).await;
        assert_eq!(get(&bob, "Store", "stores/main").await["delete_time"], json!(null));
        assert_eq!(names(&bob, "Store", json!({})).await, ["stores/main"]);
        assert_eq!(names(&ann, "Store", json!({})).await, [""; 0]);
        ann.ok(&method("Undelete", "Store"), json!({"name": "stores/main"})).await;
        assert_eq!(names(&ann, "Store", json!({})).await, ["stores/main"]);
        fixture.end().await;
    }

    async fn nobody_gets_in_without_an_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let ann = fixture.member("ann", "acme", &[]);
        store(&ann, "main", json!({})).await;
        let (cat, nobody, blank) = (fixture.user("cat", &[]), fixture.anonymous(), fixture.member("dan", "", &[]));
        for caller in [&cat, &blank] {
            assert_eq!(caller.refused(&method("Get", "Store"), json!({"name": "stores/main"})).await.0, Reason::ResourceNotFound);
            assert_eq!(names(caller, "Store", json!({})).await, [""; 0]);
            let fault = caller.fault(&method("Create", "Store"), json!({"store": {}})).await;
            assert_eq!(fault.reason(), Some(Reason::PermissionDenied));
            assert!(fault.text().contains("you act in none"), "{}", fault.text());
            let update = json!({"store": {"name": "stores/new", "owner": "c"}, "allow_missing": true});
            assert_eq!(caller.refused(&method("Update", "Store"), update).await.0, Reason::PermissionDenied);
            let delete = caller.refused(&method("Delete", "Store"), json!({"name": "stores/main"})).await;
            assert_eq!(delete.0, Reason::ResourceNotFound);
        }
        assert_eq!(nobody.refused(&method("Create", "Store"), json!({"store": {}})).await.0, Reason::Unauthenticated);
        assert_eq!(nobody.refused(&method("Get", "Store"), json!({"name": "stores/main"})).await.0, Reason::Unauthenticated);
        fixture.end().await;
    }

    async fn a_row_refers_to_rows_of_its_own_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        store(&ann, "hers", json!({"region": "regions/north"})).await;
        store(&bob, "his", json!({"region": "regions/north"})).await;
        for request in [json!({"store": {"branch_of": "stores/his"}}), json!({"store": {"mate": "stores/his"}})] {
            let refused = ann.refused(&method("Create", "Store"), request).await;
            assert_eq!(refused.0, Reason::ReferenceNotFound);
        }
        let product = json!({"parent": "stores/his", "product_id": "cup", "product": {}});
        assert_eq!(ann.refused(&method("Create", "Product"), product.clone()).await.0, Reason::ReferenceNotFound);
        bob.ok(&method("Create", "Product"), product).await;
        let order = json!({"order": {"product": "stores/his/products/cup"}});
        assert_eq!(ann.refused(&method("Create", "Order"), order.clone()).await.0, Reason::ReferenceNotFound);
        bob.ok(&method("Create", "Order"), order).await;
        assert_eq!(get(&ann, "Region", "regions/north").await["stores"], 2, "what is nobody's is everybody's");

        // The same names, in the other organisation.
        store(&ann, "his", json!({"mate": "stores/hers", "branch_of": "stores/hers"})).await;
        let product = json!({"parent": "stores/his", "product_id": "cup", "product": {"title": "hers"}});
        ann.ok(&method("Create", "Product"), product).await;
        let order = json!({"order_id": "o", "order": {"product": "stores/his/products/cup", "store": "stores/his"}});
        ann.ok(&method("Create", "Order"), order).await;
        let page = ann.ok(&list("Order"), json!({"filter": "product.title = \"hers\"", "expand": "product"})).await;
        assert_eq!(page["orders"].as_array().map(Vec::len), Some(1));
        assert!(page.to_string().contains("\"title\":\"hers\""), "{page}");
        assert_eq!(names(&bob, "Order", json!({"filter": "product.title = \"hers\""})).await, [""; 0]);
        let around = json!({"store": {"name": "stores/hers", "branch_of": "stores/his"}});
        assert_eq!(ann.refused(&method("Update", "Store"), around).await.0, Reason::Cycle);
        assert_eq!(names(&ann, "Product", json!({"parent": "stores/-"})).await, ["stores/his/products/cup"]);
        assert_eq!(names(&bob, "Product", json!({"parent": "stores/his"})).await, ["stores/his/products/cup"]);
        fixture.end().await;
    }

    async fn what_goes_takes_along_what_is_of_its_own_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        for caller in [&ann, &bob] {
            store(caller, "main", json!({"owner": "x"})).await;
            store(caller, "other", json!({"mate": "stores/main"})).await;
            let product = json!({"parent": "stores/main", "product_id": "cup", "product": {}});
            caller.ok(&method("Create", "Product"), product).await;
            caller.ok(&method("Create", "Order"), json!({"order_id": "o", "order": {"store": "stores/other"}})).await;
            caller.ok(&method("Update", "Settings"), json!({"settings": {"name": "stores/main/settings", "theme": "t"}})).await;
        }
        ann.ok(&method("Delete", "Store"), json!({"name": "stores/main"})).await;
        ann.ok(&method("Delete", "Order"), json!({"name": "orders/o"})).await;
        ann.ok(&method("Delete", "Store"), json!({"name": "stores/other"})).await;
        fixture.clock.advance_seconds(7200);
        mainstay_data::purge::rows(fixture.data.resources()).await.unwrap();
        assert_eq!(ann.refused(&method("Get", "Store"), json!({"name": "stores/main"})).await.0, Reason::ResourceNotFound);
        assert_eq!(names(&bob, "Store", json!({})).await, ["stores/main", "stores/other"]);
        assert_eq!(names(&bob, "Order", json!({})).await, ["orders/o"]);
        assert_eq!(get(&bob, "Store", "stores/other").await["mate"], "stores/main");
        assert_eq!(get(&bob, "Settings", "stores/main/settings").await["theme"], "t");
        fixture.end().await;
    }

    async fn rules_that_look_around_see_their_own_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("ann", "zeta", &[]));
        for caller in [&ann, &bob] {
            store(caller, "main", json!({"owner": "nobody"})).await;
            let product = json!({"parent": "stores/main", "product_id": "cup", "product": {}});
            caller.ok(&method("Create", "Product"), product).await;
        }
        let cup = json!({"name": "stores/main/products/cup"});
        assert_eq!(ann.refused(&method("Get", "Product"), cup.clone()).await.0, Reason::ResourceNotFound);
        store(&bob, "own", json!({"owner": "ann"})).await;
        bob.ok(&method("Get", "Product"), cup.clone()).await;
        assert_eq!(ann.refused(&method("Get", "Product"), cup.clone()).await.0, Reason::ResourceNotFound, "theirs is no store of hers here");
        bob.ok(&method("Create", "Ban"), json!({"ban": {"account": "ann"}})).await;
        let update = json!({"product": {"name": "stores/main/products/cup", "title": "t"}});
        assert_eq!(bob.refused(&method("Update", "Product"), update.clone()).await.0, Reason::PermissionDenied);
        store(&ann, "own", json!({"owner": "ann"})).await;
        ann.ok(&method("Update", "Product"), update).await;
        // Of a resource that is nobody's, a rule sees the organisation that the caller acts in.
        let region = json!({"region": {"name": "regions/north", "title": "t"}});
        bob.ok(&method("Update", "Region"), region.clone()).await;
        assert_eq!(ann.refused(&method("Update", "Region"), region).await.0, Reason::PermissionDenied);
        fixture.end().await;
    }

    async fn transitions_effects_and_the_clock_stay_within_the_organisation_of_their_row(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        store(&ann, "main", json!({"owner": "a"})).await;
        store(&bob, "main", json!({"owner": "z", "open_time": "2020-01-01T00:00:00Z"})).await;
        let open = "m.v1.StoreService/OpenStore";
        ann.ok(open, json!({"name": "stores/main"})).await;
        assert_eq!(get(&bob, "Store", "stores/main").await["state"], "PLANNED");
        // The service's own clock may be faster: who took it along is not said, and it went once.
        let mut patience = mainstay_data::clock::Patience::default();
        let passed = mainstay_data::clock::transitions(fixture.data.resources(), &mut patience).await.unwrap();
        assert!(passed.moved <= 1 && passed.waiting == 0, "{passed:?}");
        until("the store is open", || async {
            (get(&bob, "Store", "stores/main").await["state"] == "OPEN").then_some(())
        })
        .await;
        for (caller, text) in [(&ann, "a"), (&bob, "z")] {
            let page = caller.ok(&list("Notice"), json!({})).await;
            let texts: Vec<&Json> = page["notices"].as_array().unwrap().iter().map(|notice| &notice["text"]).collect();
            assert_eq!(texts, [text]);
            let past = caller.ok("m.v1.StoreService/ListStoreTransitions", json!({"name": "stores/main"})).await;
            assert_eq!(past["transitions"].as_array().map(Vec::len), Some(1), "{past}");
        }
        fixture.end().await;
    }

    async fn batches_and_commits_are_of_one_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        store(&bob, "his", json!({})).await;
        let writes = json!({"writes": [
            {"create_store": {"store_id": "one", "store": {}}, "label": "it"},
            {"create_product": {"parent": "$it", "product_id": "cup", "product": {}}},
            {"create_order": {"order": {"store": "$it", "product": "stores/one/products/cup"}}}
        ]});
        ann.ok(COMMIT, writes.clone()).await;
        bob.ok(COMMIT, writes).await;
        let theirs = json!({"writes": [{"update_store": {"store": {"name": "stores/his", "owner": "x"}}}]});
        assert_eq!(ann.refused(COMMIT, theirs).await.0, Reason::ResourceNotFound);
        let batch = json!({"names": ["stores/one", "stores/his"]});
        assert_eq!(ann.refused("m.v1.StoreService/BatchGetStores", batch.clone()).await.0, Reason::ResourceNotFound);
        let both = bob.ok("m.v1.StoreService/BatchGetStores", batch.clone()).await;
        assert_eq!(both["stores"].as_array().map(Vec::len), Some(2));
        assert_eq!(ann.refused("m.v1.StoreService/BatchDeleteStores", batch).await.0, Reason::ResourceNotFound);
        let created = json!({"requests": [{"store_id": "his", "store": {"owner": "ann"}}]});
        ann.ok("m.v1.StoreService/BatchCreateStores", created).await;
        assert_eq!(get(&bob, "Store", "stores/his").await["owner"], json!(null));
        fixture.end().await;
    }

    async fn a_member_of_two_is_another_caller_in_each(engine: Engine) {
        let fixture = market(engine).await;
        let (here, there) = (fixture.member("ann", "acme", &[]), fixture.member("ann", "zeta", &[]));
        for id in ["a", "b", "c"] {
            store(&here, id, json!({"owner": "here"})).await;
            store(&there, id, json!({"owner": "there"})).await;
        }
        let page = here.ok(&list("Store"), json!({"page_size": 1})).await;
        let next = json!({"page_size": 1, "page_token": page["next_page_token"]});
        assert_eq!(there.refused(&list("Store"), next.clone()).await.0, Reason::InvalidPageToken);
        assert_eq!(here.ok(&list("Store"), next).await["stores"][0]["name"], "stores/b");

        let request = json!({"store": {"owner": "made"}, "request_id": "0199a1c4-0000-7000-8000-000000000000"});
        let one = here.ok(&method("Create", "Store"), request.clone()).await;
        assert_eq!(here.ok(&method("Create", "Store"), request.clone()).await, one);
        let other = there.ok(&method("Create", "Store"), request).await;
        assert_ne!(one["name"], other["name"]);
        get(&there, "Store", other["name"].as_str().unwrap()).await;
        fixture.end().await;
    }

    async fn a_seed_says_whose_its_rows_are(engine: Engine) {
        let fixture = market(engine).await;
        let seeded = |text: &'static str| mainstay_data::seed::seed(fixture.data.resources(), text);
        let problem = seeded(r#"{"m.v1.Ban": [{"name": "bans/b", "account": "x"}]}"#).await.unwrap_err().to_string();
        assert!(problem.contains("$organisation"), "{problem}");
        for wrong in [r#""""#, r#""a/b""#, "1", r#"["acme"]"#] {
            let rows = format!(r#"{{"m.v1.Ban": [{{"$organisation": {wrong}, "name": "bans/b", "account": "x"}}]}}"#);
            let problem = mainstay_data::seed::seed(fixture.data.resources(), &rows).await.unwrap_err().to_string();
            assert!(problem.contains("say which by its uid"), "{wrong}: {problem}");
        }
        let rows = r#"{
            "m.v1.Product": [{"$organisation": "acme", "name": "stores/s/products/p", "title": "t"}],
            "m.v1.Settings": [{"$organisation": "zeta", "name": "stores/s/settings", "theme": "dark"}],
            "m.v1.Store": [
                {"$organisation": "acme", "name": "stores/s", "owner": "a"}, {"$organisation": "zeta", "name": "stores/s", "owner": "z"}
            ]
        }"#;
        assert_eq!(seeded(rows).await.unwrap(), 4);
        assert_eq!(get(&fixture.member("bob", "zeta", &[]), "Store", "stores/s").await["owner"], "z");
        assert_eq!(get(&fixture.member("bob", "zeta", &[]), "Settings", "stores/s/settings").await["theme"], "dark");
        assert_eq!(get(&fixture.member("ann", "acme", &[]), "Product", "stores/s/products/p").await["title"], "t");
        let nobodys = seeded(r#"{"m.v1.Region": [{"$organisation": "acme"}]}"#).await;
        assert_eq!(nobodys.unwrap(), 0, "there are regions");
        fixture.end().await;
    }

    async fn no_role_and_no_key_is_a_way_in(engine: Engine) {
        let fixture = market(engine).await;
        store(&fixture.member("ann", "acme", &[]), "main", json!({"owner": "a"})).await;
        let admin = fixture.user("root", &["mainstay.admin"]);
        let manager = fixture.member("eve", "zeta", &["mainstay.owner", "mainstay.manager"]);
        let (process, program) = (fixture.service("gateway"), fixture.user("service:0199a1c4", &[]));
        for caller in [&admin, &manager, &process, &program] {
            for request in ["Get", "Delete", "Undelete"] {
                let refused = caller.refused(&method(request, "Store"), json!({"name": "stores/main"})).await;
                assert_eq!(refused.0, Reason::ResourceNotFound, "{request}");
            }
            assert_eq!(names(caller, "Store", json!({"show_deleted": true})).await, [""; 0]);
        }
        for caller in [&admin, &process, &program] {
            assert_eq!(caller.refused(&method("Create", "Store"), json!({"store": {}})).await.0, Reason::PermissionDenied);
        }
        // A program of an organisation is one of its own.
        let own = fixture.member("service:0199a1c5", "acme", &[]);
        assert_eq!(get(&own, "Store", "stores/main").await["owner"], "a");
        store(&own, "made", json!({})).await;
        assert_eq!(names(&own, "Store", json!({})).await, ["stores/made", "stores/main"]);
        fixture.end().await;
    }

    async fn whoever_acts_in_none_is_told_so_before_the_request_is_looked_at(engine: Engine) {
        let fixture = market(engine).await;
        let cat = fixture.user("cat", &[]);
        for request in [json!({"store_id": "NO", "store": {}}), json!({"store": {"mate": "nonsense", "state": "OPEN"}})] {
            let fault = cat.fault(&method("Create", "Store"), request).await;
            assert_eq!(fault.reason(), Some(Reason::PermissionDenied));
            assert!(fault.text().contains("you act in none"), "{}", fault.text());
        }
        let batch = json!({"requests": [{"store_id": "NO", "store": {}}]});
        assert_eq!(cat.refused("m.v1.StoreService/BatchCreateStores", batch).await.0, Reason::PermissionDenied);
        fixture.end().await;
    }

    async fn what_is_nobodys_stays_as_long_as_an_organisation_refers_to_it(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        ann.ok(&method("Create", "Ban"), json!({"ban": {"account": "ann"}})).await;
        for (id, body) in [("hush-one", json!({"region": "regions/north"})), ("hush-two", json!({"regions": ["regions/north"]}))] {
            store(&bob, id, body).await;
            let fault = ann.fault(&method("Delete", "Region"), json!({"name": "regions/north"})).await;
            assert_eq!(fault.reason(), Some(Reason::StillReferenced));
            let (_, text, details) = on_the_wire(fault);
            let told = format!("{text} {}", String::from_utf8_lossy(&details));
            assert!(!told.contains("hush") && !told.contains("zeta") && !told.contains("stores/"), "{told}");
            bob.ok(&method("Delete", "Store"), json!({"name": format!("stores/{id}")})).await;
            fixture.clock.advance_seconds(7200);
            mainstay_data::purge::rows(fixture.data.resources()).await.unwrap();
        }
        ann.ok(&method("Delete", "Region"), json!({"name": "regions/north"})).await;
        fixture.end().await;
    }

    async fn what_must_not_overlap_may_in_another_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        let ban = json!({"ban": {"account": "x", "start_time": "2020-01-01T00:00:00Z", "end_time": "2020-02-01T00:00:00Z"}});
        for caller in [&ann, &bob] {
            caller.ok(&method("Create", "Ban"), ban.clone()).await;
            assert_eq!(caller.refused(&method("Create", "Ban"), ban.clone()).await.0, Reason::Overlap);
        }
        fixture.end().await;
    }

    async fn effects_change_rows_of_their_own_organisation(engine: Engine) {
        let fixture = market(engine).await;
        let (ann, bob) = (fixture.member("ann", "acme", &[]), fixture.member("bob", "zeta", &[]));
        for caller in [&ann, &bob] {
            store(caller, "main", json!({})).await;
        }
        for id in ["a", "b"] {
            let order = json!({"order_id": id, "order": {"store": "stores/main"}});
            ann.ok(&method("Create", "Order"), order).await;
        }
        assert_eq!(get(&ann, "Store", "stores/main").await["orders"], 2);
        assert_eq!(get(&bob, "Store", "stores/main").await["orders"], json!(null));
        fixture.end().await;
    }

    async fn the_clock_finds_rows_by_an_index_whatever_their_organisations(engine: Engine) {
        let fixture = market(engine).await;
        let snapshot = fixture.data.reconciler().served().load();
        let store = snapshot.contract.resources.iter().find(|resource| resource.message == "m.v1.Store").unwrap();
        let column = |name: &str| store.layout.columns.iter().position(|column| column.name == name).unwrap();
        let (state, moment) = (column("state"), column("open_time"));
        assert!(store.indexes.iter().any(|index| index.columns == [(state, false), (moment, false)]));
        let organisation = column("_organisation");
        assert_eq!(organisation, 0);
        let written = store.indexes.iter().filter(|index| index.fields == ["code"] || index.fields == ["owner"]);
        assert!(written.clone().count() == 2 && written.clone().all(|index| index.columns[0] == (organisation, false)));
        fixture.end().await;
    }
}
