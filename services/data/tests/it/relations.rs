//! Rules and filters that follow references.

use std::sync::Arc;
use std::time::Duration;

use mainstay_contract::Roles;
use mainstay_data::plans::Shape;
use mainstay_data::rights::Caller as Rights;
use mainstay_db::{Atomic, Error as DbError, Lane, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_record::{Kind, Piece, Value};
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

/// Stores, some of them hidden; what they sell; orders, which are seen through the product's store.
pub fn market() -> String {
    file("m.v1", MARKET)
}

const MARKET: &str = r#"
message Store {
  option (google.api.resource) = {type: "m.example.com/Store" pattern: "stores/{store}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.open || resource.owner == auth.uid" write: "resource.owner == auth.uid || 'staff' in auth.roles"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  bool open = 3;
  string region_code = 4 [(mainstay.v1.field) = {aliases: "area_code"}];
  string branch_of = 5 [(google.api.resource_reference).type = "m.example.com/Store"];
  optional string motto = 6;
  repeated string tags = 7;
}
message Product {
  option (google.api.resource) = {type: "m.example.com/Product" pattern: "products/{product}"};
  option (mainstay.v1.resource) = {
    access {
      read: "true"
      create: "resource.store.owner == auth.uid"
      update: "old.store.owner == auth.uid && new.store.owner == auth.uid && new.store.open"
      delete: "resource.store.branch_of.owner == auth.uid"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string category = 2;
  string store = 3 [(google.api.resource_reference).type = "m.example.com/Store"];
  Shipping shipping = 4;
  int32 stock = 5;
}
message Shipping {
  string depot = 1 [(google.api.resource_reference).type = "m.example.com/Store"];
  int32 days = 2;
}
message Order {
  option (google.api.resource) = {type: "m.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.buyer == auth.uid || resource.product.store.owner == auth.uid"
      write: "resource.buyer == auth.uid && resource.product.store.open || resource.product.store.branch_of.owner == auth.uid"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2;
  string product = 3 [(google.api.resource_reference).type = "m.example.com/Product"];
  int32 quantity = 4;
}
message Line {
  option (google.api.resource) = {type: "m.example.com/Line" pattern: "orders/{order}/lines/{line}"};
  option (mainstay.v1.resource) = {access {
    read: "order.buyer == auth.uid"
    create: "order.buyer == auth.uid"
    update: "order.buyer == auth.uid && new.text != order.buyer"
    delete: "resource.order.product.store.owner == auth.uid"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
}
"#;

pub fn method(verb: &str, message: &str) -> String {
    format!("m.v1.{message}Service/{verb}{message}")
}

pub fn list(message: &str) -> String {
    format!("m.v1.{message}Service/List{message}s")
}

async fn make(caller: &Caller<'_>, message: &str, id: &str, body: Json) -> Json {
    let field = message.to_lowercase();
    caller.ok(&method("Create", message), json!({format!("{field}_id"): id, field: body})).await
}

/// `main` is open and ann's; `dark` is hidden and ben's, and a branch of `main`.
async fn stocked(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &market()).await;
    let system = fixture.system();
    make(&system, "Store", "main", json!({"owner": "ann", "open": true, "region_code": "north", "tags": ["a"]})).await;
    let dark = json!({"owner": "ben", "region_code": "south", "branch_of": "stores/main", "motto": "hush"});
    make(&system, "Store", "dark", dark).await;
    let cup = json!({"category": "kitchen", "store": "stores/main", "shipping": {"depot": "stores/main", "days": 2}});
    make(&system, "Product", "cup", cup).await;
    let pot = json!({"category": "kitchen", "store": "stores/dark", "shipping": {"depot": "stores/dark"}});
    make(&system, "Product", "pot", pot).await;
    make(&system, "Product", "book", json!({"category": "paper"})).await;
    for (id, product) in [("o1", "cup"), ("o2", "pot"), ("o3", "book")] {
        let order = json!({"buyer": "cleo", "product": format!("products/{product}"), "quantity": 1});
        make(&system, "Order", id, order).await;
    }
    fixture
}

fn ids(answer: &Json, plural: &str) -> String {
    let rows = answer[plural].as_array().into_iter().flatten();
    rows.map(|row| row["name"].as_str().unwrap().rsplit('/').next().unwrap()).collect::<Vec<_>>().join(" ")
}

async fn found(caller: &Caller<'_>, message: &str, filter: &str) -> String {
    let answer = caller.call(&list(message), json!({"filter": filter})).await;
    ids(&answer.unwrap_or_else(|fault| panic!("{filter}: {fault:?}")), &format!("{}s", message.to_lowercase()))
}

both_engines! {
    async fn a_filter_follows_references_as_far_as_the_caller_may_read(engine: Engine) {
        let fixture = stocked(engine).await;
        let (nobody, ben, system) = (fixture.anonymous(), fixture.user("ben", &[]), fixture.system());
        for (filter, by_nobody, by_ben, by_system) in [
            ("store.region_code = north", "cup", "cup", "cup"),
            ("store.regionCode = north", "cup", "cup", "cup"),
            ("store.area_code = north", "cup", "cup", "cup"),
            ("store.areaCode = north", "cup", "cup", "cup"),
            ("store.region_code = south", "", "pot", "pot"),
            ("store.region_code != north", "", "pot", "pot"),
            ("NOT store.region_code = north", "", "pot", "pot"),
            ("-store.region_code = south", "cup", "cup", "cup"),
            ("store.motto = null", "cup", "cup", "cup"),
            ("store.motto:*", "", "pot", "pot"),
            ("NOT store.motto:*", "cup", "cup", "cup"),
            ("store.name:*", "cup", "cup pot", "cup pot"),
            ("store.tags:a", "cup", "cup", "cup"),
            ("NOT store.tags:a", "", "pot", "pot"),
            ("store.branch_of.region_code = north", "", "pot", "pot"),
            ("store.branchOf.branchOf.regionCode = north", "", "", ""),
            ("shipping.depot.region_code = north", "cup", "cup", "cup"),
            ("shipping.depot.owner = ben", "", "pot", "pot"),
            ("shipping.depot = \"stores/dark\"", "pot", "pot", "pot"),
            ("store = null", "book", "book", "book"),
            ("store.region_code = south OR category = paper", "book", "book pot", "book pot"),
            ("category = kitchen AND NOT store.open = true", "", "pot", "pot"),
        ] {
            for (caller, expected) in [(&nobody, by_nobody), (&ben, by_ben), (&system, by_system)] {
                let mut found: Vec<String> = found(caller, "Product", filter).await.split(' ').map(str::to_owned).collect();
                found.sort();
                assert_eq!(found.join(" "), expected, "{filter}");
            }
        }
        let cleo = fixture.user("cleo", &[]);
        assert_eq!(found(&cleo, "Order", "product.category = kitchen").await, "o1 o2");
        assert_eq!(found(&cleo, "Order", "product.store.open = true").await, "o1");
        assert_eq!(found(&cleo, "Order", "product.store.motto = hush").await, "", "the store is not cleo's to see");
        fixture.user("ben", &[]).ok(&method("Update", "Store"), json!({"store": {"name": "stores/dark", "open": true}})).await;
        assert_eq!(found(&cleo, "Order", "product.store.motto = hush").await, "o2", "now everybody sees it");
    }

    async fn what_is_wrong_behind_a_reference_is_said_with_its_column_and_what_was_meant(engine: Engine) {
        let fixture = stocked(engine).await;
        let nobody = fixture.anonymous();
        for (filter, column, said) in [
            ("store.regon_code = x", "7", "did you mean `region_code`?"),
            ("shipping.depot.onwer = x", "16", "did you mean `owner`?"),
            ("store.open = 5", "14", ""),
            ("store.tags.x:1", "12", ""),
            ("name.region_code = x", "6", "has no field"),
        ] {
            let fault = nobody.fault(&list("Product"), json!({"filter": filter})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidFilter), "{filter}");
            assert_eq!(fault.metadata("column"), Some(column), "{filter}: {}", fault.text());
            let whole = format!("{} {:?}", fault.text(), fault.violations());
            assert!(whole.contains(said), "{filter}: {whole}");
        }
        let deep = format!("store.{}owner = x", "branch_of.".repeat(8));
        let wide = vec!["store.owner = x"; 41].join(" OR ");
        for filter in [deep, wide] {
            assert_eq!(nobody.refused(&list("Product"), json!({"filter": filter})).await.0, Reason::InvalidFilter);
        }
        let fault = nobody.fault(&list("Product"), json!({"order_by": "category, store.owner"})).await;
        assert_eq!((fault.reason(), fault.metadata("column")), (Some(Reason::InvalidOrderBy), Some("11")));
        assert!(fault.text().contains("another resource"), "{}", fault.text());
    }

    async fn a_read_rule_sees_what_the_caller_may_not(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, ben, cleo) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("cleo", &[]));
        assert_eq!(found(&ann, "Order", "").await, "o1");
        assert_eq!(found(&ben, "Order", "").await, "o2");
        assert_eq!(found(&cleo, "Order", "").await, "o1 o2 o3");
        assert_eq!(found(&fixture.user("dora", &[]), "Order", "").await, "");
        let get = |name: &str| json!({"name": format!("orders/{name}")});
        ben.ok(&method("Get", "Order"), get("o2")).await;
        let hidden = ben.fault(&method("Get", "Order"), get("o1")).await;
        let missing = ben.fault(&method("Get", "Order"), get("o9")).await;
        let hidden = on_the_wire(hidden);
        assert_eq!(hidden.0, tonic::Code::NotFound);
        assert_eq!(hidden, on_the_wire(missing));
        let batch = ben.ok("m.v1.OrderService/BatchGetOrders", json!({"names": ["orders/o2"]})).await;
        assert_eq!(batch["orders"][0]["quantity"], json!(1), "{batch}");
        ben.fault("m.v1.OrderService/BatchGetOrders", json!({"names": ["orders/o2", "orders/o1"]})).await;
        // The order of a page, and its token, are the same as without.
        let page = cleo.ok(&list("Order"), json!({"page_size": 2, "filter": "product.category = kitchen"})).await;
        assert_eq!(ids(&page, "orders"), "o1 o2");
        let page = cleo.ok(&list("Order"), json!({"page_size": 2})).await;
        let rest = cleo.ok(&list("Order"), json!({"page_size": 2, "page_token": page["next_page_token"]})).await;
        assert_eq!(ids(&rest, "orders"), "o3");
    }

    async fn a_create_is_decided_by_what_the_row_to_be_refers_to(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        let product = |store: &str| json!({"product": {"category": "new", "store": format!("stores/{store}")}});
        ann.ok(&method("Create", "Product"), product("main")).await;
        ben.ok(&method("Create", "Product"), product("dark")).await;
        for (caller, body) in [
            (&ann, product("dark")),
            (&ben, product("main")),
            // Where it leads nowhere, nothing is known, and what is not known is denied: the same for what is missing.
            (&ann, product("none")),
            (&ann, json!({"product": {"category": "new"}})),
        ] {
            let fault = caller.fault(&method("Create", "Product"), body.clone()).await;
            assert_eq!(fault.code(), tonic::Code::PermissionDenied, "{body}");
        }
        let nobody = fixture.anonymous().fault(&method("Create", "Product"), product("main")).await;
        assert_eq!(nobody.code(), tonic::Code::Unauthenticated);
        // Permission comes before validation, and a dry run asks the same.
        let long = json!({"product": {"store": "stores/dark"}, "product_id": "cup", "validate_only": true});
        assert_eq!(ann.fault(&method("Create", "Product"), long).await.code(), tonic::Code::PermissionDenied);
        let dry = json!({"product": {"store": "stores/main"}, "product_id": "dry", "validate_only": true});
        ann.ok(&method("Create", "Product"), dry).await;
        ann.fault(&method("Get", "Product"), json!({"name": "products/dry"})).await;
        // And so with a request id, whose answer is given again.
        let once = json!({"product": {"store": "stores/main"}, "request_id": "r1"});
        let first = ann.ok(&method("Create", "Product"), once.clone()).await;
        assert_eq!(ann.ok(&method("Create", "Product"), once).await, first);
    }

    async fn s10_nobody_learns_what_a_hidden_row_holds_by_proposing_to_refer_to_it(engine: Engine) {
        let contract = market()
            .replace("create: \"resource.store.owner == auth.uid\"", "create: \"resource.store.region_code == 'north'\"")
            .replace("update: \"old.store.owner == auth.uid && new.store.owner == auth.uid && new.store.open\"", "update: \"new.store.region_code == 'north'\"")
            .replace("create: \"order.buyer == auth.uid\"", "create: \"order.quantity == 1\"");
        for edit in ["resource.store.region_code", "new.store.region_code", "order.quantity"] {
            assert!(contract.contains(edit), "{edit}");
        }
        let fixture = Fixture::start(engine, &contract).await;
        let (system, ann) = (fixture.system(), fixture.user("ann", &[]));
        make(&system, "Store", "main", json!({"owner": "zoe", "open": true, "region_code": "north"})).await;
        make(&system, "Store", "north", json!({"owner": "ben", "region_code": "north"})).await;
        make(&system, "Store", "south", json!({"owner": "ben", "region_code": "south"})).await;
        make(&ann, "Product", "cup", json!({"store": "stores/main"})).await;
        for (order, quantity) in [("one", 1), ("two", 2)] {
            make(&system, "Order", order, json!({"buyer": "ben", "quantity": quantity})).await;
        }
        let (create, update) = (method("Create", "Product"), method("Update", "Product"));
        for (method, request) in [
            (&create, json!({"product_id": "p", "product": {"store": "STORE"}})),
            (&create, json!({"product_id": "p", "product": {"store": "STORE"}, "validate_only": true})),
            (&create, json!({"product_id": "p", "product": {"store": "STORE", "shipping": {"depot": "STORE"}}})),
            (&update, json!({"product": {"name": "products/cup", "store": "STORE"}})),
            (&update, json!({"product": {"name": "products/new", "store": "STORE"}, "allow_missing": true})),
            (&"m.v1.ProductService/BatchCreateProducts".to_owned(), json!({"requests": [
                {"product": {"store": "stores/main"}}, {"product": {"store": "STORE"}},
            ]})),
        ] {
            let told = async |store: &str| {
                let request = serde_json::from_str(&request.to_string().replace("STORE", store)).unwrap();
                let fault = ann.fault(method, request).await;
                assert_eq!(fault.code(), tonic::Code::PermissionDenied, "{method} {store}");
                on_the_wire(fault)
            };
            let missing = told("stores/none").await;
            assert_eq!(told("stores/north").await, missing, "{method} {request}");
            assert_eq!(told("stores/south").await, missing, "{method} {request}");
        }
        // The same of what a row lies below.
        let line = async |order: &str| {
            let request = json!({"parent": format!("orders/{order}"), "line_id": "l", "line": {}});
            on_the_wire(ann.fault(&method("Create", "Line"), request).await)
        };
        assert_eq!(line("one").await, line("none").await);
        assert_eq!(line("two").await, line("none").await);
        // What is stored is looked at as the system, though nobody but ben sees it by now.
        system.ok(&method("Update", "Store"), json!({"store": {"name": "stores/main", "open": false}, "update_mask": "open"})).await;
        let restock = json!({"product": {"name": "products/cup", "stock": 3, "store": "stores/main"}});
        assert_eq!(ann.ok(&update, restock).await["stock"], json!(3));
        let ben = fixture.user("ben", &[]);
        ben.ok(&create, json!({"product": {"store": "stores/north"}})).await;
        assert_eq!(ben.fault(&create, json!({"product": {"store": "stores/south"}})).await.code(), tonic::Code::PermissionDenied);
    }

    async fn an_update_is_decided_by_what_the_row_refers_to_before_and_after(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &[]));
        let move_to = |product: &str, store: &str| {
            json!({"product": {"name": format!("products/{product}"), "store": format!("stores/{store}")}})
        };
        let restock = |product: &str| json!({"product": {"name": format!("products/{product}"), "stock": 3}});
        let update = method("Update", "Product");
        assert_eq!(ann.ok(&update, restock("cup")).await["stock"], json!(3));
        for (caller, body) in [
            (&ben, restock("cup")),
            (&ann, move_to("cup", "dark")),
            (&ben, move_to("cup", "dark")),
            // The store is ben's and not open.
            (&ben, restock("pot")),
            (&ann, restock("book")),
        ] {
            let fault = caller.fault(&update, body.clone()).await;
            assert_eq!(fault.code(), tonic::Code::PermissionDenied, "{body}");
        }
        // `write` is asked before and after: cleo may order of an open store, and not of another.
        let cleo = fixture.user("cleo", &[]);
        let order = |id: &str, product: &str| json!({"order": {"name": format!("orders/{id}"), "product": format!("products/{product}")}});
        let update = method("Update", "Order");
        assert_eq!(cleo.fault(&update, order("o1", "pot")).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(cleo.fault(&update, order("o2", "cup")).await.code(), tonic::Code::PermissionDenied);
        let again = json!({"order": {"name": "orders/o1", "quantity": 7}});
        assert_eq!(cleo.ok(&update, again).await["quantity"], json!(7));
        // With allow_missing the create rule is asked of the row to be.
        let made = |store: &str| json!({"product": {"name": "products/made", "store": format!("stores/{store}")}, "allow_missing": true});
        let update = method("Update", "Product");
        assert_eq!(ann.fault(&update, made("dark")).await.code(), tonic::Code::PermissionDenied);
        ann.ok(&update, made("main")).await;
        // As soon as the store opens, it is ben's to restock.
        ben.ok(&method("Update", "Store"), json!({"store": {"name": "stores/dark", "open": true}})).await;
        ben.ok(&update, restock("pot")).await;
    }

    async fn a_delete_is_decided_by_what_the_row_refers_to(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, ben, cleo) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("cleo", &[]));
        let name = |what: &str| json!({"name": what});
        let delete = method("Delete", "Order");
        assert_eq!(cleo.fault(&delete, name("orders/o2")).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(ben.fault(&delete, name("orders/o1")).await.code(), tonic::Code::NotFound, "ben does not see it");
        cleo.ok(&delete, name("orders/o1")).await;
        // Two references on, and as the system: ann may not read ben's store, but it is a branch of hers.
        let delete = method("Delete", "Product");
        assert_eq!(ann.fault(&delete, name("products/cup")).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(ben.fault(&delete, name("products/pot")).await.code(), tonic::Code::PermissionDenied);
        let fault = ann.fault(&delete, name("products/pot")).await;
        assert_eq!(fault.reason(), Some(Reason::StillReferenced), "an order refers to it, which comes after permission");
        fixture.system().ok(&method("Delete", "Order"), name("orders/o2")).await;
        ann.ok(&delete, name("products/pot")).await;
    }

    async fn a_writer_sees_of_the_result_what_the_read_rule_shows_through_references(engine: Engine) {
        let fixture = stocked(engine).await;
        let ann = fixture.user("ann", &[]);
        // Ann may write orders of branches of her store, and reads those of her own store alone.
        let order = |product: &str, request_id: &str| {
            json!({"order": {"buyer": "x", "product": format!("products/{product}")}, "request_id": request_id})
        };
        for request_id in ["", "r1", "r1"] {
            let made = ann.ok(&method("Create", "Order"), order("pot", request_id)).await;
            assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["name"], "{made}");
        }
        let dry = json!({"order": {"buyer": "ann", "product": "products/cup", "quantity": 2}, "validate_only": true});
        let made = ann.ok(&method("Create", "Order"), dry).await;
        assert_eq!(made["quantity"], json!(2), "{made}");
    }

    async fn ancestors_are_named_by_the_variables_of_the_pattern(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, cleo, dora) = (fixture.user("ann", &[]), fixture.user("cleo", &[]), fixture.user("dora", &[]));
        let line = |text: &str| json!({"parent": "orders/o1", "line_id": "l", "line": {"text": text}});
        let create = method("Create", "Line");
        assert_eq!(dora.fault(&create, line("a")).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(cleo.ok(&create, line("a")).await["text"], json!("a"));
        let read = async |caller: &Caller<'_>, filter: &str| {
            ids(&caller.ok(&list("Line"), json!({"parent": "orders/-", "filter": filter})).await, "lines")
        };
        assert_eq!(read(&cleo, "").await, "l");
        assert_eq!(read(&dora, "").await, "");
        assert_eq!(read(&cleo, "order.quantity = 1 AND order.product.category = kitchen").await, "l");
        assert_eq!(read(&cleo, "order = \"orders/o1\"").await, "l");
        assert_eq!(read(&cleo, "order.quantity = 2").await, "");
        let update = |text: &str| json!({"line": {"name": "orders/o1/lines/l", "text": text}});
        cleo.ok(&method("Update", "Line"), update("b")).await;
        assert_eq!(cleo.fault(&method("Update", "Line"), update("cleo")).await.code(), tonic::Code::PermissionDenied);
        let name = json!({"name": "orders/o1/lines/l"});
        assert_eq!(cleo.fault(&method("Delete", "Line"), name.clone()).await.code(), tonic::Code::PermissionDenied);
        assert_eq!(ann.fault(&method("Delete", "Line"), name.clone()).await.code(), tonic::Code::NotFound);
    }

    async fn references_inside_messages_are_references(engine: Engine) {
        let fixture = stocked(engine).await;
        let system = fixture.system();
        let cup = json!({"name": "products/cup", "shipping": {"depot": "stores/none"}});
        let fault = system.fault(&method("Update", "Product"), json!({"product": cup})).await;
        assert_eq!((fault.reason(), fault.metadata("field")), (Some(Reason::ReferenceNotFound), Some("shipping.depot")));
        let cup = json!({"product": {"name": "products/cup", "shipping": {"depot": "no name"}}});
        let (reason, fields) = system.refused(&method("Update", "Product"), cup).await;
        assert_eq!((reason, fields), (Reason::FieldViolation, vec!["product.shipping.depot".to_owned()]));
        let moved = json!({"product": {"name": "products/cup", "shipping": {"depot": "stores/dark"}}, "update_mask": "shipping.depot"});
        let cup = system.ok(&method("Update", "Product"), moved).await;
        assert_eq!(cup["shipping"], json!({"depot": "stores/dark", "days": 2}));
        // Nothing that is referred to goes, wherever the reference lies.
        system.ok(&method("Update", "Product"), json!({"product": {"name": "products/pot"}, "update_mask": "store,shipping"})).await;
        let fault = system.fault(&method("Delete", "Store"), json!({"name": "stores/dark"})).await;
        assert_eq!(fault.reason(), Some(Reason::StillReferenced));
        system.ok(&method("Update", "Product"), json!({"product": {"name": "products/cup"}, "update_mask": "shipping"})).await;
        system.ok(&method("Delete", "Store"), json!({"name": "stores/dark"})).await;
    }

    async fn a_hop_is_a_look_up_by_the_primary_key(engine: Engine) {
        let fixture = stocked(engine).await;
        let many = match engine {
            Engine::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)",
            Engine::Postgres => "WITH n(i) AS (SELECT * FROM generate_series(1, 3000))",
        };
        fixture.sql(&format!(
            "INSERT INTO m_v1_store (_id, _revision, owner, open, region_code) \
             {many} SELECT 's' || i, 1, 'o' || i, i % 2 = 0, 'r' || i FROM n"
        )).await;
        fixture.sql(&format!("INSERT INTO m_v1_product (_id, _revision, store) {many} SELECT 'p' || i, 1, 's' || i FROM n")).await;
        fixture.sql(&format!("INSERT INTO m_v1_order (_id, _revision, product, buyer) {many} SELECT 'x' || i, 1, 'p' || i, 'b' FROM n")).await;
        fixture.sql("ANALYZE").await;
        let snapshot = fixture.data.reconciler().served().load();
        let orders = snapshot.resources().iter().find(|plan| plan.resource.plural == "orders").unwrap();
        let caller = Rights::new(fixture.user("o7", &[]).principal(), 0, &Roles::default());
        let shape = Shape {
            atoms: orders.list_atoms(&caller),
            filter: "product.store.region_code = r7".to_owned(),
            order_by: String::new(),
            deleted: false,
            parents: 0,
            after: None,
        };
        let list = orders.list(shape, &caller).unwrap();
        let get = orders.get(&caller);
        let mainstay_data::plans::Readable::By { statement: get, .. } = get else { panic!("o7 may read some") };
        let explained = |statement: Arc<mainstay_data::plans::Compiled>, params: Vec<Value>| {
            let (fixture, caller) = (&fixture, &caller);
            async move { explain(fixture, engine, &statement.statement, statement.values(caller, &params)).await }
        };
        let one = explained(get, vec![Value::Text("x7".into())]).await;
        let page = explained(Arc::clone(&list.statement), vec![Value::Int(50)]).await;
        let key = if engine == Engine::Sqlite { "sqlite_autoindex_m_v1_store_1" } else { "m_v1_store_pkey" };
        assert!(one.contains(key) && !one.contains("Seq Scan") && !one.contains("SCAN r"), "{one}");
        match engine {
            Engine::Sqlite => assert!(page.contains(key) && !page.contains("SCAN r"), "{page}"),
            // It begins where there are the fewest, and goes the way back by the indexes that references have.
            Engine::Postgres => assert!(!page.contains("Seq Scan on m_v1_order") && !page.contains("Seq Scan on m_v1_product"), "{page}"),
        }
    }

    async fn what_a_rule_looks_at_does_not_change_under_the_decision(engine: Engine) {
        let fixture = stocked(engine).await;
        let cleo = fixture.user("cleo", &[]);
        let order = || json!({"order": {"buyer": "cleo", "product": "products/cup"}});
        cleo.ok(&method("Create", "Order"), order()).await;
        // Somebody closes the store, and is not done yet.
        let (begun, begins) = tokio::sync::oneshot::channel::<()>();
        let begun = std::sync::Mutex::new(Some(begun));
        let closes = fixture.data.db().write(Atomic::Locked, move |conn| {
            let begun = begun.lock().unwrap().take();
            Box::pin(async move {
                conn.batch("UPDATE m_v1_store SET open = FALSE WHERE _id = 'main'").await?;
                if let Some(begun) = begun {
                    begun.send(()).ok();
                }
                if engine == Engine::Postgres {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Ok::<(), DbError>(())
            })
        });
        let attempts = async {
            begins.await.unwrap();
            let [create, update, delete] = ["Create", "Update", "Delete"].map(|verb| method(verb, "Order"));
            let create = cleo.call(&create, order());
            let update = cleo.call(&update, json!({"order": {"name": "orders/o1", "quantity": 9}}));
            let delete = cleo.call(&delete, json!({"name": "orders/o1"}));
            futures_util::join!(create, update, delete)
        };
        let (closed, (created, updated, deleted)) = futures_util::join!(closes, attempts);
        closed.unwrap();
        for refused in [created.unwrap_err(), updated.unwrap_err(), deleted.unwrap_err()] {
            assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused:?}");
        }
    }

    async fn writers_of_what_rules_look_at_and_those_who_are_ruled_do_not_fail_one_another(engine: Engine) {
        let fixture = stocked(engine).await;
        let (ann, cleo) = (fixture.user("ann", &[]), fixture.user("cleo", &[]));
        let (ann, cleo) = (&ann, &cleo);
        let toggles = (0..24).map(|round| async move {
            let store = json!({"store": {"name": "stores/main", "region_code": format!("r{round}")}});
            ann.ok(&method("Update", "Store"), store).await;
        });
        let orders = (0..24).map(|_| async move {
            cleo.ok(&method("Create", "Order"), json!({"order": {"buyer": "cleo", "product": "products/cup"}})).await;
        });
        futures_util::future::join(futures_util::future::join_all(toggles), futures_util::future::join_all(orders)).await;
    }
}

/// What the engine means to do.
async fn explain(fixture: &Fixture, engine: Engine, statement: &Statement, binds: Vec<Value>) -> String {
    let (word, kinds) = match engine {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN ", vec![Kind::Int, Kind::Int, Kind::Int, Kind::Text]),
        Engine::Postgres => ("EXPLAIN ", vec![Kind::Text]),
    };
    let pieces = std::iter::once(Piece::Text(word.to_owned())).chain(statement.pieces().iter().cloned()).collect();
    let rows = fixture.data.db().fetch(Lane::Heavy, &Statement::new(pieces, false), binds, Rows::of(&kinds)).await;
    let line = |row: &Vec<Value>| if let Some(Value::Text(text)) = row.last() { text.clone() } else { String::new() };
    rows.unwrap().rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
