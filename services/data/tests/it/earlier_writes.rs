//! A write of a batch or a commit sees what those before it make: in its references, and in the rows that its rules look at.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::relations::{market, method};
use crate::support::{Caller, Fixture};

const COMMIT: &str = "m.v1.CommitService/Commit";

fn store(id: &str, body: &Json) -> Json {
    json!({"create_store": {"store_id": id, "store": body}})
}

fn change_store(id: &str, body: &Json) -> Json {
    let mut store = body.clone();
    store["name"] = json!(format!("stores/{id}"));
    // JSON's masks name fields as JSON does.
    let mask = body.as_object().unwrap().keys().map(|field| field.replace("_of", "Of")).collect::<Vec<_>>().join(",");
    json!({"update_store": {"store": store, "update_mask": mask}})
}

fn product(id: &str, store: &str) -> Json {
    json!({"create_product": {"product_id": id, "product": {"store": store}}})
}

fn restock(id: &str) -> Json {
    json!({"update_product": {"product": {"name": format!("products/{id}"), "stock": 3}}})
}

/// Done as a dry run and in earnest.
async fn done(caller: &Caller<'_>, writes: Json) -> Json {
    let dry = caller.ok(COMMIT, json!({"writes": writes, "validate_only": true})).await;
    let done = caller.ok(COMMIT, json!({"writes": writes})).await;
    assert_eq!(dry["results"].as_array().map(Vec::len), done["results"].as_array().map(Vec::len));
    done
}

/// Refused in both ways, for the sake of the write with this place.
async fn denied(caller: &Caller<'_>, writes: Json, element: &str) {
    for dry in [true, false] {
        let fault = caller.fault(COMMIT, json!({"writes": writes, "validate_only": dry})).await;
        assert_eq!(
            (fault.reason(), fault.metadata("element")),
            (Some(Reason::PermissionDenied), Some(element)),
            "{fault:?}"
        );
    }
}

/// With a store of ann's that is open, one that is closed, and a product in each.
async fn stocked(engine: Engine, contract: &str) -> Fixture {
    let fixture = Fixture::start(engine, contract).await;
    let system = fixture.system();
    for (id, open) in [("main", true), ("shut", false)] {
        let body = json!({"owner": "ann", "open": open, "region_code": "north"});
        system.ok(&method("Create", "Store"), json!({"store_id": id, "store": body})).await;
        let body = json!({"store": format!("stores/{id}")});
        system.ok(&method("Create", "Product"), json!({"product_id": format!("in-{id}"), "product": body})).await;
    }
    fixture
}

both_engines! {
    async fn a_rule_sees_the_row_that_an_earlier_write_makes(engine: Engine) {
        let fixture = stocked(engine, &market()).await;
        let (ann, ben) = (fixture.user("ann", &[]), fixture.user("ben", &["staff"]));
        let own = json!([{"label": "s", "create_store": {"store": {"owner": "ann"}}}, product("new", "$s")]);
        let made = done(&ann, own).await;
        assert_eq!(made["results"][1]["product"]["store"], made["results"][0]["store"]["name"]);
        denied(&ben, json!([store("hers", &json!({"owner": "ann", "open": true})), product("his", "stores/hers")]), "writes[1].create_product").await;
        // What is made later is not there yet.
        denied(&ann, json!([product("early", "stores/late"), store("late", &json!({"owner": "ann"}))]), "writes[0].create_product").await;
        // Several on: a branch of a branch, an order of what is sold there, a line of the order.
        let chain = json!([
            {"label": "s", "create_store": {"store": {"owner": "ann", "open": true, "branch_of": "stores/main"}}},
            {"label": "p", "create_product": {"product": {"store": "$s"}}},
            {"label": "o", "create_order": {"order": {"buyer": "ann", "product": "$p"}}},
            {"create_line": {"parent": "$o", "line": {"text": "x"}}},
        ]);
        let made = done(&ann, chain).await;
        assert_eq!(made["results"][3]["line"]["text"], "x", "{made}");
    }

    async fn a_rule_sees_what_earlier_writes_change_and_not_what_later_ones_do(engine: Engine) {
        let fixture = stocked(engine, &market()).await;
        let ann = fixture.user("ann", &[]);
        let (open, shut) = (change_store("shut", &json!({"open": true})), change_store("main", &json!({"open": false})));
        denied(&ann, json!([restock("in-shut")]), "writes[0].update_product").await;
        denied(&ann, json!([restock("in-shut"), open]), "writes[0].update_product").await;
        denied(&ann, json!([shut, restock("in-main")]), "writes[1].update_product").await;
        done(&ann, json!([open, restock("in-shut")])).await;
        done(&ann, json!([restock("in-main"), shut])).await;
        // Who gives the store away may not write in it any more.
        let given = change_store("shut", &json!({"owner": "ben"}));
        let staff = fixture.user("ann", &["staff"]);
        denied(&staff, json!([given, restock("in-shut")]), "writes[1].update_product").await;
    }

    async fn a_delete_is_decided_by_what_earlier_writes_leave(engine: Engine) {
        let fixture = stocked(engine, &market()).await;
        let ann = fixture.user("ann", &[]);
        let delete = |id: &str| json!({"delete_product": {"name": format!("products/in-{id}")}});
        denied(&ann, json!([delete("shut")]), "writes[0].delete_product").await;
        let branch = change_store("shut", &json!({"branch_of": "stores/main"}));
        denied(&ann, json!([delete("shut"), branch]), "writes[0].delete_product").await;
        done(&ann, json!([branch, delete("shut")])).await;
        // A store that goes first decides nothing any more.
        fixture.system().ok(&method("Create", "Store"), json!({"store_id": "third", "store": {"owner": "ann", "branch_of": "stores/main"}})).await;
        let gone = json!([{"delete_store": {"name": "stores/third"}}, product("late", "stores/third")]);
        denied(&ann, gone, "writes[1].create_product").await;
    }

    async fn what_the_caller_may_not_read_of_it_is_none_for_rules_all_the_same(engine: Engine) {
        let contract = market()
            .replace("create: \"resource.store.owner == auth.uid\"", "create: \"resource.store.region_code == 'north'\"");
        let fixture = stocked(engine, &contract).await;
        let staff = fixture.user("stan", &["staff"]);
        let both = |open: bool, region: &str| {
            json!([store("new", &json!({"owner": "zoe", "open": open, "region_code": region})), product("p", "stores/new")])
        };
        denied(&staff, both(true, "south"), "writes[1].create_product").await;
        denied(&staff, both(false, "north"), "writes[1].create_product").await;
        denied(&staff, both(false, "south"), "writes[1].create_product").await;
        done(&staff, both(true, "north")).await;
    }

    async fn a_batch_sees_its_earlier_elements(engine: Engine) {
        let contract = market().replace(
            "write: \"resource.owner == auth.uid || 'staff' in auth.roles\"",
            "write: \"resource.owner == auth.uid || resource.branch_of.owner == auth.uid\"",
        );
        let fixture = stocked(engine, &contract).await;
        let ann = fixture.user("ann", &[]);
        let create = "m.v1.StoreService/BatchCreateStores";
        let element = |id: &str, owner: &str, of: &str| json!({"store_id": id, "store": {"owner": owner, "branch_of": of}});
        let head = element("head", "ann", "");
        let arm = element("arm", "ben", "stores/head");
        let fault = ann.fault(create, json!({"requests": [arm, head]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::PermissionDenied), Some("requests[0]")));
        ann.ok(create, json!({"requests": [head, arm], "validate_only": true})).await;
        let once = json!({"requests": [head, arm], "request_id": "once"});
        let made = ann.ok(create, once.clone()).await;
        assert_eq!(ann.ok(create, once).await, made);
        let update = "m.v1.StoreService/BatchUpdateStores";
        let give = json!({"store": {"name": "stores/head", "owner": "cleo"}, "update_mask": "owner"});
        let touch = json!({"store": {"name": "stores/arm", "open": true}, "update_mask": "open"});
        fixture.system().ok(&method("Update", "Store"), json!({"store": {"name": "stores/head", "branch_of": "stores/main"}})).await;
        // Of the rows themselves it is what is stored that may be read; ann reads what is open.
        for id in ["head", "arm"] {
            fixture.system().ok(&method("Update", "Store"), json!({"store": {"name": format!("stores/{id}"), "open": true}})).await;
        }
        let fault = ann.fault(update, json!({"requests": [give, touch]})).await;
        assert_eq!((fault.reason(), fault.metadata("element")), (Some(Reason::PermissionDenied), Some("requests[1]")));
        ann.ok(update, json!({"requests": [touch, give]})).await;
    }

    async fn a_reference_to_what_earlier_writes_let_the_caller_read_is_one(engine: Engine) {
        let contract = market()
            .replace("create: \"order.buyer == auth.uid\"", "create: \"order.product.store.owner == auth.uid\"");
        let fixture = stocked(engine, &contract).await;
        let staff = fixture.user("stan", &["staff"]);
        let order = json!({"order_id": "o", "order": {"buyer": "zoe", "product": "products/in-main"}});
        fixture.system().ok(&method("Create", "Order"), order).await;
        let line = json!({"create_line": {"parent": "orders/o", "line": {"text": "x"}}});
        denied(&staff, json!([line]), "writes[0].create_line").await;
        let take = change_store("main", &json!({"owner": "stan"}));
        denied(&staff, json!([line, take]), "writes[0].create_line").await;
        done(&staff, json!([take, line])).await;
    }

    async fn labels_reach_references_inside_messages_and_leave_other_fields_alone(engine: Engine) {
        let fixture = stocked(engine, &market()).await;
        let ann = fixture.user("ann", &[]);
        // `category` has the number 2, as `days` has in the message that the reference is in; `name` has that of `depot`.
        let made = done(&ann, json!([
            {"label": "s", "create_store": {"store": {"owner": "ann"}}},
            {"create_product": {"product": {"category": "$s", "store": "$s", "shipping": {"depot": "$s", "days": 2}}}},
        ])).await;
        let (store, product) = (&made["results"][0]["store"]["name"], &made["results"][1]["product"]);
        assert_eq!((&product["category"], &product["store"]), (&json!("$s"), store));
        assert_eq!(product["shipping"], json!({"depot": store, "days": 2}));
        let unknown = json!([{"create_product": {"product": {"store": "stores/main", "shipping": {"depot": "$t"}}}}]);
        let told = ann.refused(COMMIT, json!({"writes": unknown})).await;
        assert_eq!(told, (Reason::FieldViolation, vec!["writes[0].create_product.product.shipping.depot".to_owned()]));
        let named = json!([
            {"label": "s", "create_store": {"store": {"owner": "ann"}}},
            {"update_product": {"product": {"name": "$s", "stock": 1}}},
        ]);
        let told = ann.refused(COMMIT, json!({"writes": named})).await;
        assert_eq!(told, (Reason::InvalidName, vec!["writes[1].update_product.product.name".to_owned()]));
    }

    async fn an_undelete_is_decided_by_what_the_row_refers_to(engine: Engine) {
        let contract = market()
            .replace("delete: \"resource.store.branch_of.owner == auth.uid\"\n    }", "delete: \"resource.store.branch_of.owner == auth.uid\"\n    }\n    soft_delete: true")
            .replace("  int32 stock = 5;", "  int32 stock = 5;\n  google.protobuf.Timestamp delete_time = 6;");
        assert!(contract.contains("soft_delete"));
        let fixture = stocked(engine, &contract).await;
        let (system, ann, ben) = (fixture.system(), fixture.user("ann", &[]), fixture.user("ben", &[]));
        let name = json!({"name": "products/in-shut"});
        let undelete = method("Undelete", "Product");
        let branch_of = |store: &str| json!({"store": {"name": "stores/shut", "branch_of": store}, "update_mask": "branchOf"});
        system.ok(&method("Delete", "Product"), name.clone()).await;
        let outcome = ann.fault(&undelete, name.clone()).await;
        assert_eq!(outcome.code(), tonic::Code::PermissionDenied, "the store is nobody's branch");
        system.ok(&method("Update", "Store"), branch_of("stores/main")).await;
        for dry in [true, false] {
            let fault = ben.fault(&undelete, json!({"name": "products/in-shut", "validate_only": dry})).await;
            assert_eq!(fault.code(), tonic::Code::PermissionDenied);
        }
        assert_eq!(fixture.anonymous().fault(&undelete, name.clone()).await.code(), tonic::Code::Unauthenticated);
        let dry = json!({"name": "products/in-shut", "validate_only": true});
        assert!(ann.ok(&undelete, dry).await.get("delete_time").is_none());
        assert!(ann.ok(&undelete, name.clone()).await.get("delete_time").is_none());
        // Deleted by ann herself in a commit that makes it hers to delete, and not brought back when it no longer is.
        done_by(&ann, json!([change_store("shut", &json!({"motto": "m"})), {"delete_product": {"name": "products/in-shut"}}])).await;
        system.ok(&method("Update", "Store"), branch_of("")).await;
        assert_eq!(ann.fault(&undelete, name).await.code(), tonic::Code::PermissionDenied);
    }
}

async fn done_by(caller: &Caller<'_>, writes: Json) {
    caller.ok(COMMIT, json!({"writes": writes})).await;
}
